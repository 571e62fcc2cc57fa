"""The shape every reader yields: the file's own columns, untouched, and bookkeeping columns starting with `_`.

`_row` is the data row in the file, from 1. A row that is no row (wrong number of fields, not JSON) carries a
problem code in `_fault`, what came in `_given`, what is allowed in `_allowed` and its text in `_raw`.
"""

from collections.abc import Iterable, Iterator

import polars as pl

__all__ = [
    "BOOKKEEPING",
    "MAX_RECORD",
    "RAW_SHOWN",
    "faulty",
    "own_columns",
    "rebatch",
    "with_bookkeeping",
    "without_blank_rows",
]

BOOKKEEPING: dict[str, pl.DataType] = {
    "_row": pl.Int64(),
    "_fault": pl.String(),
    "_given": pl.String(),
    "_allowed": pl.String(),
    "_raw": pl.String(),
}
MAX_RECORD = 1_048_576
"""Largest row read, in bytes; anything bigger is a problem, not an order line."""
RAW_SHOWN = 10_000
"""Characters of a faulty row that are kept for the refused file."""


def own_columns(frame: pl.DataFrame) -> list[str]:
    """The columns of the file itself: those not starting with `_`."""
    return [name for name in frame.columns if not name.startswith("_")]


def with_bookkeeping(frame: pl.DataFrame, first_row: int) -> pl.DataFrame:
    """Number the rows from `first_row` and say that none of them is faulty."""
    rows = pl.int_range(first_row, first_row + pl.len(), dtype=pl.Int64).alias("_row")
    empty = [pl.lit(None, dtype=pl.String).alias(name) for name in BOOKKEEPING if name != "_row"]
    return frame.with_columns(rows, *empty)


def faulty(columns: Iterable[str], rows: list[dict[str, object]]) -> pl.DataFrame:
    """A frame of faulty rows: the file's columns null, the bookkeeping as given."""
    marks = pl.DataFrame(rows, schema=BOOKKEEPING)
    return marks.select(*(pl.lit(None, dtype=pl.String).alias(name) for name in columns), *BOOKKEEPING)


def without_blank_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """Drop rows in which every column of the file is empty; the other rows keep their numbers."""
    columns = own_columns(frame)
    if any(frame[name].null_count() == 0 for name in columns):
        return frame
    blank = pl.all_horizontal(pl.col(name).is_null() for name in columns)
    return frame.filter(~blank | pl.col("_fault").is_not_null())


def rebatch(frames: Iterable[pl.DataFrame], batch_rows: int) -> Iterator[pl.DataFrame]:
    """Cut a stream of frames into frames of exactly `batch_rows` rows (the last may be shorter)."""
    kept: list[pl.DataFrame] = []
    height = 0
    for frame in frames:
        kept.append(frame)
        height += frame.height
        while height >= batch_rows:
            whole = pl.concat(kept, rechunk=len(kept) > 1)
            yield whole[:batch_rows]
            kept, height = [whole[batch_rows:]], height - batch_rows
    if height:
        yield pl.concat(kept)
