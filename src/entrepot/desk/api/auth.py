"""Who calls: a key as bearer token, or the session of a person; then whether they may.

Every operation says `auth=needs("permission")`; an operation that says nothing is closed to all.
"""

from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest
from ninja.utils import check_csrf

from entrepot.desk.api.limits import count_call
from entrepot.desk.api.problems import ApiError
from entrepot.desk.people.acting import Acting, acting_of_token
from entrepot.desk.plug import PUBLIC, SIGNED_IN

__all__ = ["Needs", "acting", "needs"]


class Needs:
    """The guard of an operation: `permission`, PUBLIC or SIGNED_IN."""

    openapi_type = "http"

    def __init__(self, permission: str) -> None:
        self.permission = permission
        self.openapi_security_schema: dict[str, Any] = {"type": "http", "scheme": "bearer", "description": "An API key"}

    def __call__(self, request: HttpRequest) -> bool:
        """Let the request through, or raise ApiError 401 or 403."""
        try:
            caller = _caller(request)
        except ApiError:
            count_call(request, None)
            raise
        count_call(request, caller)
        if self.permission == PUBLIC:
            return True
        if caller is None:
            raise ApiError(401, "not-authenticated", "send an API key as 'Authorization: Bearer ek_…', or sign in")
        if self.permission != SIGNED_IN and not caller.may(self.permission):
            raise ApiError(403, "not-permitted", f"this needs the permission {self.permission!r}: ask an administrator for it")
        return True


def _caller(request: Any) -> Acting | None:
    """Set `request.acting` from the bearer token if there is one; a session needs the CSRF token for changes."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        request.acting = acting_of_token(token.strip())
        if request.acting is None:
            raise ApiError(401, "not-authenticated", "the API key is unknown, expired or revoked")
        structlog.contextvars.bind_contextvars(organisation_id=str(request.acting.organisation.id))
    elif request.acting is not None and request.method not in ("GET", "HEAD", "OPTIONS") and check_csrf(request, lambda *_: None):
        raise ApiError(403, "csrf", f"send the header X-CSRFToken with the token of the page ({settings.CSRF_COOKIE_NAME})")
    caller: Acting | None = request.acting
    return caller


def needs(permission: str) -> Needs:
    """The guard for one permission."""
    return Needs(permission)


def acting(request: Any) -> Acting:
    """Who acts in a guarded operation."""
    caller: Acting = request.acting
    return caller
