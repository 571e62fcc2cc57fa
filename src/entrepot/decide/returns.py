"""Tax relief of returned e-commerce exports (trade-modes.md 1.4): back within the window, in the original state, not food.

The day of the export declaration selects the law. The window is counted in calendar months; where the last month
has no such day, its last day ends the window. That the last day is inside is not confirmed.
"""

import polars as pl

from entrepot.decide.dates import in_force, unconfirmed
from entrepot.decide.rules import Number, Rule, first
from entrepot.law import Law

__all__ = ["add_return_relief", "return_rules"]

ON = "exported_on"
RELIEF, WINDOW, LAST = "cn/returns/relief", "cn/returns/window", "cn/returns/last_day_inside"


def return_rules(law: Law) -> list[Rule]:
    """Whether import taxes are exempt (and export duty refundable) when goods come back."""
    ends, back = pl.col("window_ends_on"), pl.col("returned_on")
    inside = in_force(law, LAST).fill_null(value=False)
    window = {"exported_on": Number(pl.col(ON), "date"), "returned_on": Number(back, "date"), "window_ends_on": Number(ends, "date")}
    return [
        Rule("cn.return.no-relief-that-day", in_force(law, RELIEF).is_null(), "no", (RELIEF,), window),
        Rule("cn.return.mode-without-relief", pl.col("relief_mode").is_null(), "no", ("cn/returns/modes",)),
        Rule("cn.return.food", in_force(law, "cn/returns/food_excluded") & pl.col("food"), "no", ("cn/returns/food_excluded",)),
        Rule("cn.return.not-original-state", ~pl.col("original_state"), "no", (RELIEF,)),
        Rule("cn.return.facts-unknown", pl.col("food").is_null() | pl.col("original_state").is_null(), "unknown"),
        Rule("cn.return.on-last-day", (back == ends) & inside, "yes", (RELIEF, WINDOW, LAST), window),
        Rule("cn.return.after-window", back >= ends, "no", (WINDOW, LAST), window),
        Rule("cn.return.within-window", law=(RELIEF, WINDOW), numbers=window),
    ]


def add_return_relief(returns: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Add `window_ends_on`, `relief_rule` and `relief` (null: a fact is missing) to returned exports.

    Needs `mode`, `exported_on`, `returned_on`, `food`, `original_state`. Warn with `law.unconfirmed` of the last day.
    """
    found = law.lookup(returns, "cn/returns/modes", {"mode": "mode"}, date=ON, take={"mode": "relief_mode"})
    months = pl.concat_str(in_force(law, WINDOW).cast(pl.String), pl.lit("mo"))
    dated = found.with_columns(window_ends_on=pl.col(ON).dt.offset_by(months))
    rules = return_rules(law)
    ruled = dated.with_columns(relief_rule=first(rules))
    no, unknown = ([rule.id for rule in rules if rule.answer == answer] for answer in ("no", "unknown"))
    rule = pl.col("relief_rule").cast(pl.String)
    relief = pl.when(rule.is_in(unknown)).then(None).otherwise(~rule.is_in(no))
    warned = (rule == "cn.return.on-last-day") & unconfirmed(law, LAST)
    return ruled.with_columns(relief=relief, relief_unconfirmed=warned).drop("relief_mode", "relief_mode_unconfirmed")
