"""Inspection under `/api/v1/inspection`."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from ninja import Query, Router, Schema
from pydantic import Field

from entrepot.desk.api.auth import acting, needs
from entrepot.desk.api.idempotency import idempotent
from entrepot.desk.api.problems import ApiError, answers
from entrepot.desk.consignments.listing import lines_of_order
from entrepot.desk.consignments.settle import REASON_LEAST, REASON_MOST
from entrepot.desk.inspection import cases, holders
from entrepot.desk.inspection.models import Answer, Case, Evidence
from entrepot.desk.inspection.queue import queue_of, queue_page
from entrepot.desk.people.models import Membership
from entrepot.desk.plug import Role

__all__ = ["router"]

router = Router(tags=["inspection"])
VIEW, WORK = "inspection.view", "inspection.work"


class CasesQuery(Schema):
    """What the queue is narrowed by, and which page of it."""

    state: Literal["waiting", "open", "taken", "proposed", "decided"] = Field("waiting", examples=["waiting"])
    kind: Literal["", "exception", "sample"] = Field("", examples=[None])
    lane: Literal["", "red", "yellow", "green"] = Field("", examples=[None])
    order: str = Field("", max_length=120, description="A whole order number", examples=[None])
    batch: UUID | None = Field(None, examples=[None])
    after: str = Field("", max_length=2000, description="`next` of the page before", examples=[None])
    limit: int = Field(50, ge=1, le=200, examples=[50])


class RiskReason(Schema):
    """One circumstance that counts."""

    reason: str = Field(examples=["rule"])
    about: str = Field(examples=["release.tax-unknown"])
    points: int = Field(examples=[10])


class CaseOut(Schema):
    """A parcel on the table of inspection."""

    id: UUID
    batch: UUID = Field(examples=["7d0c9a52-6f0b-4c1e-9d55-0a5d4f2f8a11"])
    order_id: str = Field(examples=["REX-001"])
    row_id: int = Field(description="Its first line", examples=[0])
    kind: str = Field(examples=["exception"])
    lane: str = Field(examples=["yellow"])
    risk: int = Field(examples=[45])
    reasons: list[RiskReason]
    rules: list[str] = Field(examples=[["release.tax-unknown"]])
    lines: int = Field(examples=[1])
    value_cny: Decimal | None = Field(examples=["253.66"])
    declared_on: date | None
    state: str = Field(examples=["open"])
    holder: str = Field(examples=[""])
    opened_at: datetime
    verdict: str = Field(examples=[""])
    decided_at: datetime | None = Field(examples=[None])


class CasesPage(Schema):
    """One page of the queue; give `next` as `after`."""

    items: list[CaseOut]
    next: str | None = Field(None, examples=[None])


class CheckOut(Schema):
    """An item of the checklist with what was found."""

    item: str = Field(examples=["goods-as-declared"])
    found: str | None = Field(examples=["yes"])
    note: str = Field(examples=[""])


class EvidenceOut(Schema):
    """A file kept with the case."""

    id: UUID
    name: str = Field(examples=["parcel.jpg"])
    media_type: str = Field(examples=["image/jpeg"])
    bytes: int = Field(examples=[482113])
    sha256: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])


class CaseDetail(CaseOut):
    """A case with its checklist, evidence and the decisions it can end with."""

    checklist: list[CheckOut]
    evidence: list[EvidenceOut]
    choices: list[str] = Field(examples=[["release", "refuse"]])


class HandOver(Schema):
    """To whom: a person who is an inspector of the organisation."""

    user: UUID = Field(examples=["5b2c8f14-3a51-4a0e-9a3e-6d1b7b8f1c22"])


class TakeOver(Schema):
    """Why a case that a colleague holds is taken over."""

    reason: str = Field(min_length=REASON_LEAST, max_length=REASON_MOST, examples=["the inspector is on leave this week"])


class AnswerIn(Schema):
    """What was found at an item of the checklist."""

    item: str = Field(max_length=60, examples=["goods-as-declared"])
    found: Literal["yes", "no", "not_applicable"] = Field(examples=["yes"])
    note: str = Field("", max_length=500, examples=[""])


class CaseDecision(Schema):
    """How a case ends: `release`, `refuse` or `hold` the parcel; `conforms` (a sample is as declared); `stays`."""

    choice: Literal["release", "refuse", "hold", "conforms", "stays"] = Field(examples=["release"])
    reason: str = Field(min_length=REASON_LEAST, max_length=REASON_MOST, examples=["goods seen on video, as declared"])


def _out(case: Case) -> dict[str, Any]:
    same = ("id", "order_id", "row_id", "kind", "lane", "risk", "reasons", "rules", "lines", "declared_on", "state", "holder",
            "verdict", "decided_at")  # fmt: skip
    value = None if case.value_fen is None else Decimal(case.value_fen).scaleb(-2)
    return {name: getattr(case, name) for name in same} | {"batch": case.batch_id, "opened_at": case.created_at, "value_cny": value}


def _one(request: Any, case: UUID) -> Case:
    found: Case = Case.objects.of(acting(request)).one(acting(request), id=case)
    return found


@router.get("/cases", auth=needs(VIEW), response=answers(CasesPage), operation_id="inspection_cases", summary="The queue")
def list_cases(request: Any, query: Query[CasesQuery]) -> Any:
    """Cases by risk, of equal risk the oldest first."""
    told = {name: str(value) for name, value in query.dict().items() if value is not None}
    found = queue_page(acting(request), queue_of(told), query.after, query.limit)
    return {"items": [_out(case) for case in found.cases], "next": found.next or None}


@router.get("/cases/{uuid:case}", auth=needs(VIEW), response=answers(CaseDetail, 404), operation_id="inspection_case", summary="A case")
def one_case(request: Any, case: UUID) -> Any:
    """A case with its checklist, evidence and possible decisions."""
    found = _one(request, case)
    given = {one.item: one for one in Answer.objects.of(acting(request)).filter(case=found)}
    checks = [
        {"item": item, "found": given[item].found if item in given else None, "note": given[item].note if item in given else ""}
        for item in cases.checklist_of(found)
    ]
    lines = lines_of_order(acting(request), found.batch, found.order_id)
    kept = list(Evidence.objects.of(acting(request)).filter(case=found))
    return _out(found) | {"checklist": checks, "evidence": kept, "choices": list(cases.choices_of(found, lines))}


@router.post(
    "/cases/{uuid:case}/take", auth=needs(WORK), response=answers(CaseOut, 404, 409), operation_id="inspection_take",
    summary="Take a case",
)  # fmt: skip
@idempotent
def take(request: Any, case: UUID) -> Any:
    """Take an open case; 409 when somebody else was first."""
    found = _one(request, case)
    try:
        return _out(cases.take(acting(request), found))
    except cases.NotOpen as error:
        raise ApiError(409, "not-open", str(error)) from None


@router.post(
    "/cases/{uuid:case}/give-back", auth=needs(WORK), response=answers(CaseOut, 404, 422), operation_id="inspection_give_back",
    summary="Give a case back",
)  # fmt: skip
@idempotent
def give_back(request: Any, case: UUID) -> Any:
    """Put a case one holds back into the queue."""
    return _out(cases.give_back(acting(request), _one(request, case)))


@router.post(
    "/cases/{uuid:case}/hand-over", auth=needs(WORK), response=answers(CaseOut, 404, 422), operation_id="inspection_hand_over",
    summary="Hand a case over",
)  # fmt: skip
@idempotent
def hand_over(request: Any, case: UUID, payload: HandOver) -> Any:
    """Give a case that is open, or that one holds, to another inspector of the organisation."""
    member: Membership = Membership.objects.of(acting(request)).one(acting(request), user_id=payload.user, role=Role.INSPECTOR)
    return _out(cases.hand_over(acting(request), _one(request, case), member))


@router.post(
    "/cases/{uuid:case}/take-over", auth=needs(WORK), response=answers(CaseOut, 404, 422), operation_id="inspection_take_over",
    summary="Take a case over",
)  # fmt: skip
@idempotent
def take_over(request: Any, case: UUID, payload: TakeOver) -> Any:
    """Take a case that somebody else holds, with a reason that the audit log keeps."""
    return _out(holders.take_over(acting(request), _one(request, case), payload.reason))


@router.post(
    "/cases/{uuid:case}/answers", auth=needs(WORK), response=answers(CheckOut, 404, 422), operation_id="inspection_answer",
    summary="Answer a check",
)  # fmt: skip
@idempotent
def answer(request: Any, case: UUID, payload: AnswerIn) -> Any:
    """Note what was found at an item of the checklist of a case one holds."""
    return cases.answer(acting(request), _one(request, case), payload.item, payload.found, payload.note)


@router.post(
    "/cases/{uuid:case}/decide", auth=needs(WORK), response=answers(CaseOut, 404, 422), operation_id="inspection_decide",
    summary="Decide a case",
)  # fmt: skip
@idempotent
def decide(request: Any, case: UUID, payload: CaseDecision) -> Any:
    """End a case one holds; with four eyes a release waits for a second person (`proposed`)."""
    found = _one(request, case)
    lines = lines_of_order(acting(request), found.batch, found.order_id)
    return _out(cases.decide(acting(request), found, lines, payload.choice, payload.reason))
