"""Tables that only grow: the database itself refuses to change or delete their rows.

The triggers are put in place after every `migrate` rather than by one migration: SQLite drops a table's triggers
whenever a later migration makes the table anew. `post_migrate` is one of the two places where the desk uses a signal.
"""

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["TABLES", "guard_tables", "lift_guards"]

TABLES = (
    "audit_auditentry", "consignments_lineevent", "inspection_answer", "inspection_evidence", "inspection_onlinesession",
)  # fmt: skip
CHANGES = ("UPDATE", "DELETE")
FUNCTION = """
CREATE OR REPLACE FUNCTION entrepot_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% only grows: % is refused', TG_TABLE_NAME, TG_OP; END $$
"""


def guard_tables(using: str = "default", **_: Any) -> None:
    """Put the triggers on every table that is there; harmless when they are there already."""
    connection = connections[using]
    present = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for table in TABLES:
            if table in present:
                for statement in _on(connection, table):
                    cursor.execute(statement)


def lift_guards(using: str = "default") -> None:
    """Take the triggers away until the next `migrate`: for tests that tamper, and for emptying a test database."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for table in TABLES:
            for statement in _off(connection, table):
                cursor.execute(statement)


def _on(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    if connection.vendor == "sqlite":
        return [
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_{change.lower()} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} only grows: {change} is refused'); END"
            for change in CHANGES
        ]
    changes = " OR ".join((*CHANGES, "TRUNCATE"))
    made = f"CREATE TRIGGER {table}_append_only BEFORE {changes} ON {table} EXECUTE FUNCTION entrepot_append_only()"
    return [FUNCTION, *_off(connection, table), made]


def _off(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    if connection.vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {table}_no_{change.lower()}" for change in CHANGES]
    return [f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}"]
