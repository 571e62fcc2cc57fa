"""Pages of consignments: the list, and what is done with many lines at once."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from entrepot.decide.mode import MODES
from entrepot.decide.release import reason_rules
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments import many
from entrepot.desk.consignments.asked import COLUMNS, Asked, asked_of, filters_of
from entrepot.desk.consignments.cells import ListRow, list_rows
from entrepot.desk.consignments.listing import STATES, Total, count, page, parcels_of, unlisted
from entrepot.desk.consignments.settle import ALLOWED, REASON_LEAST, REASON_MOST
from entrepot.desk.context import language
from entrepot.desk.people.acting import Acting
from entrepot.desk.told import Told, said_of
from entrepot.goods.errors import CallError, EntrepotError
from entrepot.goods.texts import text
from entrepot.run.shelf import UNKNOWN, Filters, Page
from entrepot.run.wording import mode_name, rule_text

__all__ = ["consignments", "counted", "decide_many", "export", "export_file"]

PAGE_LINES = 50
OTHER_RULES = ("release.invalid", "release.cancellation", "release.order-held", "release.nothing-to-check")
SIMPLE = ("verdict", "lane", "direction", "state")
WITHOUT_FIELD = ("order_prefix", "waybill_prefix", "without", "tax", "tax_rule", "buyer_key")
"""Filters that come by address only; the form keeps them."""
BATCHES_SHOWN = 200


@require_safe
def consignments(request: Any) -> HttpResponse:
    """The list of lines: filtered, sorted, searched, in pages."""
    acting: Acting = request.acting
    asked = asked_of(request.GET)
    found, problem = Page([], None, None), asked.problem
    if not problem:
        try:
            found = page(
                acting, asked.filters, asked.order, descending=asked.descending, after=asked.after, before=asked.before,
                limit=PAGE_LINES,
            )  # fmt: skip
        except EntrepotError as error:
            problem = said_of(error)
    total = count(acting) if not asked.given and not problem else None
    shown = {
        "asked": asked, "rows": _rows(acting, asked, found), "problem": problem, "guess": found.guess,
        "previous": f"?{asked.query(before=found.previous)}" if found.previous else "",
        "next": f"?{asked.query(after=found.next)}" if found.next else "",
        "may_decide": acting.may("consignments.decide"), "total": _total_said(total) if total else "",
        "unlisted": unlisted(acting), **_choices(acting, asked),
    }  # fmt: skip
    return render(request, "consignments/consignments.html", shown, status=422 if problem else 200)


def _rows(acting: Acting, asked: Asked, found: Page) -> list[ListRow]:
    ids = {row["batch"] for row in found.rows} if "batch" in asked.columns else set()
    names = {str(batch.id): batch.name for batch in Batch.objects.of(acting).filter(id__in=ids)} if ids else {}
    return list_rows(found.rows, asked.columns, names, language())


def _total_said(total: Total) -> str:
    number, exact = total
    return text("consignments.count" if exact else "consignments.count-more", language(), n=f"{number:,}")


def _choices(acting: Acting, asked: Asked) -> dict[str, Any]:
    """What the form of filters offers, and the filters that are on."""
    lang = language()
    batches = Batch.objects.of(acting).filter(state=Batch.State.DONE).order_by("-ordinal")[:BATCHES_SHOWN]
    rules = [*(rule.id for rule in reason_rules()), *OTHER_RULES]
    options = {
        "verdict": [(one, text(f"verdict.{one}", lang)) for one in ALLOWED],
        "lane": [(one, text(f"lane.{one}", lang)) for one in ("green", "yellow", "red")],
        "direction": [(one, text(f"report.direction.{one}", lang)) for one in ("export", "import")],
        "mode": [*((one, f"{one} {mode_name(one)[lang]}") for one in sorted(MODES)), (UNKNOWN, text("desk.unknown", lang))],
        "state": [(one, text(f"consignments.state-{one}", lang)) for one in STATES.values()],
        "batch": [(str(batch.id), batch.name) for batch in batches],
        "reason": sorted(((one, rule_text(one, lang)) for one in rules), key=lambda pair: pair[1]),
    }
    labels = {name: dict(pairs) for name, pairs in options.items()}
    labels["without"], labels["tax"] = labels["reason"], {UNKNOWN: text("desk.unknown", lang)}
    active = [
        (text(f"consignments.filter-{name}", lang), _called(labels.get(name), given), asked.without(name))
        for name, given in asked.given.items()
    ]
    columns = [(name, text(f"consignments.column-{name}", lang), name in asked.columns) for name in COLUMNS]
    heads = [(name, text(f"consignments.column-{name}", lang), COLUMNS[name]) for name in asked.columns]
    return {
        "options": options, "active": active, "columns": columns, "open_more": bool(set(asked.given) - {"search", *SIMPLE}),
        "heads": [(name, label, sort, asked.sorted_by(sort) if sort else "") for name, label, sort in heads],
        "order_sort": asked.sorted_by("order"), "query": asked.query(), "verdicts": ("release", "refuse", "hold"),
        "kept": [(name, given) for name, given in asked.given.items() if name in WITHOUT_FIELD],
        "most": many.MOST, "least": REASON_LEAST, "reason_most": REASON_MOST,
    }  # fmt: skip


def _called(labels: Mapping[str, str] | None, given: str) -> str:
    """The values of a filter by the names the form gives them."""
    return given if labels is None else ", ".join(labels.get(one, one) for one in given.split(","))


@require_safe
def counted(request: Any) -> HttpResponse:
    """How many lines match, on its own: counting may take longer than a page."""
    asked = asked_of(request.GET)
    if asked.problem:
        return HttpResponse(status=422)
    return render(request, "consignments/counted.html", {"total": _total_said(count(request.acting, asked.filters))})


@require_POST
def decide_many(request: Any) -> HttpResponse:
    """Decide over the ticked lines' parcels, or over those of every line that matches the filters."""
    acting, back = request.acting, _back(request)
    try:
        parcels = _parcels(request)
        verdict, reason = request.POST.get("verdict", ""), request.POST.get("reason", "")
        if len(parcels) > many.MANY:
            job = many.ask_settlement(acting, parcels, verdict, reason)
            messages.info(request, text("consignments.settling", language(), n=len(parcels)))
            return redirect("job", job.id)
        _tell(request, many.settle_many(acting, parcels, verdict, reason))
    except CallError as error:
        messages.error(request, said_of(error))
    return redirect(back)


