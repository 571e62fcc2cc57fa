"""What changed in the law between two days."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from entrepot.law.leaves import DatedValue, Leaf, Row, ScalarLeaf, TableLeaf

__all__ = ["Change", "changes"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: the leaf, the key in a table (empty for a single value), and what held on each day."""

    path: str
    key: str
    before: DatedValue | Row | None
    after: DatedValue | Row | None


def changes(leaves: Mapping[str, Leaf], before: dt.date, after: dt.date) -> list[Change]:
    """Every difference between two days, by path and key; a new status counts, a new source alone does not."""
    found = []
    for path, leaf in leaves.items():
        old, new = _held(leaf, before), _held(leaf, after)
        for key in sorted(old.keys() | new.keys()):
            if _said(old.get(key)) != _said(new.get(key)):
                found.append(Change(path, key, old.get(key), new.get(key)))
    return found


def _held(leaf: Leaf, day: dt.date) -> dict[str, DatedValue | Row]:
    if isinstance(leaf, TableLeaf):
        return {"/".join(map(str, leaf.key_of(row))): row for row in leaf.rows if row.holds(day)}
    held = [value for value in leaf.values if value.holds(day)] if isinstance(leaf, ScalarLeaf) else []
    return {"": held[0]} if held else {}


def _said(dated: DatedValue | Row | None) -> object:
    if dated is None:
        return None
    return (dated.cells if isinstance(dated, Row) else dated.value), dated.status
