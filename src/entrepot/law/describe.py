"""Law as plain mappings of text, for the command line, the API and explanations."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from entrepot.law.changes import Change
from entrepot.law.errors import LawError
from entrepot.law.leaves import DatedValue, Leaf, Row, ScalarLeaf, TableLeaf
from entrepot.law.units import show

__all__ = ["describe_change", "describe_dated", "describe_leaf", "summarise_leaf"]

SOURCE = ("doc", "article", "url", "note")


def _day(day: dt.date | None) -> str | None:
    return day.isoformat() if day else None


def describe_dated(dated: DatedValue | Row, leaf: Leaf) -> dict[str, Any]:
    """A value or row with its dates, status, mark and source; amounts as a person writes them."""
    source = {name: getattr(dated.source, name) for name in SOURCE if getattr(dated.source, name)}
    return {"from": _day(dated.from_), "until": _day(dated.until), **_said(dated, leaf), "status": dated.status,
            "mark": dated.mark, "source": source, "checked_on": _day(dated.checked_on), "note": dated.note}


def _said(dated: DatedValue | Row, leaf: Leaf) -> dict[str, Any]:
    if isinstance(dated, DatedValue):
        return {"value": dated.text, "unit": dated.unit}
    if not isinstance(leaf, TableLeaf):
        raise LawError(f"{leaf.path} is no table and has no rows")
    cells = zip(leaf.columns.items(), dated.cells, strict=True)
    return {"row": {name: None if cell is None else show(cell, unit) for (name, unit), cell in cells}}


def _dated_of(leaf: Leaf) -> Sequence[DatedValue | Row]:
    """The values or rows of a leaf, rows sorted by date and key."""
    if isinstance(leaf, TableLeaf):
        return sorted(leaf.rows, key=lambda row: (row.from_, [str(cell) for cell in leaf.key_of(row)]))
    return leaf.values if isinstance(leaf, ScalarLeaf) else ()


def describe_leaf(leaf: Leaf, on: dt.date | None = None) -> dict[str, Any]:
    """A leaf with all its values or rows, or only with those results may use on one day."""
    dated = [one for one in _dated_of(leaf) if on is None or (one.holds(on) and one.computable)]
    said: dict[str, Any] = {"path": leaf.path, "title": dict(leaf.title), "selected_by": leaf.selected_by,
                            "note": leaf.note, "on": _day(on)}
    if isinstance(leaf, TableLeaf):
        said |= {"key": list(leaf.key), "columns": dict(leaf.columns), "complete": leaf.complete,
                 "why_empty": leaf.why_empty}
    elif isinstance(leaf, ScalarLeaf):
        said |= {"unit": leaf.unit}
    name = "rows" if isinstance(leaf, TableLeaf) else "values"
    return said | {name: [describe_dated(one, leaf) for one in dated]}


def summarise_leaf(leaf: Leaf) -> dict[str, Any]:
    """One line about a leaf: how many values, how many of them unconfirmed, the last day something begins."""
    dated = _dated_of(leaf)
    unit = leaf.unit if isinstance(leaf, ScalarLeaf) else "table"
    return {"path": leaf.path, "title": dict(leaf.title), "unit": unit,
            "values": len(dated), "unconfirmed": sum(one.unconfirmed for one in dated),
            "last_from": _day(max((one.from_ for one in dated), default=None))}


def describe_change(change: Change, leaf: Leaf) -> dict[str, Any]:
    """A difference between two days; None where nothing held."""
    before, after = (describe_dated(one, leaf) if one else None for one in (change.before, change.after))
    return {"path": change.path, "key": change.key, "before": before, "after": after}
