"""A batch as it stands now: its shelf, and over it what happened after the batch."""

from bisect import bisect_left
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import polars as pl

from entrepot.goods.errors import CallError
from entrepot.run.shelf.columns import OVERLAID
from entrepot.run.shelf.stored import Column, Stored

__all__ = ["OVERLAY", "UNCHANGED", "View", "changes_of"]

OVERLAY = pl.Schema({"batch": pl.String(), "row_id": pl.Int64(), **{name: pl.String() for name in OVERLAID}})
"""Columns of an overlay: one row for each line whose verdict, lane or state is not what the batch says."""
UNCHANGED = pl.DataFrame(schema=OVERLAY)
OLDEST = pl.CompatLevel.oldest()


def changes_of(overlay: pl.DataFrame | None) -> Mapping[str, pl.DataFrame]:
    """An overlay apart by batch; CallError when it has not the columns of `OVERLAY`."""
    if overlay is None or overlay.is_empty():
        return {}
    absent = [name for name in OVERLAY if name not in overlay.columns]
    if absent:
        raise CallError(f"the overlay has no column {absent[0]}: give {', '.join(OVERLAY)}")
    parts = overlay.select(OVERLAY.names()).cast(OVERLAY).partition_by("batch", as_dict=True)
    return {str(batch): part for (batch,), part in parts.items()}


class View:
    """One batch of a list. `place` counts the batches newest first; `changes` is the overlay of this batch alone."""

    def __init__(self, batch: str, place: int, stored: Stored, changes: pl.DataFrame = UNCHANGED) -> None:
        self.batch = batch
        self.place = place
        self.stored = stored
        self.rows = stored.rows
        self._given = changes
        self._patched: dict[str, Column] = {}

    @cached_property
    def changes(self) -> pl.DataFrame:
        """The changed lines of this batch in the order of rows, the last word on each."""
        known = self._given.filter(pl.col("row_id").is_between(0, self.rows - 1))
        return known.unique("row_id", keep="last", maintain_order=True).sort("row_id")

    @cached_property
    def _changed_rows(self) -> "memoryview[int]":
        return memoryview(self.changes["row_id"].rechunk().to_arrow().buffers()[1] or b"").cast("q")[: self.changes.height]

    def column(self, name: str) -> Column:
        """A column as it stands now."""
        if name not in OVERLAID or (name != "state" and self._given.is_empty()):
            return self.stored.column(name)
        if name not in self._patched:
            self._patched[name] = self._now(name)
        return self._patched[name]

    def row(self, row: int) -> dict[str, Any]:
        """One line as a page shows it, with the columns `PAGE_COLUMNS`."""
        shown = {"batch": self.batch, "row_id": row, **self.stored.row(row), "state": None}
        if self._given.height:
            place = bisect_left(rows := self._changed_rows, row)
            if place < len(rows) and rows[place] == row:
                shown |= dict(zip(OVERLAID, self.changes.row(place)[-len(OVERLAID) :], strict=True))
        return shown

    def _now(self, name: str) -> Column:
        """The stored codes with those of changed rows put in their place; the batch itself stays as it is."""
        old = pl.Series(name, [] if name == "state" else self.stored.column(name).array.to_pylist(), pl.String)
        values = pl.concat([old, self.changes[name].drop_nulls()]).unique().sort()
        places = pl.Enum(values)

        def coded(texts: pl.Series) -> pl.Series:
            return texts.cast(places).to_physical().cast(pl.UInt32).fill_null(values.len())

        if name == "state":
            codes = pl.repeat(values.len(), self.rows, dtype=pl.UInt32, eager=True)
        else:
            moved = coded(old.extend(pl.Series([None], dtype=pl.String)))
            codes = moved.gather(pl.Series(self.stored.column(name).codes))
        codes = codes.scatter(self.changes["row_id"], coded(self.changes[name]))
        return Column(codes.to_arrow(compat_level=OLDEST), values.to_arrow(compat_level=OLDEST))
