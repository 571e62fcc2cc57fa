"""Quotes under `/api/v1/quotes`: up to 100 with every reason, up to 10,000 as a table, kept ones by their slug."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from django.http import HttpRequest, HttpResponse
from ninja import Router

from entrepot.desk.api.arrow import ARROW, arrow_response, rows_of
from entrepot.desk.api.auth import needs
from entrepot.desk.api.forms import JSON, json_bytes, json_of
from entrepot.desk.api.idempotency import idempotent, reading
from entrepot.desk.api.limits import count_more
from entrepot.desk.api.problems import ApiError, FieldError, answers
from entrepot.desk.context import language
from entrepot.desk.lawbook.book import book
from entrepot.desk.plug import PUBLIC, SIGNED_IN
from entrepot.desk.quotes.keeping import again, keep, link
from entrepot.desk.quotes.schemas import BULK_BODY, QUOTE_BODY, BulkOut, KeptOut, QuotesOut
from entrepot.law import Law
from entrepot.run.quote import (
    Option,
    Problem,
    Quote,
    QuoteRequest,
    describe,
    describe_problems,
    quote_many,
    read_requests,
)

__all__ = ["router"]

router = Router(tags=["quotes"])
MOST, MOST_OF_VISITORS, MOST_IN_BULK = 100, 10, 10_000
QUOTES_PER_CALL = 100
"""So many quotes count as one call against the limit."""
CHUNK = 500
Read = QuoteRequest | tuple[Problem, ...]


def _not_kept(request: HttpRequest) -> bool:
    return "store" not in request.GET


@router.post("", auth=needs(PUBLIC), response=answers(QuotesOut, 422), operation_id="quote", summary="Quote", openapi_extra=QUOTE_BODY)
@idempotent(unless=_not_kept)
def quote_now(request: Any, store: bool = False) -> Any:
    """Every way to trade each product on its day, ranked, with cost, papers and reasons; 1 to 100 products (a visitor: 10).

    A request that cannot be quoted has `problems`; when none can be, the answer is 422 with the path of each bad field.
    Without `store` nothing is changed and no idempotency key is needed; with `store=true` each quote is kept under a link
    that pins its day and law.
    """
    given = _given(request, MOST if request.acting else MOST_OF_VISITORS)
    law, read = book(), read_requests(given)
    _refuse_if_all_bad(read)
    quotes = list(_described(read, law, language()))
    if store:
        for one, asked in zip(quotes, read, strict=True):
            if isinstance(asked, QuoteRequest):
                kept = keep(request.acting, asked, law)
                one |= {"slug": kept.slug, "link": link(kept)}
    return HttpResponse(json_bytes({"law_hash": law.hash, "quotes": quotes}), content_type=JSON)


@router.post(
    "/bulk", auth=needs(SIGNED_IN), response=answers(BulkOut, 422), operation_id="quote_bulk", summary="Quote many as a table",
    openapi_extra=BULK_BODY,
)  # fmt: skip
@reading
def quote_bulk(request: Any) -> Any:
    """Up to 10,000 products, as JSON or an Arrow stream; the answer is a table with one row per product and way.

    Sent an Arrow stream, or asked for one by Accept, it answers one. Nothing is changed.
    """
    given = _given(request, MOST_IN_BULK)
    count_more(request, (len(given) - 1) // QUOTES_PER_CALL)
    law, read = book(), read_requests(given)
    rows = [row for start in range(0, len(read), CHUNK) for row in _rows(read[start : start + CHUNK], law, start)]
    if ARROW in (request.content_type, request.headers.get("Accept")):
        return arrow_response(_table(rows, law))
    return HttpResponse(json_bytes({"law_hash": law.hash, "rows": rows}), content_type=JSON)


@router.get("/{slug}", auth=needs(PUBLIC), response=answers(KeptOut, 404), operation_id="kept_quote", summary="A kept quote")
def kept_quote(request: Any, slug: str) -> Any:
    """The quote behind a link: always the answer of its own day and law."""
    kept, answer = again(slug)
    whole = {"slug": kept.slug, "link": link(kept), "created_at": kept.created_at, "quote": describe(answer, language())}
    return HttpResponse(json_bytes(whole), content_type=JSON)


def _given(request: Any, most: int) -> list[Mapping[str, object]]:
    if request.content_type == ARROW:
        if most < MOST_IN_BULK:
            raise ApiError(422, "invalid", "send Arrow to /api/v1/quotes/bulk")
        return rows_of(request, most)
    body = json_of(request)
    given = body.get("quotes") if isinstance(body, dict) else None
    if not isinstance(given, list) or not 1 <= len(given) <= most or set(body) != {"quotes"}:
        error = FieldError(path="quotes", code="invalid", message=f"a list of 1 to {most} objects")
        raise ApiError(422, "invalid", f"send an object with one field 'quotes', a list of 1 to {most} objects", [error])
    if wrong := [place for place, one in enumerate(given) if not isinstance(one, dict)]:
        errors = [FieldError(path=f"quotes[{place}]", code="invalid", message="not an object") for place in wrong[:100]]
        raise ApiError(422, "invalid", "every quote is an object", errors)
    return given


def _refuse_if_all_bad(read: Sequence[Read]) -> None:
    if any(isinstance(one, QuoteRequest) for one in read):
        return
    errors = [
        FieldError(path=f"quotes[{place}].{problem.field}".rstrip("."), code=problem.code, message=problem.message[language()])
        for place, problems in enumerate(read) if not isinstance(problems, QuoteRequest) for problem in problems
    ]  # fmt: skip
    raise ApiError(422, "invalid", f"{len(errors)} value(s) are not valid", errors[:1000])


def _described(read: Sequence[Read], law: Law, spoken: str) -> Iterator[dict[str, Any]]:
    quotes = iter(quote_many([one for one in read if isinstance(one, QuoteRequest)], law))
    for one in read:
        if isinstance(one, QuoteRequest):
            yield describe(next(quotes), spoken)
        else:
            nothing: dict[str, Any] = {"on": "", "direction": "", "language": spoken, "input": {}, "value": {}, "options": [],
                                       "rejected": [], "cheapest": None, "warnings": []}  # fmt: skip
            yield {"law_hash": law.hash, **nothing, "problems": describe_problems(one, spoken)}


def _rows(read: Sequence[Read], law: Law, start: int) -> Iterator[dict[str, Any]]:
    quotes = iter(quote_many([one for one in read if isinstance(one, QuoteRequest)], law))
    for place, one in enumerate(read, start):
        answer: Quote | None = next(quotes) if isinstance(one, QuoteRequest) else None
        for problem in answer.problems if answer else one if isinstance(one, tuple) else ():
            yield {**EMPTY, "quote": place, "field": problem.field, "code": problem.code}
        for option in (*answer.options, *answer.rejected) if answer else ():
            yield _row(place, option)


def _row(place: int, option: Option) -> dict[str, Any]:
    amounts = {charge.kind: charge.amount for charge in option.charges}
    return {
        "quote": place, "mode": option.mode, "answer": option.answer, "rank": option.rank, "rule": option.rule,
        "form_rule": option.form_rule, "tax_rule": option.tax_rule, "price": option.price, "duty": amounts.get("duty"),
        "consumption_tax": amounts.get("consumption_tax"), "vat": amounts.get("vat"), "total": option.total,
        "warnings": list(option.warnings), "holds": list(option.holds), "field": None, "code": None,
    }  # fmt: skip


TEXTS, AMOUNTS = ("mode", "answer", "rule", "form_rule", "tax_rule", "field", "code"), ("price", "duty", "consumption_tax", "vat", "total")
COLUMNS = ("quote", "mode", "answer", "rank", "rule", "form_rule", "tax_rule", *AMOUNTS, "warnings", "holds", "field", "code")
EMPTY: Mapping[str, Any] = {**dict.fromkeys(COLUMNS), "warnings": [], "holds": []}


def _table(rows: Sequence[Mapping[str, Any]], law: Law) -> pa.Table:
    kinds = {"quote": pa.int64(), "rank": pa.int64(), "warnings": pa.list_(pa.string()), "holds": pa.list_(pa.string())}
    kinds |= dict.fromkeys(TEXTS, pa.string())
    columns = {name: pa.array([row[name] for row in rows], kinds.get(name, pa.string())) for name in COLUMNS}
    columns |= {name: columns[name].cast(pa.decimal128(18, 2)) for name in AMOUNTS}
    return pa.table(columns).replace_schema_metadata({"law_hash": law.hash})
