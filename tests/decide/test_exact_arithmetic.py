"""Exact amounts against plain fractions, and the yearly fold against the plainest loop."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.decide.chain import decide, without_rate
from entrepot.decide.exact import divide, wide
from entrepot.decide.limits import add_limits
from entrepot.goods.schema import LINE
from tests.cases import LAW

DAY = date(2026, 3, 1)
RETAIL: dict[str, Any] = {
    "order_id": "O-1",
    "line_no": 1,
    "direction": "import",
    "declared_on": DAY,
    "seller_country": "JP",
    "buyer_country": "CN",
    "buyer_kind": "person",
    "buyer_key": "b",
    "platform_sale": True,
    "bonded": True,
    "pilot_zone": True,
    "currency": "CNY",
    "on_positive_list": True,
    "quantity_e5": 100_000,
    "line_kind": "sale",
    "unit": "007",
    "valid": True,
}
CENT = Decimal("0.01")


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    filled = [{name: {**RETAIL, "row_id": place, **row}.get(name) for name in LINE} for place, row in enumerate(rows)]
    return pl.DataFrame(filled, schema=LINE).with_columns(order_incomplete=pl.lit(value=False))


def half_up(amount: Fraction) -> int:
    """Fen of an amount in fen."""
    return int((2 * amount.numerator + amount.denominator) // (2 * amount.denominator))


def decided(rows: list[dict[str, Any]]) -> pl.DataFrame:
    priced, unpriced = without_rate(frame(rows), LAW)
    assert unpriced.is_empty()
    return decide(priced, LAW).sort("row_id")


PRICES = st.integers(1, 500_000)
RATES = {"3304990039": Fraction(15, 100), "2204210000": Fraction(10, 100), "4202210000": Fraction(0)}


@given(st.lists(st.tuples(PRICES, st.sampled_from(sorted(RATES))), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_composite_tax_equals_the_formula_in_fractions(drawn: list[tuple[int, str]]) -> None:
    rows = [
        {
            "order_id": f"O-{place}",
            "buyer_key": f"b{place}",
            "hs_code": code,
            "unit_price_e5": fen * 1000,
            "content_quantity_e5": 100_000,
            "content_unit": "ml",
        }
        for place, (fen, code) in enumerate(drawn)
    ]
    result = decided(rows)
    for row, (fen, code) in zip(result.iter_rows(named=True), drawn, strict=True):
        rate = RATES[code] if code != "3304990039" or fen >= 1000 else Fraction(0)
        ct = Fraction(fen) / (1 - rate) * rate
        vat = (fen + ct) * Fraction(13, 100)
        assert row["consumption_tax_fen"] == half_up(ct * Fraction(7, 10))
        assert row["vat_fen"] == half_up(vat * Fraction(7, 10))
        assert row["tax_total_fen"] == row["duty_fen"] + row["consumption_tax_fen"] + row["vat_fen"]
        assert row["tax_total_fen"] >= 0


@given(price=st.integers(1, 500_000), pieces=st.integers(1, 9), millilitres=st.integers(1, 3_000))
@settings(max_examples=60, deadline=None)
def test_compound_tax_of_spirits_equals_the_formula(price: int, pieces: int, millilitres: int) -> None:
    fen = price // pieces * pieces or pieces
    row = {
        "hs_code": "2208300000",
        "unit_price_e5": fen // pieces * 1000,
        "quantity_e5": pieces * 100_000,
        "content_quantity_e5": millilitres * 100_000,
        "content_unit": "ml",
    }
    result = decided([row]).row(0, named=True)
    specific = Fraction(912, 1000) * 100 * Fraction(millilitres * pieces, 1000)
    ct = (fen + specific) / Fraction(8, 10) * Fraction(2, 10) + specific
    assert result["consumption_tax_fen"] == half_up(ct * Fraction(7, 10))
    assert result["vat_fen"] == half_up((fen + ct) * Fraction(13, 100) * Fraction(7, 10))


@given(price_e5=st.integers(1, 10**14 - 1), quantity_e5=st.integers(1, 10**13 - 1))
@settings(max_examples=200, deadline=None)
def test_products_never_wrap(price_e5: int, quantity_e5: int) -> None:
    exact = Decimal(price_e5) * Decimal(quantity_e5) / Decimal(10**10)
    if exact >= 10**12:
        return
    lines = frame([{"unit_price_e5": price_e5, "quantity_e5": quantity_e5, "hs_code": "4202210000"}])
    value = decide(without_rate(lines, LAW)[0], LAW).row(0, named=True)
    assert value["goods_fen"] == int((exact * 100).quantize(Decimal(1), ROUND_HALF_UP))


@given(st.integers(0, 10**30), st.integers(1, 10**7))
@settings(max_examples=200, deadline=None)
def test_half_up_is_half_up(numerator: int, denominator: int) -> None:
    made = pl.DataFrame({"n": pl.Series([numerator], dtype=pl.Int128)}).select(divide(wide("n"), denominator)).item()
    exact = Fraction(numerator, denominator)
    assert made == half_up(exact)


@pytest.mark.parametrize(("mode", "wanted"), [("half_up", 3), ("down", 2), ("up", 3)])
def test_rounding_modes_at_the_half(mode: str, wanted: int) -> None:
    assert pl.select(divide(pl.lit(5, pl.Int128), 2, mode)).item() == wanted


ORDERS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 400), st.integers(1, 600_000)), min_size=1, max_size=60
)


@given(ORDERS, st.integers(0, 2_600_000))
@settings(max_examples=150, deadline=None)
def test_the_yearly_fold_is_the_plain_loop(drawn: list[tuple[str, int, int]], opening: int) -> None:
    orders = pl.DataFrame(
        [
            {
                "order_index": place,
                "order_id": f"O-{place:03d}",
                "buyer_key": buyer,
                "declared_on": DAY + timedelta(day),
                "order_price_fen": fen,
                "single_piece": True,
                "order_incomplete": False,
                "charges_unknown": False,
                "limit_applies": True,
                "limit_may_apply": False,
            }
            for place, (buyer, day, fen) in enumerate(drawn)
        ]
    )
    balances = pl.DataFrame({"buyer_key": ["a"], "year": [2026], "spent_fen": [opening]})
    folded = add_limits(orders, LAW, balances)
    spent: dict[tuple[str, int], int] = {("a", 2026): opening}
    before = {}
    for row in sorted(orders.iter_rows(named=True), key=lambda row: (row["declared_on"], row["order_id"])):
        key = (row["buyer_key"], row["declared_on"].year)
        before[row["order_id"]] = spent.get(key, 0)
        if before[row["order_id"]] + row["order_price_fen"] <= 2_600_000:
            spent[key] = before[row["order_id"]] + row["order_price_fen"]
    assert dict(folded.select("order_id", "spent_fen").rows()) == before


@given(st.lists(st.integers(1, 10**7), min_size=2, max_size=12), st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_apportioned_freight_adds_up_and_follows_value(values: list[int], freight: int) -> None:
    rows = [
        {
            "line_no": place + 1,
            "unit_price_e5": fen * 1000,
            "hs_code": "4202210000",
            "freight_e5": freight * 1000 if place == 0 else None,
        }
        for place, fen in enumerate(values)
    ]
    result = decided(rows)
    shares = result.get_column("freight_fen").to_list()
    assert sum(shares) == freight
    for fen, share in zip(values, shares, strict=True):
        assert abs(share - Fraction(freight * fen, sum(values))) < 1


@given(st.permutations(list(range(6))))
@settings(max_examples=30, deadline=None)
def test_the_order_of_rows_changes_nothing(places: list[int]) -> None:
    rows = [
        {
            "order_id": f"O-{place // 2}",
            "line_no": place % 2 + 1,
            "hs_code": "4202210000",
            "unit_price_e5": (place + 1) * 60_000_000,
        }
        for place in range(6)
    ]
    plain = decided(rows).sort("order_id", "line_no").drop("row_id")
    assert decided([rows[place] for place in places]).sort("order_id", "line_no").drop("row_id").equals(plain)


def test_a_sum_past_64_bits_is_unknown_and_never_another_sum() -> None:
    rows = [
        {"line_no": place + 1, "direction": "export", "mode_wanted": "1039", "in_market_cluster": True, "hs_code": "6109100022",
         "seller_country": "CN", "buyer_country": "US", "currency": "USD", "unit_price_e5": 999_999_000,
         "quantity_e5": 9_999_999_900_000} for place in range(100)
    ]  # fmt: skip
    result = decided(rows)
    assert set(result.get_column("mode_rule")) == {"cn.1039.usd-rate-unknown"}
