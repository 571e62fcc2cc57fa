"""The list of an organisation's lines: pages, counts, figures and files over the shelves of its batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from entrepot.goods.errors import CallError
from entrepot.goods.texts import told
from entrepot.run.shelf.columns import GROUPS, SORTS
from entrepot.run.shelf.cursor import Cursor, Order, read_cursor
from entrepot.run.shelf.export import EXPORT_PIECE, EXPORTED, write_rows
from entrepot.run.shelf.filters import Filters
from entrepot.run.shelf.match import Guess, clauses_of, guessed
from entrepot.run.shelf.stored import opened
from entrepot.run.shelf.totals import Total, add_up
from entrepot.run.shelf.view import UNCHANGED, View, changes_of
from entrepot.run.shelf.walk import LARGEST_PIECE, Conditions, Key, Walk, every_row

__all__ = ["LONGEST_PAGE", "Entry", "Page", "Shelf"]

LONGEST_PAGE = 200
ANY = Filters()


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch of the list: its id, the folder of its shelf, and its number in time; the newest has the highest."""

    batch: str
    folder: Path
    ordinal: int


@dataclass(frozen=True, slots=True)
class Page:
    """Rows with the columns of `PAGE_COLUMNS`, and the places to give as `after` and `before` for its neighbours.

    `guess` says what a search was taken for: a whole `number`, the `start` of one, or `words`; None without a search.
    """

    rows: list[dict[str, Any]]
    next: str | None
    previous: str | None
    guess: Guess | None = None


