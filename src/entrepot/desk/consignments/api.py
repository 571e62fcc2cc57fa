"""Consignments under `/api/v1/consignments`."""

from typing import Any
from uuid import UUID

from django.http import Http404
from ninja import Path, Query, Router, Status

from entrepot.desk.api.auth import acting, needs
from entrepot.desk.api.idempotency import idempotent, reading
from entrepot.desk.api.openapi import file_answer
from entrepot.desk.api.problems import ApiError, answers
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments import many, schemas
from entrepot.desk.consignments.line import explanation_of
from entrepot.desk.consignments.listing import Row, batch_of, line_of, lines_of_order
from entrepot.desk.consignments.listing import page as page_of_lines
from entrepot.desk.consignments.models import LineEvent, Proposal
from entrepot.desk.consignments.papers import masked_document, messages_of_order
from entrepot.desk.consignments.persons import erase_person, reveal_persons
from entrepot.desk.consignments.settle import allowed_of, decide_proposal, open_proposal, settle
from entrepot.desk.people.acting import Acting
from entrepot.desk.told import Told
from entrepot.run.explain import ExplanationDiffersError
from entrepot.run.shelf import Filters

__all__ = ["router"]

router = Router(tags=["consignments"])
VIEW, DECIDE, REVEAL = "consignments.view", "consignments.decide", "persons.reveal"
LINE = "/{uuid:batch}/{int:row_id}"


@router.get("", auth=needs(VIEW), response=answers(schemas.LinesPage, 422), operation_id="consignments", summary="List lines")
def list_lines(request: Any, query: Query[schemas.LinesQuery]) -> Any:
    """Lines of every finished batch as they stand now, newest batch first unless sorted otherwise."""
    filters = Filters.from_mapping(schemas.query_filters(query))
    order, descending = query.sort.removeprefix("-"), query.sort.startswith("-")
    found = page_of_lines(
        acting(request), filters, order, descending=descending, after=query.after or None, before=query.before or None, limit=query.limit
    )
    return {"items": [schemas.line_out(row) for row in found.rows], "next": found.next, "previous": found.previous}


@router.get(LINE, auth=needs(VIEW), response=answers(schemas.LineDetail, 404), operation_id="consignment", summary="One line")
def one_line(request: Any, batch: UUID, row_id: int) -> Any:
    """A line with its parcel, what happened to it, and what a person may do."""
    caller = acting(request)
    place = batch_of(caller, batch)
    line = line_of(caller, place, row_id)
    order_id = line["order_id"]
    parcel = lines_of_order(caller, place, order_id) if order_id is not None else [line]
    events = LineEvent.objects.of(caller).filter(batch=place, order_id=order_id) if order_id is not None else []
    return {
        "line": schemas.line_out(line), "parcel": [schemas.line_out(row) for row in parcel],
        "events": [schemas.event_out(event) for event in events],
        "allowed": list(allowed_of(parcel)) if order_id is not None else [],
        "proposal": open_proposal(caller, place, order_id) if order_id is not None else None,
    }  # fmt: skip


@router.get(
    LINE + "/why", auth=needs(VIEW), response=answers(schemas.ExplanationOut, 404, 409, 422), operation_id="consignment_why",
    summary="Why a line was decided so",
)  # fmt: skip
def why(request: Any, batch: UUID, row_id: int) -> Any:
    """The decision made again, with every rule tried, its figures and the law. 409 when it comes out differently."""
    place = batch_of(acting(request), batch)
    try:
        return schemas.explanation_out(explanation_of(place, line_of(acting(request), place, row_id)))
    except ExplanationDiffersError as error:
        raise ApiError(409, "explanation-differs", str(error)) from None


def _parcel(caller: Acting, batch: UUID, row_id: int) -> tuple[Batch, Row]:
    place = batch_of(caller, batch)
    line = line_of(caller, place, row_id)
    if line["order_id"] is None:
        raise Http404("this line names no order")
    return place, line


@router.post(
    LINE + "/decision", auth=needs(DECIDE), response=answers(schemas.Decided, 404, 422), operation_id="consignment_decide",
    summary="Decide over a parcel",
)  # fmt: skip
@idempotent
def decide(request: Any, batch: UUID, row_id: int, payload: schemas.DecisionIn) -> Any:
    """A person's decision over the whole parcel of a line; with four eyes a release waits for a second person."""
    caller = acting(request)
    place, line = _parcel(caller, batch, row_id)
    lines = lines_of_order(caller, place, line["order_id"])
    return _decided(settle(caller, place, line["order_id"], lines, payload.verdict, payload.reason))


def _decided(done: LineEvent | Proposal | None) -> dict[str, Any]:
    if isinstance(done, Proposal):
        return {"outcome": "proposed", "proposal": done.id}
    return {"outcome": "settled", "event": done.id} if done else {"outcome": "turned-down"}


