"""When a batch is done: a case for each parcel that waits for a person, and for green ones drawn for an audit."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import polars as pl
import pyarrow.parquet as pq
from django.db import transaction

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.settle import RULES, Line
from entrepot.desk.inspection.models import Case, Seller
from entrepot.desk.inspection.risk import Parcel, risk_of, weights
from entrepot.desk.jobs.run import Progress
from entrepot.desk.people.acting import Acting
from entrepot.run.day import drawn
from entrepot.run.home import open_home

__all__ = ["PURPOSE", "open_cases", "parcels_to_inspect", "stopped_case"]

PURPOSE = "inspection audit"
"""Purpose of the key that draws green parcels; another than the draw for checks before release has."""
CASES_PER_WRITE = 5000
ROWS_PER_READ = 250_000
ORDER_MOST = 120
COLUMNS = ["order_id", "row_id", "verdict", "lane", "release_rule", "price_fen", "tax_total", "declared_on", "direction",
           "seller_id", "seller_name", "description", "reasons"]  # fmt: skip


def open_cases(batch: Batch, progress: Progress) -> None:
    """Open the cases of a batch; those that are open already stay as they are, so it may be called again."""
    sellers = _remember_sellers(batch)
    parcels = parcels_to_inspect(batch, weights()["audit_share_ppm"])
    known = list(Case.objects.of(batch.organisation).filter(batch=batch).values_list("order_id", flat=True))
    fresh = parcels.filter(~pl.col("order_id").is_in(known)).with_columns(seller_new=pl.col("seller_id").is_in(list(sellers)))
    progress("inspection", 0, fresh.height)
    for part in fresh.iter_slices(CASES_PER_WRITE):
        cases = [_case(batch, row) for row in part.iter_rows(named=True)]
        with transaction.atomic():
            Case.objects.bulk_create(cases, ignore_conflicts=True)
            record(Acting(batch.organisation, None), "inspection.opened", "batch", batch.id, cases=part.height)
        progress("inspection", part.height, fresh.height)


def parcels_to_inspect(batch: Batch, share_ppm: int) -> pl.DataFrame:
    """One row per parcel that is held, and per green one drawn: read in blocks, so memory does not grow with the day."""
    key = open_home().key(PURPOSE)
    kept = [_wanted(block, key, share_ppm) for block in _blocks(batch)]
    lines = pl.concat(kept) if kept else pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String()))
    held = pl.col("verdict") == "hold"
    return lines.sort("row_id").group_by("order_id", maintain_order=True).agg(
        pl.col("row_id").filter(held | ~held.any()).first(),
        kind=pl.when(held.any()).then(pl.lit("exception")).otherwise(pl.lit("sample")),
        lane=pl.when((pl.col("lane") == "red").any()).then(pl.lit("red")).when(held.any()).then(pl.lit("yellow"))
        .otherwise(pl.lit("green")),
        rules=pl.col("release_rule").filter(held | ~held.any()).unique().sort(),
        lines=pl.len(),
        value_fen=pl.when(pl.col("price_fen").null_count() == 0).then(pl.col("price_fen").sum()),
        tax_unknown=((pl.col("direction") == "import") & pl.col("tax_total").is_null()).any(),
        declared_on=pl.col("declared_on").first(), direction=pl.col("direction").first(),
        seller_id=pl.col("seller_id").first(), seller_name=pl.col("seller_name").first(),
        description=pl.col("description").drop_nulls().first(),
    )  # fmt: skip


def _blocks(batch: Batch) -> Iterator[pl.DataFrame]:
    with pq.ParquetFile(batch.folder / "lines.parquet") as source:
        for block in source.iter_batches(ROWS_PER_READ, columns=COLUMNS):
            yield pl.DataFrame(pl.from_arrow(block))


def _wanted(block: pl.DataFrame, key: bytes, share_ppm: int) -> pl.DataFrame:
    """Lines of held parcels and of green ones that the lot falls on; the draw needs nothing but the order's number.

    An order that waits for its refused row is nobody's to inspect: it is mended and comes back whole in another batch.
    """
    incomplete = pl.col("reasons").list.contains("release.order-incomplete").fill_null(value=False)
    sound = block.filter(pl.col("order_id").str.len_chars() <= ORDER_MOST)
    green = sound.filter(pl.col("verdict") == "release")
    lot = green.filter(drawn(green.get_column("order_id"), key, share_ppm))
    return pl.concat([sound.filter((pl.col("verdict") == "hold") & ~incomplete), lot])


def _case(batch: Batch, row: dict[str, Any]) -> Case:
    parcel = Parcel(row["lane"], row["rules"], row["value_fen"], row["tax_unknown"], row["seller_new"])
    risk, reasons = risk_of(parcel, weights())
    declared_on: date | None = row["declared_on"]
    return Case(
        organisation=batch.organisation, batch=batch, order_id=row["order_id"], row_id=row["row_id"], kind=row["kind"],
        lane=row["lane"], rules=row["rules"], risk=risk, reasons=reasons, lines=row["lines"], value_fen=row["value_fen"],
        declared_on=declared_on, direction=row["direction"] or "", seller_name=(row["seller_name"] or "")[:400],
        description=(row["description"] or "")[:400],
    )  # fmt: skip


def stopped_case(batch: Batch, order_id: str, lines: Sequence[Line]) -> Case:
    """The case, not saved, of a released parcel that a person stopped; `lines` are rows of the list."""
    values = [line["price_fen"] for line in lines]
    unknown = any(line["direction"] == "import" and line["tax_total_fen"] is None for line in lines)
    first = lines[0]
    return _case(batch, {
        "order_id": order_id, "row_id": first["row_id"], "kind": Case.Kind.EXCEPTION, "lane": "red", "rules": [RULES["hold"]],
        "lines": len(lines), "value_fen": None if None in values else sum(values), "tax_unknown": unknown, "seller_new": False,
        "declared_on": first["declared_on"], "direction": first["direction"], "seller_name": first["seller_name"],
        "description": first["description"],
    })  # fmt: skip


def _remember_sellers(batch: Batch) -> set[str]:
    """Enter the sellers of a batch; returns those whom no earlier batch brought."""
    column = pl.scan_parquet(batch.folder / "lines.parquet").select(pl.col("seller_id").str.slice(0, 200))
    sellers = column.drop_nulls().unique().collect(engine="streaming").get_column("seller_id").sort().to_list()
    rows = (Seller(organisation=batch.organisation, seller_id=one, first_batch=batch) for one in sellers)
    Seller.objects.bulk_create(rows, batch_size=CASES_PER_WRITE, ignore_conflicts=True)
    return set(Seller.objects.of(batch.organisation).filter(first_batch=batch).values_list("seller_id", flat=True))
