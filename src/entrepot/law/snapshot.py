"""Law as canonical bytes: the same leaves give the same bytes whatever the files looked like.

Canonical: JSON in UTF-8, keys sorted, no spaces; values in their exact representation, rows grouped by what they
share and sorted; file order, comments, quotes and layout leave no trace. The law's hash is SHA-256 of these bytes.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from entrepot.law.errors import LawError
from entrepot.law.leaves import DatedValue, Jurisdiction, Leaf, Row, ScalarLeaf, Source, TableLeaf
from entrepot.law.units import Exact

__all__ = ["from_bytes", "to_bytes"]

FORMAT = 1
SOURCE = ("doc", "article", "url", "note")


def to_bytes(leaves: Mapping[str, Leaf], jurisdictions: Mapping[str, Jurisdiction]) -> bytes:
    """The canonical bytes of a law."""
    return _canonical({
        "format": FORMAT,
        "jurisdictions": {code: {"title": dict(one.title), "time_zone": one.time_zone}
                          for code, one in jurisdictions.items()},
        "leaves": {path: _leaf(leaf) for path, leaf in leaves.items()},
    }).encode()


def from_bytes(data: bytes) -> tuple[dict[str, Leaf], dict[str, Jurisdiction]]:
    """The leaves and jurisdictions of a snapshot; LawError when the bytes are none."""
    try:
        read = json.loads(data)
        if read["format"] != FORMAT:
            raise LawError(f"law snapshot of format {read['format']}: this version reads format {FORMAT}")
        leaves = {path: _read_leaf(path, leaf) for path, leaf in read["leaves"].items()}
        zones = {code: Jurisdiction(code, **one) for code, one in read["jurisdictions"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LawError(f"these bytes are no law snapshot ({error}): use what Law.snapshot() gave") from error
    return leaves, zones


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _plain(value: Exact | None) -> object:
    return value.isoformat() if isinstance(value, dt.date) else value


def _leaf(leaf: Leaf) -> dict[str, Any]:
    said = {"title": dict(leaf.title), "selected_by": leaf.selected_by, "note": leaf.note}
    if isinstance(leaf, ScalarLeaf):
        values = [_when(value) | {"value": _plain(value.value)} for value in leaf.values]
        return said | {"unit": leaf.unit, "values": values}
    assert isinstance(leaf, TableLeaf)
    columns = [[name, unit] for name, unit in leaf.columns.items()]
    return said | {"key": list(leaf.key), "columns": columns, "complete": leaf.complete, "why_empty": leaf.why_empty,
                   "blocks": _blocks(leaf.rows)}


def _when(dated: DatedValue | Row) -> dict[str, Any]:
    source = {name: getattr(dated.source, name) for name in SOURCE if getattr(dated.source, name) is not None}
    return {"from": dated.from_.isoformat(), "until": _plain(dated.until), "status": dated.status, "mark": dated.mark,
            "source": source, "checked_on": _plain(dated.checked_on), "note": dated.note}


def _blocks(rows: Sequence[Row]) -> list[dict[str, Any]]:
    groups: dict[str, tuple[dict[str, Any], list[list[object]]]] = {}
    for row in rows:
        shared = _when(row)
        groups.setdefault(_canonical(shared), (shared, []))[1].append([_plain(cell) for cell in row.cells])
    return [shared | {"rows": sorted(cells, key=_canonical)} for _, (shared, cells) in sorted(groups.items())]


def _day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)


def _exact(value: Any, unit: str) -> Any:
    return dt.date.fromisoformat(value) if unit == "date" and value is not None else value


def _read_when(read: Mapping[str, Any]) -> dict[str, Any]:
    return {"from_": dt.date.fromisoformat(read["from"]), "until": _day(read["until"]), "status": read["status"],
            "mark": read["mark"], "source": Source(**read["source"]), "checked_on": _day(read["checked_on"]),
            "note": read["note"]}


def _read_leaf(path: str, read: Mapping[str, Any]) -> Leaf:
    said = {"path": path, "title": read["title"], "selected_by": read["selected_by"], "note": read["note"]}
    if "values" in read:
        unit = read["unit"]
        values = tuple(DatedValue(path=path, unit=unit, value=_exact(one["value"], unit), **_read_when(one))
                       for one in read["values"])
        return ScalarLeaf(unit=unit, values=values, **said)
    columns = dict(read["columns"])
    rows = tuple(
        Row(cells=tuple(_exact(cell, unit) for cell, unit in zip(cells, columns.values(), strict=True)), **when)
        for block in read["blocks"] for when in [_read_when(block)] for cells in block["rows"])
    return TableLeaf(key=tuple(read["key"]), columns=columns, complete=read["complete"], why_empty=read["why_empty"],
                     rows=rows, **said)
