"""Whether a line may go: release, hold or refuse, in which lane, and every reason why (K2, row 122).

A parcel goes as a whole: a line whose order has a line that may not go is held with it. Paperless means
released without paper, so the paperless ratio is parcels released ÷ parcels decided.
"""

import polars as pl

from entrepot.decide.mode import RETAIL
from entrepot.decide.rules import Rule, first, flag_lists, flags
from entrepot.law import Law

__all__ = ["GREEN", "add_release", "may_be_free", "reason_rules", "warning_rules"]

ON = "declared_on"
GREEN, MESSAGE = "release.nothing-to-check", "release.message-incomplete"
IMPORT = pl.col("direction") == "import"
RETAIL_IMPORT = IMPORT & pl.col("mode").is_in(RETAIL)
NO_ADJUSTMENT = ("EXW", "FCA", "FAS", "FOB")


def reason_rules() -> list[Rule]:
    """The reasons a line is not released, the weightiest first; `no` refuses, `unknown` holds.

    Needs `mode_choice`, `tax_total_fen`, `listed`, `code_digits`, and the facts `order_incomplete`,
    `message_rule` (first pre-send rule a message fails) and `sampled` (drawn for a check).
    """
    choice, digits = pl.col("mode_choice").cast(pl.String), pl.col("hs_code").str.len_chars().cast(pl.Int64)
    return [
        Rule("release.mode-not-lawful", choice == "cn.mode.wanted-not-lawful", "no"),
        Rule("release.no-lawful-mode", choice == "cn.mode.none", "no"),
        Rule("release.order-incomplete", pl.col("order_incomplete"), "unknown"),
        Rule("release.no-code", pl.col("hs_code").is_null(), "unknown"),
        Rule("release.code-too-short", digits < pl.col("code_digits"), "unknown"),
        Rule("release.mode-unknown", choice == "cn.mode.wanted-unknown", "unknown"),
        Rule("release.positive-list-unknown", RETAIL_IMPORT & pl.col("listed").is_null(), "unknown"),
        Rule("release.buyer-identity-missing", RETAIL_IMPORT & pl.col("buyer_key").is_null(), "unknown"),
        Rule("release.buyer-not-verified", RETAIL_IMPORT & ~pl.col("buyer_verified"), "unknown"),
        Rule("release.tax-unknown", IMPORT & pl.col("tax_total_fen").is_null(), "unknown"),
        Rule("release.licence-needed", pl.col("needs_licence"), "unknown"),
        Rule(MESSAGE, pl.col("message_rule").is_not_null(), "unknown"),
        Rule("release.random-sample", pl.col("sampled"), "unknown"),
    ]


def warning_rules(law: Law) -> list[Rule]:
    """What a reader must know although it does not stop the line; every unconfirmed value used is named."""
    within = pl.col("tax_rule").cast(pl.String) == "cn.cbec.within-limits"
    in_tax = pl.col("tax_rule").cast(pl.String).is_in(["cn.cbec.within-limits", "cn.cbec.single-item-full-tax"])
    checked = pl.lit(law.checked_until, pl.Date)
    unconfirmed = [_unconfirmed(law, path, used) for path, used in (
        ("cn/cbec/rounding_mode", within), ("cn/cbec/tax_share", within), ("cn/cbec/duty_rate", within),
        ("cn/cbec/order_limit", RETAIL_IMPORT), ("cn/cbec/yearly_limit", RETAIL_IMPORT),
        ("cn/mode/1039/cap", pl.col("mode") == "1039"), ("cn/vat/standard", in_tax), ("cn/vat/reduced", in_tax),
        ("cn/mode/9610/list_code_digits_limit", pl.col("mode") == "9610"),
        ("cn/mode/b2b/list_limit", pl.col("mode").is_in(["9710", "9810"])),
    )]
    tables = [Rule(f"law.unconfirmed:{path}", used & pl.col(f"{column}_unconfirmed")) for path, column, used in (
        ("cn/vat/class_by_code", "vat_class", in_tax), ("cn/ct/class_by_code", "ct_class", in_tax),
        ("cn/ct/rate_by_class", "ct_ppm", in_tax & pl.col("ct_taxed")), ("cn/duty/mfn_by_code", "duty_ppm", in_tax),
    )]
    adjusted = pl.col("incoterm").is_null() | pl.col("incoterm").is_in(NO_ADJUSTMENT)
    return [
        *(rule for rule in unconfirmed if rule is not None),
        *tables,
        Rule("value.not-customs-rate", pl.col("rate_kind") == "ecb_cross"),
        Rule("value.incoterm-not-adjusted", (pl.col("direction") == "export") & ~adjusted),
        Rule("goods.code-unconfirmed", pl.col("code_unconfirmed")),
        Rule("goods.code-not-checked", pl.col("code_status") == "not-checked"),
        Rule("cn.conditions-not-loaded", pl.col("needs_licence").is_null()),
        Rule("cn.cbec.yearly-limit-estimate", RETAIL_IMPORT),
        Rule("cn.cbec.positive-list-by-trader", RETAIL_IMPORT & pl.col("listed_by_trader")),
        Rule("cn.cbec.buyer-verification-unknown", RETAIL_IMPORT & pl.col("buyer_verified").is_null()),
        Rule("law.not-checked-since", pl.col(ON) > checked),
    ]


def _unconfirmed(law: Law, path: str, used: pl.Expr) -> Rule | None:
    """A warning where an unconfirmed value of this leaf is in force and used; none when all are confirmed."""
    if not any(value.unconfirmed for value in law.history(path)):
        return None
    return Rule(f"law.unconfirmed:{path}", used & law.unconfirmed(path, ON))


def may_be_free() -> pl.Expr:
    """True for lines of orders that nothing but their message could still stop; only those need a message check."""
    stopped = pl.any_horizontal(rule.when.fill_null(value=False) for rule in reason_rules() if rule.id != MESSAGE)
    return ~stopped.any().over("order_index")


def add_release(lines: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Add `verdict`, `lane`, `release_rule`, `reasons` and `warnings` to decided lines."""
    reasons, warnings = reason_rules(), warning_rules(law)
    ruled = lines.with_columns(
        release_rule=first(reasons).cast(pl.String), reasons=flags(reasons), warnings=flags(warnings))
    stopped = pl.col("release_rule").is_not_null()
    waits = ~stopped & stopped.any().over("order_index")
    refused = pl.col("release_rule").is_in([rule.id for rule in reasons if rule.answer == "no"])
    listed = flag_lists(flag_lists(ruled.with_columns(_waits=waits), "reasons", reasons), "warnings", warnings)
    sampled = pl.col("release_rule") == "release.random-sample"
    held = pl.when(refused).then(pl.lit("refuse")).when(stopped | pl.col("_waits")).then(pl.lit("hold")).otherwise(
        pl.lit("release"))
    lane = pl.when(refused).then(None).when(sampled).then(pl.lit("red")).when(stopped | pl.col("_waits")).then(
        pl.lit("yellow")).otherwise(pl.lit("green"))
    waiting = pl.lit(["release.order-held"])
    return listed.with_columns(
        verdict=held, lane=lane,
        reasons=pl.when("_waits").then(waiting).otherwise(pl.col("reasons")),
        release_rule=pl.when("_waits").then(pl.lit("release.order-held")).otherwise(
            pl.col("release_rule").fill_null(GREEN)),
    ).drop("_waits")