@router.post(
    "/proposals/{uuid:proposal}", auth=needs(DECIDE), response=answers(schemas.Decided, 404, 422),
    operation_id="consignment_proposal", summary="Answer a proposal",
)  # fmt: skip
@idempotent
def answer_proposal(request: Any, proposal: UUID, payload: schemas.ProposalAnswer) -> Any:
    """The second person accepts a proposed decision or turns it down; never the one who proposed it."""
    caller = acting(request)
    proposed: Proposal = Proposal.objects.of(caller).one(caller, id=proposal)
    lines = lines_of_order(caller, proposed.batch, proposed.order_id)
    return _decided(decide_proposal(caller, proposed, payload.accept, lines))


@router.post(
    "/decisions", auth=needs(DECIDE), response={**answers(schemas.Outcome, 404, 422), 202: schemas.Outcome},
    operation_id="consignments_decide", summary="Decide over many parcels",
)  # fmt: skip
@idempotent
def decide_many(request: Any, payload: schemas.DecisionsIn) -> Any:
    """One decision over up to 1,000 parcels, each by itself; more than 50 are left to a job (202)."""
    caller = acting(request)
    parcels = list(dict.fromkeys((str(one.batch), one.order_id) for one in payload.parcels))
    if payload.filters is not None:
        if parcels:
            raise ApiError(422, "invalid", "name parcels or give filters, not both")
        parcels = many.parcels_matching(caller, Filters.from_mapping(payload.filters))
    if not parcels:
        raise Told("consignments.nothing-ticked")
    for batch, _ in parcels:
        batch_of(caller, UUID(batch))
    if len(parcels) > many.MANY:
        return Status(202, {"job": many.ask_settlement(caller, parcels, payload.verdict, payload.reason).id})
    return Status(200, many.settle_many(caller, parcels, payload.verdict, payload.reason))


@router.post(
    LINE + "/reveal", auth=needs(REVEAL), response=answers(list[schemas.PersonOut], 404, 422), operation_id="consignment_reveal",
    summary="Reveal the persons of a parcel",
)  # fmt: skip
@reading
def reveal(request: Any, batch: UUID, row_id: int, payload: schemas.ReasonIn) -> Any:
    """Personal data in the clear. That they were asked for, by whom and why, is kept each time; the answer is not."""
    place, line = _parcel(acting(request), batch, row_id)
    return reveal_persons(acting(request), place, line["order_id"], payload.reason)


@router.post(
    LINE + "/erase", auth=needs("persons.erase"), response=answers(schemas.Erased, 404, 422), operation_id="consignment_erase",
    summary="Erase the persons of a parcel",
)  # fmt: skip
@idempotent
def erase(request: Any, batch: UUID, row_id: int, payload: schemas.ReasonIn) -> Any:
    """Erase their data from every batch of the organisation, for good; no decision and no hash changes."""
    place, line = _parcel(acting(request), batch, row_id)
    return {"batches": erase_person(acting(request), place, line["order_id"], payload.reason)}


@router.get(
    LINE + "/messages", auth=needs(VIEW), response=answers(list[schemas.MessageRef], 404), operation_id="consignment_messages",
    summary="Messages of a parcel",
)  # fmt: skip
def messages(request: Any, batch: UUID, row_id: int) -> Any:
    """The messages that declare the parcel of a line."""
    place, line = _parcel(acting(request), batch, row_id)
    return messages_of_order(place, line["order_id"])


@router.get(
    LINE + "/messages/{kind}", auth=needs(VIEW), response=answers(schemas.MessageOut, 404), operation_id="consignment_message",
    summary="One message of a parcel",
)  # fmt: skip
def message(request: Any, batch: UUID, row_id: int, kind: Path[str]) -> Any:
    """The parcel's document out of its message, with the personal values covered."""
    place, line = _parcel(acting(request), batch, row_id)
    document = masked_document(place, line["order_id"], kind)
    guid = next(one["guid"] for one in messages_of_order(place, line["order_id"]) if one["kind"] == kind)
    return {"kind": kind, "guid": guid, "document": document}


@router.post(
    "/exports", auth=needs("consignments.export"), response=answers(schemas.JobRef, 422, status=202),
    operation_id="consignments_export", summary="Export lines",
)  # fmt: skip
@idempotent
def export(request: Any, payload: schemas.ExportIn) -> Any:
    """Let the worker write the lines that match as a file; when the job is done, `api` of its result is where to fetch it."""
    return {"job": many.ask_export(acting(request), payload.filters, payload.kind).id}


@router.get(
    "/exports/{uuid:job}", auth=needs("consignments.export"), response=answers(None, 404), operation_id="consignments_exported",
    summary="The file of an export", openapi_extra=file_answer(many.EXPORT_TYPES.values()),
)  # fmt: skip
def exported(request: Any, job: UUID) -> Any:
    """The lines as CSV or Parquet, for a week; 404 while the job is not done, and when the file was tidied away."""
    return many.export_response(request, acting(request), job)
