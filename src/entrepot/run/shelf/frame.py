"""Rows of a batch as columns again."""

from collections.abc import Sequence

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.run.shelf.columns import LISTED
from entrepot.run.shelf.view import View

__all__ = ["cut", "frame"]


def frame(view: View, rows: pa.Array, columns: Sequence[str]) -> pl.DataFrame:
    """Some rows with some columns of `PAGE_COLUMNS`; a list is one text, its parts with spaces between."""
    return pl.DataFrame([_series(view, rows, name).alias(name) for name in columns])


def _series(view: View, rows: pa.Array, name: str) -> pl.Series:
    if name == "row_id":
        return pl.Series(rows).cast(pl.Int64)
    if name == "batch":
        return pl.repeat(view.batch, len(rows), dtype=pl.String, eager=True)
    column = view.column(name)
    codes = cut(column.codes, rows)
    if pa.types.is_integer(column.array.type):
        return pl.Series(pc.take(column.nullable, codes, boundscheck=False))
    null = pc.equal(codes, pa.scalar(len(column.array), codes.type))
    values = pl.Series(column.array.take(pc.if_else(null, pa.scalar(None, codes.type), codes)))
    return values.str.replace_all("\n", " ", literal=True) if name in LISTED and LISTED[name].kind == "list" else values


def cut(codes: pa.Array, rows: pa.Array) -> pa.Array:
    """The codes of some ascending rows; those of rows without a gap are not copied."""
    count = len(rows)
    first = rows[0].as_py() if count else 0
    if count and rows[-1].as_py() - first == count - 1:
        return codes.slice(first, count)
    return pc.take(codes, rows, boundscheck=False)
