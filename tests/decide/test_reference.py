"""Retail imports of a year against a reference in plain Python, written from the sheet and from nothing in `decide`.

Source: cbec-import-tax 2.3, 2.4, 2.6 for lists from 2019-04-01. Every order has one line of one piece, so the reference
knows three outcomes: within the limits, one item over the order limit (duty unknown), over the yearly limit.
"""

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import polars as pl

from entrepot.decide.chain import decide, without_rate
from entrepot.goods.schema import LINE
from tests.cases import LAW

FIRST_DAY = date(2026, 1, 1)
CODES = {"4202210000": Fraction(0), "2204210000": Fraction(1, 10), "3304990039": Fraction(15, 100)}
EDGES = (1, 999, 1_000, 1_001, 499_999, 500_000, 500_001, 2_599_999, 2_600_000, 2_600_001)
ORDER_LIMIT, YEARLY_LIMIT = 500_000, 2_600_000


def drawn_orders(count: int, seed: int) -> list[dict[str, Any]]:
    """Seeded orders: few buyers, so that limits are met, and prices that fall on every edge."""
    draw = random.Random(seed)
    return [
        {
            "order_id": f"O-{draw.randrange(10**9):09d}-{place}",
            "declared_on": FIRST_DAY + timedelta(days=draw.randrange(700)),
            "buyer_key": f"b{draw.randrange(max(1, count // 12))}",
            "hs_code": draw.choice(sorted(CODES)),
            "fen": draw.choice(EDGES) if draw.random() < 0.2 else draw.randrange(1, 600_000),
        }
        for place in range(count)
    ]


def half_up(amount: Fraction) -> int:
    return int((2 * amount.numerator + amount.denominator) // (2 * amount.denominator))


def reference(orders: list[dict[str, Any]]) -> dict[str, tuple[str, int | None, int | None]]:
    """Order to (outcome, consumption tax, VAT) in fen."""
    spent: dict[tuple[str, int], int] = defaultdict(int)
    answers: dict[str, tuple[str, int | None, int | None]] = {}
    for order in sorted(orders, key=lambda one: (one["buyer_key"], one["declared_on"], one["order_id"])):
        person, fen = (order["buyer_key"], order["declared_on"].year), order["fen"]
        if spent[person] + fen > YEARLY_LIMIT:
            answers[order["order_id"]] = ("over", None, None)
        elif fen == YEARLY_LIMIT:
            answers[order["order_id"]] = ("unclear", None, None)
        elif fen > ORDER_LIMIT:
            spent[person] += fen
            answers[order["order_id"]] = ("full", None, None)
        else:
            spent[person] += fen
            dear = order["hs_code"] != "3304990039" or fen >= 1_000  # CNY 10 for the one millilitre of every article
            rate = CODES[order["hs_code"]] if dear else Fraction(0)
            consumption = Fraction(fen) / (1 - rate) * rate
            vat = (fen + consumption) * Fraction(13, 100)
            share = Fraction(70, 100)
            answers[order["order_id"]] = ("within", half_up(consumption * share), half_up(vat * share))
    return answers


OUTCOMES = {
    "cn.cbec.within-order-and-yearly-limit": "within", "cn.cbec.single-item-over-order-limit": "full",
    "cn.cbec.over-yearly-limit": "over", "cn.cbec.single-item-exactly-yearly-limit": "unclear",
}  # fmt: skip


def test_the_columns_agree_with_the_reference(proof_size: Callable[[int, int], int]) -> None:
    orders = drawn_orders(proof_size(20_000, 1_000_000), seed=20160408)
    same = {
        "line_no": 1, "direction": "import", "seller_country": "JP", "buyer_country": "CN", "buyer_kind": "person",
        "platform_sale": True, "bonded": True, "pilot_zone": True, "currency": "CNY", "on_positive_list": True,
        "quantity_e5": 100_000, "unit": "007", "content_quantity_e5": 100_000, "content_unit": "ml", "line_kind": "sale",
        "valid": True,
    }  # fmt: skip
    drawn = pl.DataFrame(orders).with_columns(unit_price_e5=pl.col("fen") * 1000, row_id=pl.int_range(pl.len()))
    constants = [pl.lit(value).cast(LINE[name]).alias(name) for name, value in same.items()]
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in LINE.items() if name not in (*same, *drawn.columns)]
    lines = drawn.with_columns(*constants, *absent).select(LINE.names()).with_columns(order_incomplete=pl.lit(value=False))
    priced, unpriced = without_rate(lines, LAW)
    assert unpriced.is_empty()
    found = decide(priced, LAW).select("order_id", "limit_rule", "consumption_tax_fen", "vat_fen")
    expected = reference(orders)
    assert found.height == len(expected)
    differing = [
        (order_id, (OUTCOMES[rule], consumption, vat), expected[order_id])
        for order_id, rule, consumption, vat in found.with_columns(pl.col("limit_rule").cast(pl.String)).rows()
        if (OUTCOMES[rule], consumption, vat) != expected[order_id]
    ]
    assert not differing[:5]
    assert {outcome for outcome, _, _ in expected.values()} == set(OUTCOMES.values())
