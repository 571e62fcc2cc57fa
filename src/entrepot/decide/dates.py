"""Which date of a line selects a value of the law: it is said by the law's own leaf, not by the code that reads it."""

import polars as pl

from entrepot.goods.errors import CallError
from entrepot.law import Law

__all__ = ["DATE_COLUMNS", "in_force", "unconfirmed"]

DATE_COLUMNS = {"declaration": "declared_on", "export": "exported_on"}
"""The date a leaf is selected by (`selected_by`) to the column that holds it."""


def in_force(law: Law, path: str) -> pl.Expr:
    """The value of a leaf on the date of each row that selects it; null where there is none."""
    return law.on(path, _column(law, path))


def unconfirmed(law: Law, path: str) -> pl.Expr:
    """True where the value in force is unconfirmed."""
    return law.unconfirmed(path, _column(law, path))


def _column(law: Law, path: str) -> str:
    selector = law.leaf(path).selected_by
    if selector not in DATE_COLUMNS:
        raise CallError(f"{path} is selected by the date of {selector}, which lines do not carry; known: {', '.join(DATE_COLUMNS)}")
    return DATE_COLUMNS[selector]
