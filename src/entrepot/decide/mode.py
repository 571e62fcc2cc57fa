"""Which supervision modes the law admits for an order, and the one to use (trade-modes.md 1.2–1.5).

Each mode has a table of rules; the first that holds says yes, no or unknown. Every order gets the deciding
rule of every mode (`option_*`), so the modes not taken carry their reason. The mode asked for is used when it
is lawful; otherwise the first admissible one in the order of `RANKED`.
"""

from dataclasses import replace

import polars as pl

from entrepot.decide.dates import in_force
from entrepot.decide.exact import divide, money_fen, wide
from entrepot.decide.few import FEW, Columns
from entrepot.decide.rules import Answer, Number, Rule, answered, first
from entrepot.law import Law
from entrepot.law.kept import once_per_law
from entrepot.law.lookup import Lookup

__all__ = [
    "CREATED",
    "MODES",
    "RANKED",
    "RETAIL",
    "add_mode_facts",
    "add_modes",
    "choice_rules",
    "district_lookups",
    "form_rules",
    "mode_columns",
    "mode_rules",
    "option_column",
    "retail_answers",
    "retail_open",
    "wish_columns",
]

MODES = ("0110", "1039", "1210", "1239", "9610", "9710", "9810")
RANKED = ("1210", "1239", "9610", "9710", "9810", "1039", "0110")
RETAIL = ("1210", "1239", "9610")
LIMITS = (".over-order-limit", ".over-yearly-limit")
DISTRICTS = {"9710": "cn/mode/9710_districts", "9810": "cn/mode/9810_districts"}

EXPORT = pl.col("direction") == "export"
IMPORT = pl.col("direction") == "import"
ON = "declared_on"
CREATED = Lookup("cn/mode/codes", {"mode": "_mode"}, {"direction": "created"})


def option_column(mode: str) -> str:
    """The column that holds the deciding rule of one mode."""
    return f"option_{mode}"


def _flag_rules(prefix: str, flag: str, wanted: bool = True) -> list[Rule]:
    """`no` when the flag says otherwise, `unknown` when it is not known."""
    value, word = pl.col(flag), flag.replace("_", "-")
    wrong = ~value if wanted else value
    return [
        Rule(f"{prefix}.{'needs' if wanted else 'excludes'}-{word}", wrong, "no"),
        Rule(f"{prefix}.{word}-unknown", value.is_null(), "unknown"),
    ]


def _buyer_rules(prefix: str, kind: str, word: str) -> list[Rule]:
    return [
        Rule(f"{prefix}.needs-{word}", pl.col("buyer_kind") != kind, "no"),
        Rule(f"{prefix}.buyer-kind-unknown", pl.col("buyer_kind").is_null(), "unknown"),
    ]


def _in_force(mode: str) -> Rule:
    """No mode before the day its code was created."""
    return Rule(
        f"cn.{mode}.not-in-force",
        pl.col(f"created_{mode}").is_null(),
        "no",
        ("cn/mode/codes",),
        {"declared_on": Number(pl.col(ON), "date")},
    )


def _ordinary() -> list[Rule]:
    return [Rule("cn.0110.ordinary-trade", law=("cn/mode/codes",))]


