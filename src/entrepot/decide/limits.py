"""The limits of cross-border retail import: per order and per person and calendar year (cbec-import-tax 2.3, 2.6).

A buyer's orders are folded one after another in legal order (declared_on, then order_id). Only an admitted
order uses up the yearly limit, so a later, smaller order may still fit after a refused one. The national
counter is with customs: what is computed here is an estimate from the orders and balances given.
"""

import polars as pl

from entrepot.decide.dates import in_force
from entrepot.decide.few import Columns, without
from entrepot.decide.mode import retail_answers, retail_open
from entrepot.decide.rules import Number, Rule, first
from entrepot.law import Law
from entrepot.law.kept import once_per_law

__all__ = ["add_limit_scope", "add_limits", "limit_rule", "limit_rules", "limit_scope"]

ON = "declared_on"
ORDER_LIMIT, YEARLY_LIMIT = "cn/cbec/order_limit", "cn/cbec/yearly_limit"
SINGLE_ITEM = "cn/cbec/single_item_over_order_limit"
YEAR = pl.col(ON).dt.year().cast(pl.Int64).alias("_year")
SPENT_KNOWN = Columns([pl.col("buyer_key").is_not_null().alias("spent_known")])
NOTHING_SPENT = pl.Series("spent_fen", [0], pl.Int64)
CERTAIN = pl.Series("limit_uncertain", [False])


@once_per_law
def limit_rules(law: Law) -> list[Rule]:
    """The decision table of 2.6 for one retail import order; limits are inclusive."""
    price, spent = pl.col("order_price_fen"), pl.col("spent_fen")
    order_limit, yearly = in_force(law, ORDER_LIMIT), in_force(law, YEARLY_LIMIT)
    over, single = price > order_limit, pl.col("single_piece")
    full = in_force(law, SINGLE_ITEM) == "full_tax"
    leaves = (ORDER_LIMIT, YEARLY_LIMIT)
    numbers = {
        "price": Number(price, "fen"),
        "spent": Number(spent, "fen"),
        "order_limit": Number(order_limit, "fen"),
        "yearly_limit": Number(yearly, "fen"),
    }
    exactly = "cn/cbec/exact_yearly_limit_single_item"
    return [
        Rule("cn.cbec.not-retail-import", ~pl.col("limit_applies"), "no"),
        Rule("cn.cbec.limits-not-in-law", order_limit.is_null() | yearly.is_null(), "unknown", leaves),
        Rule("cn.cbec.price-unknown", price.is_null() | pl.col("charges_unknown"), "unknown", leaves),
        Rule("cn.cbec.over-order-limit", over & ~(single & full), "no", (*leaves, SINGLE_ITEM), numbers),
        Rule("cn.cbec.over-yearly-limit", spent + price > yearly, "no", leaves, numbers),
        Rule("cn.cbec.single-item-unclear", over & single.is_null(), "unknown", (*leaves, SINGLE_ITEM), numbers),
        Rule(
            "cn.cbec.single-item-exactly-yearly-limit", over & (price == yearly), "unknown", (*leaves, exactly), numbers
        ),
        Rule("cn.cbec.single-item-over-order-limit", over, "yes", (*leaves, SINGLE_ITEM), numbers),
        Rule("cn.cbec.within-order-and-yearly-limit", law=leaves, numbers=numbers),
    ]


