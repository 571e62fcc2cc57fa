"""Import taxes of cross-border retail: duty, consumption tax (CT) and VAT of each line (cbec-import-tax 2.3–2.6).

Within the limits duty is 0 and CT and VAT are due at a share of the statutory amount, each computed unrounded
and rounded once per tax and line. A single item over the order limit pays everything in full, rounded at each
tax. Whatever needs a rate or a class that is not loaded is unknown, never zero.
"""

import polars as pl

from entrepot.decide.dates import in_force
from entrepot.decide.exact import rounded_by_law, wide
from entrepot.decide.few import FEW, Columns
from entrepot.decide.rules import Number, Rule, first
from entrepot.law import Law
from entrepot.law.kept import once_per_law
from entrepot.law.lookup import Lookup

__all__ = ["CLASSES", "CT_RATE", "TAXES", "add_tax", "add_tax_facts", "class_columns", "price_tests", "tax_columns", "tax_rules"]

TAXES = ("duty_fen", "consumption_tax_fen", "vat_fen", "tax_total_fen")
ON = "declared_on"
BASES = ("_price", "_specific", "_rate", "_left", "_vat", "_share")
WORKING = (*BASES, *(f"_{way}_{tax}" for way in ("share", "full") for tax in TAXES[:3]))
MILLION = 1_000_000
TOTAL = (pl.col("duty_fen") + pl.col("consumption_tax_fen") + pl.col("vat_fen")).alias("tax_total_fen")
CT_LAW = (
    "cn/ct/class_by_code",
    "cn/ct/not_subject_by_code",
    "cn/ct/rate_by_class",
    "cn/ct/cosmetics_price_per_ml",
    "cn/ct/cosmetics_price_per_g",
    "cn/ct/cosmetics_price_per_piece",
    "cn/ct/watch_price",
)
CODE = {"hs_prefix": "hs_code"}
CLASSES = (
    Lookup("cn/vat/class_by_code", CODE, {"vat_class": "vat_class"}, "hs_prefix"),
    Lookup("cn/ct/class_by_code", CODE, {"ct_class": "ct_class"}, "hs_prefix"),
    Lookup("cn/ct/not_subject_by_code", CODE, {"not_subject": "ct_free"}, "hs_prefix"),
    Lookup("cn/duty/mfn_by_code", CODE, {"rate": "duty_ppm"}, "hs_prefix"),
)
CT_RATE = Lookup("cn/ct/rate_by_class", {"ct_class": "ct_class"}, {"ad_valorem": "ct_ppm", "specific": "ct_specific_e5"})
SHARE, MODE = "cn/cbec/tax_share", "cn/cbec/rounding_mode"
IN_CHANNEL = ("1210", "1239", "9610")
LITRES_LIMIT = 10**24
"""Specific tax of a million CNY at SPECIFIC_SCALE: more in a retail order is a wrong content, and 128 bits would not do."""
# litres = quantity_e5 x content_e5 (ml) x 1e-13; with a rate in CNY e5 per litre this scale turns fen into integers
SPECIFIC_SCALE = 10**16


