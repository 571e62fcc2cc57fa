"""Walking the rows of a list in its order: from a place, forwards or backwards, over all batches at once.

A walk yields keys that compare as the list is sorted; only as many rows are looked at as the page needs. In one batch
a sort is walked piece by piece; where filters leave little, the batch is searched whole once in the order of rows,
which is quicker, and what is found is put in order. Batches are merged by their next keys.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from math import prod
from typing import Any

import polars as pl
import pyarrow as pa

from entrepot.run.shelf.columns import KEYS
from entrepot.run.shelf.cursor import Cursor, Order
from entrepot.run.shelf.match import Clause, kept, kept_of
from entrepot.run.shelf.places import Places, Span
from entrepot.run.shelf.view import View

__all__ = ["LARGEST_PIECE", "Conditions", "Key", "Walk", "every_row"]

Key = tuple[Any, ...]
"""The sort's values, each with whether it is null before it; then the place of the batch and the row."""
Conditions = Callable[[View], Sequence[Clause] | None]
"""What a row of a batch must meet; None when no row can."""
FIRST_PIECE, LARGEST_PIECE, GROWTH = 256, 2**20, 4
PATIENCE = 2**15
"""So many rows are walked in a sort before the whole batch is searched instead."""
STEADY = 16
"""One row in so many of a smaller batch is walked before."""
FEW = 512
"""So many rows of a key are put in order one by one."""
RARE = 1000
"""One row in so many is put in order one by one as well."""
OLDEST = pl.CompatLevel.oldest()


@dataclass(frozen=True, slots=True)
class Walk:
    """A way through the list: its order, the place behind which it starts (None: its end), its sense.

    `start_place` is the place of the cursor's batch among the batches of the list.
    """

    order: Order
    cursor: Cursor | None = None
    start_place: int = 0
    backward: bool = False

    @property
    def rising(self) -> bool:
        """Whether keys grow along the walk."""
        return self.order.descending == self.backward

    def keys(self, views: Sequence[View], conditions: Conditions) -> Iterator[Key]:
        """Keys of the matching rows of batches (newest first), in the walk's order; looks at a batch when it must."""
        if not self.order.columns:
            along = views if self.rising else reversed(views)
            return chain.from_iterable(_in_batch(self, view, conditions(view)) for view in along)
        return merge(*(_in_batch(self, view, conditions(view)) for view in views), reverse=not self.rising)

    def key(self, view: View, row: int) -> Key:
        """The key of one row."""
        return self._key((view.column(name).cell(row) for name in self.order.columns), view.place, row)

    def start(self) -> Key | None:
        """The key behind which the walk starts."""
        cursor = self.cursor
        return None if cursor is None else self._key(cursor.values, self.start_place, cursor.row)

    def _key(self, values: Iterable[Any], place: int, row: int) -> Key:
        parts = []
        for position, value in enumerate(values):
            flag = (value is None) != (self.order.descending and position == 0)
            parts.append((flag,) if value is None else (flag, value))
        return (*parts, place, row)


def every_row(view: View, clauses: Sequence[Clause], size: int = LARGEST_PIECE) -> Iterator[pa.Array]:
    """Rows that meet all conditions in the order of the file, in pieces out of `size` rows."""
    few = _by_key(view, clauses)
    if few is not None:
        yield pa.array(sorted(few.to_pylist()), pa.uint64())
        return
    for start in range(0, view.rows, size):
        stop = min(start + size, view.rows)
        yield kept(clauses, start, stop) if clauses else _numbers(start, stop)


def _numbers(start: int, stop: int) -> pa.Array:
    return pl.int_range(start, stop, dtype=pl.UInt64, eager=True).to_arrow()


def _by_key(view: View, clauses: Sequence[Clause]) -> pa.Array | None:
    """The matching rows when an order or waybill number leaves only few; None otherwise."""
    for position, clause in enumerate(clauses):
        if clause.keyed:
            rows = _of_keys(view, clause)
            if rows is not None:
                return kept_of(rows, [*clauses[:position], *clauses[position + 1 :]])
    return None


def _of_keys(view: View, clause: Clause) -> pa.Array | None:
    parts = []
    for atom in clause.atoms:
        sort = KEYS[atom.name]
        start, stop = Places(view, sort).having(atom.wanted)
        parts.append(view.stored.sort(sort).slice(start, stop - start))
    return pa.chunked_array(parts).unique() if sum(map(len, parts)) <= FEW else None


def _in_batch(walk: Walk, view: View, clauses: Sequence[Clause] | None) -> Iterator[Key]:
    """Keys of one batch in the walk's order."""
    if clauses is None:
        return iter(())
    clipping, others = _apart(clauses, walk.order)
    few = _by_key(view, clauses) if others else None
    if few is not None:
        return _ordered(walk, view, few, walk.start())
    places = Places(view, walk.order.name)
    spans = _spans(walk, view, places)
    for codes in clipping:
        first, last = places.having(codes)
        spans = [(max(start, first), min(stop, last)) for start, stop in spans]
    if not others:
        return (walk.key(view, places.row[position]) for position in _positions(spans, walk.rising))
    return _filtered(walk, view, places, spans, clauses)


