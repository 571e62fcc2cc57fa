"""The order level: what is decided once per order and joined back to its lines.

An order here is also one parcel and, for modes that declare shipment by shipment, one declaration
(docs/assumptions.md); a flag of an order holds when it holds for every line, and is unknown when one is unknown.
"""

from functools import cache
from itertools import pairwise

import polars as pl

from entrepot.decide.exact import money_fen, wide
from entrepot.decide.few import FEW, Columns
from entrepot.goods.parse import FREIGHT_APART, INSURANCE_APART
from entrepot.goods.reference import single_piece_units

__all__ = ["FLAGS", "join_orders", "order_level", "order_of_one", "with_order_index"]

FLAGS = (
    "platform_sale", "stocked_abroad", "in_market_cluster", "has_input_invoice", "pilot_zone", "bonded",
    "rebate_claimed", "warehouse_filed", "buyer_verified", "listed",
)
SAME = (
    "order_id", "direction", "declared_on", "exported_on", "currency", "buyer_key", "buyer_country", "buyer_kind",
    "seller_country", "customs_district", "mode_wanted",
)


ONE_E5 = 100_000


def with_order_index(lines: pl.DataFrame) -> pl.DataFrame:
    """Sort by order and line and number the orders from 0 in `order_index`."""
    if 0 < lines.height <= FEW:
        ids = lines.get_column("order_id").to_list()
        if None not in ids and all(before < after for before, after in pairwise(ids)):  # sorted, one line each
            return lines.hstack([pl.Series("order_index", list(range(lines.height)), pl.UInt32)])
    ordered = lines.sort("order_id", "line_no", maintain_order=True)
    return ordered.with_columns(order_index=pl.col("order_id").rle_id())


def order_level(lines: pl.DataFrame) -> pl.DataFrame:
    """One row per order: its terms, flags (three-valued) and sums; needs `with_order_index` and `add_values`."""
    if 0 < lines.height <= FEW and lines.item(-1, "order_index") == lines.height - 1:
        same = [lines.get_column(name) for name in ("order_index", *SAME, *FLAGS, "needs_licence")]
        return pl.DataFrame([*same, *order_of_one().answered(lines)])
    return lines.group_by("order_index", maintain_order=True).agg(_of_order())


@cache
def _of_order() -> list[pl.Expr]:
    sums = {
        "line_count": pl.len().cast(pl.Int64),
        "order_incomplete": pl.col("order_incomplete").any(),
        "charges_unknown": _charges_unknown(),
        "single_piece": _single_piece(),
        "order_goods_fen": _sum("goods_fen"),
        "order_price_fen": _sum("price_fen"),
        "order_goods_e5": _sum("goods_value_e5"),
        "rate_cny_e6": pl.col("rate_cny_e6").first(),
        "rate_units_e6": pl.col("rate_units_e6").first(),
    }
    return [
        *(pl.col(name).first() for name in SAME),
        *(_all_known(name) for name in FLAGS),
        pl.col("needs_licence").any(ignore_nulls=False),
        *(value.alias(name) for name, value in sums.items()),
    ]


@cache
def order_of_one() -> Columns:
    """What the sums and tests of `_of_order` come to for orders of one line."""
    freight = pl.col("incoterm").is_in(FREIGHT_APART).fill_null(value=False) & pl.col("freight_e5").is_null()
    insurance = pl.col("incoterm").is_in(INSURANCE_APART).fill_null(value=False) & pl.col("insurance_e5").is_null()
    one = pl.col("quantity_e5") == ONE_E5
    several = (pl.col("content_unit") == "piece") & (pl.col("content_quantity_e5") > ONE_E5)
    piece = pl.col("unit").is_in(single_piece_units()) & ~several.fill_null(value=False)
    made = {
        "line_count": pl.lit(1, pl.Int64),
        "order_incomplete": pl.col("order_incomplete").fill_null(value=False),
        "charges_unknown": freight | insurance,
        "single_piece": pl.when(one & ~piece).then(None).otherwise(one),
        "order_goods_fen": pl.col("goods_fen"),
        "order_price_fen": pl.col("price_fen"),
        "order_goods_e5": pl.col("goods_value_e5"),
        "rate_cny_e6": pl.col("rate_cny_e6"),
        "rate_units_e6": pl.col("rate_units_e6"),
    }
    return Columns([value.alias(name) for name, value in made.items()])


def _sum(name: str) -> pl.Expr:
    """The sum over the order in 128 bits, narrowed; unknown when one line is unknown or it does not fit."""
    total = money_fen(wide(name).sum())
    return pl.when(pl.col(name).is_null().any()).then(None).otherwise(total)


def _charges_unknown() -> pl.Expr:
    """The delivery term leaves freight or insurance out of the price and no line gives it."""
    freight = pl.col("incoterm").is_in(FREIGHT_APART).any() & pl.col("freight_e5").is_null().all()
    insurance = pl.col("incoterm").is_in(INSURANCE_APART).any() & pl.col("insurance_e5").is_null().all()
    return (freight | insurance).fill_null(value=False)


def _single_piece() -> pl.Expr:
    """One line of one indivisible article; unknown when it is one of a unit that may hold several."""
    one = (pl.len() == 1) & (pl.col("quantity_e5").first() == ONE_E5)
    several = (pl.col("content_unit").first() == "piece") & (pl.col("content_quantity_e5").first() > ONE_E5)
    piece = pl.col("unit").first().is_in(single_piece_units()) & ~several.fill_null(value=False)
    return pl.when(one & ~piece).then(None).otherwise(one)


def _all_known(name: str) -> pl.Expr:
    """True when true on every line, false when false on one, else unknown."""
    return pl.col(name).all(ignore_nulls=False)


def join_orders(lines: pl.DataFrame, orders: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Bring order columns back to the lines; both sides are in `order_index` order, so no hash join is needed."""
    if lines.height == orders.height:  # every order has one line
        return lines.hstack([orders.get_column(column) for column in columns])
    places = lines.get_column("order_index")
    return lines.hstack([orders.get_column(column).gather(places) for column in columns])
