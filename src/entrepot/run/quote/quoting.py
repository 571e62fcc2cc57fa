"""The quote itself: all lawful options, ranked, and why each loses or is not allowed.

Ranking: first what the law admits, then what hangs on a fact that is not stated. Among the admissible ones the law's own
order of modes decides (`decide.mode.RANKED`, with market procurement last where there is an input invoice to refund), so
the first option is the mode `clear` takes when none is asked for; total cost comes after that, where it is known.
Since the law's order leaves no two modes equal, cost never overturns it: `cheapest` says which mode costs least.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from entrepot.decide.consequences import consequences
from entrepot.law import Law
from entrepot.law.leaves import ScalarLeaf
from entrepot.run.cited import cited
from entrepot.run.quote.answer import Charge, Option, Quote
from entrepot.run.quote.figures import Tables, tables
from entrepot.run.quote.lines import decided
from entrepot.run.quote.request import Problem, QuoteRequest, problem

__all__ = ["quote", "quote_many"]

TAXES = {"duty": "duty_fen", "consumption_tax": "consumption_tax_fen", "vat": "vat_fen"}
VALUE = {"goods": "goods_fen", "freight": "freight_fen", "insurance": "insurance_fen", "price": "price_fen"}
DESTINATION = "quote.destination-unknown"
SPENT = "quote.spent-not-stated"
ANSWERS = ("yes", "unknown")
READ = (
    "row_id", "direction", "declared_on", "hs_code", "currency", "customs_district", "ct_class", "has_input_invoice",
    "mode", "mode_rule", "form_rule", "code_digits", "tax_rule", "rate_kind", "rate_cny_e6", "rate_units_e6",
    *TAXES.values(), *VALUE.values(),
)  # fmt: skip
Row = Mapping[str, Any]
Cited = tuple[Mapping[str, Any], ...]


def quote(request: QuoteRequest, law: Law) -> Quote:
    """The quote of one request."""
    return quote_many([request], law)[0]


def quote_many(requests: Sequence[QuoteRequest], law: Law) -> list[Quote]:
    """One quote per request, in their order; pure: the same requests and law always give the same quotes."""
    if not requests:
        return []
    known, told = tables(law), decided(requests, law)
    options: list[list[Option]] = [[] for _ in requests]
    values: list[Row | None] = [None] * len(requests)
    if told.lines.height:
        lines, orders = told.lines, told.orders
        asked = (known.orders.columns.rows(orders), known.lines.columns.rows(lines),
                 known.warnings[1].rows(lines), known.reasons[1].rows(lines))  # fmt: skip
        teller = _Teller(law, known)
        for row, *seen in zip(lines.select(READ).rows(named=True), *asked, strict=True):
            place = row["row_id"]
            options[place].append(teller.option(row, requests[place], *seen))
            values[place] = row
    return [_quote(*each, law) for each in zip(requests, options, values, strict=True)]


class _Teller:
    """Makes options of decided rows; what the law says is looked up once for all rows it is the same for."""

    def __init__(self, law: Law, known: Tables) -> None:
        self._law, self._known = law, known
        self._cited: dict[tuple[Any, ...], Mapping[str, Any]] = {}

    def option(
        self, row: Row, request: QuoteRequest, order: Sequence[Any], line: Sequence[Any], warned: Sequence[bool], held: Sequence[bool]
    ) -> Option:
        """One way to trade, without its rank."""
        known, mode = self._known, row["mode"]
        rule = known.rules[row["mode_rule"]]
        brings = consequences(self._law, mode, row["direction"], row["declared_on"])
        open_way = rule.answer != "no"
        warnings = _held(known.warnings[0], warned)
        charges = self._charges(row) if open_way else ()
        return Option(
            mode=mode, title=f"report.mode.{mode}", answer=rule.answer, rule=rule.id,
            numbers=known.orders.of(rule.id, order), law=self._law_of(rule.law, row), rank=None, law_rank=brings.rank,
            documents=brings.documents, rebate=brings.rebate, import_tax=brings.import_tax,
            form_rule=row["form_rule"] if open_way else None, code_digits=row["code_digits"] if open_way else None,
            tax_rule=row["tax_rule"] if open_way else None,
            tax_numbers=known.lines.of(row["tax_rule"], line) if open_way else {},
            charges=charges, price=_cny(row["price_fen"]), total=_total(row, charges),
            warnings=(*warnings, *_spent(request, warnings)) if open_way else (),
            holds=_held(known.reasons[0], held) if open_way else (),
        )  # fmt: skip

    def _charges(self, row: Row) -> tuple[Charge, ...]:
        rule = self._known.rules[row["tax_rule"]]
        law, base = self._law_of(rule.law, row), _cny(row["price_fen"])
        taxes = tuple(Charge(kind, base, _cny(row[column]), rule.id, law) for kind, column in TAXES.items())
        return (*taxes, Charge("destination", None, None, DESTINATION)) if row["direction"] == "export" else taxes

    def _law_of(self, paths: Sequence[str], row: Row) -> Cited:
        return tuple(self._leaf(path, row) for path in paths)

    def _leaf(self, path: str, row: Row) -> Mapping[str, Any]:
        keys = () if isinstance(self._law.leaf(path), ScalarLeaf) else (
            row["hs_code"], row["currency"], row["mode"], row["customs_district"], row["ct_class"])  # fmt: skip
        asked = (path, row["declared_on"], *keys)
        if asked not in self._cited:
            self._cited[asked] = MappingProxyType(cited(self._law, path, row))
        return self._cited[asked]


def _quote(request: QuoteRequest, options: list[Option], row: Row | None, law: Law) -> Quote:
    ranked = sorted((one for one in options if one.answer in ANSWERS), key=lambda one: _place(one, request))
    placed = tuple(_with_rank(one, rank) for rank, one in enumerate(ranked, 1))
    return Quote(
        law_hash=law.hash, on=request.on, direction=request.direction, input=request.given, value=_value(row), options=placed,
        rejected=tuple(one for one in options if one.answer == "no"), cheapest=_cheapest(placed),
        warnings=_warnings(request, placed), problems=() if row else (_no_rate(request),),
    )  # fmt: skip


def _place(option: Option, request: QuoteRequest) -> tuple[Any, ...]:
    gives_up_refund = option.mode == "1039" and bool(request.line["has_input_invoice"])
    return ANSWERS.index(option.answer), gives_up_refund, option.law_rank, _fen(option.total)


def _with_rank(option: Option, rank: int) -> Option:
    return replace(option, rank=rank)


def _cheapest(options: Sequence[Option]) -> str | None:
    known = [(_fen(one.total), one.rank, one.mode) for one in options if one.answer == "yes" and one.total is not None]
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


def _total(row: Row, charges: Sequence[Charge]) -> str | None:
    """Price and charges together; None when one of them is unknown."""
    parts = [row["price_fen"], *(_known(charge.amount) for charge in charges)]
    return _cny(sum(parts)) if charges and None not in parts else None


def _known(amount: str | None) -> int | None:
    return None if amount is None else int(amount.replace(".", ""))


def _fen(amount: str | None) -> int:
    """An amount to sort by, the unknown last."""
    return 1 << 63 if amount is None else int(amount.replace(".", ""))


def _cny(fen: int | None) -> str | None:
    return None if fen is None else f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _e6(value: int) -> str:
    whole, rest = divmod(value, 1_000_000)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")


def _held(ids: Sequence[str], held: Sequence[bool]) -> tuple[str, ...]:
    return tuple(rule for rule, holds in zip(ids, held, strict=True) if holds)
