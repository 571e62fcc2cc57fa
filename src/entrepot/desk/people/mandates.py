"""Mandates: a client lets a broker act for it, from a day until another, and can end that at once.

A broker is found by the code it gives its client, or by its exact registration number; nobody can list organisations.
"""

from datetime import date
from uuid import UUID

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Mandate, Organisation, new_broker_code
from entrepot.desk.people.tallies import HOUR, count
from entrepot.desk.told import Told

__all__ = ["broker_named", "code_of", "grant", "granted", "held", "revoke"]

LOOKUPS_PER_HOUR = 30


def code_of(organisation: Organisation) -> str:
    """The code an organisation gives to its clients; made now if it has none yet."""
    if not organisation.broker_code:
        Organisation.objects.filter(id=organisation.id, broker_code=None).update(broker_code=new_broker_code())
        organisation.refresh_from_db(fields=["broker_code"])
    return organisation.broker_code or ""


def broker_named(acting: Acting, named: str) -> Organisation:
    """The organisation with this code or exact registration number.

    Told when there is none, when it is the own one, when several have that number (anybody can type a number: the code
    tells them apart), or after too many tries in an hour. Call it outside a transaction that a refusal undoes: the try
    would not count.
    """
    if count(acting.organisation, "broker-lookup", HOUR) > LOOKUPS_PER_HOUR:
        raise Told("people.too-many-lookups")
    wanted = named.strip()
    code = wanted.upper().replace("-", "").replace(" ", "")
    found = list(Organisation.objects.filter(Q(broker_code=code) | Q(registration_number__iexact=wanted))[:2]) if wanted else []
    if not found:
        raise Told("people.broker-unknown")
    if len(found) > 1:
        raise Told("people.broker-ambiguous")
    if found[0] == acting.organisation:
        raise Told("people.broker-self")
    return found[0]


def grant(acting: Acting, broker: Organisation, begins_on: date, ends_on: date | None) -> Mandate:
    """Let a broker act from a day until, not including, another (None: until it is revoked).

    Told for an end that is not after the beginning or is past, and when the broker has a mandate already.
    """
    if ends_on is not None and ends_on <= max(begins_on, timezone.localdate()):
        raise Told("people.mandate-ends-early")
    with transaction.atomic():
        Organisation.objects.select_for_update().get(id=acting.organisation.id)
        if granted(acting).filter(broker=broker).filter(_to_come()).exists():
            raise Told("people.mandate-exists", broker=broker.name)
        mandate: Mandate = Mandate.objects.create(
            organisation=acting.organisation, broker=broker, granted_by=acting.user, begins_on=begins_on, ends_on=ends_on
        )
        record(acting, "mandate.granted", "organisation", broker.id, mandate=mandate.id, begins_on=begins_on, ends_on=ends_on)
    return mandate


def _to_come() -> Q:
    """Mandates that hold now or will."""
    return Q(revoked_at=None) & (Q(ends_on=None) | Q(ends_on__gt=timezone.localdate()))


def revoke(acting: Acting, mandate_id: UUID) -> Mandate:
    """End a mandate now: the broker's next request is refused. Http404 for another's; nothing for one that ended."""
    with transaction.atomic():
        mandate: Mandate = Mandate.objects.one(acting, id=mandate_id)
        if mandate.revoked_at is None:
            mandate.revoked_at = timezone.now()
            mandate.save(update_fields=["revoked_at"])
            record(acting, "mandate.revoked", "organisation", mandate.broker_id, mandate=mandate.id)
    return mandate


def granted(acting: Acting) -> models.QuerySet[Mandate]:
    """The mandates the organisation granted, the latest first."""
    return Mandate.objects.of(acting).select_related("broker").order_by("-created_at")


def held(organisation: Organisation) -> models.QuerySet[Mandate]:
    """The mandates an organisation holds as a broker, by the client's name; those that ended are left out."""
    return Mandate.objects.filter(_to_come(), broker=organisation).select_related("organisation").order_by("organisation__name")
