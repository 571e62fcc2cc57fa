"""What is done with a case: taken, handed over, given back, checked, decided. Each change leaves an entry in the audit log."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from django.db import transaction
from django.utils import timezone
from ruamel.yaml import YAML

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.settle import Line, allowed_of, note, settle, with_reason
from entrepot.desk.inspection.holders import can_hold
from entrepot.desk.inspection.models import Answer, Case, OnlineSession
from entrepot.desk.inspection.opening import stopped_case
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Membership
from entrepot.desk.plug import Role
from entrepot.desk.told import Told

__all__ = [
    "CONFORMS",
    "STAYS",
    "NotOpen",
    "answer",
    "checklist_of",
    "choices_of",
    "close",
    "colleagues",
    "decide",
    "give_back",
    "hand_over",
    "held",
    "parcel_was_settled",
    "record_session",
    "take",
]  # fmt: skip

State = Case.State


class NotOpen(Told):
    """A case was taken or decided before."""

    def __init__(self) -> None:
        super().__init__("inspection.not-open")


STAYS = "stays"
"""The decision to leave a parcel as it stands where the law leaves a person none."""
CONFORMS = "conforms"
"""The decision that an audited parcel is as it was declared: it stays released."""


def take(acting: Acting, case: Case) -> Case:
    """Take an open case; of several who try at once one has it, the others get NotOpen."""
    with transaction.atomic():
        free = Case.objects.of(acting).filter(id=case.id, state=State.OPEN)
        if not free.update(state=State.TAKEN, holder=acting.actor, taken_at=timezone.now()):
            raise NotOpen
        record(acting, "inspection.taken", "case", case.id)
    case.refresh_from_db()
    return case


def give_back(acting: Acting, case: Case) -> Case:
    """Put a case one holds back into the queue; Told when somebody else holds it or nobody does."""
    with transaction.atomic():
        held = Case.objects.of(acting).filter(id=case.id, state=State.TAKEN, holder=acting.actor)
        if not held.update(state=State.OPEN, holder="", taken_at=None):
            raise Told("inspection.not-yours")
        record(acting, "inspection.given-back", "case", case.id)
    case.refresh_from_db()
    return case


def colleagues(acting: Acting) -> list[Membership]:
    """The inspectors of the organisation, by name; the acting one too."""
    members = Membership.objects.of(acting).filter(role=Role.INSPECTOR, user__is_active=True)
    return list(members.select_related("user").order_by("user__name", "user__email"))


def hand_over(acting: Acting, case: Case, member: Membership) -> Case:
    """Give a case to another inspector of the organisation: one that is open, or one that oneself holds."""
    to = f"user:{member.user_id}"
    if member.organisation_id != acting.organisation.id or member.role != Role.INSPECTOR or to == acting.actor:
        raise Told("inspection.not-a-colleague")
    with transaction.atomic():
        mine = Case.objects.of(acting).filter(id=case.id).select_for_update().get()
        if mine.state != State.OPEN and not (mine.state == State.TAKEN and mine.holder == acting.actor):
            raise Told("inspection.not-yours")
        mine.state, mine.holder, mine.taken_at = State.TAKEN, to, timezone.now()
        mine.save(update_fields=["state", "holder", "taken_at"])
        record(acting, "inspection.handed-over", "case", case.id, to=to)
    return mine


@cache
def _checklists() -> dict[str, Any]:
    source = files(__package__).joinpath("checklist.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = YAML(typ="safe").load(source)
    return loaded


def checklist_of(case: Case) -> list[str]:
    """What is to be checked at a case: ids of items (texts `inspection.check.<id>`), each once."""
    lists = _checklists()
    items = [*lists["always"], *lists["lane"].get(case.lane, [])]
    items += [item for rule in case.rules for item in lists["rule"].get(rule, [])]
    return list(dict.fromkeys(items))


def answer(acting: Acting, case: Case, item: str, found: str, words: str) -> Answer:
    """Note what was found at an item of the checklist; who holds the case answers."""
    if item not in checklist_of(case) or found not in Answer.Found.values:
        raise Told("inspection.no-such-check")
    with transaction.atomic():
        held(acting, case)
        given: Answer = Answer.objects.create(
            organisation=acting.organisation, case=case, item=item, found=found, actor=acting.actor,
            note=words.replace("\0", "").strip()[:500],
        )  # fmt: skip
        record(acting, "inspection.checked", "case", case.id, item=item, found=found)
    return given


def held(acting: Acting, case: Case) -> Case:
    """The case, locked, if the actor holds it; else Told."""
    locked = Case.objects.of(acting).select_for_update().get(id=case.id)
    if locked.state != State.TAKEN or locked.holder != acting.actor:
        raise Told("inspection.not-yours")
    return locked


def record_session(
    acting: Acting, case: Case, participants: str, started_at: datetime, ended_at: datetime, link: str, notes: str
) -> OnlineSession:
    """Write down an inspection by video; the record is never changed."""
    if ended_at < started_at:
        raise Told("inspection.session-ends-first")
    session = OnlineSession(
        organisation=acting.organisation, case=case, participants=participants.strip(), started_at=started_at, ended_at=ended_at,
        link=link, notes=notes.strip(), actor=acting.actor,
    )  # fmt: skip
    session.digest = session.computed_digest()
    with transaction.atomic():
        held(acting, case)
        session.save(force_insert=True)
        record(acting, "inspection.session-recorded", "case", case.id, session=str(session.id), digest=session.digest)
    return session


def choices_of(case: Case, lines: list[Line]) -> tuple[str, ...]:
    """The decisions a case can end with, by how its parcel stands."""
    allowed = allowed_of(lines)
    if allowed == ("hold",):
        return (CONFORMS, "hold")
    return allowed or (STAYS,)


def decide(acting: Acting, case: Case, lines: list[Line], choice: str, reason: str) -> Case:
    """End a case one holds: settle its parcel, or leave it as it stands. Raises Told for what is not allowed.

    With four eyes a release waits for a second person (`proposed`).
    """
    if choice not in choices_of(case, lines):
        raise Told("inspection.no-such-decision")
    with transaction.atomic():
        held(acting, case)
        if choice in (CONFORMS, STAYS):
            _leave(acting, case, choice, reason)
        else:
            settle(acting, case.batch, case.order_id, lines, choice, reason, kind="inspected")
    case.refresh_from_db()
    return case


def _leave(acting: Acting, case: Case, choice: str, reason: str) -> None:
    why = with_reason(reason)
    note(acting, case.batch, case.order_id, "inspected", {"verdict": choice, "reason": why})
    record(acting, f"inspection.{choice}", "case", case.id, reason=why)
    close(case, acting.actor, choice, reason)


def close(case: Case, actor: str, verdict: str, reason: str) -> None:
    """Enter how a case ended."""
    Case.objects.of(case.organisation).filter(id=case.id).update(
        state=State.DECIDED, verdict=verdict, reason=reason.strip(), decided_by=actor, decided_at=timezone.now()
    )


def parcel_was_settled(
    acting: Acting, batch: Batch, order_id: str, verdict: str, reason: str, lines: Sequence[Line], proposed: bool, **_: object
) -> None:
    """Keep the case of a parcel in step with what was decided over it, wherever that was; one that was stopped has a case."""
    if verdict == "hold" and not proposed:
        _stopped(acting, batch, order_id, lines)
        return
    cases = Case.objects.of(acting).filter(batch=batch, order_id=order_id).exclude(state=State.DECIDED)
    for case in cases:
        if proposed:
            Case.objects.of(acting).filter(id=case.id).update(state=State.PROPOSED)
        elif verdict:
            close(case, acting.actor, verdict, reason)
        elif case.state == State.PROPOSED:
            _back(acting, case)


def _back(acting: Acting, case: Case) -> None:
    """A proposal was turned down: whoever held the case has it again, if they still inspect; otherwise it is in the queue."""
    back = {"state": State.TAKEN} if can_hold(acting.organisation, case.holder) else {"state": State.OPEN, "holder": "", "taken_at": None}
    Case.objects.of(acting).filter(id=case.id).update(**back)


def _stopped(acting: Acting, batch: Batch, order_id: str, lines: Sequence[Line]) -> None:
    """A released parcel that a person stopped waits for a person now: who was looking at it keeps it."""
    fresh = stopped_case(batch, order_id, lines)
    known = Case.objects.of(acting).filter(batch=batch, order_id=order_id).first()
    if known is None:
        fresh.save()
        return
    for name in ("kind", "lane", "rules", "risk", "reasons"):
        setattr(known, name, getattr(fresh, name))
    if known.state != State.TAKEN:
        known.state, known.holder, known.taken_at = State.OPEN, "", None
    known.verdict, known.reason, known.decided_by, known.decided_at = "", "", "", None
    known.save()
