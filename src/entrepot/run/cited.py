"""The law as it stood on the day of a row, in the words an explanation cites it with."""

from collections.abc import Mapping
from typing import Any

from entrepot.law import Law, LawTable, show_value
from entrepot.law.leaves import ScalarLeaf

__all__ = ["cited"]


def cited(law: Law, path: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A leaf as it stood on the day (`declared_on`) of a row: value, dates, status and source; of a table the row that was
    met by the code, currency, mode or district of the row. `value` is None where there is none."""
    leaf = law.leaf(path)
    found: dict[str, Any] = {"path": path, "title": dict(leaf.title), "value": None}
    if isinstance(leaf, ScalarLeaf):
        value = law.value(path, row["declared_on"])
        return found if value is None else found | {
            "value": value.text, "unit": leaf.unit, "from": str(value.from_),
            "until": str(value.until) if value.until else None, "status": value.status, "mark": value.mark,
            "source": str(value.source),
        }  # fmt: skip
    met = _row_met(law.table(path), row)
    return found if met is None else found | {
        "value": _cells(law.table(path), met), "unit": "", "from": str(met["from"]),
        "until": str(met["until"]) if met["until"] else None, "status": met["status"], "mark": met["mark"],
        "source": met["source"],
    }  # fmt: skip


def _row_met(table: LawTable, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The row of a table in force on the day for the code, currency, mode or district of a row; None when there is none."""
    name = table.key[0]
    given = {**row, "hs_prefix": row.get("hs_code"), "district": (row.get("customs_district") or "")[:2] + "00"}.get(name)
    if given is None or len(table.key) > 1:
        return None
    prefix = name if name.startswith("hs_") else None
    place = table.longest((given,), row["declared_on"], prefix)
    return None if place is None else table.frame.row(place, named=True)


def _cells(table: LawTable, met: Mapping[str, Any]) -> str:
    """The cells of a row as a person writes them."""
    shown = {name: show_value(met[name], unit) for name, unit in table.columns.items() if met[name] is not None}
    return ", ".join(f"{name} {value}" for name, value in shown.items())
