"""The check of a whole day: a key that comes twice, an order whose lines do not agree, a waybill on two orders, a sale
cancelled on its own day.

Rows that concern each other may lie anywhere in any file, so this is asked once over the keys of all rows, range by range.
"""

from dataclasses import dataclass

import polars as pl

from entrepot.run.batch import Batch
from entrepot.run.cancellations import KEY
from entrepot.run.intake import hash_range, read_range

__all__ = ["LATE", "Checked", "check_orders", "late_rows"]

LATE = pl.Schema({"row_id": pl.Int64(), "code": pl.String(), "field": pl.String(), "given": pl.String()})
ROWS_PER_RANGE = 4_000_000


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check found: rows refused late (`LATE`), ids of orders that are not complete because a row of them is
    refused, ids of orders whose waybill stands on another order too, rows of sales cancelled on their own day."""

    late: pl.DataFrame
    incomplete: pl.Series
    shared_waybill: pl.Series
    cancelled: pl.Series


def check_orders(batch: Batch, rows: int) -> Checked:
    """Ask all questions over a batch whose inputs are taken in."""
    count = max(1, -(-rows // ROWS_PER_RANGE))
    late, incomplete = [pl.DataFrame(schema=LATE)], [pl.Series("order_id", [], pl.String)]
    for number in range(count):
        keys = read_range(batch, "keys", "order_hash", number, count)
        if keys is not None:
            found, orders = late_rows(keys)
            late.append(found)
            incomplete.append(orders)
    return Checked(
        pl.concat(late).sort("row_id", "code"), pl.concat(incomplete).sort(), _shared_waybills(batch, count), _cancelled(batch)
    )


def late_rows(keys: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Late refusals and incomplete orders of keys that hold whole orders: order_id, line_no, row_id, group_hash, terms,
    valid, sale. Only good rows claim a key; a cancellation does not have to agree with the sale it cancels."""
    good = keys.filter("valid")
    key = ("order_id", "line_no", "sale")
    twice = good.filter(pl.struct(key).is_duplicated()) if good.height else good
    again = twice.filter(pl.col("row_id") != pl.col("row_id").min().over(key))
    repeated = again.select(
        "row_id",
        code=pl.lit("goods.duplicate-key"),
        field=pl.lit("line_no"),
        given=pl.concat_str("order_id", pl.lit(" / "), pl.col("line_no").cast(pl.String)),
    )
    sales = good.filter("sale")
    differs = (pl.col("terms").n_unique() > 1) | (pl.col("group_hash").n_unique() > 1)
    mixed = sales.group_by("order_id").agg(differs.alias("_differs")).filter("_differs")
    apart = sales.join(mixed, on="order_id", how="semi").select(
        "row_id", code=pl.lit("goods.order-differs"), field=pl.lit("order_id"), given=pl.col("order_id")
    )
    late = pl.concat([repeated, apart]).cast(LATE)
    refused = pl.concat([late.get_column("row_id"), keys.filter(~pl.col("valid")).get_column("row_id")])
    orders = keys.filter(pl.col("row_id").is_in(refused.implode())).get_column("order_id").unique()
    return late, orders


def _shared_waybills(batch: Batch, count: int) -> pl.Series:
    """Orders of the day that share a carrier's waybill number with another order (CEB rule R14)."""
    files = batch.files("intake-*-keys.parquet")
    found = [pl.Series("order_id", [], pl.String)]
    for number in range(count if files else 0):
        low, high = hash_range(number, count)
        inside = pl.col("waybill_hash").is_between(pl.lit(low, pl.UInt64), pl.lit(high, pl.UInt64))
        bills = pl.scan_parquet(files).filter(inside & pl.col("valid") & pl.col("sale"))
        orders = pl.col("order_hash")
        shared = bills.group_by("waybill_hash").agg(shared=orders.min() != orders.max()).filter("shared")
        found.append(bills.join(shared, on="waybill_hash", how="semi").select("order_id").collect().get_column("order_id"))
    return pl.concat(found).unique().sort()


def _cancelled(batch: Batch) -> pl.Series:
    """Sale rows of an article of a buyer that a cancellation of the same day names: they may not have left yet."""
    files = batch.files("intake-*-lines.parquet")
    columns = [*KEY, "declared_on"]
    lines = pl.scan_parquet(files).filter("valid") if files else None
    if lines is None:
        return pl.Series("row_id", [], pl.Int64)
    taken = lines.filter(pl.col("line_kind") == "cancellation").select(columns).unique().collect()
    if taken.is_empty():
        return pl.Series("row_id", [], pl.Int64)
    sales = lines.filter(pl.col("line_kind") == "sale").join(taken.lazy(), on=columns, how="semi")
    return sales.select("row_id").collect().get_column("row_id").sort()
