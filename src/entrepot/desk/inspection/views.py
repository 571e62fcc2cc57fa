"""Pages of inspection: the queue, a case, and what is done with it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from entrepot.desk.consignments.facts import facts_of
from entrepot.desk.consignments.line import line_view
from entrepot.desk.consignments.listing import lines_of_order
from entrepot.desk.consignments.persons import covered_persons
from entrepot.desk.consignments.settle import REASON_LEAST, REASON_MOST, is_own
from entrepot.desk.context import language
from entrepot.desk.inspection import cases, holders
from entrepot.desk.inspection.evidence import keep_evidence
from entrepot.desk.inspection.forms import EvidenceForm, SessionForm
from entrepot.desk.inspection.models import Answer, Case, Evidence
from entrepot.desk.inspection.queue import CHOICES, queue_counts, queue_of, queue_page
from entrepot.desk.people.models import Membership
from entrepot.desk.people.names import names_of
from entrepot.desk.sending import send_file
from entrepot.desk.told import Told, said_of
from entrepot.goods.errors import CallError, EntrepotError
from entrepot.goods.texts import text
from entrepot.run.wording import rule_text

__all__ = [
    "answer", "case", "decide", "evidence_add", "evidence_file", "give_back", "hand_over", "inspection", "session_add", "take",
    "take_over",
]  # fmt: skip

SANDBOX = "default-src 'none'; sandbox"


@require_safe
def inspection(request: Any) -> HttpResponse:
    """The queue."""
    acting, lang = request.acting, language()
    asked = queue_of(request.GET)
    found = queue_page(acting, asked, request.GET.get("after", ""))
    names = names_of(request.acting, (one.holder for one in found.cases if one.holder))
    shown = {
        "asked": asked, "rows": [(one, _reasons(one, lang), names.get(one.holder, "")) for one in found.cases],
        "next": f"?{asked.query(after=found.next)}" if found.next else "", "counts": queue_counts(acting),
        "first": f"?{asked.query()}" if request.GET.get("after") else "",
        "choices": {name: [(one, text(f"inspection.{name}-{one}", lang)) for one in values] for name, values in CHOICES.items()},
    }  # fmt: skip
    return render(request, "inspection/inspection.html", shown)


def _reasons(one: Case, lang: str) -> list[tuple[str, int]]:
    """What the risk of a case is made of, in words."""
    return [(_reason_said(part, lang), part["points"]) for part in one.reasons]


def _reason_said(part: dict[str, Any], lang: str) -> str:
    if part["reason"] == "rule":
        return rule_text(part["about"], lang)
    about = text(f"lane.{part['about']}", lang) if part["reason"] == "lane" else ""
    return about or text(f"inspection.risk-{part['reason']}", lang)


@require_safe
def case(request: Any, case: UUID) -> HttpResponse:
    """A case with everything an inspector needs."""
    found: Case = Case.objects.of(request.acting).one(request.acting, id=case)
    return _case_page(request, found, EvidenceForm(), SessionForm())


def _case_page(request: Any, found: Case, evidence: EvidenceForm, session: SessionForm, status: int = 200) -> HttpResponse:
    acting, lang = request.acting, language()
    view = line_view(acting, found.batch_id, found.row_id, lang)
    answers = {one.item: one for one in Answer.objects.of(acting).filter(case=found)}
    kept = list(Evidence.objects.of(acting).filter(case=found))
    sessions = list(found.sessions.all())
    mine = found.state == Case.State.TAKEN and found.holder == acting.actor and acting.may("inspection.work")
    names = names_of(request.acting, [found.holder, found.decided_by, *(one.actor for one in kept), *(one.actor for one in sessions)])
    shown = {
        "case": found, "view": view, "mine": mine, "facts": facts_of(view.stored, lang), "holder": names[found.holder],
        "decider": names[found.decided_by], "verdict_said": text(f"inspection.do-{found.verdict}", lang),
        "reasons": _reasons(found, lang), "persons": _persons(found),
        "checks": [(item, text(f"inspection.check.{item}", lang), answers.get(item)) for item in cases.checklist_of(found)],
        "found_choices": [(one, text(f"inspection.found-{one}", lang)) for one in Answer.Found.values],
        "kept": kept, "sessions": sessions, "evidence_form": evidence, "session_form": session,
        "choices": [(one, text(f"inspection.do-{one}", lang), text(f"inspection.do-{one}-help", lang))
                    for one in cases.choices_of(found, view.parcel)],
        "colleagues": [one for one in cases.colleagues(acting) if f"user:{one.user_id}" != acting.actor] if mine or
        found.state == Case.State.OPEN else [],
        "own_proposal": bool(view.proposal and is_own(acting, view.proposal)), "least": REASON_LEAST, "reason_most": REASON_MOST,
    }  # fmt: skip
    if view.proposal:
        shown["proposed_verdict"] = text(f"consignments.do-{view.proposal.verdict}", lang)
    return render(request, "inspection/case.html", shown, status=status)


def _persons(found: Case) -> list[dict[str, Any]] | None:
    """The persons of the parcel, covered; None when they cannot be read."""
    try:
        return covered_persons(found.batch, found.order_id)
    except EntrepotError:
        return None


def _changed(request: Any, key: UUID, change: Callable[[Case], object], said: str) -> HttpResponse:
    """Do something with a case and say so, or say why it is not possible; then show it."""
    found: Case = Case.objects.of(request.acting).one(request.acting, id=key)
    try:
        change(found)
        messages.success(request, text(said, language()))
    except CallError as error:
        messages.error(request, said_of(error))
    return redirect("case", key)


@require_POST
def take(request: Any, case: UUID) -> HttpResponse:
    """Take a case."""
    return _changed(request, case, lambda found: cases.take(request.acting, found), "inspection.taken-now")


@require_POST
def give_back(request: Any, case: UUID) -> HttpResponse:
    """Put a case back into the queue."""
    return _changed(request, case, lambda found: cases.give_back(request.acting, found), "inspection.given-back-now")


@require_POST
def hand_over(request: Any, case: UUID) -> HttpResponse:
    """Give a case to a colleague."""
    try:
        member: Membership = Membership.objects.of(request.acting).one(request.acting, id=UUID(request.POST.get("member", "")))
    except ValueError:
        raise Http404("no such member") from None
    return _changed(request, case, lambda found: cases.hand_over(request.acting, found, member), "inspection.handed-over-now")


@require_POST
def take_over(request: Any, case: UUID) -> HttpResponse:
    """Take a case that a colleague holds, with a reason."""
    reason = request.POST.get("reason", "")
    return _changed(request, case, lambda found: holders.take_over(request.acting, found, reason), "inspection.taken-now")


@require_POST
def answer(request: Any, case: UUID) -> HttpResponse:
    """Note what was found at an item of the checklist."""
    told = {name: request.POST.get(name, "") for name in ("item", "found", "note")}

    def change(found: Case) -> None:
        cases.answer(request.acting, found, told["item"], told["found"], told["note"])

    return _changed(request, case, change, "inspection.checked-now")


@require_POST
def decide(request: Any, case: UUID) -> HttpResponse:
    """End a case with a decision."""

    def change(found: Case) -> None:
        lines = lines_of_order(request.acting, found.batch, found.order_id)
        cases.decide(request.acting, found, lines, request.POST.get("choice", ""), request.POST.get("reason", ""))

    return _changed(request, case, change, "inspection.decided-now")


@require_POST
def evidence_add(request: Any, case: UUID) -> HttpResponse:
    """Keep a file with a case."""
    found: Case = Case.objects.of(request.acting).one(request.acting, id=case)
    form = EvidenceForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            keep_evidence(request.acting, found, form.cleaned_data["file"], form.cleaned_data["note"])
        except Told as error:
            form.add_error("file", error.said)
    if form.errors:
        return _case_page(request, found, form, SessionForm(), status=422)
    messages.success(request, text("inspection.evidence-kept", language()))
    return redirect(reverse("case", args=[case]) + "#evidence")


@require_safe
def evidence_file(request: Any, case: UUID, evidence: UUID) -> HttpResponseBase:
    """A file of a case as it was sent. Opened on its own it is only saved, never run or shown by the browser."""
    kept: Evidence = Evidence.objects.of(request.acting).one(request.acting, id=evidence, case_id=case)
    response = send_file(request, kept.path, kept.name, kept.media_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = SANDBOX
    return response


@require_POST
def session_add(request: Any, case: UUID) -> HttpResponse:
    """Write down an inspection by video."""
    found: Case = Case.objects.of(request.acting).one(request.acting, id=case)
    form = SessionForm(request.POST)
    if form.is_valid():
        try:
            cases.record_session(request.acting, found, **form.cleaned_data)
        except Told as error:
            form.add_error(None, error.said)
    if form.errors:
        return _case_page(request, found, EvidenceForm(), form, status=422)
    messages.success(request, text("inspection.session-kept", language()))
    return redirect(reverse("case", args=[case]) + "#sessions")
