"""Pages of one line: its walk, the decision over its parcel, its persons and its messages."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.facts import facts_of
from entrepot.desk.consignments.line import line_view
from entrepot.desk.consignments.listing import Row, batch_of, line_of, lines_of_order
from entrepot.desk.consignments.models import Proposal
from entrepot.desk.consignments.papers import full_message, masked_document, messages_of_order
from entrepot.desk.consignments.persons import covered_persons, erase_person, reveal_persons
from entrepot.desk.consignments.settle import (
    REASON_LEAST,
    REASON_MOST,
    decide_proposal,
    is_own,
    note,
    settle,
    with_reason,
)
from entrepot.desk.context import language
from entrepot.desk.told import Told, said_of
from entrepot.goods.errors import EntrepotError
from entrepot.goods.texts import text

__all__ = [
    "decide", "decide_proposed", "erase", "line", "message", "message_file", "parcel_messages", "parcel_persons", "reveal",
]  # fmt: skip


@require_safe
def line(request: Any, batch: UUID, row_id: int) -> HttpResponse:
    """One line with everything that is known of it."""
    lang = language()
    view = line_view(request.acting, batch, row_id, lang)
    shown: dict[str, Any] = {"view": view, "facts": facts_of(view.stored, lang), **_limits()}
    if view.proposal:
        shown["own_proposal"] = is_own(request.acting, view.proposal)
        shown["proposed_verdict"] = text(f"consignments.do-{view.proposal.verdict}", lang)
    return render(request, "consignments/line.html", shown)


def _limits() -> dict[str, int]:
    return {"least": REASON_LEAST, "reason_most": REASON_MOST}


def _parcel(request: Any, batch_id: UUID, row_id: int) -> tuple[Batch, Row]:
    """The batch and line of a parcel; Http404 for a line that belongs to none."""
    batch = batch_of(request.acting, batch_id)
    found = line_of(request.acting, batch, row_id)
    if found["order_id"] is None:
        raise Http404("this line names no order")
    return batch, found


@require_POST
def decide(request: Any, batch: UUID, row_id: int) -> HttpResponse:
    """A person's decision over the parcel of a line."""
    place, found = _parcel(request, batch, row_id)
    lines = lines_of_order(request.acting, place, found["order_id"])
    verdict, reason = request.POST.get("verdict", ""), request.POST.get("reason", "")
    try:
        done = settle(request.acting, place, found["order_id"], lines, verdict, reason)
        said = "consignments.proposed-now" if isinstance(done, Proposal) else f"consignments.settled-{verdict}"
        messages.success(request, text(said, language(), order=found["order_id"]))
    except Told as error:
        messages.error(request, error.said)
    return redirect("line", batch, row_id)


@require_POST
def decide_proposed(request: Any, batch: UUID, row_id: int, proposal: UUID) -> HttpResponse:
    """The second person accepts a proposal or turns it down."""
    place, found = _parcel(request, batch, row_id)
    proposed: Proposal = Proposal.objects.of(request.acting).one(
        request.acting, id=proposal, batch=place, order_id=found["order_id"]
    )
    accept = request.POST.get("answer") == "accept"
    try:
        decide_proposal(request.acting, proposed, accept, lines_of_order(request.acting, place, found["order_id"]))
        messages.success(request, text("consignments.accepted-now" if accept else "consignments.turned-down-now", language()))
    except Told as error:
        messages.error(request, error.said)
    return redirect("line", batch, row_id)


@require_safe
def parcel_persons(request: Any, batch: UUID, row_id: int) -> HttpResponse:
    """The persons of a parcel, covered: a part of the page of its lines."""
    place, found = _parcel(request, batch, row_id)
    shown: dict[str, Any] = {"batch": place, "line": found, **_limits()}
    try:
        shown["persons"] = covered_persons(place, found["order_id"])
    except EntrepotError as error:
        shown["problem"] = said_of(error)
    return _private(_part(request, "persons", shown))


def _part(request: Any, name: str, shown: dict[str, Any]) -> HttpResponse:
    """A part of the line's page: alone when the page asks for it, as a page of its own in a browser without scripts."""
    if request.headers.get("HX-Request") == "true":
        return render(request, f"consignments/{name}.html", shown)
    return render(request, "consignments/part.html", {**shown, "part": f"consignments/{name}.html", "title": f"consignments.{name}"})


@require_POST
def reveal(request: Any, batch: UUID, row_id: int) -> HttpResponse:
    """The persons of a parcel in the clear, shown once; the reason is kept."""
    place, found = _parcel(request, batch, row_id)
    try:
        persons = reveal_persons(request.acting, place, found["order_id"], request.POST.get("reason", ""))
    except EntrepotError as error:
        messages.error(request, said_of(error))
        return redirect("line", batch, row_id)
    return _private(render(request, "consignments/revealed.html", {"batch": place, "line": found, "persons": persons}))


def _private(response: HttpResponse) -> HttpResponse:
    """An answer that no browser or proxy keeps."""
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def erase(request: Any, batch: UUID, row_id: int) -> HttpResponse:
    """Erase the persons of a parcel for good; the order number is typed to confirm."""
    place, found = _parcel(request, batch, row_id)
    try:
        if request.POST.get("typed", "").strip() != found["order_id"]:
            raise Told("consignments.typed-otherwise")
        erased = erase_person(request.acting, place, found["order_id"], request.POST.get("reason", ""))
        messages.success(request, text("consignments.erased-now", language(), n=erased))
    except EntrepotError as error:
        messages.error(request, said_of(error))
    return redirect("line", batch, row_id)


@require_safe
def parcel_messages(request: Any, batch: UUID, row_id: int) -> HttpResponse:
    """The messages of a parcel: a part of the page of its lines."""
    place, found = _parcel(request, batch, row_id)
    written = messages_of_order(place, found["order_id"])
    return _part(request, "messages", {"batch": place, "line": found, "written": written})


@require_safe
def message(request: Any, batch: UUID, row_id: int, kind: str) -> HttpResponse:
    """A parcel's document as XML with the personal values covered."""
    place, found = _parcel(request, batch, row_id)
    document = masked_document(place, found["order_id"], kind)
    shown = {"batch": place, "line": found, "kind": kind, "document": document, **_limits()}
    return _private(render(request, "consignments/message.html", shown))


@require_POST
def message_file(request: Any, batch: UUID, row_id: int, kind: str) -> HttpResponse:
    """The whole message with its personal data, to download; the reason is kept."""
    place, found = _parcel(request, batch, row_id)
    try:
        why = with_reason(request.POST.get("reason", ""))
        content = full_message(place, found["order_id"], kind)
    except EntrepotError as error:
        messages.error(request, said_of(error))
        return redirect("line_message", batch, row_id, kind)
    with transaction.atomic():
        note(request.acting, place, found["order_id"], "revealed", {"reason": why, "message": kind})
        record(request.acting, "message.downloaded", "parcel", f"{place.id}/{found['order_id']}", reason=why, message=kind)
    response = HttpResponse(content, content_type="application/xml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="CEB{kind}-{place.ordinal}-{row_id}.xml"'
    return _private(response)
