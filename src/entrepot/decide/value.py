"""What a line is worth in CNY: goods, freight and insurance under the customs rate of its month.

Rate: the customs rate of the month of declaration (general-duty 3.3, 令124 art. 16, 令272 art. 13). Converted
amounts are rounded half-up to the fen, once per amount. Order freight and insurance are apportioned by value
(cbec-import-tax 2.8) so that the shares add up exactly.
"""

import polars as pl

from entrepot.decide.exact import divide, money_fen, wide
from entrepot.decide.few import Columns, without
from entrepot.law import Law
from entrepot.law.lookup import Lookup

__all__ = ["AMOUNTS", "PRICE", "RATE", "RATES", "RATE_OF", "USD_RATE", "add_rates", "add_usd_rate", "add_values"]

RATES = "cn/customs_rate/monthly"
RATE_OF = Lookup(RATES, {"currency": "currency"}, {"cny": "_cny", "units": "_units", "kind": "_kind"})
USD_RATE = Lookup(RATES, {"currency": "_usd"}, {"cny": "usd_cny_e6", "units": "usd_units_e6"}, mark="usd_unconfirmed")


def add_rates(lines: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Add `rate_cny_e6`, `rate_units_e6` (CNY for so many units), `rate_kind` of each line's month; CNY is 1 to 1.

    A currency and day without a rate stays null: the caller refuses the line.
    """
    return without(RATE.added(RATE_OF.added(lines, law)), *RATE_OF.take.values(), "_cny_unconfirmed")


def add_usd_rate(orders: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Add `usd_cny_e6`, `usd_units_e6`: the rate that turns CNY into USD for limits set in USD."""
    asked = orders.hstack([pl.Series("_usd", ["USD"]).new_from_index(0, orders.height)])
    return without(USD_RATE.added(asked, law), "_usd")


def _in_fen(amount_e5: pl.Expr, scale: int = 1) -> pl.Expr:
    """An amount at 10⁻⁵ (times `scale`) of the line's currency in fen."""
    numerator = amount_e5 * wide("rate_cny_e6")
    return money_fen(divide(numerator, wide("rate_units_e6") * (1000 * scale)))


def add_values(lines: pl.DataFrame) -> pl.DataFrame:
    """Add the amounts of each line.

    `goods_value_e5`: price x quantity in the currency, rounded half-up at 10⁻⁵ as customs lists carry it;
    `goods_fen`, `freight_fen`, `insurance_fen`: the same in CNY; `price_fen`: their sum, the dutiable price of
    retail imports. Needs lines sorted by order with `order_index`.
    """
    valued = AMOUNTS.added(lines)
    if not _one_line_each(valued):
        for charge in ("freight", "insurance"):
            valued = _apportioned(valued, charge)
    return PRICE.added(valued)


def _one_line_each(lines: pl.DataFrame) -> bool:
    """Whether every order has one line: `order_index` counts them from 0."""
    return lines.height > 0 and lines.get_column("order_index").max() == lines.height - 1


def _rate_columns() -> list[pl.Expr]:
    home = pl.col("currency") == "CNY"
    one = {"rate_cny_e6": "_cny", "rate_units_e6": "_units"}
    rates = [pl.when(home).then(pl.lit(1_000_000, pl.Int64)).otherwise(pl.col(of)).alias(name) for name, of in one.items()]
    return [*rates, pl.when(home).then(pl.lit("home")).otherwise(pl.col("_kind").cast(pl.String)).alias("rate_kind")]


def _amount_columns() -> list[pl.Expr]:
    product = wide("unit_price_e5") * wide("quantity_e5")
    return [
        money_fen(divide(product, 100_000)).alias("goods_value_e5"),
        _in_fen(product, 100_000).alias("goods_fen"),
        _in_fen(wide(pl.col("freight_e5").fill_null(0))).alias("freight_fen"),
        _in_fen(wide(pl.col("insurance_e5").fill_null(0))).alias("insurance_fen"),
    ]


RATE, AMOUNTS = Columns(_rate_columns()), Columns(_amount_columns())
PRICE = Columns([(pl.col("goods_fen") + pl.col("freight_fen") + pl.col("insurance_fen")).alias("price_fen")])


def _apportioned(lines: pl.DataFrame, charge: str) -> pl.DataFrame:
    """Spread a charge that only some lines of an order carry over all its lines, by goods value.

    Largest remainder: shares are whole fen and add up to the charge; ties go to the earlier line.
    """
    given, fen = pl.col(f"{charge}_e5").is_not_null(), f"{charge}_fen"
    partial = (given.any() & ~given.all()).over("order_index")
    if not lines.select((given.any() & ~given.all()).any()).item():
        return lines
    total, whole = wide(pl.col(fen).sum().over("order_index")), wide(pl.col("goods_fen").sum().over("order_index"))
    exact = total * wide("goods_fen")
    shares = lines.with_columns(
        _partial=partial, _share=exact // whole, _lack=(whole - exact % whole).cast(pl.Int64), _total=total
    )
    spare = pl.col("_total") - pl.col("_share").sum().over("order_index")
    place = pl.struct("_lack", "line_no").rank("ordinal").over("order_index")
    share = money_fen(pl.col("_share") + (place <= spare).cast(pl.Int128))
    chosen = pl.when(pl.col("_partial") & (whole > 0)).then(share).otherwise(pl.col(fen))
    return shares.with_columns(chosen.alias(fen)).drop("_partial", "_share", "_lack", "_total")