def add_tax_facts(lines: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Join what the law says of each imported line's code on its day; exports bear no import tax and get nulls.

    Adds `vat_class`, `vat_ppm`, `ct_class` ('none' where the chapter holds no taxed goods), `ct_ppm`,
    `ct_specific_e5` (CNY per litre), `duty_ppm`, and `*_unconfirmed` marks.
    """
    return price_tests(law).added(_few_facts(lines, law) if lines.height <= FEW else _many_facts(lines, law))


def _few_facts(lines: pl.DataFrame, law: Law) -> pl.DataFrame:
    """The facts of each line asked by itself."""
    imported = [code if direction == "import" else None for code, direction in lines.select("hs_code", "direction").rows()]
    asked = pl.DataFrame([pl.Series("hs_code", imported, pl.String), lines.get_column(ON)])
    return lines.hstack(_code_facts(asked, law).get_columns()[2:])


def _many_facts(lines: pl.DataFrame, law: Law) -> pl.DataFrame:
    """The facts of each distinct code and day, joined back."""
    codes = lines.filter(pl.col("direction") == "import").select("hs_code", ON).unique()
    joined = lines.join(_code_facts(codes, law), on=["hs_code", ON], how="left", maintain_order="left")
    return joined.with_columns(pl.col("^.*_unconfirmed$").fill_null(value=False))


def _code_facts(codes: pl.DataFrame, law: Law) -> pl.DataFrame:
    """The facts of each distinct code and day: asked once, however many lines share them."""
    for lookup in CLASSES:
        codes = lookup.added(codes, law)
    return CT_RATE.added(class_columns(law).added(codes), law)


@once_per_law
def class_columns(law: Law) -> Columns:
    """`ct_class`, none where the code is said not to be taxed, and `vat_ppm`."""
    free = pl.col("ct_class").is_null() & pl.col("ct_free").is_not_null()
    kind = pl.col("vat_class")
    vat = (
        pl.when(kind == "standard")
        .then(in_force(law, "cn/vat/standard"))
        .when(kind == "reduced")
        .then(in_force(law, "cn/vat/reduced"))
    )
    ct = pl.when(free).then(pl.lit("none")).otherwise(pl.col("ct_class"))
    return Columns([ct.alias("ct_class"), vat.alias("vat_ppm")])


@once_per_law
def price_tests(law: Law) -> Columns:
    """`ct_taxed` by the price tests of CT (cosmetics per ml, g or piece, watches per piece), then `ct_known`."""
    unit, kind = pl.col("content_unit"), pl.col("ct_class")
    floor = (
        pl.when(unit == "ml")
        .then(in_force(law, "cn/ct/cosmetics_price_per_ml"))
        .when(unit == "g")
        .then(in_force(law, "cn/ct/cosmetics_price_per_g"))
        .when(unit == "piece")
        .then(in_force(law, "cn/ct/cosmetics_price_per_piece"))
    )
    content = wide("quantity_e5") * wide("content_quantity_e5")
    tested = in_force(law, "cn/ct/cosmetics_price_per_ml").is_not_null()  # before the test existed all were taxed
    high_end = ~tested | (wide("price_fen") * 10**13 >= wide(floor) * content)
    dear = wide("price_fen") * 100_000 >= wide(in_force(law, "cn/ct/watch_price")) * wide("quantity_e5")
    taxed = (
        pl.when(kind == "none")
        .then(pl.lit(value=False))
        .when(kind == "cosmetics")
        .then(high_end)
        .when(kind == "watches")
        .then(dear)
        .otherwise(kind.is_not_null())
    )
    return Columns([taxed.alias("ct_taxed")], [_ct_known().alias("ct_known")])


def _ct_known() -> pl.Expr:
    """Class, rate and whatever content they need are there."""
    unit, taxed = pl.col("content_unit"), pl.col("ct_taxed")
    content = wide("quantity_e5") * wide("content_quantity_e5")
    litres_needed = pl.col("ct_specific_e5").is_not_null() & (unit.is_null() | (unit != "ml"))
    too_much = content * wide("ct_specific_e5").fill_null(0) > LITRES_LIMIT
    fits = pl.col("ct_ppm").is_not_null() & ~litres_needed & ~too_much.fill_null(value=False)
    known = taxed.is_not_null() & (~taxed | fits)
    return known.fill_null(value=False)


@once_per_law
def tax_rules(law: Law) -> list[Rule]:
    """Which tax treatment a line gets; needs `add_tax_facts` and the order's `mode`, `limit_rule`."""
    mode, outcome = pl.col("mode"), pl.col("limit_rule").cast(pl.String)
    single = outcome == "cn.cbec.single-item-over-order-limit"
    price = {
        "price": Number(pl.col("price_fen"), "fen"),
        "vat_rate": Number(pl.col("vat_ppm"), "ppm"),
        "ct_rate": Number(pl.when("ct_taxed").then(pl.col("ct_ppm")).otherwise(0), "ppm"),
    }
    share = {**price, "share": Number(in_force(law, SHARE), "ppm")}
    code = {"hs_code": Number(pl.col("hs_code"), "code")}
    vat, ct = ("cn/vat/class_by_code", "cn/vat/standard", "cn/vat/reduced"), CT_LAW
    return [
        Rule("cn.tax.refused-mode", pl.col("mode_refused"), "unknown"),
        Rule("cn.export.no-duty-by-trader", (pl.col("direction") == "export") & ~pl.col("needs_licence"), "yes"),
        Rule("cn.export.duty-unknown", pl.col("direction") == "export", "unknown"),
        Rule("cn.tax.no-mode", mode.is_null(), "unknown"),
        Rule("cn.general-trade.not-decided", ~mode.is_in(IN_CHANNEL), "unknown"),
        Rule("cn.cbec.before-first-policy", in_force(law, SHARE).is_null(), "unknown", (SHARE,)),
        Rule("cn.tax.no-code", pl.col("hs_code").is_null(), "unknown"),
        Rule("cn.vat.class-unknown", pl.col("vat_ppm").is_null(), "unknown", vat, code),
        Rule("cn.ct.class-unknown", pl.col("ct_class").is_null(), "unknown", ct, code),
        Rule("cn.ct.rate-unknown", (pl.col("ct_class") != "none") & pl.col("ct_ppm").is_null(), "unknown", ct, code),
        Rule("cn.ct.content-unknown", ~pl.col("ct_known"), "unknown", ct, code),
        Rule("cn.value.charges-unknown", outcome == "cn.cbec.price-unknown", "unknown"),
        Rule("cn.cbec.single-item-unknown", outcome == "cn.cbec.single-item-unclear", "unknown"),
        Rule(
            "cn.cbec.exactly-yearly-limit-unclear",
            outcome == "cn.cbec.single-item-exactly-yearly-limit",
            "unknown",
            ("cn/cbec/exact_yearly_limit_single_item",),
            price,
        ),
        Rule("cn.duty.rate-unknown", single & pl.col("duty_ppm").is_null(), "unknown", ("cn/duty/mfn_by_code",), code),
        Rule(
            "cn.cbec.single-item-full-tax",
            single,
            "yes",
            ("cn/cbec/single_item_over_order_limit", "cn/duty/mfn_by_code", MODE, *vat, *ct),
            {**price, "duty_rate": Number(pl.col("duty_ppm"), "ppm")},
        ),
        Rule(
            "cn.cbec.within-limits",
            outcome == "cn.cbec.within-order-and-yearly-limit",
            "yes",
            ("cn/cbec/duty_rate", SHARE, MODE, *vat, *ct),
            share,
        ),
        Rule("cn.tax.not-retail-import", answer="unknown"),
    ]


def add_tax(lines: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Add `duty_fen`, `consumption_tax_fen`, `vat_fen`, `tax_total_fen` and `tax_rule`; null is unknown."""
    return tax_columns(law).added(lines)


@once_per_law
def tax_columns(law: Law) -> Columns:
    """What `add_tax` adds."""
    rule = first(tax_rules(law)).alias("tax_rule")
    return Columns([rule], _bases(law), _composite(law), *_in_full(law), _paid(), [TOTAL], working=WORKING)


def _paid() -> list[pl.Expr]:
    """The taxes that the rule of a line makes due."""
    rule = pl.col("tax_rule").cast(pl.String)
    paid = []
    for tax in TAXES[:3]:
        export = pl.lit(0, pl.Int64) if tax != "duty_fen" else pl.lit(None, pl.Int64)
        due = (
            pl.when(rule == "cn.cbec.within-limits")
            .then(pl.col(f"_share_{tax}"))
            .when(rule == "cn.cbec.single-item-full-tax")
            .then(pl.col(f"_full_{tax}"))
            .when(rule == "cn.export.no-duty-by-trader")
            .then(pl.lit(0, pl.Int64))
            .when(rule == "cn.export.duty-unknown")
            .then(export)
        )
        paid.append(due.alias(tax))
    return paid


def _bases(law: Law) -> list[pl.Expr]:
    """What both ways compute with: `_price` and specific CT `_specific` at SPECIFIC_SCALE, CT rate `_rate`, VAT rate
    `_vat`, `_share`; outside the channel price and CT are 0, so nothing wraps."""
    inside = pl.col("tax_rule").cast(pl.String).is_in(["cn.cbec.within-limits", "cn.cbec.single-item-full-tax"])
    price = pl.when(inside).then(wide("price_fen")).otherwise(0)
    litres = wide("quantity_e5") * wide("content_quantity_e5").fill_null(0) * wide("ct_specific_e5").fill_null(0)
    specific = pl.when(inside & pl.col("ct_taxed")).then(litres).otherwise(0)
    rate = pl.when(inside & pl.col("ct_taxed")).then(wide("ct_ppm")).otherwise(0)
    bases = {"_price": price * SPECIFIC_SCALE, "_specific": specific, "_rate": rate, "_left": MILLION - rate,
             "_vat": wide("vat_ppm").fill_null(0), "_share": wide(in_force(law, SHARE))}
    return [value.alias(name) for name, value in bases.items()]




def _composite(law: Law) -> list[pl.Expr]:
    """The taxes within the limits: statutory amount x share, unrounded until the end.

    CT = ((P + s) / (1 - c) x c + s) x share, VAT = (P + s) / (1 - c) x v x share.
    """
    price, specific, rate, left, vat, share = (pl.col(name) for name in BASES)
    below = left * SPECIFIC_SCALE * MILLION
    ct = ((price + specific) * rate + specific * left) * share
    duty = wide("price_fen") * wide(in_force(law, "cn/cbec/duty_rate"))
    return [
        rounded_by_law(law, MODE, duty, pl.lit(MILLION, pl.Int128)).alias("_share_duty_fen"),
        rounded_by_law(law, MODE, ct, below).alias("_share_consumption_tax_fen"),
        rounded_by_law(law, MODE, (price + specific) * vat * share, below).alias("_share_vat_fen"),
    ]


def _in_full(law: Law) -> list[list[pl.Expr]]:
    """All taxes at 100 %: duty, then CT on price and duty, then VAT on all three, each rounded to the fen at its turn."""
    price, specific, rate, left, vat, _ = (pl.col(name) for name in BASES)
    million, scale = pl.lit(MILLION, pl.Int128), pl.lit(SPECIFIC_SCALE, pl.Int128)
    duty = rounded_by_law(law, MODE, price * wide("duty_ppm").fill_null(0), scale * MILLION)
    dutied = price + wide("_full_duty_fen") * SPECIFIC_SCALE
    ct = rounded_by_law(law, MODE, (dutied + specific) * rate + specific * left, left * SPECIFIC_SCALE)
    vat_due = rounded_by_law(law, MODE, (dutied // SPECIFIC_SCALE + wide("_full_consumption_tax_fen")) * vat, million)
    return [[duty.alias("_full_duty_fen")], [ct.alias("_full_consumption_tax_fen")], [vat_due.alias("_full_vat_fen")]]
