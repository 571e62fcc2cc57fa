"""A person's decision over a held parcel: events, the state of its lines, the second pair of eyes.

The law lets a person decide what waits for one (`hold`): to release, to refuse, or to go on holding. What the law
forbids (`refuse`) and what is bad data (`invalid`) no person can release: the data are mended and cleared again.
A released parcel can be stopped (`hold`). A parcel goes whole: the decision is of all its lines (decision 3).
"""

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.models import LineEvent, LineState, Proposal
from entrepot.desk.people.acting import Acting
from entrepot.goods.errors import CallError

__all__ = ["ALLOWED", "LANES", "RULES", "Line", "decide_proposal", "note", "open_proposal", "settle"]

ALLOWED = {"hold": ("release", "refuse"), "release": ("hold",), "refuse": (), "invalid": ()}
"""Verdict of a parcel to the verdicts a person may give it."""
RULES = {"release": "desk.released-by-person", "hold": "desk.held-by-person", "refuse": "desk.refused-by-person"}
LANES = {"release": "green", "hold": "red", "refuse": ""}
REASON_LEAST = 5
REASON_MOST = 2000

Line = dict[str, Any]
"""A line as the shelf gives it: at least row_id, line_no, verdict."""


def settle(
    acting: Acting, batch: Batch, order_id: str, lines: Sequence[Line], verdict: str, reason: str, *, kind: str = "settled"
) -> LineEvent | Proposal:
    """Decide over a parcel, or propose it where the organisation wants four eyes.

    `lines` are all lines of the parcel as they stand now. Returns the event, or the proposal that waits for a second
    person. Raises CallError when the law leaves no such decision, when the reason is missing, or when a proposal waits.
    """
    _check(order_id, lines, verdict, reason)
    if acting.organisation.four_eyes and verdict == "release":
        return _propose(acting, batch, order_id, verdict, reason)
    with transaction.atomic():
        return _carry_out(acting, batch, order_id, lines, verdict, reason, kind)


def _check(order_id: str, lines: Sequence[Line], verdict: str, reason: str) -> None:
    if not lines:
        raise CallError(f"no parcel {order_id!r} in this batch")
    stands = {line["verdict"] for line in lines}
    allowed = set.intersection(*(set(ALLOWED[one]) for one in stands))
    if verdict not in allowed:
        may = ", ".join(sorted(allowed)) or "nothing: mend the data and clear again, or accept what the law forbids"
        raise CallError(f"a parcel that is {' and '.join(sorted(stands))} cannot be put to {verdict!r}; a person may choose {may}")
    if not REASON_LEAST <= len(reason.strip()) <= REASON_MOST:
        raise CallError(f"give a reason of {REASON_LEAST} to {REASON_MOST} characters")


def _carry_out(
    acting: Acting, batch: Batch, order_id: str, lines: Sequence[Line], verdict: str, reason: str, kind: str
) -> LineEvent:
    detail = {"verdict": verdict, "reason": reason.strip(), "before": sorted({line["verdict"] for line in lines})}
    event = note(acting, batch, order_id, kind, detail)
    for line in lines:
        LineState.objects.update_or_create(
            batch=batch, row_id=line["row_id"],
            defaults={"organisation": acting.organisation, "order_id": order_id, "line_no": line.get("line_no"), "verdict": verdict,
                      "lane": LANES[verdict], "rule": RULES[verdict]},
        )  # fmt: skip
    record(acting, f"parcel.{verdict}", "parcel", f"{batch.id}/{order_id}", reason=reason.strip(), kind=kind)
    return event


def note(acting: Acting, batch: Batch, order_id: str, kind: str, detail: dict[str, Any], row_id: int | None = None) -> LineEvent:
    """Add an event to a parcel or one of its lines."""
    event: LineEvent = LineEvent.objects.create(
        organisation=acting.organisation, batch=batch, order_id=order_id, row_id=row_id, kind=kind, actor=acting.actor, detail=detail
    )
    return event


def _propose(acting: Acting, batch: Batch, order_id: str, verdict: str, reason: str) -> Proposal:
    try:
        with transaction.atomic():
            proposal: Proposal = Proposal.objects.create(
                organisation=acting.organisation, batch=batch, order_id=order_id, verdict=verdict, reason=reason.strip(),
                proposed_by=acting.actor,
            )  # fmt: skip
            note(acting, batch, order_id, "proposed", {"verdict": verdict, "reason": reason.strip()})
            record(acting, "parcel.proposed", "parcel", f"{batch.id}/{order_id}", verdict=verdict, reason=reason.strip())
    except IntegrityError:
        raise CallError(f"a decision over {order_id!r} already waits for a second person: decide that one first") from None
    return proposal


def open_proposal(acting: Acting, batch: Batch, order_id: str) -> Proposal | None:
    """The proposal over a parcel that waits, if any."""
    return Proposal.objects.of(acting).filter(batch=batch, order_id=order_id, accepted=None).first()


def decide_proposal(acting: Acting, proposal: Proposal, accept: bool, lines: Sequence[Line]) -> LineEvent | None:
    """A second person accepts or turns down a proposal; CallError for the one who made it, or when it is decided."""
    if proposal.proposed_by == acting.actor:
        raise CallError("you proposed this decision yourself: a second person has to decide it")
    with transaction.atomic():
        locked: Proposal = Proposal.objects.of(acting).select_for_update().get(id=proposal.id)
        if locked.accepted is not None:
            raise CallError("this proposal is already decided")
        locked.accepted, locked.decided_by, locked.decided_at = accept, acting.actor, timezone.now()
        locked.save()
        if not accept:
            note(acting, locked.batch, locked.order_id, "turned-down", {"verdict": locked.verdict})
            record(acting, "parcel.turned-down", "parcel", f"{locked.batch_id}/{locked.order_id}")
            return None
        _check(locked.order_id, lines, locked.verdict, locked.reason)
        return _carry_out(acting, locked.batch, locked.order_id, lines, locked.verdict, locked.reason, "settled")
