"""The quote itself: all lawful options, ranked, and why each loses or is not allowed.

Ranking: first what the law admits, then what hangs on a fact that is not stated. Among the admissible ones the law's own
order of modes decides (`decide.mode.RANKED`, with market procurement last where there is an input invoice to refund), so
the first option is the mode `clear` takes when none is asked for; total cost comes after that, where it is known.
Since the law's order leaves no two modes equal, cost never overturns it: `cheapest` says which mode costs least.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from entrepot.decide.consequences import Consequences, consequences
from entrepot.decide.few import OFTEN
from entrepot.decide.mode import RANKED
from entrepot.decide.rules import Rule
from entrepot.goods.texts import all_texts
from entrepot.law import Law
from entrepot.run.cited import cited
from entrepot.run.quote.answer import Charge, Option, Quote
from entrepot.run.quote.figures import tables
from entrepot.run.quote.lines import decided
from entrepot.run.quote.request import Problem, QuoteRequest, problem, read_requests

__all__ = ["prepare", "quote", "quote_many"]

TAXES = {"duty": "duty_fen", "consumption_tax": "consumption_tax_fen", "vat": "vat_fen"}
VALUE = {"goods": "goods_fen", "freight": "freight_fen", "insurance": "insurance_fen", "price": "price_fen"}
DESTINATION = "quote.destination-unknown"
SPENT = "quote.spent-not-stated"
ANSWERS = ("yes", "unknown", "no")
MET_BY = {
    "hs_prefix": "hs_code", "hs_code": "hs_code", "currency": "currency", "mode": "mode", "district": "customs_district",
    "ct_class": "ct_class",
}  # fmt: skip
"""The first key of the law's tables to the column whose value meets a row, as `run.cited` has it."""
EXAMPLE = {"description": "article", "unit_price": "1", "currency": "CNY", "on": "2026-01-01"}
MEMORY = 8192
"""Cited leaves and consequences of modes that are held, over all laws and days."""
Row = Mapping[str, Any]
Leaves = tuple[Mapping[str, Any], ...]
Numbers = Mapping[str, tuple[Any, str]]
Cited = tuple[Mapping[str, Any], ...]


def quote(request: QuoteRequest, law: Law) -> Quote:
    """The quote of one request."""
    return quote_many([request], law)[0]


def quote_many(requests: Sequence[QuoteRequest], law: Law) -> list[Quote]:
    """One quote per request, in their order; pure: the same requests and law always give the same quotes."""
    if not requests:
        return []
    ways: list[list[_Way]] = [[] for _ in requests]
    for way in _ways(requests, law):
        ways[way.row["row_id"]].append(way)
    teller = _Teller(law)
    return [_quote(request, sorted(tried, key=_place), teller) for request, tried in zip(requests, ways, strict=True)]


def prepare(law: Law) -> None:
    """Make what quotes under a law need, so that the first one asked for is as quick as the rest; takes about a second."""
    given = [{**EXAMPLE, "seller_country": seller, "buyer_country": buyer} for seller, buyer in (("CN", "US"), ("US", "CN"))]
    requests = [one for one in read_requests(given) if isinstance(one, QuoteRequest)]
    for _ in range(OFTEN + 1):
        quote_many(requests, law)
    all_texts()


@dataclass(frozen=True, slots=True)
class _Way:
    """One decided row with its request, its deciding rule and what its rules saw."""

    row: Row
    request: QuoteRequest
    rule: Rule
    order: Sequence[Any]
    line: Sequence[Any]
    warned: Sequence[bool]
    held: Sequence[bool]


def _ways(requests: Sequence[QuoteRequest], law: Law) -> Iterator[_Way]:
    known = tables(law)
    told = decided(requests, law, [known.orders.columns], [known.lines.columns, known.warnings[1], known.reasons[1]])
    for row, *shown in zip(told.rows, *told.seen, strict=True):
        yield _Way(row, requests[row["row_id"]], known.rules[row["mode_rule"]], *shown)


def _place(way: _Way) -> tuple[Any, ...]:
    """Where a way stands among those of its request; the rejected come last."""
    row, total = way.row, _total(way.row) if way.rule.answer != "no" else None
    gives_up_refund = row["mode"] == "1039" and bool(row["has_input_invoice"])
    return ANSWERS.index(way.rule.answer), gives_up_refund, RANKED.index(row["mode"]), total is None, total or 0


