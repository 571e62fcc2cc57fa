"""Requests as lines of the chain: each mode is tried as if it had been asked for, all at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from entrepot.decide.chain import ORDER_COLUMNS, decide_orders, valued, without_rate
from entrepot.decide.mode import RANKED
from entrepot.decide.orders import join_orders
from entrepot.decide.tax import add_tax, add_tax_facts
from entrepot.goods.schema import LINE
from entrepot.law import Law
from entrepot.run.quote.request import QuoteRequest

__all__ = ["WAYS", "Decided", "decided"]

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


@dataclass(frozen=True, slots=True)
class Decided:
    """Lines and their orders after the chain, row by row the same; `without_rate`: requests whose currency has none."""

    lines: pl.DataFrame
    orders: pl.DataFrame
    without_rate: frozenset[int]


def decided(requests: Sequence[QuoteRequest], law: Law) -> Decided:
    """Decide every mode for every request; a line's `row_id` is the place of its request."""
    rated, missing = without_rate(_lines(requests), law)
    unrated = frozenset(missing.get_column("row_id").to_list())
    if rated.is_empty():
        return Decided(rated, rated, unrated)
    values = valued(rated, law)
    orders = decide_orders(values, law, _balances(requests))
    lines = add_tax(add_tax_facts(join_orders(values, orders, ORDER_COLUMNS), law), law)
    return Decided(lines, orders, unrated)


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
    settled = {name: pl.Series([False if dtype == pl.Boolean else None] * len(names), dtype=dtype) for name, dtype in SETTLED.items()}
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
