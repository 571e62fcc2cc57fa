"""Reads law files into leaves; every fault of a file is noted with its line, none stops the rest.

One file is one leaf; its path is the file's place below the values folder, without the ending.
A file whose name begins with `_` describes the folder: `cn/_jurisdiction.yaml`.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypedDict, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from entrepot.goods.texts import LANGUAGES
from entrepot.law.leaves import (
    MARKS,
    SELECTORS,
    STATUSES,
    DatedValue,
    Jurisdiction,
    Leaf,
    Row,
    ScalarLeaf,
    Source,
    TableLeaf,
)
from entrepot.law.located import Located, Report, read_yaml
from entrepot.law.units import Exact, day, parse, unit

__all__ = ["JURISDICTION_FILE", "RESERVED", "read_jurisdiction", "read_leaf"]

JURISDICTION_FILE = "_jurisdiction.yaml"
RESERVED = ("from", "until", "status", "mark", "unconfirmed", "source", "checked_on", "note")
"""Columns every table has; a file may not use these names for its own."""
Fields = Mapping[str, Located]
WHEN = {"from", "status", "mark", "source", "checked_on"}
LEAF = {"title", "selected_by"}
TABLE = LEAF | {"table", "key", "columns", "complete", "blocks"}
SOURCE = ("doc", "article", "url", "note")
T = TypeVar("T")


class _When(TypedDict):
    """The fields dated values and rows share, checked."""

    from_: dt.date
    until: dt.date | None
    status: str
    mark: str
    source: Source
    checked_on: dt.date
    note: str | None


def read_leaf(file: Path, path: str, report: Report) -> Leaf | None:
    """The leaf in a file; faults go to the report, and None is returned where no leaf can be made."""
    fields = _top(file, report)
    if fields is None:
        return None
    before = len(report.problems)
    table = fields.get("table")
    leaf = _table(fields, path, report) if table and table.text == "true" else _scalar(fields, path, report)
    return leaf if len(report.problems) == before else None


def read_jurisdiction(file: Path, code: str, report: Report) -> Jurisdiction | None:
    """The jurisdiction a folder's `_jurisdiction.yaml` describes: title and time zone."""
    fields = _top(file, report)
    if fields is None or not _complete(fields, {"title", "time_zone"}, set(), 1, report):
        return None
    zone = fields["time_zone"]
    try:
        ZoneInfo(zone.text or "")
    except (ZoneInfoNotFoundError, ValueError):
        report.add(zone.line, f"time zone {zone.value!r} is not known; write one of the IANA list, as Asia/Shanghai")
    return Jurisdiction(code, _title(fields, report), zone.text or "")


def _top(file: Path, report: Report) -> Fields | None:
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        report.add(1, "the file is not UTF-8")
        return None
    root = read_yaml(text, report)
    if root is None:
        return None
    if root.mapping is None:
        report.add(root.line, "a law file is a mapping of fields")
        return None
    return root.mapping


def _complete(fields: Fields, required: set[str], optional: set[str], line: int, report: Report) -> bool:
    missing = sorted(required - {name for name, item in fields.items() if item.value is not None})
    for name in missing:
        report.add(fields[name].line if name in fields else line, f"{name} is missing")
    for name in sorted(fields.keys() - required - optional):
        report.add(fields[name].line, f"field {name!r} is not known; allowed: {', '.join(sorted(required | optional))}")
    return not missing


def _made(item: Located, make: Callable[[str], T], name: str, report: Report) -> T | None:
    """What `make` makes of a scalar, or None with its ValueError noted."""
    if item.text is None:
        report.add(item.line, f"{name} must be a single value")
        return None
    try:
        return make(item.text)
    except ValueError as error:
        report.add(item.line, f"{name}: {error}")
        return None


def _one_of(item: Located, allowed: Sequence[str], name: str, report: Report) -> str:
    if item.text not in allowed:
        report.add(item.line, f"{name} {item.text or item.value!r} is not known; allowed: {', '.join(allowed)}")
    return item.text or ""