class Shelf:
    """The list over some batches. The caller gives an organisation's own batches and no others.

    Everything may be called by many threads at once. Raises CallError when a batch is given twice; every method raises
    InputError when a shelf is gone or damaged.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = sorted(entries, key=lambda entry: (-entry.ordinal, entry.batch))
        self._places = {entry.batch: place for place, entry in enumerate(self._entries)}
        if len(self._places) < len(self._entries):
            raise CallError("a batch is given twice: give each once")

    def page(
        self,
        order: str = "default",
        filters: Filters = ANY,
        *,
        descending: bool = False,
        after: str | None = None,
        before: str | None = None,
        limit: int = 50,
        overlay: pl.DataFrame | None = None,
    ) -> Page:
        """One page of the list in an order of `SORTS`, behind the place `after` or in front of `before`.

        `overlay` has the columns of `OVERLAY` and holds what differs from the batches now. Raises CallError for an
        order, limit or place that is not allowed.
        """
        walk = self._walk(Order(order, descending), after, before, limit)
        views = self._views(overlay)
        guess, conditions = self._conditions(views, filters)
        keys = list(islice(walk.keys(views, conditions), limit + 1))
        more, shown = len(keys) > limit, keys[:limit]
        if walk.backward:
            shown.reverse()
        rows = [views[key[-2]].row(key[-1]) for key in shown]
        has_next, has_previous = (True, more) if walk.backward else (more, after is not None)
        last, first = (self._cursor(walk.order, views, keys).text() if keys else None for keys in (shown[-1:], shown[:1]))
        return Page(rows, last if has_next else None, first if has_previous else None, guess)

    def count(
        self, filters: Filters = ANY, overlay: pl.DataFrame | None = None, *, at_most: int = 100_000
    ) -> tuple[int, bool]:
        """How many lines match, and whether that is exact: counting stops at `at_most` unless nothing is asked."""
        views = self._views(overlay)
        if filters == ANY:
            return sum(view.rows for view in views), True
        number = 0
        for _, rows in self._matching(views, filters):
            number += len(rows)
            if number > at_most:
                return at_most, False
        return number, True

    def chosen(
        self, filters: Filters = ANY, overlay: pl.DataFrame | None = None, *, at_most: int = 10_000
    ) -> list[tuple[str, int]]:
        """Batch and row of every matching line, to act on them together; CallError when they are more than `at_most`."""
        found: list[tuple[str, int]] = []
        for view, rows in self._matching(self._views(overlay), filters):
            if len(found) + len(rows) > at_most:
                raise CallError(f"more than {at_most:,} lines match: narrow the filters")
            found += [(view.batch, row) for row in rows.to_pylist()]
        return found

    def totals(self, group_by: str, filters: Filters = ANY, overlay: pl.DataFrame | None = None) -> list[Total]:
        """Lines, dutiable price and tax of the matching lines by one of `GROUPS`, the unknown group last.

        Raises CallError for another group.
        """
        if group_by not in GROUPS:
            raise CallError(f"lines are not counted by {group_by[:40]!r}: use {', '.join(GROUPS)}")
        return add_up(group_by, self._matching(self._views(overlay), filters))

    def rows_at(self, batch: str, row_ids: Sequence[int], overlay: pl.DataFrame | None = None) -> list[dict[str, Any]]:
        """Lines of one batch by their `row_id`, as asked; CallError when the batch or a row is not in this list."""
        if batch not in self._places:
            raise CallError(f"no batch {batch[:64]!r} in this list")
        view = self._views(overlay)[self._places[batch]]
        strange = [row for row in row_ids if not 0 <= row < view.rows]
        if strange:
            raise CallError(f"batch {batch} has no row {strange[0]}: it has 0 to {view.rows - 1}")
        return [view.row(row) for row in row_ids]

    def export(
        self, path: Path, filters: Filters = ANY, columns: Sequence[str] = EXPORTED, overlay: pl.DataFrame | None = None
    ) -> int:
        """Write the matching lines, newest batch first, as `.csv` or `.parquet`, beside and renamed; returns how many.

        Columns are those of `EXPORTED`: keys of buyers are not among them. Cells a spreadsheet would run get an
        apostrophe. Memory does not grow with the lines. Raises CallError for another column or kind of file,
        WorldError when the file cannot be written.
        """
        return write_rows(path, columns, self._matching(self._views(overlay), filters, EXPORT_PIECE))

    def _views(self, overlay: pl.DataFrame | None) -> list[View]:
        changes = changes_of(overlay)
        return [
            View(entry.batch, place, opened(entry.folder), changes.get(entry.batch, UNCHANGED))
            for place, entry in enumerate(self._entries)
        ]

    def _conditions(self, views: Sequence[View], filters: Filters) -> tuple[Guess | None, Conditions]:
        guess = guessed(views, filters.search) if filters.search else None
        return guess, lambda view: clauses_of(view, filters, guess)

    def _matching(
        self, views: Sequence[View], filters: Filters, size: int = LARGEST_PIECE
    ) -> Iterator[tuple[View, pa.Array]]:
        """Row numbers that match, batch after batch in pieces."""
        _, conditions = self._conditions(views, filters)
        for view in views:
            clauses = conditions(view)
            if clauses is not None:
                yield from ((view, rows) for rows in every_row(view, clauses, size))

    def _walk(self, order: Order, after: str | None, before: str | None, limit: int) -> Walk:
        if order.name not in SORTS:
            raise told(CallError, "shelf.sort-unknown", given=repr(order.name[:40]), allowed=", ".join(SORTS))
        if not 1 <= limit <= LONGEST_PAGE:
            raise CallError(f"a page of {limit} rows is not allowed: ask for 1 to {LONGEST_PAGE}")
        if after is not None and before is not None:
            raise CallError("a page is after a place or before one: give only one of the two")
        place = after if before is None else before
        if place is None:
            return Walk(order)
        cursor = read_cursor(place, order)
        if cursor.batch not in self._places:
            raise CallError("the place is in a batch that is not in this list: leave it out to begin at the first page")
        return Walk(order, cursor, self._places[cursor.batch], before is not None)

    @staticmethod
    def _cursor(order: Order, views: Sequence[View], keys: Sequence[Key]) -> Cursor:
        *_, place, row = keys[0]
        view = views[place]
        return Cursor(order, tuple(view.column(name).cell(row) for name in order.columns), view.batch, row)
