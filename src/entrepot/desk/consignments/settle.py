"""A person's decision over a held parcel: events, the state of its lines, the second pair of eyes.

The law lets a person decide what waits for one (`hold`): to release, to refuse, or to go on holding. What the law
forbids (`refuse`) and what is bad data (`invalid`) no person can release: the data are mended and cleared again.
A released parcel can be stopped (`hold`). A parcel goes whole: the decision is of all its lines (decision 3).
"""

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.dispatch import Signal
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.models import LineEvent, LineState, Proposal, fresh_stamp
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import ApiKey
from entrepot.desk.people.names import id_of
from entrepot.desk.told import Told
from entrepot.desk.webhooks.emit import emit
from entrepot.goods.texts import Words

__all__ = [
    "ALLOWED", "LANES", "REASON_LEAST", "REASON_MOST", "RULES", "Line", "allowed_of", "decide_proposal", "is_own", "note", "open_proposal",
    "parcel_settled", "settle", "with_reason",
]  # fmt: skip

ALLOWED = {"hold": ("release", "refuse"), "release": ("hold",), "refuse": (), "invalid": ()}
"""Verdict of a parcel to the verdicts a person may give it."""
RULES = {"release": "desk.released-by-person", "hold": "desk.held-by-person", "refuse": "desk.refused-by-person"}
LANES = {"release": "green", "hold": "red", "refuse": ""}
REASON_LEAST = 5
REASON_MOST = 2000
ORDER_MOST = 120

Line = dict[str, Any]
"""A line as the shelf gives it: at least row_id, line_no, verdict."""

parcel_settled = Signal()
"""Sent in the transaction of a change: `acting`, `batch`, `order_id`, `verdict`, `reason`, `lines` as they stood before.
`verdict` is empty when a proposal was turned down, and `proposed` tells one that waits for a second person."""


def allowed_of(lines: Sequence[Line]) -> tuple[str, ...]:
    """What a person may do with a parcel whose lines stand so; empty where the law leaves nothing to a person."""
    stands = {line["verdict"] for line in lines}
    first = ALLOWED[lines[0]["verdict"]] if lines else ()
    return tuple(verdict for verdict in first if all(verdict in ALLOWED[one] for one in stands))


def settle(
    acting: Acting, batch: Batch, order_id: str, lines: Sequence[Line], verdict: str, reason: str, *, kind: str = "settled"
) -> LineEvent | Proposal:
    """Decide over a parcel, or propose it where the organisation wants four eyes.

    `lines` are all lines of the parcel as they stand now. Returns the event, or the proposal that waits for a second
    person. Raises Told when the law leaves no such decision, when the reason is missing, when a proposal waits, or when
    somebody else decided meanwhile.
    """
    _check(order_id, lines, verdict, reason)
    if acting.organisation.four_eyes and verdict == "release":
        return _propose(acting, batch, order_id, lines, verdict, reason)
    with transaction.atomic():
        _lock(batch, order_id, lines)
        if open_proposal(acting, batch, order_id):
            raise Told("consignments.proposal-waits", order=order_id)
        return _carry_out(acting, batch, order_id, lines, verdict, reason, kind)


def _check(order_id: str, lines: Sequence[Line], verdict: str, reason: str) -> None:
    if not lines or len(order_id) > ORDER_MOST:
        raise Told("consignments.no-parcel", order=order_id[:ORDER_MOST])
    allowed = allowed_of(lines)
    if verdict not in allowed:
        stands = Words(sorted({f"verdict.{line['verdict']}" for line in lines}))
        may = Words(f"consignments.do-{one}" for one in allowed)
        raise Told("consignments.not-allowed" if allowed else "consignments.nothing-allowed", stands=stands, may=may)
    with_reason(reason)


def with_reason(reason: str) -> str:
    """A reason without space around it; Told when it is too short or too long, or holds what no text holds (NUL)."""
    why = reason.strip()
    if not REASON_LEAST <= len(why) <= REASON_MOST or "\0" in why:
        raise Told("consignments.reason-needed", least=REASON_LEAST, most=REASON_MOST)
    return why


def _lock(batch: Batch, order_id: str, lines: Sequence[Line]) -> None:
    """Let one decision of a batch happen at a time, and stop one that was made on lines that stand otherwise by now."""
    Batch.objects.of(batch.organisation).select_for_update().get(id=batch.id)
    states = LineState.objects.of(batch.organisation).filter(batch=batch, order_id=order_id)
    now = dict(states.values_list("row_id", "verdict"))
    if any(now.get(line["row_id"], line["verdict"]) != line["verdict"] for line in lines):
        raise Told("consignments.changed-meanwhile", order=order_id)


