"""Cancellations of earlier lines, matched to the line they cancel."""

from pathlib import Path

import polars as pl

from entrepot.goods.problems import escape_formulas
from entrepot.run.batch import Batch

__all__ = ["matched_cancellations"]

KEY = ("buyer_key", "sku", "unit_price_e5")


def matched_cancellations(batch: Batch, lines: Path) -> dict[str, int]:
    """Write `cancellations.csv` and say how many cancellation rows there are and how many found their line.

    A cancellation belongs to the latest sale line not after it with the same buyer, article and price and at
    least its quantity. Without one it stays open for a person. Nothing is written when there are none.
    """
    taken = pl.col("line_kind") == "cancellation"
    columns = ["row_id", "order_id", "line_no", "declared_on", *KEY, "quantity_e5"]
    scan = pl.scan_parquet(lines).filter(pl.col("verdict") != "invalid")
    open_rows = scan.filter(taken).select(columns).collect()
    if open_rows.is_empty():
        return {"rows": 0, "matched": 0}
    sales = scan.filter(~taken).select(columns).join(open_rows.lazy().select(KEY).unique(), on=KEY, how="semi")
    pairs = open_rows.lazy().join(sales, on=KEY, suffix="_sale").filter(
        (pl.col("declared_on_sale") <= pl.col("declared_on")) & (pl.col("quantity_e5_sale") >= pl.col("quantity_e5")))
    latest = pairs.sort("row_id", "declared_on_sale", "row_id_sale").group_by("row_id", maintain_order=True).last()
    found = latest.select("row_id", cancels_order_id="order_id_sale", cancels_line_no="line_no_sale").collect()
    listed = open_rows.join(found, on="row_id", how="left").sort("row_id").select(
        "order_id", "line_no", "declared_on", "sku", "cancels_order_id", "cancels_line_no")
    batch.write(batch.folder / "cancellations.csv", escape_formulas(listed).write_csv)
    return {"rows": listed.height, "matched": found.height}
