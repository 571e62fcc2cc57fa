"""API keys: issued within what the issuer may give, for a year at most, revoked at once.

A key that issues keys gives no more than it has: neither scopes, nor time, nor calls; what it issued ends with it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.members import tell_areas
from entrepot.desk.people.models import ApiKey
from entrepot.desk.plug import permissions
from entrepot.desk.told import Told

__all__ = ["LONGEST", "MOST_PER_MINUTE", "grantable", "issue", "revoke_key"]

LONGEST = timedelta(days=366)
MOST_PER_MINUTE = 60_000


def grantable(acting: Acting) -> list[str]:
    """The scopes somebody may give to a key: what they may do themselves; of a person who may give any role, all of them.

    An administrator does not inspect, but says who does: a system that takes or decides cases is one more of those. Its
    decisions count as the administrator's own where a second person is wanted.
    """
    every = acting.key is None and acting.may("people.manage")
    return sorted(name for name in permissions() if every or acting.may(name))


def issue(acting: Acting, name: str, scopes: Sequence[str], expires_at: datetime, requests_per_minute: int) -> tuple[ApiKey, str]:
    """A key and its token, which is shown once.

    Told for a scope the issuer may not give, no scope at all, an end that is past or more than a year away, a rate out of
    bounds, or more time or calls than the issuing key has.
    """
    if beyond := sorted(set(scopes) - set(grantable(acting))):
        raise Told("people.scope-beyond", scope=beyond[0])
    if not scopes or not name.strip():
        raise Told("people.key-needs-scope")
    if not timezone.now() < expires_at <= timezone.now() + LONGEST:
        raise Told("people.key-expiry")
    if not 1 <= requests_per_minute <= MOST_PER_MINUTE:
        raise Told("people.key-rate", most=MOST_PER_MINUTE)
    above = acting.key
    if above and (expires_at > above.expires_at or requests_per_minute > above.requests_per_minute):
        raise Told("people.key-beyond", until=above.expires_at.isoformat(timespec="seconds"), most=above.requests_per_minute)
    with transaction.atomic():
        key, token = ApiKey.issue(
            organisation=acting.organisation, name=name.strip(), scopes=sorted(set(scopes)), expires_at=expires_at,
            requests_per_minute=requests_per_minute, created_by=above.created_by if above else acting.user, issued_with=above,
        )  # fmt: skip
        record(acting, "key.issued", "key", key.id, scopes=key.scopes, expires_at=expires_at)
    return key, token


def revoke_key(acting: Acting, key_id: UUID) -> ApiKey:
    """End a key now, with every key it issued; Http404 for another's, nothing for one that ended."""
    with transaction.atomic():
        key: ApiKey = ApiKey.objects.one(acting, id=key_id)
        ending = [key]
        for one in ending:
            ending += ApiKey.objects.of(acting).filter(issued_with=one)
            if one.revoked_at is None:
                one.revoked_at = timezone.now()
                one.save(update_fields=["revoked_at"])
                record(acting, "key.revoked", "key", one.id)
                tell_areas(acting, f"key:{one.id}")
    return key
