"""API keys: issued within what the issuer may do, for a year at most, revoked at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import ApiKey
from entrepot.desk.plug import permissions
from entrepot.desk.told import Told

__all__ = ["LONGEST", "MOST_PER_MINUTE", "grantable", "issue", "revoke_key"]

LONGEST = timedelta(days=366)
MOST_PER_MINUTE = 60_000


def grantable(acting: Acting) -> list[str]:
    """The scopes somebody may give to a key: what they may do themselves."""
    return sorted(name for name in permissions() if acting.may(name))


def issue(acting: Acting, name: str, scopes: Sequence[str], expires_at: datetime, requests_per_minute: int) -> tuple[ApiKey, str]:
    """A key and its token, which is shown once.

    Told for a scope the issuer does not have, no scope at all, an end that is past or more than a year away, or a rate
    out of bounds.
    """
    if beyond := sorted(set(scopes) - set(grantable(acting))):
        raise Told("people.scope-beyond", scope=beyond[0])
    if not scopes or not name.strip():
        raise Told("people.key-needs-scope")
    if not timezone.now() < expires_at <= timezone.now() + LONGEST:
        raise Told("people.key-expiry")
    if not 1 <= requests_per_minute <= MOST_PER_MINUTE:
        raise Told("people.key-rate", most=MOST_PER_MINUTE)
    with transaction.atomic():
        key, token = ApiKey.issue(
            organisation=acting.organisation, name=name.strip(), scopes=sorted(set(scopes)), expires_at=expires_at,
            requests_per_minute=requests_per_minute, created_by=acting.user,
        )  # fmt: skip
        record(acting, "key.issued", "key", key.id, scopes=key.scopes, expires_at=expires_at)
    return key, token


def revoke_key(acting: Acting, key_id: UUID) -> ApiKey:
    """End a key now; Http404 for another's, nothing for one that ended."""
    with transaction.atomic():
        key: ApiKey = ApiKey.objects.one(acting, id=key_id)
        if key.revoked_at is None:
            key.revoked_at = timezone.now()
            key.save(update_fields=["revoked_at"])
            record(acting, "key.revoked", "key", key.id)
    return key
