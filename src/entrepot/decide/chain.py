"""The chain of decisions in the order goods meet them: value, limits, mode, tax, then release.

`decide` is the pure function everything else calls: the day's run, the explanation, the cases and a notebook.
"""

import polars as pl

from entrepot.decide.limits import add_limit_scope, add_limits
from entrepot.decide.mode import MODES, add_mode_facts, add_modes, option_column
from entrepot.decide.orders import join_orders, order_level, with_order_index
from entrepot.decide.tax import add_tax, add_tax_facts
from entrepot.decide.value import add_rates, add_usd_rate, add_values
from entrepot.law import Law

__all__ = ["ORDER_COLUMNS", "decide", "decide_orders", "valued", "without_rate"]

ORDER_COLUMNS = [
    "mode",
    "mode_rule",
    "mode_choice",
    "mode_refused",
    "form_rule",
    "list_form",
    "code_digits",
    "limit_applies",
    "limit_rule",
    "spent_fen",
    "freight_given",
    "insurance_given",
    "order_goods_fen",
    "order_price_fen",
    *(option_column(mode) for mode in MODES),
]


def without_rate(lines: pl.DataFrame, law: Law) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines with the rate of their month, and the lines whose currency has none that day (to be refused)."""
    rated = add_rates(lines, law)
    missing = pl.col("rate_cny_e6").is_null()
    return rated.filter(~missing), rated.filter(missing)


def valued(rated: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Lines that have a rate, sorted by order and line, with their amounts, listing and what the law says of their code."""
    return add_values(with_order_index(add_listing(rated, law)))


def decide_orders(lines: pl.DataFrame, law: Law, balances: pl.DataFrame | None = None) -> pl.DataFrame:
    """One row per order of `valued` lines with limits and modes decided; whole buyers must be in one call."""
    orders = add_mode_facts(add_usd_rate(order_level(lines), law), law)
    moded = add_modes(add_limits(add_limit_scope(orders, law), law, balances), law)
    refused = pl.col("mode_choice").cast(pl.String).is_in(["cn.mode.wanted-not-lawful", "cn.mode.none"])
    return moded.with_columns(mode_refused=refused)


def decide(rated: pl.DataFrame, law: Law, balances: pl.DataFrame | None = None) -> pl.DataFrame:
    """Add every decision column but release to lines that have a rate (`without_rate`).

    Whole buyers must be in one call, since their orders share a yearly limit. Returns the lines sorted by order
    and line with `order_index`.
    """
    lines = valued(rated, law)
    joined = join_orders(lines, decide_orders(lines, law, balances), ORDER_COLUMNS)
    return add_tax(add_tax_facts(joined, law), law)


def add_listing(lines: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Add `listed` (on the positive list of retail imports that day) and `listed_by_trader`.

    The loaded list decides; while it is not complete, what the trader states serves and leaves a warning.
    """
    path = "cn/cbec/positive_list"
    found = law.lookup(lines, path, {"hs_code": "hs_code"}, take={"hs_code": "_row"}, prefix="hs_code")
    on_list = pl.col("_row").is_not_null()
    if law.table(path).complete:
        return found.with_columns(listed=on_list, listed_by_trader=pl.lit(value=False)).drop("_row", "_row_unconfirmed")
    stated = pl.when(on_list).then(pl.lit(value=True)).otherwise(pl.col("on_positive_list"))
    return found.with_columns(listed=stated, listed_by_trader=~on_list & pl.col("on_positive_list")).drop(
        "_row", "_row_unconfirmed", strict=False
    )
