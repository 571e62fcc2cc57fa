"""JSON Lines: one object a line; a line that is none is a problem row."""

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from entrepot.goods.errors import InputError
from entrepot.goods.mapping import Mapping
from entrepot.goods.readers.frames import MAX_RECORD, RAW_SHOWN, faulty, with_bookkeeping
from entrepot.goods.readers.text import encoding_of, lines_aligned, sample_of, utf8_chunks
from entrepot.goods.texts import told

__all__ = ["read_json_lines"]

HEAD_LINES = 10_000
"""Lines whose keys make the columns; a key first seen later is read only if the mapping or the schema names it."""


def read_json_lines(path: Path, mapping: Mapping, wanted: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    """Frames of text columns from a JSON Lines file; numbers keep their value, `wanted` keys are always columns.

    Raises InputError when no line at the start of the file is an object.
    """
    encoding = encoding_of(path, mapping.encoding)
    columns = _columns(path, sample_of(path, encoding), wanted)
    row = 1
    for block in lines_aligned(utf8_chunks(path, encoding)):
        frame = _frame(block, columns)
        if frame.height:
            yield frame.with_columns(pl.col("_row") + (row - 1))
            row += int(frame["_row"][-1])


def _columns(path: Path, sample: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
    keys: dict[str, None] = {}
    objects = (_loaded(line) for line in sample.split("\n", HEAD_LINES)[:HEAD_LINES] if line.strip())
    for loaded in objects:
        if isinstance(loaded, dict):
            keys.update(dict.fromkeys(str(key) for key in loaded))
    if not keys:
        raise told(InputError, "file.no-json", file=path.name)
    return tuple(keys | dict.fromkeys(name for name in wanted if name not in keys))


def _loaded(line: str) -> object:
    try:
        return json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _frame(block: bytes, columns: tuple[str, ...]) -> pl.DataFrame:
    """Polars reads a clean block; one with any bad line is read line by line."""
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    suspicious = b"\0" in block or b"\n\n" in block or b"\n\r\n" in block or b":[" in block or b": [" in block
    if not suspicious and b":{" not in block and b": {" not in block:
        try:
            frame = pl.read_ndjson(block, schema=dict.fromkeys(columns, pl.String))
            if frame.height == lines:
                return with_bookkeeping(frame, 1)
        except PolarsError:
            pass
    return _line_by_line(block.decode("utf-8", "replace"), columns)


def _line_by_line(text: str, columns: tuple[str, ...]) -> pl.DataFrame:
    lines = [line for line in text.split("\n") if line.strip()]
    loaded = [_loaded(line) if len(line.encode()) <= MAX_RECORD else None for line in lines]
    good = [(number, entry) for number, entry in enumerate(loaded, start=1) if isinstance(entry, dict)]
    cells = {name: [_text(entry.get(name)) for _, entry in good] for name in columns}
    frame = with_bookkeeping(pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.String)), 1)
    frame = frame.with_columns(pl.Series("_row", [number for number, _ in good], dtype=pl.Int64))
    bad = [
        _fault(number, line) for number, line in enumerate(lines, start=1) if not isinstance(loaded[number - 1], dict)
    ]
    return pl.concat([frame, faulty(columns, bad)]).sort("_row") if bad else frame


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return NESTED + json.dumps(value, ensure_ascii=False)[:200]


NESTED = "\ufdd0"
"""Starts the text of a list or object, which no field may be; a code point no file may use (a noncharacter)."""


def _fault(number: int, line: str) -> dict[str, object]:
    size = len(line.encode())
    big = size > MAX_RECORD
    return {
        "_row": number,
        "_fault": "goods.field-too-big" if big else "goods.not-json",
        "_given": f"{size} bytes" if big else "",
        "_allowed": f"≤ {MAX_RECORD} bytes" if big else "",
        "_raw": line[:RAW_SHOWN],
    }
