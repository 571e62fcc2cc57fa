"""A batch as it stands now: its shelf, and over it what happened after the batch."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import pyarrow as pa

from entrepot.goods.errors import CallError
from entrepot.run.shelf.columns import OVERLAID
from entrepot.run.shelf.stored import Column, Stored

__all__ = ["OVERLAY", "View", "changes_of"]

OVERLAY = pl.Schema({"batch": pl.String(), "row_id": pl.Int64(), **{name: pl.String() for name in OVERLAID}})
"""Columns of an overlay: one row for each line whose verdict, lane or state is not what the batch says."""
Changes = Mapping[int, tuple[str | None, ...]]
OLDEST = pl.CompatLevel.oldest()


def changes_of(overlay: pl.DataFrame | None) -> Mapping[str, Changes]:
    """An overlay as batch to row to (verdict, lane, state); CallError when its columns are not those of `OVERLAY`."""
    if overlay is None or overlay.is_empty():
        return {}
    absent = [name for name in OVERLAY if name not in overlay.columns]
    if absent:
        raise CallError(f"the overlay has no column {absent[0]}: give {', '.join(OVERLAY)}")
    found: dict[str, dict[int, tuple[str | None, ...]]] = {}
    for batch, row, *now in overlay.select(OVERLAY.names()).iter_rows():
        found.setdefault(batch, {})[row] = tuple(now)
    return found


class View:
    """One batch of a list. `place` counts the batches newest first; `changes` are those of this batch alone."""

    def __init__(self, batch: str, place: int, stored: Stored, changes: Changes) -> None:
        self.batch = batch
        self.place = place
        self.stored = stored
        self.rows = stored.rows
        self.changes = {row: now for row, now in changes.items() if 0 <= row < stored.rows}
        self._patched: dict[str, Column] = {}

    def column(self, name: str) -> Column:
        """A column as it stands now."""
        if name not in OVERLAID or (name != "state" and not self.changes):
            return self.stored.column(name)
        if name not in self._patched:
            self._patched[name] = self._now(name)
        return self._patched[name]

    def row(self, row: int) -> dict[str, Any]:
        """One line as a page shows it, with the columns `PAGE_COLUMNS`."""
        now = dict(zip(OVERLAID, self.changes[row], strict=True)) if row in self.changes else {"state": None}
        return {"batch": self.batch, "row_id": row, **self.stored.row(row), **now}

    def _now(self, name: str) -> Column:
        """The stored codes with those of changed rows put in their place; the batch itself stays as it is."""
        before = None if name == "state" else self.stored.column(name)
        old = list(before.values) if before else []
        new = [now[OVERLAID.index(name)] for now in self.changes.values()]
        values = sorted({*old, *(value for value in new if value is not None)})
        code: dict[str | None, int] = {value: place for place, value in enumerate(values)} | {None: len(values)}
        moved = pl.Series([code[value] for value in (*old, None)], dtype=pl.UInt32)
        codes = moved.gather(pl.Series(before.codes)) if before else pl.repeat(len(values), self.rows, dtype=pl.UInt32, eager=True)
        if new:
            codes = codes.clone().scatter(list(self.changes), [code[value] for value in new])
        return Column(codes.to_arrow(compat_level=OLDEST), pa.array(values, pa.large_string()))