class _Teller:
    """Makes options of decided rows; what the law says is looked up once for all rows it is the same for."""

    def __init__(self, law: Law) -> None:
        self.law, self._known = law, tables(law)

    def option(self, way: _Way, rank: int) -> Option:
        """An open way, at its rank."""
        known, row = self._known, way.row
        brings = _brings(self.law, row["mode"], row["direction"], row["declared_on"])
        warnings, tax = _held(known.warnings[0], way.warned), known.rules[row["tax_rule"]]
        return Option(
            *self._answer(way), rank, brings.rank, brings.documents, brings.rebate, brings.import_tax, row["form_rule"],
            row["code_digits"], tax.id, known.lines.of(tax.id, way.line), self._charges(row, tax), _cny(row["price_fen"]),
            _cny(_total(row)), (*warnings, *_spent(way.request, warnings)), _held(known.reasons[0], way.held),
        )  # fmt: skip

    def rejected(self, way: _Way) -> Option:
        """A way the law does not allow: why, and nothing of what it would bring."""
        place = RANKED.index(way.row["mode"]) + 1
        return Option(
            *self._answer(way), None, place, {}, None, None, None, None, None, {}, (), _cny(way.row["price_fen"]), None, (), ()
        )

    def _answer(self, way: _Way) -> tuple[str, str, str, str, Numbers, Leaves]:
        """Mode, its title, the answer, its rule, figures and law."""
        mode, rule = way.row["mode"], way.rule
        numbers = self._known.orders.of(rule.id, way.order)
        return mode, f"report.mode.{mode}", rule.answer, rule.id, numbers, self._law_of(rule.law, way.row)

    def _charges(self, row: Row, tax: Rule) -> tuple[Charge, ...]:
        law, base = self._law_of(tax.law, row), _cny(row["price_fen"])
        taxes = tuple(Charge(kind, base, _cny(row[column]), tax.id, law) for kind, column in TAXES.items())
        return (*taxes, Charge("destination", None, None, DESTINATION)) if row["direction"] == "export" else taxes

    def _law_of(self, paths: Sequence[str], row: Row) -> Leaves:
        return tuple(self._leaf(path, row) for path in paths)

    def _leaf(self, path: str, row: Row) -> Mapping[str, Any]:
        column = "" if path in self.law.scalar_paths() else MET_BY.get(self.law.table(path).key[0], "")
        return _cited(self.law, path, row["declared_on"], column, row[column] if column else None)


@lru_cache(maxsize=MEMORY)
def _brings(law: Law, mode: str, direction: str, day: date) -> Consequences:
    return consequences(law, mode, direction, day)


@lru_cache(maxsize=MEMORY)
def _cited(law: Law, path: str, day: date, column: str, value: str | None) -> Mapping[str, Any]:
    """A leaf on a day, of a table the row met by the value of a column."""
    return MappingProxyType(cited(law, path, {"declared_on": day, column: value}))


def _quote(request: QuoteRequest, ways: Sequence[_Way], teller: _Teller) -> Quote:
    open_ways = [way for way in ways if way.rule.answer != "no"]
    options = tuple(teller.option(way, rank) for rank, way in enumerate(open_ways, 1))
    rejected = tuple(teller.rejected(way) for way in ways[len(open_ways) :])
    return Quote(
        law_hash=teller.law.hash, on=request.on, direction=request.direction, input=request.given,
        value=_value(ways[0].row if ways else None), options=options, rejected=rejected, cheapest=_cheapest(options),
        warnings=_warnings(request, options), problems=() if ways else (_no_rate(request),),
    )  # fmt: skip


def _cheapest(options: Sequence[Option]) -> str | None:
    known = [(Decimal(one.total), one.rank, one.mode) for one in options if one.answer == "yes" and one.total is not None]
    return min(known)[-1] if known else None


def _warnings(request: QuoteRequest, options: Sequence[Option]) -> tuple[str, ...]:
    common = [one for one in (options[0].warnings if options else ()) if all(one in option.warnings for option in options)]
    return (DESTINATION, *common) if request.direction == "export" else tuple(common)


def _spent(request: QuoteRequest, warnings: Sequence[str]) -> tuple[str, ...]:
    """Where the yearly limit matters and nothing is said of it, it was taken as unused."""
    return (SPENT,) if request.spent_fen is None and "cn.cbec.yearly-limit-estimate" in warnings else ()


def _no_rate(request: QuoteRequest) -> Problem:
    return problem("currency", "goods.no-rate", f"{request.line['currency']} {request.on}")


def _value(row: Row | None) -> Mapping[str, str | None]:
    if row is None:
        return MappingProxyType({**dict.fromkeys(VALUE), "rate_cny": None, "rate_units": None, "rate_kind": None})
    amounts = {name: _cny(row[column]) for name, column in VALUE.items()}
    rate = {"rate_cny": _e6(row["rate_cny_e6"]), "rate_units": _e6(row["rate_units_e6"]), "rate_kind": row["rate_kind"]}
    return MappingProxyType({**amounts, **rate})


def _total(row: Row) -> int | None:
    """Price and charges together in fen; None when one of them is unknown, as the destination's always is."""
    parts = [row["price_fen"], *(row[column] for column in TAXES.values())]
    return None if row["direction"] == "export" or None in parts else sum(parts)


def _cny(fen: int | None) -> str | None:
    return None if fen is None else f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _e6(value: int) -> str:
    whole, rest = divmod(value, 1_000_000)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")


def _held(ids: Sequence[str], held: Sequence[bool]) -> tuple[str, ...]:
    return tuple(rule for rule, holds in zip(ids, held, strict=True) if holds)
