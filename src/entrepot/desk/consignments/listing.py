"""The list of an organisation's lines: the shelves of its finished batches, and over them what happened since."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import polars as pl
from django.db.models import Count, QuerySet, Sum
from django.http import Http404

from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.models import LineState
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Organisation
from entrepot.goods.errors import CallError
from entrepot.run.shelf import OVERLAY, Entry, Filters, Page, Shelf
from entrepot.run.shelf.stored import MANIFEST

__all__ = [
    "COUNT_MOST", "STATES", "Row", "Total", "batch_of", "chosen", "count", "line_of", "lines_of_order", "overlay_of", "page",
    "parcels_of", "rows_together", "shelf_of", "stored_line", "unlisted",
]  # fmt: skip

Row = dict[str, Any]
"""A line with the columns of `run.shelf.columns.PAGE_COLUMNS`, as it stands now."""
Total = tuple[int, bool]
COUNT_MOST = 100_000
ROWS_MOST = 2**32
"""A shelf has fewer rows."""
STATES: Mapping[str, str] = {"release": "released", "hold": "held", "refuse": "refused"}
"""Verdict a person gave, and the state of the line."""
ANY = Filters()


def shelf_of(owner: Organisation | Acting) -> Shelf:
    """The list over the finished batches of one organisation. Opening it costs one query: shelves stay open."""
    return Shelf([Entry(str(batch.id), batch.shelf, batch.ordinal) for batch in _done(owner) if (batch.shelf / MANIFEST).is_file()])


def unlisted(owner: Organisation | Acting) -> list[Batch]:
    """Finished batches that have no shelf (yet)."""
    return [batch for batch in _done(owner) if not (batch.shelf / MANIFEST).is_file()]


def _done(owner: Organisation | Acting) -> Sequence[Batch]:
    rows = Batch.objects.of(owner).filter(state=Batch.State.DONE)
    return list(rows.only("id", "organisation_id", "ordinal", "name"))


def overlay_of(owner: Organisation | Acting) -> pl.DataFrame | None:
    """What persons decided over lines, as the list wants it; None where nothing was."""
    states = LineState.objects.of(owner)
    newest = states.aggregate(rows=Count("id"), stamps=Sum("stamp"))
    if not newest["rows"]:
        return None
    organisation = owner.organisation if isinstance(owner, Acting) else owner
    return _overlay(organisation.id, newest["rows"], newest["stamps"])


@lru_cache(maxsize=32)
def _overlay(organisation: UUID, rows: int, stamps: int) -> pl.DataFrame:
    """The overlay as it was when so many rows had these stamps together."""
    return _frame(LineState.objects.of(Organisation(id=organisation)))


def page(
    acting: Acting,
    filters: Filters = ANY,
    order: str = "default",
    *,
    descending: bool = False,
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Page:
    """One page of an organisation's list; CallError for an order, place or limit that is not allowed."""
    return shelf_of(acting).page(
        order, filters, descending=descending, after=after, before=before, limit=limit, overlay=overlay_of(acting)
    )


def count(acting: Acting, filters: Filters = ANY) -> Total:
    """How many lines match, and whether that is exact (past `COUNT_MOST` it says only that there are more)."""
    return shelf_of(acting).count(filters, overlay_of(acting), at_most=COUNT_MOST)


def batch_of(acting: Acting, batch_id: UUID) -> Batch:
    """A finished batch of the organisation that is listed; Http404 for any other."""
    batch: Batch = Batch.objects.of(acting).one(acting, id=batch_id, state=Batch.State.DONE)
    if not (batch.shelf / MANIFEST).is_file():
        raise Http404("this batch is not listed yet")
    return batch


def line_of(acting: Acting, batch: Batch, row_id: int) -> Row:
    """A line as it stands now; Http404 where there is none."""
    if row_id >= ROWS_MOST:
        raise Http404("no such line")
    try:
        return _alone(batch).rows_at(str(batch.id), [row_id], _changes(acting, batch, row_id=row_id))[0]
    except CallError:
        raise Http404("no such line") from None


def _changes(acting: Acting, batch: Batch, **of: Any) -> pl.DataFrame:
    """The overlay of one parcel or line alone."""
    return _frame(LineState.objects.of(acting).filter(batch=batch, **of))


def _frame(states: QuerySet[LineState]) -> pl.DataFrame:
    told = states.values_list("batch_id", "row_id", "verdict", "lane")
    rows = [(str(batch), row_id, verdict, lane or None, STATES.get(verdict)) for batch, row_id, verdict, lane in told.iterator()]
    return pl.DataFrame(rows, schema=OVERLAY, orient="row")


def _alone(batch: Batch) -> Shelf:
    return Shelf([Entry(str(batch.id), batch.shelf, batch.ordinal)])


def lines_of_order(acting: Acting, batch: Batch, order_id: str) -> list[Row]:
    """All lines of a parcel as they stand now, by line number; empty where the batch has no such order."""
    shelf = _alone(batch)
    rows = [row for _, row in shelf.chosen(Filters(order=order_id))]
    found = shelf.rows_at(str(batch.id), rows, _changes(acting, batch, order_id=order_id))
    return sorted(found, key=lambda row: (row["line_no"] is None, row["line_no"], row["row_id"]))


def rows_together(batch: Batch, line: Row) -> list[int]:
    """Row numbers of all lines decided together with a line: of its order, and of its buyer's other imports."""
    shelf = _alone(batch)
    rows = shelf.chosen(Filters(order=line["order_id"]))
    if line["direction"] == "import" and line["buyer_key"]:
        rows += shelf.chosen(Filters(buyer_key=line["buyer_key"]), at_most=COUNT_MOST)
    return sorted({row for _, row in rows})


def stored_line(batch: Batch, row_id: int) -> Row:
    """A line with every column of the result, as the batch decided it; Http404 where there is none."""
    found = pl.scan_parquet(batch.folder / "lines.parquet").filter(pl.col("row_id") == row_id).collect()
    if found.is_empty():
        raise Http404("no such line")
    return found.row(0, named=True)


def chosen(acting: Acting, filters: Filters, at_most: int) -> list[Row]:
    """Every line that matches; CallError when there are more than `at_most`."""
    shelf, overlay = shelf_of(acting), overlay_of(acting)
    found = shelf.chosen(filters, overlay, at_most=at_most)
    by_batch: dict[str, list[int]] = {}
    for batch, row in found:
        by_batch.setdefault(batch, []).append(row)
    return [row for batch, rows in by_batch.items() for row in shelf.rows_at(batch, rows, overlay)]


def parcels_of(acting: Acting, lines: Sequence[tuple[str, int]]) -> list[tuple[str, str]]:
    """The parcels (batch and order number) that lines, named by batch and row, belong to, each once.

    Lines without an order number are no parcel and left out. Raises CallError for a line that is not in the list.
    """
    shelf = shelf_of(acting)
    rows = (shelf.rows_at(batch, [row])[0] for batch, row in lines)
    return list(dict.fromkeys((row["batch"], row["order_id"]) for row in rows if row["order_id"] is not None))