def _back(request: Any) -> str:
    """The list the request came from; only its query is taken from the form."""
    query = asked_of(QueryDict(request.POST.get("query", "")[:20_000])).query()
    return reverse("consignments") + (f"?{query}" if query else "")


def _parcels(request: Any) -> list[tuple[str, str]]:
    if request.POST.get("which") == "all":
        filters = Filters.from_mapping(filters_of(QueryDict(request.POST.get("query", "")[:20_000])))
        return many.parcels_matching(request.acting, filters)
    ticked = [one.rpartition(":") for one in request.POST.getlist("line")[: many.MOST]]
    lines = [(batch, int(row)) for batch, _, row in ticked if row.isdecimal() and len(row) < 16]
    if not lines:
        raise Told("consignments.nothing-ticked")
    return parcels_of(request.acting, lines)


def _tell(request: HttpRequest, outcome: many.Outcome) -> None:
    lang = language()
    if outcome["settled"] or outcome["proposed"]:
        messages.success(request, text("consignments.settled-many", lang, n=outcome["settled"], proposed=outcome["proposed"]))
    for problem, number in outcome["problems_zh" if lang == "zh" else "problems"].items():
        messages.error(request, text("consignments.failed-many", lang, n=number, problem=problem))


@require_POST
def export(request: Any) -> HttpResponse:
    """Ask for the lines that match as a file; the page of the job says when it is there."""
    given = filters_of(QueryDict(request.POST.get("query", "")[:20_000]))
    try:
        job = many.ask_export(request.acting, given, request.POST.get("kind", "csv"))
    except CallError as error:
        messages.error(request, said_of(error))
        return redirect(_back(request))
    return redirect("job", job.id)


@require_safe
def export_file(request: Any, job: UUID) -> HttpResponseBase:
    """The file of an export that is done; Http404 for another organisation's, and when it was tidied away."""
    return many.export_response(request, request.acting, job)
