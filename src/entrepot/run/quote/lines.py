"""Requests as lines of the chain: each mode is tried as if it had been asked for, all at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from entrepot.decide.chain import ORDER_COLUMNS, decide_orders, valued, without_rate
from entrepot.decide.few import FEW, Columns, NotPlainError
from entrepot.decide.mode import RANKED
from entrepot.decide.one import Line, decide_one
from entrepot.decide.orders import join_orders
from entrepot.decide.tax import add_tax, add_tax_facts
from entrepot.goods.schema import LINE
from entrepot.law import Law
from entrepot.run.quote.request import QuoteRequest

__all__ = ["Decided", "decided"]

Seen = tuple[Any, ...]

WAYS = RANKED
"""The modes in the order they are tried; a request is one line of each."""
GIVEN = (
    "direction", "declared_on", "seller_country", "buyer_country", "buyer_kind", "platform_sale", "stocked_abroad",
    "in_market_cluster", "has_input_invoice", "pilot_zone", "bonded", "rebate_claimed", "needs_licence", "warehouse_filed",
    "on_positive_list", "buyer_verified", "customs_district", "hs_code", "quantity_e5", "unit", "unit_price_e5", "currency",
    "freight_e5", "insurance_e5", "incoterm", "content_quantity_e5", "content_unit", "code_unconfirmed", "code_status",
)  # fmt: skip
"""Columns of a line the chain reads."""
SETTLED = {
    "order_incomplete": pl.Boolean(), "waybill_reused": pl.Boolean(), "cancelled": pl.Boolean(), "sampled": pl.Boolean(),
    "message_rule": pl.String(),
}  # fmt: skip
"""Facts of a day of orders that a single offer does not have: nothing is missing, reused, cancelled or drawn."""
NOTHING = {name: False if dtype == pl.Boolean else None for name, dtype in SETTLED.items()}
READ = (
    "row_id", "direction", "declared_on", "hs_code", "currency", "customs_district", "ct_class", "has_input_invoice",
    "mode", "mode_rule", "form_rule", "code_digits", "tax_rule", "rate_kind", "rate_cny_e6", "rate_units_e6", "duty_fen",
    "consumption_tax_fen", "vat_fen", "goods_fen", "freight_fen", "insurance_fen", "price_fen",
)  # fmt: skip
"""What a quote tells of a decided line."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Decided lines, one per request and mode; `row_id` is the place of the request. A request whose currency has no rate
    that day has no line.

    `rows` are the columns of `READ` (or more) by name, those of a refused mode without its tax; each element of `seen`
    answers the columns asked for, row by row. Columns of lines may be empty for a refused mode.
    """

    rows: list[Line]
    seen: list[list[Seen]]


def decided(requests: Sequence[QuoteRequest], law: Law, orders: Sequence[Columns], lines: Sequence[Columns]) -> Decided:
    """Decide every mode for every request and ask `orders` and `lines`, columns of orders and of lines, of each."""
    if len(requests) * len(WAYS) <= FEW:
        try:
            return _one_by_one(requests, law, orders, lines)
        except NotPlainError:
            pass  # not asked often enough yet, or an amount past its type
    return _all_at_once(requests, law, orders, lines)


def _one_by_one(requests: Sequence[QuoteRequest], law: Law, orders: Sequence[Columns], lines: Sequence[Columns]) -> Decided:
    rows = []
    for place, request in enumerate(requests):
        line = {**NOTHING, **{name: request.line[name] for name in GIVEN}, "row_id": place, "buyer_key": _name(place, 0)}
        rows += decide_one(line, WAYS, law, request.spent_fen or 0)
    of_lines = [[() if row["mode_refused"] else columns.of(row) for row in rows] for columns in lines]
    return Decided(rows, [*([columns.of(row) for row in rows] for columns in orders), *of_lines])


def _all_at_once(requests: Sequence[QuoteRequest], law: Law, orders: Sequence[Columns], lines: Sequence[Columns]) -> Decided:
    rated, _ = without_rate(_lines(requests), law)
    if rated.is_empty():
        return Decided([], [[] for _ in (*orders, *lines)])
    values = valued(rated, law)
    level = decide_orders(values, law, _balances(requests))
    told = add_tax(add_tax_facts(join_orders(values, level, ORDER_COLUMNS), law), law)
    rows = [dict(zip(READ, row, strict=True)) for row in told.select(READ).rows()]
    return Decided(rows, [*(columns.rows(level) for columns in orders), *(columns.rows(told) for columns in lines)])


def _lines(requests: Sequence[QuoteRequest]) -> pl.DataFrame:
    """One line and order per request and mode, sorted by them; every line has a buyer of its own."""
    names = [_name(place, mode) for place in range(len(requests)) for mode in range(len(WAYS))]
    own = {
        "order_id": pl.Series(names, dtype=pl.String),
        "line_no": pl.Series([1] * len(names), dtype=pl.Int64),
        "buyer_key": pl.Series(names, dtype=pl.String),
        "mode_wanted": pl.Series(WAYS * len(requests), dtype=pl.String),
    }
    given = {name: _repeated([request.line[name] for request in requests], LINE[name]) for name in GIVEN}
    rows = {"row_id": _repeated(list(range(len(requests))), LINE["row_id"])}
    settled = {name: pl.Series([NOTHING[name]] * len(names), dtype=dtype) for name, dtype in SETTLED.items()}
    return pl.DataFrame({**own, **rows, **given, **settled})


def _name(place: int, way: int) -> str:
    return f"{place:09d}-{way}"


def _repeated(values: list[object], dtype: pl.DataType) -> pl.Series:
    return pl.Series([value for value in values for _ in WAYS], dtype=dtype)


def _balances(requests: Sequence[QuoteRequest]) -> pl.DataFrame | None:
    """What the buyers of requests that say so have used of the limit of the year."""
    rows = [
        (_name(place, way), request.on.year, request.spent_fen)
        for place, request in enumerate(requests) if request.spent_fen
        for way in range(len(WAYS))
    ]  # fmt: skip
    schema = {"buyer_key": pl.String, "year": pl.Int64, "spent_fen": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row") if rows else None
