"""The check of orders over the whole day: a key that comes twice, an order whose lines do not agree.

Rows of one order may lie anywhere in any file, so this is asked once over the keys of all rows, range by range.
"""

import polars as pl

from entrepot.run.batch import Batch
from entrepot.run.intake import read_range

__all__ = ["LATE", "check_orders", "late_rows"]

LATE = pl.Schema({"row_id": pl.Int64(), "code": pl.String(), "field": pl.String(), "given": pl.String()})
ROWS_PER_RANGE = 4_000_000


def check_orders(batch: Batch, rows: int) -> tuple[pl.DataFrame, pl.Series]:
    """Rows refused late (`LATE`), and the ids of orders that are not complete because a row of them is refused."""
    count = max(1, -(-rows // ROWS_PER_RANGE))
    late, incomplete = [pl.DataFrame(schema=LATE)], [pl.Series("order_id", [], pl.String)]
    for number in range(count):
        keys = read_range(batch, "keys", "order_hash", number, count)
        if keys is not None:
            found, orders = late_rows(keys)
            late.append(found)
            incomplete.append(orders)
    return pl.concat(late).sort("row_id", "code"), pl.concat(incomplete).sort()


def late_rows(keys: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """The same for keys that hold whole orders: order_id, line_no, row_id, group_hash, terms, valid."""
    twice = keys.filter(pl.col("line_no").is_not_null()).filter(
        pl.len().over("order_id", "line_no") > 1) if keys.height else keys
    again = twice.with_columns(_first=pl.col("row_id").min().over("order_id", "line_no")).filter(
        pl.col("row_id") != pl.col("_first"))
    repeated = again.select("row_id", code=pl.lit("goods.duplicate-key"), field=pl.lit("line_no"),
                            given=pl.concat_str("order_id", pl.lit(" / "), pl.col("line_no").cast(pl.String)))
    mixed = keys.filter("valid").group_by("order_id").agg(
        pl.col("terms").n_unique().alias("_terms"), pl.col("group_hash").n_unique().alias("_groups")).filter(
        (pl.col("_terms") > 1) | (pl.col("_groups") > 1)).select("order_id")
    apart = keys.filter("valid").join(mixed, on="order_id", how="semi").select(
        "row_id", code=pl.lit("goods.order-differs"), field=pl.lit("order_id"), given=pl.col("order_id"))
    late = pl.concat([repeated, apart]).cast(LATE)
    refused = pl.concat([late.get_column("row_id"), keys.filter(~pl.col("valid")).get_column("row_id")])
    orders = keys.filter(pl.col("row_id").is_in(refused.implode())).get_column("order_id").unique()
    return late, orders
