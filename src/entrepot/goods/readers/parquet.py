"""Parquet: streamed piece by piece, column types kept."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.goods.errors import InputError
from entrepot.goods.readers.frames import with_bookkeeping
from entrepot.goods.texts import told

__all__ = ["read_parquet"]


def read_parquet(path: Path, batch_rows: int) -> Iterator[pl.DataFrame]:
    """Frames with the file's own types; nested columns and those starting with `_` are left out.

    Memory holds one row group and a few pieces of it. Raises InputError for a file that is cut off or damaged,
    saying where.
    """
    row = 1
    try:
        with pq.ParquetFile(path) as source:
            for piece in source.iter_batches(batch_rows, columns=_readable(source.schema_arrow)):
                frame = _frame(pa.Table.from_batches([piece]))
                yield with_bookkeeping(frame, row)
                row += frame.height
    except (pa.ArrowException, OSError) as cause:
        text_id = "file.parquet-nothing" if row == 1 else "file.parquet-damaged"
        raise told(InputError, text_id, file=path.name, row=row - 1, reason=_short(cause)) from cause


def _short(cause: BaseException) -> str:
    return " ".join(str(cause).split())[:160]


def _readable(schema: pa.Schema) -> list[str]:
    return [column.name for column in schema if not pa.types.is_nested(column.type) and not column.name.startswith("_")]


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    if not isinstance(frame, pl.DataFrame):
        raise InputError("the Parquet file holds no table")
    packed = [name for name, dtype in frame.schema.items() if dtype in (pl.Categorical, pl.Enum)]
    return frame.with_columns(pl.col(packed).cast(pl.String)) if packed else frame