def _title(fields: Fields, report: Report) -> dict[str, str]:
    item = fields["title"]
    words = item.mapping or {}
    for language in LANGUAGES:
        if language not in words or not words[language].text:
            report.add(item.line, f"title has no {language!r}: give it in {' and '.join(LANGUAGES)}")
    for language in sorted(words.keys() - set(LANGUAGES)):
        report.add(words[language].line, f"title in {language!r} is not kept; allowed: {', '.join(LANGUAGES)}")
    return {language: words[language].text or "" for language in LANGUAGES if language in words}


def _text(fields: Fields, name: str, report: Report) -> str | None:
    item = fields.get(name)
    return _made(item, str, name, report) if item is not None and item.value is not None else None


def _unit_name(item: Located, name: str, report: Report) -> str | None:
    found = _made(item, unit, name, report)
    return found.name if found else None


def _scalar(fields: Fields, path: str, report: Report) -> ScalarLeaf | None:
    if not _complete(fields, LEAF | {"unit", "values"}, {"note"}, 1, report):
        return None
    unit_name = _unit_name(fields["unit"], "unit", report)
    title, selector = _title(fields, report), _one_of(fields["selected_by"], SELECTORS, "selected_by", report)
    items = fields["values"].items
    if items is None:
        report.add(fields["values"].line, "values must be a list of dated values")
    if items is None or unit_name is None:
        return None
    values = [(item.line, _value(item, path, unit_name, report)) for item in items]
    whole = [(line, value) for line, value in values if value is not None]
    _check_order(whole, "", report)
    return ScalarLeaf(path=path, title=title, selected_by=selector, note=_text(fields, "note", report),
                      unit=unit_name, values=tuple(value for _, value in whole))


def _value(item: Located, path: str, unit_name: str, report: Report) -> DatedValue | None:
    fields = item.mapping
    if fields is None:
        report.add(item.line, "a dated value is a mapping of from, value, status, mark, source, checked_on")
        return None
    if not _complete(fields, WHEN | {"value"}, {"until", "note", "unit"}, item.line, report):
        return None
    own = fields.get("unit")
    if own is not None and own.text != unit_name:
        report.add(own.line, f"unit {own.text!r} differs from the leaf's unit {unit_name!r}")
    given = fields["value"]
    value = _made(given, lambda text: parse(text, unit_name, quoted=given.quoted), "value", report)
    when = _when(fields, report)
    return None if value is None or when is None else DatedValue(path=path, unit=unit_name, value=value, **when)


def _when(fields: Fields, report: Report) -> _When | None:
    before = len(report.problems)
    begins, until = _made(fields["from"], day, "from", report), None
    if "until" in fields and fields["until"].value is not None:
        until = _made(fields["until"], day, "until", report)
    if begins and until and until <= begins:
        report.add(fields["until"].line, f"until {until} does not come after from {begins}")
    status, mark = _one_of(fields["status"], STATUSES, "status", report), _one_of(fields["mark"], MARKS, "mark", report)
    if mark == "?" and status == "in_force":
        report.add(fields["status"].line, "a value with mark ? is not in force for us: its status is unconfirmed")
    checked, source = _made(fields["checked_on"], day, "checked_on", report), _source(fields["source"], report)
    note = _text(fields, "note", report)
    if len(report.problems) > before or begins is None or checked is None or source is None:
        return None
    return {"from_": begins, "until": until, "status": status, "mark": mark, "source": source,
            "checked_on": checked, "note": note}


def _source(item: Located, report: Report) -> Source | None:
    fields = item.mapping
    if fields is None:
        report.add(item.line, "source must be a mapping with doc, and where known article, url, note")
        return None
    if not _complete(fields, {"doc"}, set(SOURCE), item.line, report):
        return None
    doc, article, url, note = (_text(fields, name, report) for name in SOURCE)
    return Source(doc or "", article, url, note)


def _check_order(values: Sequence[tuple[int, DatedValue | Row]], of: str, report: Report) -> None:
    """Values in date order, none beginning before the one above it ends."""
    for (_, before), (line, after) in pairwise(values):
        if after.from_ < before.from_:
            report.add(line, f"unordered dates{of}: from {after.from_} stands after from {before.from_}")
        elif before.until is None or before.until > after.from_:
            until = before.until or "open"
            report.add(line, f"overlapping dates{of}: from {after.from_}, but the one before holds until {until}")


