"""Positions in one sort of one batch: where a value, a code or a cursor stands, found by halving."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from entrepot.run.shelf.columns import SORTS
from entrepot.run.shelf.stored import Column
from entrepot.run.shelf.view import View

__all__ = ["Places", "Span"]

Span = tuple[int, int]
"""Positions from the first to before the second."""


class Places:
    """The rows of a batch in the ascending order of a sort, null last."""

    def __init__(self, view: View, sort: str) -> None:
        self.count = view.rows
        self.columns = [view.column(name) for name in SORTS[sort]]
        self.sorted_rows: pa.Array | None = view.stored.sort(sort) if self.columns else None
        self.row: Sequence[int] = view.stored.sort_view(sort) if self.columns else range(view.rows)

    def known(self) -> int:
        """How many rows have a value in the first column; the others come after them."""
        return self._left(self.columns[0], len(self.columns[0].array), (0, self.count)) if self.columns else self.count

    def having(self, codes: range) -> Span:
        """Positions of the rows whose code in the first column is in a range."""
        first, whole = self.columns[0], (0, self.count)
        return self._left(first, codes.start, whole), self._left(first, codes.stop, whole)

    def around(self, values: Sequence[Any], row: int | None, *, later: bool) -> Span:
        """Where a row with these values stands: how many rows come before it, and how many up to and with it.

        `row` is its number when it is of this batch; of another one it stands behind all equals when `later`.
        """
        start, stop = 0, self.count
        for column, value in zip(self.columns, values, strict=True):
            code, there = column.place(value)
            start, stop = self._left(column, code, (start, stop)), self._left(column, code + there, (start, stop))
        if row is None:
            return (stop, stop) if later else (start, start)
        return bisect_left(self.row, row, start, stop), bisect_right(self.row, row, start, stop)

    def _left(self, column: Column, code: int, within: Span) -> int:
        codes, row = column.code, self.row
        return bisect_left(range(self.count), code, *within, key=lambda position: codes[row[position]])