def add_limit_scope(orders: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Add `limit_applies` (a retail import mode admits the order, apart from the limits) and `limit_may_apply` (whether
    one does hangs on a fact that is not stated); needs `add_mode_facts`."""
    return limit_scope(law).added(orders)


@once_per_law
def limit_scope(law: Law) -> Columns:
    """What `add_limit_scope` adds."""
    admitted, perhaps = retail_open(law, "yes").fill_null(value=False), retail_open(law, "unknown").fill_null(value=False)
    asked = retail_answers(law)
    return Columns(
        [answer.alias(name) for name, answer in asked.items()],
        [admitted.alias("limit_applies"), (~admitted & perhaps).alias("limit_may_apply")],
        working=asked,
    )


def add_limits(orders: pl.DataFrame, law: Law, balances: pl.DataFrame | None = None) -> pl.DataFrame:
    """Add `spent_fen` (before this order), `limit_uncertain` and `limit_rule` to orders with their `limit_applies`.

    After an order of a buyer that may use the limit up or not, what the buyer has spent is not certain: an order that is
    not complete, of unknown price, perhaps not one item, exactly at the yearly limit, or perhaps no retail at all.

    `balances`: buyer_key, year, spent_fen at the start of the batch; a buyer without a row starts at 0.
    A buyer without a key cannot be followed: each of the orders stands alone, which `spent_known` tells.
    """
    asked = _with_balances(SPENT_KNOWN.added(orders), balances)
    folded = _each_alone(asked) if _no_buyer_twice(asked) else _folded(asked, law)
    return limit_rule(law).added(folded)


@once_per_law
def limit_rule(law: Law) -> Columns:
    """The deciding rule of `limit_rules`."""
    return Columns([first(limit_rules(law)).alias("limit_rule")])


def _no_buyer_twice(orders: pl.DataFrame) -> bool:
    buyers = orders.get_column("buyer_key").drop_nulls()
    return buyers.n_unique() == buyers.len()


def _each_alone(orders: pl.DataFrame) -> pl.DataFrame:
    """What `_folded` gives where no order comes before another of its buyer."""
    return without(orders, "_year").hstack([CERTAIN.new_from_index(0, orders.height)])


def _with_balances(orders: pl.DataFrame, balances: pl.DataFrame | None) -> pl.DataFrame:
    if balances is None or balances.is_empty():
        return orders.with_columns(YEAR).hstack([NOTHING_SPENT.new_from_index(0, orders.height)])
    dated = orders.with_columns(YEAR)
    known = balances.select(
        "buyer_key", _year=pl.col("year").cast(pl.Int64), spent_fen=pl.col("spent_fen").cast(pl.Int64)
    )
    joined = dated.join(known, on=["buyer_key", "_year"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("spent_fen").fill_null(0))


def _folded(orders: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Replace the opening `spent_fen` by what is spent before each order.

    Where everything a buyer asks for fits, the running sum is the answer; only the others are folded one by one.
    """
    rules = {rule.id: rule.when for rule in limit_rules(law)}
    too_large = rules["cn.cbec.over-order-limit"].fill_null(value=True)
    limit, price = in_force(law, YEARLY_LIMIT), pl.col("order_price_fen")
    followed = pl.col("limit_applies") & pl.col("spent_known")
    uses = followed & ~too_large & (price <= limit).fill_null(value=False)
    orders = _with_uncertainty(orders, pl.col("limit_may_apply") | (followed & _unclear(law)))
    asked = orders.with_columns(_uses=uses, _limit=limit, _opening=pl.col("spent_fen"))
    part = asked.filter("_uses").select(
        "order_index", "buyer_key", "_year", ON, "order_id", "order_price_fen", "_limit", "_opening"
    )
    spent = _spent_before(part.sort("buyer_key", "_year", ON, "order_id"))
    joined = asked.join(spent, on="order_index", how="left", maintain_order="left")
    before = pl.coalesce("_before", "spent_fen")
    return joined.with_columns(spent_fen=before).drop("_uses", "_limit", "_opening", "_before", "_year")


def _unclear(law: Law) -> pl.Expr:
    """How much of the limit a retail order uses up cannot be said."""
    price, over = pl.col("order_price_fen"), pl.col("order_price_fen") > in_force(law, ORDER_LIMIT)
    unclear_item = over & (pl.col("single_piece").is_null() | (price == in_force(law, YEARLY_LIMIT)))
    return pl.col("order_incomplete") | pl.col("charges_unknown") | price.is_null() | unclear_item.fill_null(value=False)


def _with_uncertainty(orders: pl.DataFrame, doubtful: pl.Expr) -> pl.DataFrame:
    """Add `limit_uncertain`: an earlier order of the same buyer and year is doubtful."""
    marked = orders.with_columns(_doubtful=doubtful.fill_null(value=False))
    if not marked.get_column("_doubtful").any():
        return marked.with_columns(limit_uncertain=pl.lit(value=False)).drop("_doubtful")
    group = ["buyer_key", "_year"]
    before = pl.col("_doubtful").cum_max().shift(1).over(group).fill_null(value=False)
    ordered = marked.filter(pl.col("buyer_key").is_not_null()).sort(*group, ON, "order_id").select(
        "order_index", limit_uncertain=before)
    joined = marked.join(ordered, on="order_index", how="left", maintain_order="left")
    return joined.with_columns(pl.col("limit_uncertain").fill_null(value=False)).drop("_doubtful")


def _spent_before(part: pl.DataFrame) -> pl.DataFrame:
    """`order_index`, `_before` for orders in legal order within each buyer and year."""
    group = ["buyer_key", "_year"]
    summed = part.with_columns(
        _before=pl.col("_opening") + pl.col("order_price_fen").cum_sum().over(group) - pl.col("order_price_fen")
    )
    fits = (pl.col("_before") + pl.col("order_price_fen") <= pl.col("_limit")).all().over(group)
    marked = summed.with_columns(_fits=fits)
    tight = marked.filter(~pl.col("_fits"))
    folded = tight.with_columns(_before=_fold(tight))
    return pl.concat([marked.filter("_fits"), folded]).select("order_index", "_before")


def _fold(orders: pl.DataFrame) -> pl.Series:
    """The fold itself, one pass over sorted orders; runs only for buyers who meet their limit."""
    before: list[int] = []
    current: tuple[object, object] | None = None
    spent = 0
    columns = ("buyer_key", "_year", "order_price_fen", "_limit", "_opening")
    for buyer, year, price, limit, opening in zip(*(orders.get_column(c).to_list() for c in columns), strict=True):
        if (buyer, year) != current:
            current, spent = (buyer, year), opening
        before.append(spent)
        if limit is not None and spent + price <= limit and price < limit:
            spent += price
    return pl.Series("_before", before, dtype=pl.Int64)
