"""Lines as a file to take away: CSV that opens safely in a spreadsheet, or Parquet."""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.goods.errors import CallError, WorldError
from entrepot.goods.problems import escape_formulas
from entrepot.run.shelf.columns import PAGE_COLUMNS
from entrepot.run.shelf.frame import frame
from entrepot.run.shelf.view import View

__all__ = ["EXPORTED", "EXPORT_PIECE", "write_rows"]

EXPORT_PIECE = 2**17
"""Out of so many rows at a time lines are written."""
EXPORTED = tuple(name for name in PAGE_COLUMNS if name != "buyer_key")
"""Columns of a file; a buyer's key stays in the house."""
KINDS = (".csv", ".parquet")
OLDEST = pl.CompatLevel.oldest()


def write_rows(path: Path, columns: Sequence[str], found: Iterable[tuple[View, pa.Array]]) -> int:
    """Write some columns of rows to a file, beside and renamed; returns how many rows. Errors as `Shelf.export`."""
    strange = [name for name in columns if name not in EXPORTED]
    if strange or not columns:
        raise CallError(f"no column {(strange or [''])[0][:60]!r} to export: use {', '.join(EXPORTED)}")
    if path.suffix not in KINDS:
        raise CallError(f"{path.name[-40:]!r} is no kind of file to export to: use {' or '.join(KINDS)}")
    frames = (frame(view, rows, columns) for view, rows in found)
    write = _write_csv if path.suffix == ".csv" else _write_parquet
    with _beside(path) as target:
        return write(target, frames, columns)


@contextmanager
def _beside(path: Path) -> Iterator[BinaryIO]:
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as target:
            yield target
        os.replace(beside, path)
    except (OSError, pl.exceptions.ComputeError) as error:
        beside.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or os.strerror(errno.EIO)
        raise WorldError(f"cannot write {path}: {reason}", retryable=True) from error
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _empty(columns: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))


def _write_csv(target: BinaryIO, frames: Iterable[pl.DataFrame], columns: Sequence[str]) -> int:
    _empty(columns).write_csv(target, include_bom=True)
    written = 0
    for part in frames:
        escape_formulas(part).write_csv(target, include_header=False)
        written += part.height
    return written


def _write_parquet(target: BinaryIO, frames: Iterable[pl.DataFrame], columns: Sequence[str]) -> int:
    writer, written = None, 0
    for part in frames:
        table = part.to_arrow(compat_level=OLDEST)
        writer = writer or pq.ParquetWriter(target, table.schema, compression="zstd")
        writer.write_table(table)
        written += part.height
    if writer is None:
        _empty(columns).write_parquet(target)
    else:
        writer.close()
    return written
