"""What a finished batch adds to its buyers' yearly limits: the balances the next batch opens with."""

from pathlib import Path

import polars as pl

from entrepot.decide.dates import in_force
from entrepot.decide.limits import YEARLY_LIMIT, limit_rules
from entrepot.decide.orders import order_level, with_order_index
from entrepot.law import Law
from entrepot.run.explain import stored_law
from entrepot.run.result import as_working

__all__ = ["SPENT", "spending"]

SPENT = pl.Schema({"buyer_key": pl.String(), "year": pl.Int64(), "spent_fen": pl.Int64()})
NOT_RETAIL, OVER_ORDER_LIMIT = "cn.cbec.not-retail-import", "cn.cbec.over-order-limit"


def spending(folder: Path) -> pl.DataFrame:
    """How much each buyer used of the limit of each year: `buyer_key`, `year`, `spent_fen`, sorted (`SPENT`).

    The orders that the fold of `decide.limits` counted, whatever else holds them, so that balances moved by this sum are
    what the fold would have had. An incomplete order is left out: it comes back whole in another batch. Raises
    InputError when the batch is not finished, ExplanationDiffersError when its law is not the one it was decided with.
    """
    law = stored_law(folder)
    followed = (pl.col("direction") == "import") & pl.col("buyer_key").is_not_null() & (pl.col("limit_rule") != NOT_RETAIL)
    lines = pl.scan_parquet(folder / "lines.parquet").filter(followed).collect()
    if lines.is_empty():
        return SPENT.to_frame()
    numbered = with_order_index(as_working(lines).with_columns(exported_on=pl.col("declared_on")))
    before = numbered.group_by("order_index", maintain_order=True).agg(pl.col("spent_fen").first())
    orders = order_level(numbered).with_columns(before.get_column("spent_fen")).filter(_used(law))
    year = pl.col("declared_on").dt.year().cast(pl.Int64).alias("year")
    summed = orders.group_by("buyer_key", year).agg(spent_fen=pl.col("order_price_fen").sum())
    return summed.select(SPENT.names()).sort("buyer_key", "year")


def _used(law: Law) -> pl.Expr:
    """Whether an order used the limit up by its price, given what was spent before it: a step of the fold."""
    rules = {rule.id: rule.when for rule in limit_rules(law)}
    too_large = rules[OVER_ORDER_LIMIT].fill_null(value=True)
    limit, price = in_force(law, YEARLY_LIMIT), pl.col("order_price_fen")
    fits = (pl.col("spent_fen") + price <= limit) & (price < limit)
    return ~too_large & fits.fill_null(value=False) & ~pl.col("order_incomplete")
