"""Rows a user adds to a table for one run; they win over shipped rows of the same key on their days."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from entrepot.law.errors import LawError
from entrepot.law.leaves import MARKS, STATUSES, Row, Source, TableLeaf
from entrepot.law.reading import RESERVED
from entrepot.law.units import Exact, day, parse, unit

__all__ = ["with_rows"]

DEFAULTS = {"status": "in_force", "mark": "K", "until": None, "checked_on": None, "note": None}
NEEDED = ("from", "source")


def with_rows(leaf: TableLeaf, rows: Iterable[Mapping[str, Any]]) -> TableLeaf:
    """The leaf with further rows; shipped rows of the same key are cut back to the days the new ones leave free."""
    made: list[Row] = []
    problems = []
    for number, given in enumerate(rows, start=1):
        try:
            made.append(_row(leaf, given))
        except (ValueError, TypeError) as error:
            problems.append(f"{leaf.path} row {number}: {error}")
    problems += _overlaps(leaf, made)
    if problems:
        raise LawError("\n".join([f"{len(problems)} problems in the rows given for {leaf.path}:", *problems]), problems)
    new: dict[tuple[Exact | None, ...], list[Row]] = {}
    for row in made:
        new.setdefault(leaf.key_of(row), []).append(row)
    kept = [piece for row in leaf.rows for piece in _left_free(row, new.get(leaf.key_of(row), []))]
    return replace(leaf, rows=(*kept, *made), why_empty=None if made or kept else leaf.why_empty)


def _row(leaf: TableLeaf, given: Mapping[str, Any]) -> Row:
    unknown = sorted(given.keys() - set(leaf.columns) - set(RESERVED))
    missing = [name for name in (*leaf.key, *NEEDED) if given.get(name) is None]
    if unknown or missing:
        wrong = [f"{name} is missing" for name in missing] + [f"{name} is not known" for name in unknown]
        raise ValueError("; ".join(wrong))
    cells = tuple(_cell(given.get(name), of, name) for name, of in leaf.columns.items())
    said = {**DEFAULTS, **{name: value for name, value in given.items() if name in RESERVED and value is not None}}
    begins, until, checked = (_day(said[name], name) for name in ("from", "until", "checked_on"))
    if said["status"] not in STATUSES or said["mark"] not in MARKS:
        raise ValueError(f"status is one of {', '.join(STATUSES)} and mark one of {', '.join(MARKS)}")
    if begins is None or (until is not None and until <= begins):
        raise ValueError(f"until {until} does not come after from {begins}")
    source = said["source"]
    return Row(cells=cells, from_=begins, until=until, status=said["status"], mark=said["mark"], checked_on=checked,
               source=Source(**source) if isinstance(source, Mapping) else Source(str(source)), note=said["note"])


def _cell(value: Any, of: str, name: str) -> Exact | None:
    """Text is read in the column's unit; an exact value is taken as it is."""
    if value is None:
        return None
    try:
        if isinstance(value, str):
            return parse(value, of)
        fits = {"number": int, "bool": bool, "date": dt.date}.get(unit(of).kind)
        if fits is None or not isinstance(value, fits) or (isinstance(value, bool) and fits is not bool):
            raise ValueError(f"{value!r} is no exact value of unit {of!r}: give text")
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return value if isinstance(value, bool | int | dt.date) else None


def _day(value: Any, name: str) -> dt.date | None:
    if value is None or (isinstance(value, dt.date) and not isinstance(value, dt.datetime)):
        return value
    try:
        return day(str(value))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _overlaps(leaf: TableLeaf, made: Sequence[Row]) -> list[str]:
    ordered = sorted(made, key=lambda row: ([str(cell) for cell in leaf.key_of(row)], row.from_))
    return [f"{leaf.path}: two rows for {'/'.join(map(str, leaf.key_of(row)))} hold on {following.from_}"
            for row, following in pairwise(ordered)
            if leaf.key_of(row) == leaf.key_of(following) and row.holds(following.from_)]


def _left_free(row: Row, taken: Sequence[Row]) -> list[Row]:
    """The parts of a row's days that none of the taken rows hold on."""
    pieces = [row]
    for other in taken:
        pieces = [part for piece in pieces for part in _without(piece, other)]
    return pieces


def _without(row: Row, other: Row) -> list[Row]:
    if (other.until and other.until <= row.from_) or (row.until and row.until <= other.from_):
        return [row]
    before = [replace(row, until=other.from_)] if row.from_ < other.from_ else []
    rest = other.until is not None and (row.until is None or other.until < row.until)
    return [*before, replace(row, from_=other.until)] if rest and other.until else before