def _table(fields: Fields, path: str, report: Report) -> TableLeaf | None:
    if not _complete(fields, TABLE, {"note", "why_empty"}, 1, report):
        return None
    title, selector = _title(fields, report), _one_of(fields["selected_by"], SELECTORS, "selected_by", report)
    complete = _one_of(fields["complete"], ("true", "false"), "complete", report) == "true"
    columns, why_empty = _columns(fields["columns"], report), _text(fields, "why_empty", report)
    key = tuple(item.text or "" for item in fields["key"].items or [])
    if not key or not set(key) <= columns.keys():
        report.add(fields["key"].line, f"key must be a list of columns, of {', '.join(columns)}")
        return None
    blocks = fields["blocks"].items
    if blocks is None:
        report.add(fields["blocks"].line, "blocks must be a list of blocks of rows")
        return None
    if bool(blocks) == (why_empty is not None):
        where = fields["why_empty"] if why_empty is not None else fields["blocks"]
        report.add(where.line, "an empty table, and only an empty one, says why_empty")
    rows = [row for block in blocks for row in _block(block, columns, key, report)]
    leaf = TableLeaf(path=path, title=title, selected_by=selector, note=_text(fields, "note", report), key=key,
                     columns=columns, complete=complete, rows=tuple(row for _, row in rows), why_empty=why_empty)
    _check_keys(leaf, rows, report)
    return leaf


def _columns(item: Located, report: Report) -> dict[str, str]:
    if not item.mapping:
        report.add(item.line, "columns must map each column to its unit")
        return {}
    for name in item.mapping.keys() & set(RESERVED):
        report.add(item.mapping[name].line, f"column {name!r} is a name every table has already")
    return {name: _unit_name(given, f"unit of column {name}", report) or "text" for name, given in item.mapping.items()}


def _block(item: Located, columns: Mapping[str, str], key: Sequence[str], report: Report) -> list[tuple[int, Row]]:
    fields = item.mapping
    if fields is None:
        report.add(item.line, "a block is a mapping of from, status, mark, source, checked_on, rows")
        return []
    if not _complete(fields, WHEN | {"rows"}, {"until", "note"}, item.line, report):
        return []
    when = _when(fields, report)
    made = [(row.line, _cells(row, columns, key, report)) for row in fields["rows"].items or []]
    if not made:
        report.add(fields["rows"].line, "rows must be a list of at least one row")
    return [(line, Row(cells=cells, **when)) for line, cells in made if cells is not None and when]


def _cells(
    row: Located, columns: Mapping[str, str], key: Sequence[str], report: Report
) -> tuple[Exact | None, ...] | None:
    """The cells of a row given as a list in column order, or as a mapping."""
    before = len(report.problems)
    given = row.items
    if row.mapping is not None and _complete(row.mapping, set(key), set(columns), row.line, report):
        given = [row.mapping.get(name, Located(None, row.line)) for name in columns]
    if given is None or len(given) != len(columns):
        report.add(row.line, f"a row has {len(columns)} cells: {', '.join(columns)}")
        return None
    cells = [_cell(item, name, unit_name, name in key, report)
             for item, (name, unit_name) in zip(given, columns.items(), strict=True)]
    return tuple(cells) if len(report.problems) == before else None


def _cell(item: Located, name: str, unit_name: str, in_key: bool, report: Report) -> Exact | None:
    if item.value is None and not in_key:
        return None
    return _made(item, lambda text: parse(text, unit_name, quoted=item.quoted), name, report)


def _check_keys(leaf: TableLeaf, rows: Sequence[tuple[int, Row]], report: Report) -> None:
    by_key: dict[tuple[Exact | None, ...], list[tuple[int, DatedValue | Row]]] = {}
    for line, row in rows:
        by_key.setdefault(leaf.key_of(row), []).append((line, row))
    for key, dated in by_key.items():
        _check_order(dated, f" for {'/'.join(map(str, key))}", report)