def _market_procurement(law: Law) -> list[Rule]:
    """Mode 1039: cluster goods, at most the cap in USD (FOB) per declaration, inclusive."""
    cap = in_force(law, "cn/mode/1039/cap")
    fob = wide("order_goods_e5") * wide("rate_cny_e6") * wide("usd_units_e6")
    limit = wide(cap) * 1000 * wide("rate_units_e6") * wide("usd_cny_e6")
    usd = money_fen(divide(fob, wide("rate_units_e6") * wide("usd_cny_e6") * 1000))
    numbers = {
        "fob": Number(
            pl.when(pl.col("currency") == "USD").then(pl.col("order_goods_e5") // 1000).otherwise(usd), "cent"
        ),
        "cap": Number(cap, "cent"),
    }
    at_home = pl.col("currency") == "USD"
    over = pl.when(at_home).then(wide("order_goods_e5") > wide(cap) * 1000).otherwise(fob > limit)
    cap_law = ("cn/mode/1039/cap", "cn/customs_rate/monthly")
    return [
        Rule("cn.1039.export-only", ~EXPORT, "no"),
        _in_force("1039"),
        *_flag_rules("cn.1039", "in_market_cluster"),
        Rule("cn.1039.rebate-claimed", pl.col("rebate_claimed"), "no", ("cn/mode/1039/export_vat",)),
        Rule("cn.1039.cap-unknown", cap.is_null(), "unknown", ("cn/mode/1039/cap",), {"declared_on": Number(pl.col(ON), "date")}),
        Rule("cn.1039.over-cap", over, "no", cap_law, numbers),
        Rule("cn.1039.usd-rate-unknown", over.is_null(), "unknown", cap_law),
        Rule("cn.1039.within-cap", law=cap_law, numbers=numbers),
    ]


def _limit_rules(prefix: str, law: Law) -> list[Rule]:
    """Over a limit of retail import the order is general trade (cbec-import-tax 2.6)."""
    leaves = ("cn/cbec/order_limit", "cn/cbec/yearly_limit")
    numbers = {
        "price": Number(pl.col("order_price_fen"), "fen"),
        "spent": Number(pl.col("spent_fen"), "fen"),
        "order_limit": Number(in_force(law, leaves[0]), "fen"),
        "yearly_limit": Number(in_force(law, leaves[1]), "fen"),
    }
    outcome = pl.col("limit_rule").cast(pl.String)
    return [
        Rule(f"{prefix}.over-order-limit", outcome == "cn.cbec.over-order-limit", "no", leaves, numbers),
        Rule(f"{prefix}.over-yearly-limit", outcome == "cn.cbec.over-yearly-limit", "no", leaves, numbers),
    ]


def _platform_consumer(prefix: str) -> list[Rule]:
    """Retail through a platform to or from a natural person."""
    return [*_flag_rules(prefix, "platform_sale"), *_buyer_rules(prefix, "person", "consumer")]


def _retail_import(prefix: str, law: Law) -> list[Rule]:
    """What retail import asks beyond that: the positive list and the limits (cbec-import-tax 2.2); exports pass."""
    asked = [
        Rule(f"{prefix}.not-on-positive-list", ~pl.col("listed"), "no", ("cn/cbec/positive_list",)),
        *_limit_rules(prefix, law),
    ]
    return [replace(rule, when=IMPORT & rule.when) for rule in asked]


def _direct_retail(law: Law) -> list[Rule]:
    """Mode 9610: parcel by parcel from or to a consumer through a platform."""
    return [
        _in_force("9610"),
        *_platform_consumer("cn.9610"),
        Rule("cn.9610.goods-to-warehouse", EXPORT & pl.col("stocked_abroad"), "no"),
        Rule("cn.9610.bonded-goods", pl.col("bonded"), "no"),
        *_retail_import("cn.9610", law),
        Rule("cn.9610.retail-import", IMPORT, law=("cn/mode/codes",)),
        Rule("cn.9610.retail-export", law=("cn/mode/codes",)),
    ]


def _bonded_retail(mode: str, law: Law) -> list[Rule]:
    """Modes 1210 (pilot cities and bonded areas) and 1239 (other cities, import only)."""
    prefix, inside = f"cn.{mode}", mode == "1210"
    return [
        _in_force(mode),
        *([] if inside else [Rule("cn.1239.import-only", ~IMPORT, "no")]),
        *_flag_rules(prefix, "bonded"),
        *_flag_rules(prefix, "pilot_zone", wanted=inside),
        *_platform_consumer(prefix),
        *_retail_import(prefix, law),
        Rule(f"{prefix}.bonded-import", IMPORT, law=("cn/mode/codes",)),
        *([Rule("cn.1210.bonded-export", law=("cn/mode/codes",))] if inside else []),
    ]


def _district_rules(mode: str, law: Law) -> list[Rule]:
    """Roll-out by customs district until the mode became nationwide."""
    prefix, leaves = f"cn.{mode}", (DISTRICTS[mode], "cn/mode/b2b_nationwide")
    everywhere = in_force(law, "cn/mode/b2b_nationwide").fill_null(value=False)
    joined = pl.col(f"district_{mode}").is_not_null()
    shown = {"declared_on": Number(pl.col(ON), "date"), "district": Number(pl.col("customs_district"), "code")}
    return [
        Rule(
            f"{prefix}.district-unknown", ~everywhere & pl.col("customs_district").is_null(), "unknown", leaves, shown
        ),
        Rule(f"{prefix}.district-not-joined", ~everywhere & ~joined, "no", leaves, shown),
    ]


def _business_direct(law: Law) -> list[Rule]:
    """Mode 9710: sold through a platform to a foreign business, goods go straight to it."""
    return [
        Rule("cn.9710.export-only", ~EXPORT, "no"),
        _in_force("9710"),
        *_flag_rules("cn.9710", "platform_sale"),
        *_buyer_rules("cn.9710", "business", "foreign-business"),
        Rule("cn.9710.goods-to-warehouse", pl.col("stocked_abroad"), "no"),
        *_district_rules("9710", law),
        Rule("cn.9710.business-direct", law=("cn/mode/codes",)),
    ]


def _overseas_warehouse(law: Law) -> list[Rule]:
    """Mode 9810: to an overseas warehouse first; the warehouse filing was needed until 2024-12-14."""
    leaf = "cn/mode/9810_warehouse_filing"
    filing = in_force(law, leaf).fill_null(value=True)
    shown = {"declared_on": Number(pl.col(ON), "date")}
    return [
        Rule("cn.9810.export-only", ~EXPORT, "no"),
        _in_force("9810"),
        *_flag_rules("cn.9810", "stocked_abroad"),
        *_district_rules("9810", law),
        Rule("cn.9810.warehouse-not-filed", filing & ~pl.col("warehouse_filed"), "no", (leaf,), shown),
        Rule(
            "cn.9810.warehouse-filing-unknown", filing & pl.col("warehouse_filed").is_null(), "unknown", (leaf,), shown
        ),
        Rule("cn.9810.overseas-warehouse", law=("cn/mode/codes", leaf)),
    ]


@once_per_law
def mode_rules(law: Law) -> dict[str, list[Rule]]:
    """The rule table of every mode."""
    return {
        "0110": _ordinary(),
        "1039": _market_procurement(law),
        "1210": _bonded_retail("1210", law),
        "1239": _bonded_retail("1239", law),
        "9610": _direct_retail(law),
        "9710": _business_direct(law),
        "9810": _overseas_warehouse(law),
    }


@once_per_law
def form_rules(law: Law) -> list[Rule]:
    """List or full declaration, and how many digits of the code it needs (trade-modes 1.4, 1.5).

    The answer is in the id: `…list-a` is the simplified list (清单核放、汇总统计), `…list-b` the list that is
    later summed into declarations, `…declaration` the full declaration.
    """
    mode, price = pl.col("mode"), pl.col("order_goods_fen")
    rebate = pl.col("rebate_claimed").fill_null(pl.col("has_input_invoice")).fill_null(value=False)
    licence = pl.col("needs_licence").fill_null(value=False)
    simple = pl.col("pilot_zone").fill_null(value=False) & ~rebate & ~licence
    retail_limit, list_limit = in_force(law, "cn/mode/9610/list_code_digits_limit"), in_force(law, "cn/mode/b2b/list_limit")
    business = mode.is_in(["9710", "9810"])
    retail = (mode == "9610") & EXPORT
    value = {"value": Number(price, "fen"), "limit": Number(list_limit, "fen")}
    heading = {"value": Number(price, "fen"), "limit": Number(retail_limit, "fen")}
    listed = business & (price <= list_limit) & ~licence & ~rebate
    b2b = ("cn/mode/b2b/list_limit",)
    return [
        Rule("cn.form.import-list", IMPORT & mode.is_in(RETAIL)),
        Rule(
            "cn.form.retail-list-a-4-digits",
            retail & simple & (price <= retail_limit),
            law=("cn/mode/9610/list_code_digits_limit",),
            numbers=heading,
        ),
        Rule(
            "cn.form.retail-list-a",
            retail & simple & retail_limit.is_not_null(),
            law=("cn/mode/9610/list_code_digits_limit",),
            numbers=heading,
        ),
        Rule("cn.form.retail-list-b", retail),
        Rule("cn.form.bonded-export-list-b", (mode == "1210") & EXPORT),
        Rule(
            "cn.form.business-list-a-6-digits",
            listed & simple,
            law=(*b2b, "cn/mode/b2b/list_code_digits"),
            numbers=value,
        ),
        Rule("cn.form.business-list-b", listed, law=b2b, numbers=value),
        Rule("cn.form.business-declaration", business, law=b2b, numbers=value),
        Rule("cn.form.declaration"),
    ]


LIST_FORMS = {
    "cn.form.import-list": "I",
    "cn.form.retail-list-a-4-digits": "A",
    "cn.form.retail-list-a": "A",
    "cn.form.retail-list-b": "B",
    "cn.form.bonded-export-list-b": "B",
    "cn.form.business-list-a-6-digits": "A",
    "cn.form.business-list-b": "B",
}
CODE_DIGITS = {
    "cn.form.retail-list-a-4-digits": "cn/mode/9610/list_code_digits",
    "cn.form.business-list-a-6-digits": "cn/mode/b2b/list_code_digits",
}
"""Forms that need fewer digits than the ten of a declaration, to the leaf that says how many."""
FULL_CODE_DIGITS = 10


def _without_limits(law: Law, mode: str) -> list[Rule]:
    return [rule for rule in mode_rules(law)[mode] if not rule.id.endswith(LIMITS)]


def retail_answers(law: Law) -> dict[str, pl.Expr]:
    """The columns `_retail_<mode>`: what decides each retail mode apart from the limits."""
    return {f"_retail_{mode}": first(_without_limits(law, mode)) for mode in RETAIL}


def retail_open(law: Law, answer: Answer = "yes") -> pl.Expr:
    """True for imports to which a retail mode gives this answer, apart from the limits; of the mode asked for, if any.

    Needs the columns of `retail_answers`.
    """
    said = []
    for mode in RETAIL:
        rules = _without_limits(law, mode)
        asked = pl.col("mode_wanted").is_null() | (pl.col("mode_wanted") == mode)
        said.append(answered(f"_retail_{mode}", rules, answer) & asked)
    return IMPORT & pl.any_horizontal(said)


def choice_rules(tables: dict[str, list[Rule]]) -> list[Rule]:
    """Why the mode was taken; `no` is a mode the trader asked for and the law does not allow."""
    wanted = pl.col("mode_wanted").is_not_null()
    return [
        Rule("cn.mode.wanted-not-lawful", wanted & (pl.col("wanted_answer") == "no"), "no"),
        Rule("cn.mode.wanted-unknown", wanted & (pl.col("wanted_answer") == "unknown"), "unknown"),
        Rule("cn.mode.as-wanted", wanted),
        *(Rule(f"cn.mode.first-lawful-{mode}", _open_by_rank(mode, tables[mode])) for mode in RANKED),
        Rule("cn.mode.none", answer="no"),
    ]


def _open_by_rank(mode: str, rules: list[Rule]) -> pl.Expr:
    """Admissible and to be preferred: market procurement gives up the refund, so not where there is an input invoice."""
    admissible = answered(option_column(mode), rules, "yes")
    return admissible & ~pl.col("has_input_invoice").fill_null(value=False) if mode == "1039" else admissible


def add_modes(orders: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Add `option_<mode>`, `mode`, `mode_rule`, `mode_choice`, `form_rule`, `list_form`, `code_digits` to orders.

    `mode` is the mode to use (also when it was asked for and is refused); `mode_rule` is the rule that decided
    for or against it; `mode_choice` says why this mode. Needs `order_level`, `add_usd_rate`, `add_mode_facts` and `add_limits`.
    """
    return mode_columns(law).added(orders)


@once_per_law
def mode_columns(law: Law) -> Columns:
    """What `add_modes` adds."""
    tables = mode_rules(law)
    form, after = _form_columns(law)
    return Columns(
        [first(tables[mode]).alias(option_column(mode)) for mode in MODES],
        [_wanted_answer(tables).alias("wanted_answer")],
        [first(choice_rules(tables)).alias("mode_choice")],
        [_chosen_mode().alias("mode")],
        [_rule_of_mode().alias("mode_rule"), *form],
        after,
    )


@once_per_law
def wish_columns(law: Law, mode: str) -> Columns:
    """What `add_modes` adds, but the options not asked for, where every order asks for this one mode."""
    rules = mode_rules(law)[mode]
    option, answer = option_column(mode), pl.col("wanted_answer")
    words = {rule.id: rule.answer for rule in rules}
    said = pl.col(option).cast(pl.String)
    return Columns(
        [first(rules).alias(option), pl.lit(mode).alias("mode")],
        [said.alias("mode_rule"), said.replace_strict(words, default=None, return_dtype=pl.String).alias("wanted_answer")],
        [(answer == "no").alias("mode_refused"), *_form_columns(law)[0]],
        _form_columns(law)[1],
    )


def _form_columns(law: Law) -> tuple[list[pl.Expr], list[pl.Expr]]:
    """`form_rule`, then what follows from it."""
    form = pl.col("form_rule").cast(pl.String)
    listed = form.replace_strict(LIST_FORMS, default=None, return_dtype=pl.String)
    return [first(form_rules(law)).alias("form_rule")], [listed.alias("list_form"), _code_digits(law).alias("code_digits")]


def _code_digits(law: Law) -> pl.Expr:
    digits: pl.Expr = pl.lit(FULL_CODE_DIGITS, pl.Int64)
    for form, path in CODE_DIGITS.items():
        digits = pl.when(pl.col("form_rule").cast(pl.String) == form).then(in_force(law, path)).otherwise(digits)
    return digits


def add_mode_facts(orders: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Join the facts the tables read: `created_<mode>` (null before its day), `district_<mode>` (null until it joined)."""
    keys = [ON, "customs_district"]
    if orders.height <= FEW:
        return orders.hstack(_facts(orders.select(keys), law).get_columns())
    asked = orders.select(keys).unique(maintain_order=True)
    return orders.join(asked.hstack(_facts(asked, law)), on=keys, how="left", nulls_equal=True, maintain_order="left")


def _facts(asked: pl.DataFrame, law: Law) -> pl.DataFrame:
    """The facts of each day and district asked for."""
    codes = [None if code is None else code[:2] + "00" for code in asked.get_column("customs_district").to_list()]
    found = asked.hstack([pl.Series("_district", codes, pl.String)])
    for lookup in district_lookups():
        found = lookup.added(found, law)
    joined = [found.get_column(f"district_{mode}") for mode in DISTRICTS]
    return pl.DataFrame([*_created(asked.get_column(ON), law), *joined])


def district_lookups() -> list[Lookup]:
    """Whether the district `_district` has joined each mode that was rolled out by districts: `district_<mode>`."""
    return [Lookup(path, {"district": "_district"}, {"joined": f"district_{mode}"}) for mode, path in DISTRICTS.items()]


def _created(days: pl.Series, law: Law) -> list[pl.Series]:
    """`created_<mode>` for each day: what the table of modes says of the direction, null where it has no row."""
    asked = pl.DataFrame({ON: pl.concat([days] * len(MODES)), "_mode": [mode for mode in MODES for _ in range(days.len())]},
                         schema={ON: pl.Date, "_mode": pl.String})
    found = CREATED.added(asked, law).get_column("created")
    return [found.slice(place * days.len(), days.len()).alias(f"created_{mode}") for place, mode in enumerate(MODES)]


def _wanted_answer(tables: dict[str, list[Rule]]) -> pl.Expr:
    """What the table of the mode asked for says; null where none is asked for."""
    rule: pl.Expr = pl.lit(None, pl.String)
    for mode in tables:
        rule = pl.when(pl.col("mode_wanted") == mode).then(pl.col(option_column(mode)).cast(pl.String)).otherwise(rule)
    words = {rule.id: rule.answer for rules in tables.values() for rule in rules}
    return rule.replace_strict(words, default=None, return_dtype=pl.String)


def _chosen_mode() -> pl.Expr:
    ranked = {f"cn.mode.first-lawful-{mode}": mode for mode in RANKED}
    by_rank = pl.col("mode_choice").cast(pl.String).replace_strict(ranked, default=None, return_dtype=pl.String)
    return pl.coalesce("mode_wanted", by_rank)


def _rule_of_mode() -> pl.Expr:
    rule: pl.Expr = pl.lit(None, pl.String)
    for mode in MODES:
        rule = pl.when(pl.col("mode") == mode).then(pl.col(option_column(mode)).cast(pl.String)).otherwise(rule)
    return rule
