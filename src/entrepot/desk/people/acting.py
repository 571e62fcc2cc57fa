"""Who acts, for which organisation, in which role: settled once per request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from entrepot.desk.people.models import ApiKey, Mandate, Membership, Organisation, User, hash_of
from entrepot.desk.plug import Role, roles_of

__all__ = ["SESSION_KEY", "Acting", "ActingMiddleware", "acting_of_token", "acting_of_user", "choices_of", "choose"]

SESSION_KEY = "organisation"


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody acting for an organisation: a person (perhaps under a broker's mandate) or a key."""

    organisation: Organisation
    role: Role | None
    user: User | None = None
    key: ApiKey | None = None
    mandate: Mandate | None = None

    def may(self, permission: str) -> bool:
        """Whether this actor has a permission: by role, or by the scopes of the key."""
        if self.key is not None:
            return permission in self.key.scopes
        return self.role in roles_of(permission)

    @property
    def actor(self) -> str:
        """What the audit log calls the actor: an id, never a name."""
        if self.key is not None:
            return f"key:{self.key.id}"
        return f"user:{self.user.id}" if self.user else "system"


def choices_of(user: User) -> list[Acting]:
    """Every way a person may act: own memberships by name, then clients of brokers they are members of."""
    members = list(Membership.objects.filter(user=user).select_related("organisation").order_by("organisation__name"))
    own = [Acting(member.organisation, Role(member.role), user) for member in members]
    brokers = [member.organisation_id for member in members if member.role == Role.BROKER]
    if not brokers:
        return own
    mandates = Mandate.objects.filter(Mandate.holding(timezone.now()), broker__in=brokers).select_related("organisation")
    served = {one.organisation.id for one in own}
    clients = {mandate.organisation_id: mandate for mandate in mandates if mandate.organisation_id not in served}
    ordered = sorted(clients.values(), key=lambda mandate: mandate.organisation.name)
    return own + [Acting(mandate.organisation, Role.BROKER, user, mandate=mandate) for mandate in ordered]


def acting_of_user(user: User, chosen: str | None) -> tuple[Acting | None, list[Acting]]:
    """How a person acts now (the chosen organisation, else the first) and every way they may."""
    choices = choices_of(user)
    wanted = next((one for one in choices if str(one.organisation.id) == chosen), None)
    return wanted or (choices[0] if choices else None), choices


def acting_of_token(token: str) -> Acting | None:
    """How a key acts; None for a key that is unknown, expired or revoked."""
    key = ApiKey.objects.filter(token_hash=hash_of(token)).select_related("organisation").first()
    if key is None or not key.usable:
        return None
    now = timezone.now()
    if key.last_used_at is None or (now - key.last_used_at).total_seconds() > 60:
        ApiKey.objects.filter(id=key.id).update(last_used_at=now)
    return Acting(key.organisation, None, key=key)


class ActingMiddleware:
    """Sets `request.acting` (None for visitors and people without an organisation), `request.organisations`, and the
    language a person chose."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        """Answer a request with its actor known."""
        request.acting, request.organisations = None, []
        if not request.path.startswith(("/static/", "/healthz")) and request.user.is_authenticated:
            request.acting, request.organisations = acting_of_user(request.user, request.session.get(SESSION_KEY))
            if request.user.language:
                translation.activate(request.user.language)
                request.LANGUAGE_CODE = translation.get_language()
        if request.acting:
            structlog.contextvars.bind_contextvars(organisation_id=str(request.acting.organisation.id))
        return self.get_response(request)


def choose(request: Any, organisation: UUID) -> bool:
    """Act for another organisation from now on; False when the person may not."""
    if all(one.organisation.id != organisation for one in request.organisations):
        return False
    request.session[SESSION_KEY] = str(organisation)
    return True