def _ordered(walk: Walk, view: View, rows: pa.Array, start: Key | None) -> Iterator[Key]:
    """Few rows in the walk's order, those up to its start left out."""
    keys = sorted((walk.key(view, row) for row in rows.to_pylist()), reverse=not walk.rising)
    if start is None:
        return iter(keys)
    return (key for key in keys if (key > start if walk.rising else key < start))


def _positions(spans: Sequence[Span], rising: bool) -> Iterator[int]:
    for start, stop in spans:
        yield from range(start, stop) if rising else range(stop - 1, start - 1, -1)


def _spans(walk: Walk, view: View, places: Places) -> list[Span]:
    """The positions still to be walked: descending, those without a value come after the others all the same."""
    whole = [(0, places.count)]
    if walk.order.descending:
        known = places.known()
        whole = [(0, known), (known, places.count)]
    cursor = walk.cursor
    if cursor is None:
        return whole[::-1] if walk.backward else whole
    row = cursor.row if view.place == walk.start_place else None
    before, upto = places.around(cursor.values, row, later=view.place < walk.start_place)
    in_last = len(whole) > 1 and bool(cursor.values) and cursor.values[0] is None
    start, stop = whole[in_last]
    cut = (max(start, upto), stop) if walk.rising else (start, min(stop, before))
    return [cut, *(whole[:in_last][::-1] if walk.backward else whole[in_last + 1 :])]


def _apart(clauses: Sequence[Clause], order: Order) -> tuple[list[range], list[Clause]]:
    """The codes that conditions on the sort's first column ask for, which cut the walk short, and the other conditions."""
    clipping, others = [], []
    for clause in clauses:
        atom = clause.atoms[0]
        if len(clause.atoms) == 1 and isinstance(atom.wanted, range) and order.columns[:1] == (atom.name,):
            clipping.append(atom.wanted)
        else:
            others.append(clause)
    return clipping, others


def _pieces(spans: Sequence[Span], rising: bool, size: int) -> Iterator[Span]:
    """Spans in pieces that grow, along the walk, the first of so many positions."""
    for start, stop in spans:
        while start < stop:
            step = min(size, stop - start)
            yield (start, start + step) if rising else (stop - step, stop)
            start, stop = (start + step, stop) if rising else (start, stop - step)
            size = min(size * GROWTH, LARGEST_PIECE)


def _filtered(
    walk: Walk, view: View, places: Places, spans: Sequence[Span], clauses: Sequence[Clause]
) -> Iterator[Key]:
    """Keys along a sort of the rows that meet conditions."""
    wanted: pa.Array | None = None
    likely = prod(clause.share for clause in clauses) * FIRST_PIECE >= 1
    patience, behind = min(PATIENCE, view.rows // STEADY) if likely else 0, walk.start()
    for start, stop in _pieces(spans, walk.rising, FIRST_PIECE if likely else LARGEST_PIECE):
        if patience <= 0 and wanted is None and places.sorted_rows is not None:
            rows = pa.concat_arrays(list(every_row(view, clauses)))
            if len(rows) * RARE < view.rows:
                yield from _ordered(walk, view, rows, behind)
                return
            wanted = _marked(rows, view.rows)
        found = _found(places, start, stop, clauses, wanted)
        yield from (walk.key(view, row) for row in _one_by_one(found, walk.rising))
        behind = walk.key(view, places.row[stop - 1 if walk.rising else start])
        patience -= stop - start


def _marked(rows: pa.Array, count: int) -> pa.Array:
    """For each row of a batch whether it is among some."""
    none = pa.BooleanArray.from_buffers(pa.bool_(), count, [None, pa.py_buffer(bytes(count // 8 + 1))])
    marks = pl.Series(none).scatter(pl.Series(rows), True)
    return marks.to_arrow(compat_level=OLDEST)


def _found(places: Places, start: int, stop: int, clauses: Sequence[Clause], wanted: pa.Array | None) -> pa.Array:
    """The matching rows at some positions."""
    if places.sorted_rows is None:
        return kept(clauses, start, stop)
    rows = places.sorted_rows.slice(start, stop - start)
    return kept_of(rows, clauses) if wanted is None else rows.filter(wanted.take(rows))


def _one_by_one(rows: pa.Array, rising: bool, size: int = FIRST_PIECE) -> Iterator[int]:
    """Rows as numbers, a few at a time: the page may need no more."""
    count = len(rows)
    for done in range(0, count, size):
        part = rows.slice(done, size) if rising else rows.slice(max(0, count - done - size), min(size, count - done))
        yield from part.to_pylist() if rising else reversed(part.to_pylist())
