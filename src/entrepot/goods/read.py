"""Read a file of orders, whatever its format, as a stream of raw batches.

Nothing is interpreted here: columns keep the names and values of the file. `parse` makes lines of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from entrepot.goods.errors import CallError, InputError, WorldError
from entrepot.goods.mapping import LINE_NUMBER, PLAIN, Mapping
from entrepot.goods.readers.delimited import read_delimited
from entrepot.goods.readers.frames import own_columns, rebatch, without_blank_rows
from entrepot.goods.readers.jsonl import read_json_lines
from entrepot.goods.readers.parquet import read_parquet
from entrepot.goods.readers.sheet import read_sheet, sheet_hint
from entrepot.goods.schema import FIELDS
from entrepot.goods.texts import told

__all__ = ["BATCH_ROWS", "RawBatch", "file_kind", "read_batches"]

BATCH_ROWS = 250_000
"""Rows of a batch unless told otherwise; 36 columns of text in such a batch take about 1 GiB on the way to lines."""
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zX": "xz", b"\x28\xb5\x2f\xfd": "zstandard"}


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Some rows of a file as they came.

    `frame` holds the file's columns and the bookkeeping columns of `readers.frames`; `first_row` is the number of
    its first data row; `sources` says which column gives which field.
    """

    source_file: str
    first_row: int
    frame: pl.DataFrame
    sources: dict[str, str] = field(default_factory=dict)


def read_batches(
    path: Path | str,
    mapping: Mapping = PLAIN,
    *,
    batch_rows: int = BATCH_ROWS,
    source_file: str | None = None,
) -> Iterator[RawBatch]:
    """Stream a CSV, XLSX, JSON Lines or Parquet file in batches of `batch_rows` rows; blank rows are passed over.

    The format is told by the content, not by the name. `source_file` is the name shown in problems (the file's
    own by default). The same file and arguments always give the same batches.
    Raises InputError for a file that cannot be used at all, WorldError when it may not be opened, CallError when
    it does not exist.
    """
    path = Path(path)
    if batch_rows < 1:
        raise CallError(f"batch_rows is {batch_rows}; it must be at least 1")
    kind = file_kind(path)
    numbering = _Numbering() if mapping.number_lines_within else None
    sources: dict[str, str] | None = None
    frames = (without_blank_rows(_own(frame)) for frame in _frames(path, kind, mapping, batch_rows))
    seen = False
    try:
        for frame in rebatch(frames, batch_rows):
            if sources is None:
                sources = _resolved(path, frame, mapping, kind)
            if frame.is_empty():
                continue
            numbered = numbering.add(frame, sources["order_id"]) if numbering else frame
            seen = True
            yield RawBatch(source_file or path.name, int(numbered["_row"][0]), numbered, sources)
    except OSError as cause:
        raise WorldError(f"{path}: reading failed: {cause.strerror or cause}", retryable=True) from cause
    if not seen:
        hint = sheet_hint(path, mapping) if kind == "workbook" else ""
        raise told(InputError, "file.no-rows", file=path.name, hint=hint)


def file_kind(path: Path) -> str:
    """The format of a file by its first bytes: parquet, workbook, json or text.

    Raises as `read_batches` for a file that is not there, empty, packed or none of these.
    """
    try:
        with path.open("rb") as source:
            head = source.read(4096)
    except FileNotFoundError as cause:
        raise CallError(f"{path}: there is no such file") from cause
    except IsADirectoryError as cause:
        raise InputError(f"{path}: is a directory; name the files in it") from cause
    except OSError as cause:
        raise WorldError(f"{path}: cannot be opened: {cause.strerror or cause}", retryable=False) from cause
    if not head:
        raise told(InputError, "file.empty", file=path.name)
    return _kind_of(path, head)


def _kind_of(path: Path, head: bytes) -> str:
    packed = next((name for mark, name in PACKED.items() if head.startswith(mark)), None)
    if packed:
        raise told(InputError, "file.packed", file=path.name, packed=packed)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(WORKBOOKS):
        return "workbook"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"["):
        raise told(InputError, "file.json-array", file=path.name)
    return "json" if start.startswith(b"{") or path.suffix.lower() in (".jsonl", ".ndjson") else "text"


def _frames(path: Path, kind: str, mapping: Mapping, batch_rows: int) -> Iterator[pl.DataFrame]:
    if kind == "parquet":
        return read_parquet(path, batch_rows)
    if kind == "workbook":
        return read_sheet(path, mapping)
    if kind == "json":
        return read_json_lines(path, mapping, tuple(mapping.columns.values()) or tuple(FIELDS))
    return read_delimited(path, mapping)


def _own(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out the file's columns that start with `_`: they are ours, from a refused file fed back."""
    ours = [name for name in frame.columns if name.startswith("_") and name not in BOOKKEEPING_NAMES]
    return frame.drop(ours) if ours else frame


BOOKKEEPING_NAMES = ("_row", "_fault", "_given", "_allowed", "_raw")


def _resolved(path: Path, frame: pl.DataFrame, mapping: Mapping, kind: str) -> dict[str, str]:
    columns = own_columns(frame)
    if mapping.number_lines_within:
        columns.append(LINE_NUMBER)
    try:
        return mapping.resolve(columns)
    except InputError as cause:
        hint = sheet_hint(path, mapping) if kind == "workbook" else ""
        raise told(InputError, "file.refused", file=path.name, cause=cause, hint=hint) from cause


class _Numbering:
    """Numbers lines 1, 2, … within each order in file order, also when an order goes on in a later batch.

    Remembers one number per order of the file.
    """

    def __init__(self) -> None:
        self.counts = pl.DataFrame(schema={"key": pl.String, "before": pl.Int64})

    def add(self, frame: pl.DataFrame, order_column: str) -> pl.DataFrame:
        """The frame with the column `_line_no`."""
        keys = frame.select(pl.col(order_column).cast(pl.String).str.strip_chars().alias("key"))
        within = keys.join(self.counts, on="key", how="left", maintain_order="left").select(
            (pl.col("before").fill_null(0) + pl.int_range(1, pl.len() + 1).over("key")).alias(LINE_NUMBER)
        )
        here = keys.drop_nulls().group_by("key").agg(pl.len().cast(pl.Int64).alias("before"))
        self.counts = pl.concat([self.counts, here]).group_by("key").agg(pl.col("before").sum())
        return frame.with_columns(within[LINE_NUMBER])