def _carry_out(
    acting: Acting, batch: Batch, order_id: str, lines: Sequence[Line], verdict: str, reason: str, kind: str
) -> LineEvent:
    detail = {"verdict": verdict, "reason": reason.strip(), "before": sorted({line["verdict"] for line in lines})}
    event = note(acting, batch, order_id, kind, detail)
    for line in lines:
        LineState.objects.update_or_create(
            batch=batch, row_id=line["row_id"],
            defaults={"organisation": acting.organisation, "order_id": order_id, "line_no": line.get("line_no"), "verdict": verdict,
                      "lane": LANES[verdict], "rule": RULES[verdict], "stamp": fresh_stamp()},
        )  # fmt: skip
    record(acting, f"parcel.{verdict}", "parcel", f"{batch.id}/{order_id}", reason=reason.strip(), how=kind)
    emit(acting, "parcel.settled", {"batch": str(batch.id), "order_id": order_id, "verdict": verdict, "how": kind})
    _tell(acting, batch, order_id, verdict, reason, lines)
    return event


def _tell(
    acting: Acting, batch: Batch, order_id: str, verdict: str, reason: str, lines: Sequence[Line], *, proposed: bool = False
) -> None:
    parcel_settled.send(
        LineEvent, acting=acting, batch=batch, order_id=order_id, verdict=verdict, reason=reason.strip(), lines=lines,
        proposed=proposed,
    )  # fmt: skip


def note(acting: Acting, batch: Batch, order_id: str, kind: str, detail: dict[str, Any], row_id: int | None = None) -> LineEvent:
    """Add an event to a parcel or one of its lines."""
    event: LineEvent = LineEvent.objects.create(
        organisation=acting.organisation, batch=batch, order_id=order_id, row_id=row_id, kind=kind, actor=acting.actor, detail=detail
    )
    return event


def is_own(acting: Acting, proposal: Proposal) -> bool:
    """Whether a proposal was made by the same person, or with a key of theirs."""
    return _person_of(acting.actor) == _person_of(proposal.proposed_by)


def _person_of(actor: str) -> str:
    """The person behind an actor: of a key the one who made it, so that nobody is a second person to themselves."""
    key = id_of(actor, "key")
    maker = ApiKey.objects.filter(id=key).values_list("created_by_id", flat=True).first() if key else None
    return f"user:{maker}" if maker else actor


def _propose(
    acting: Acting, batch: Batch, order_id: str, lines: Sequence[Line], verdict: str, reason: str
) -> Proposal:
    try:
        with transaction.atomic():
            proposal: Proposal = Proposal.objects.create(
                organisation=acting.organisation, batch=batch, order_id=order_id, verdict=verdict, reason=reason.strip(),
                proposed_by=acting.actor,
            )  # fmt: skip
            note(acting, batch, order_id, "proposed", {"verdict": verdict, "reason": reason.strip()})
            record(acting, "parcel.proposed", "parcel", f"{batch.id}/{order_id}", verdict=verdict, reason=reason.strip())
            _tell(acting, batch, order_id, verdict, reason, lines, proposed=True)
    except IntegrityError:
        raise Told("consignments.proposal-waits", order=order_id) from None
    return proposal


def open_proposal(acting: Acting, batch: Batch, order_id: str) -> Proposal | None:
    """The proposal over a parcel that waits, if any."""
    return Proposal.objects.of(acting).filter(batch=batch, order_id=order_id, accepted=None).first()


def decide_proposal(acting: Acting, proposal: Proposal, accept: bool, lines: Sequence[Line]) -> LineEvent | None:
    """A second person accepts or turns down a proposal; Told for the one who made it, or when it is decided."""
    if is_own(acting, proposal):
        raise Told("consignments.own-proposal")
    with transaction.atomic():
        locked: Proposal = Proposal.objects.of(acting).select_for_update().get(id=proposal.id)
        if locked.accepted is not None:
            raise Told("consignments.proposal-decided")
        locked.accepted, locked.decided_by, locked.decided_at = accept, acting.actor, timezone.now()
        locked.save()
        if not accept:
            note(acting, locked.batch, locked.order_id, "turned-down", {"verdict": locked.verdict})
            record(acting, "parcel.turned-down", "parcel", f"{locked.batch_id}/{locked.order_id}")
            _tell(acting, locked.batch, locked.order_id, "", locked.reason, lines)
            return None
        _check(locked.order_id, lines, locked.verdict, locked.reason)
        _lock(locked.batch, locked.order_id, lines)
        return _carry_out(acting, locked.batch, locked.order_id, lines, locked.verdict, locked.reason, "settled")
