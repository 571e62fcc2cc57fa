"""The order level: what is decided once per order and joined back to its lines.

An order here is also one parcel and, for modes that declare shipment by shipment, one declaration
(docs/assumptions.md); a flag of an order holds when it holds for every line, and is unknown when one is unknown.
"""

import polars as pl

__all__ = ["FLAGS", "join_orders", "order_level", "with_order_index"]

FLAGS = (
    "platform_sale", "stocked_abroad", "in_market_cluster", "has_input_invoice", "pilot_zone", "bonded",
    "rebate_claimed", "warehouse_filed", "buyer_verified", "listed",
)
SAME = (
    "order_id", "direction", "declared_on", "currency", "buyer_key", "buyer_country", "buyer_kind",
    "seller_country", "customs_district", "mode_wanted",
)


def with_order_index(lines: pl.DataFrame) -> pl.DataFrame:
    """Sort by order and line and number the orders from 0 in `order_index`."""
    ordered = lines.sort("order_id", "line_no", maintain_order=True)
    return ordered.with_columns(order_index=pl.col("order_id").rle_id())


def order_level(lines: pl.DataFrame) -> pl.DataFrame:
    """One row per order: its terms, flags (three-valued) and sums; needs `with_order_index` and `add_values`."""
    return lines.group_by("order_index", maintain_order=True).agg(
        *(pl.col(name).first() for name in SAME),
        *(_all_known(name) for name in FLAGS),
        pl.col("needs_licence").any(ignore_nulls=False),
        freight_given=pl.col("freight_e5").is_not_null().any(),
        insurance_given=pl.col("insurance_e5").is_not_null().any(),
        line_count=pl.len().cast(pl.Int64),
        piece_e5=pl.col("quantity_e5").sum(),
        order_goods_fen=pl.col("goods_fen").sum(),
        order_price_fen=pl.col("price_fen").sum(),
        order_goods_e5=pl.col("goods_value_e5").sum(),
        rate_cny_e6=pl.col("rate_cny_e6").first(),
        rate_units_e6=pl.col("rate_units_e6").first(),
    )


def _all_known(name: str) -> pl.Expr:
    """True when true on every line, false when false on one, else unknown."""
    return pl.col(name).all(ignore_nulls=False)


def join_orders(lines: pl.DataFrame, orders: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Bring order columns back to the lines; both sides are in `order_index` order, so no hash join is needed."""
    places = lines.get_column("order_index")
    return lines.hstack([orders.get_column(column).gather(places) for column in columns])
