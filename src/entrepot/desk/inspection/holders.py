"""Who holds a case: who can at all, what becomes of the cases of somebody who no longer can, and taking one over."""

from django.db import transaction
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.consignments.settle import with_reason
from entrepot.desk.inspection.models import Case
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import ApiKey, Membership, Organisation
from entrepot.desk.people.names import id_of
from entrepot.desk.plug import roles_of
from entrepot.desk.told import Told

__all__ = ["WORK", "can_hold", "release_cases", "take_over"]

WORK = "inspection.work"
State = Case.State


def can_hold(organisation: Organisation, actor: str) -> bool:
    """Whether an actor (`user:…` or `key:…`) is somebody who inspects for the organisation now."""
    if key := id_of(actor, "key"):
        found = ApiKey.objects.of(organisation).filter(id=key).first()
        return bool(found and found.usable and WORK in found.scopes)
    person = id_of(actor, "user")
    members = Membership.objects.of(organisation).filter(role__in=roles_of(WORK), user__is_active=True)
    return person is not None and members.filter(user_id=person).exists()


def release_cases(acting: Acting, actor: str) -> None:
    """Put the cases of somebody who no longer inspects back into the queue; those of one who does stay.

    Called in the transaction in which a member, a role or a key changed.
    """
    if can_hold(acting.organisation, actor):
        return
    cases = Case.objects.of(acting).filter(holder=actor)
    for case in cases.filter(state=State.TAKEN).select_for_update():
        Case.objects.of(acting).filter(id=case.id).update(state=State.OPEN, holder="", taken_at=None)
        record(acting, "inspection.released", "case", case.id, held_by=actor)


def take_over(acting: Acting, case: Case, reason: str) -> Case:
    """Take a case somebody else holds, with a reason: an inspector who is away keeps none from being decided.

    Told when nobody else holds it, or without a reason.
    """
    why = with_reason(reason)
    with transaction.atomic():
        theirs: Case = Case.objects.of(acting).select_for_update().get(id=case.id)
        if theirs.state != State.TAKEN or theirs.holder == acting.actor:
            raise Told("inspection.not-others")
        before, theirs.holder, theirs.taken_at = theirs.holder, acting.actor, timezone.now()
        theirs.save(update_fields=["holder", "taken_at"])
        record(acting, "inspection.taken-over", "case", case.id, held_by=before, reason=why)
    return theirs
