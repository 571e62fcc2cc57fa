"""The chain of decisions in the order goods meet them: value, limits, mode, tax, then release.

`decide` is the pure function everything else calls: the day's run, the explanation, the cases and a notebook.
"""

from functools import cache

import polars as pl

from entrepot.decide.few import Columns, without
from entrepot.decide.limits import add_limit_scope, add_limits
from entrepot.decide.mode import MODES, add_mode_facts, add_modes, option_column
from entrepot.decide.orders import join_orders, order_level, with_order_index
from entrepot.decide.tax import add_tax, add_tax_facts
from entrepot.decide.value import add_rates, add_usd_rate, add_values
from entrepot.law import Law
from entrepot.law.lookup import Lookup

__all__ = ["LISTED", "ORDER_COLUMNS", "REFUSED", "decide", "decide_orders", "listing", "valued", "without_rate"]

LISTED = Lookup(
    "cn/cbec/positive_list", {"hs_code": "hs_code"},
    {"hs_code": "_row", "bonded_only": "_bonded_only", "quantity_per_year": "_per_year"}, "hs_code", "listed_unconfirmed",
)  # fmt: skip
LISTED_DIGITS = 8
"""Digits of the rows of the positive list: a shorter code cannot be found in it."""

REFUSED = Columns([
    pl.col("mode_choice").cast(pl.String).is_in(["cn.mode.wanted-not-lawful", "cn.mode.none"]).alias("mode_refused")
])

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
    "limit_uncertain",
    "usd_unconfirmed",
    "order_goods_fen",
    "order_price_fen",
    *(option_column(mode) for mode in MODES),
]


def without_rate(lines: pl.DataFrame, law: Law) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines with the rate of their month, and the lines whose currency has none that day (to be refused)."""
    rated = add_rates(lines, law)
    if not rated.get_column("rate_cny_e6").null_count():
        return rated, rated.clear()
    missing = pl.col("rate_cny_e6").is_null()
    return rated.filter(~missing), rated.filter(missing)


def valued(rated: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Lines that have a rate, sorted by order and line, with their amounts, listing and what the law says of their code."""
    dated = rated.hstack([rated.get_column("declared_on").alias("exported_on")])  # until a departure says otherwise
    return add_values(with_order_index(add_listing(dated, law)))


def decide_orders(lines: pl.DataFrame, law: Law, balances: pl.DataFrame | None = None) -> pl.DataFrame:
    """One row per order of `valued` lines with limits and modes decided; whole buyers must be in one call."""
    orders = add_mode_facts(add_usd_rate(order_level(lines), law), law)
    moded = add_modes(add_limits(add_limit_scope(orders, law), law, balances), law)
    return REFUSED.added(moded)


def decide(rated: pl.DataFrame, law: Law, balances: pl.DataFrame | None = None) -> pl.DataFrame:
    """Add every decision column but release to lines that have a rate (`without_rate`).

    Whole buyers must be in one call, since their orders share a yearly limit. Returns the lines sorted by order
    and line with `order_index`.
    """
    lines = valued(rated, law)
    joined = join_orders(lines, decide_orders(lines, law, balances), ORDER_COLUMNS)
    return add_tax(add_tax_facts(joined, law), law)


def add_listing(lines: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Add `listed` (on the positive list of retail imports that day), `listed_by_trader` and `quantity_limited`.

    The loaded list decides; while it is not complete, what the trader states serves and leaves a warning. A row
    for bonded goods only does not list goods that are not bonded; a code too short to be found is unknown.
    """
    found = LISTED.added(lines, law)
    return without(listing(complete=law.table(LISTED.path).complete).added(found), *LISTED.take.values())


@cache
def listing(*, complete: bool) -> Columns:
    """What `add_listing` makes of the row of the list, whether the list is complete or not."""
    in_list = pl.col("_row").is_not_null()
    usable = in_list & ~(pl.col("_bonded_only").fill_null(value=False) & ~pl.col("bonded"))
    known = pl.col("hs_code").str.len_chars() >= LISTED_DIGITS
    absent = pl.when(known).then(pl.lit(value=False)) if complete else pl.col("on_positive_list")
    listed = pl.when(in_list).then(usable).otherwise(absent)
    by_trader = pl.lit(value=False) if complete else ~in_list & pl.col("on_positive_list")
    limited = in_list & pl.col("_per_year").is_not_null()
    return Columns([listed.alias("listed"), by_trader.alias("listed_by_trader"), limited.alias("quantity_limited")])
