"""Whether a line may go: release, hold or refuse, in which lane, and every reason why (K2, row 122).

A parcel goes as a whole: a line whose order has a line that may not go is held with it. Paperless means
released without paper, so the paperless ratio is parcels released ÷ parcels decided.
"""

import polars as pl

from entrepot.decide.dates import unconfirmed
from entrepot.decide.limits import limit_rules
from entrepot.decide.mode import RETAIL, form_rules, mode_rules
from entrepot.decide.rules import Rule, first, flag_lists, flags
from entrepot.decide.tax import tax_rules
from entrepot.law import Law

__all__ = ["GREEN", "MARKED", "add_release", "may_be_free", "readers", "reason_rules", "warning_rules"]

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
        Rule("release.countries-disagree", _countries_disagree(), "unknown"),
        Rule("release.cancelled", pl.col("cancelled"), "unknown"),
        Rule("release.waybill-reused", pl.col("waybill_reused"), "unknown"),
        Rule("release.mode-unknown", choice == "cn.mode.wanted-unknown", "unknown"),
        Rule("release.positive-list-unknown", RETAIL_IMPORT & pl.col("listed").is_null(), "unknown"),
        Rule("release.quantity-limited", RETAIL_IMPORT & pl.col("quantity_limited"), "unknown"),
        Rule("release.limit-uncertain", RETAIL_IMPORT & pl.col("limit_uncertain"), "unknown"),
        Rule("release.buyer-identity-missing", RETAIL_IMPORT & pl.col("buyer_key").is_null(), "unknown"),
        Rule("release.buyer-not-verified", RETAIL_IMPORT & ~pl.col("buyer_verified"), "unknown"),
        Rule("release.tax-unknown", IMPORT & pl.col("tax_total_fen").is_null(), "unknown"),
        Rule("release.licence-needed", pl.col("needs_licence"), "unknown"),
        Rule(MESSAGE, pl.col("message_rule").is_not_null(), "unknown"),
        Rule("release.random-sample", pl.col("sampled"), "unknown"),
    ]


MARKED = {
    "cn/customs_rate/monthly": "usd_unconfirmed",
    "cn/cbec/positive_list": "listed_unconfirmed",
    "cn/ct/not_subject_by_code": "ct_free_unconfirmed",
    "cn/vat/class_by_code": "vat_class_unconfirmed",
    "cn/ct/class_by_code": "ct_class_unconfirmed",
    "cn/ct/rate_by_class": "ct_ppm_unconfirmed",
    "cn/duty/mfn_by_code": "duty_ppm_unconfirmed",
}
"""Tables whose row of each line is marked by the lookup that joined it."""


def _countries_disagree() -> pl.Expr:
    """Goods leave China for elsewhere, or come from elsewhere to China; anything else a person looks at."""
    seller_home, buyer_home = pl.col("seller_country") == "CN", pl.col("buyer_country") == "CN"
    return pl.when(IMPORT).then(seller_home | ~buyer_home).otherwise(~seller_home | buyer_home)


def warning_rules(law: Law) -> list[Rule]:
    """What a reader must know although it does not stop the line; every unconfirmed value used is named."""
    adjusted = pl.col("incoterm").is_null() | pl.col("incoterm").is_in(NO_ADJUSTMENT)
    return [
        *_unconfirmed_rules(law),
        Rule("value.not-customs-rate", pl.col("rate_kind") == "ecb_cross"),
        Rule("value.incoterm-not-adjusted", (pl.col("direction") == "export") & ~adjusted),
        Rule("cn.form.no-message", pl.col("list_form").is_null()),
        Rule("goods.code-unconfirmed", pl.col("code_unconfirmed")),
        Rule("goods.code-not-checked", pl.col("code_status") == "not-checked"),
        Rule("cn.conditions-not-loaded", pl.col("needs_licence").is_null()),
        Rule("cn.cbec.yearly-limit-estimate", RETAIL_IMPORT),
        Rule("cn.cbec.positive-list-by-trader", RETAIL_IMPORT & pl.col("listed_by_trader")),
        Rule("cn.cbec.buyer-verification-unknown", RETAIL_IMPORT & pl.col("buyer_verified").is_null()),
        Rule("law.not-checked-since", pl.col(ON) > pl.lit(law.checked_until, pl.Date)),
    ]


def _unconfirmed_rules(law: Law) -> list[Rule]:
    """One warning for each leaf that a deciding rule read while its value of that day was unconfirmed."""
    warnings = []
    for path, used in sorted(readers(law).items()):
        if path in MARKED:
            warnings.append(Rule(f"law.unconfirmed:{path}", used & pl.col(MARKED[path])))
        elif path in law.scalar_paths() and any(value.unconfirmed for value in law.history(path)):
            warnings.append(Rule(f"law.unconfirmed:{path}", used & unconfirmed(law, path)))
    return warnings


def readers(law: Law) -> dict[str, pl.Expr]:
    """For each leaf, where a rule that reads it decided: of the limits, the mode taken, the form or the tax."""
    modes = [rule for rules in mode_rules(law).values() for rule in rules]
    tables = {
        "limit_rule": limit_rules(law),
        "mode_rule": modes,
        "form_rule": form_rules(law),
        "tax_rule": tax_rules(law),
    }
    readers: dict[str, pl.Expr] = {}
    for column, rules in tables.items():
        for path in {path for rule in rules for path in rule.law}:
            deciding = pl.col(column).cast(pl.String).is_in([rule.id for rule in rules if path in rule.law])
            readers[path] = readers[path] | deciding if path in readers else deciding
    return readers


def may_be_free() -> pl.Expr:
    """True for lines of orders that nothing but their message could still stop; only those need a message check."""
    stopped = pl.any_horizontal(rule.when.fill_null(value=False) for rule in reason_rules() if rule.id != MESSAGE)
    return ~stopped.any().over("order_index")


def add_release(lines: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Add `verdict`, `lane`, `release_rule`, `reasons` and `warnings` to decided lines."""
    reasons, warnings = reason_rules(), warning_rules(law)
    ruled = lines.with_columns(
        release_rule=first(reasons).cast(pl.String), reasons=flags(reasons), warnings=flags(warnings)
    )
    stopped = pl.col("release_rule").is_not_null()
    waits = ~stopped & stopped.any().over("order_index")
    refused = pl.col("release_rule").is_in([rule.id for rule in reasons if rule.answer == "no"])
    listed = flag_lists(flag_lists(ruled.with_columns(_waits=waits), "reasons", reasons), "warnings", warnings)
    sampled = pl.col("release_rule") == "release.random-sample"
    held = (
        pl.when(refused)
        .then(pl.lit("refuse"))
        .when(stopped | pl.col("_waits"))
        .then(pl.lit("hold"))
        .otherwise(pl.lit("release"))
    )
    lane = (
        pl.when(refused)
        .then(None)
        .when(sampled)
        .then(pl.lit("red"))
        .when(stopped | pl.col("_waits"))
        .then(pl.lit("yellow"))
        .otherwise(pl.lit("green"))
    )
    waiting = pl.lit(["release.order-held"])
    return listed.with_columns(
        verdict=held,
        lane=lane,
        reasons=pl.when("_waits").then(waiting).otherwise(pl.col("reasons")),
        release_rule=pl.when("_waits")
        .then(pl.lit("release.order-held"))
        .otherwise(pl.col("release_rule").fill_null(GREEN)),
    ).drop("_waits")
