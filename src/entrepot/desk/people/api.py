"""Members, keys and mandates over the API."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from ninja import Query, Router, Schema
from pydantic import AwareDatetime, Field

from entrepot.desk.api.auth import acting, needs
from entrepot.desk.api.idempotency import idempotent
from entrepot.desk.api.pages import PageOf, PageQuery, page_of
from entrepot.desk.api.problems import answers
from entrepot.desk.people.keys import LONGEST, MOST_PER_MINUTE, issue, revoke_key
from entrepot.desk.people.mandate_views import state_of
from entrepot.desk.people.mandates import broker_named, grant, granted, held, revoke
from entrepot.desk.people.models import ApiKey, Mandate, Membership

__all__ = ["router"]

router = Router(tags=["people"])
ID = "7d0c9a52-6f0b-4c1e-9d55-0a5d4f2f8a11"


class MemberOut(Schema):
    """A member of the organisation."""

    id: UUID = Field(examples=[ID])
    user: UUID = Field(description="As the audit log names the person", examples=[ID])
    name: str = Field(examples=["Li Wei"])
    email: str = Field(examples=["li.wei@example.com"])
    role: str = Field(examples=["trader"])
    since: datetime = Field(examples=["2026-03-01T08:00:00Z"])


class KeyOut(Schema):
    """A key, without its token."""

    id: UUID = Field(examples=[ID])
    name: str = Field(examples=["shop system"])
    prefix: str = Field(description="How its token begins", examples=["ek_4fQ9xYz"])
    scopes: list[str] = Field(examples=[["batches.view", "batches.upload"]])
    requests_per_minute: int = Field(examples=[600])
    created_at: datetime = Field(examples=["2026-03-01T08:00:00Z"])
    expires_at: datetime = Field(examples=["2026-05-30T16:00:00Z"])
    revoked_at: datetime | None = Field(None, examples=[None])
    last_used_at: datetime | None = Field(None, description="To the minute", examples=[None])


class KeyIn(Schema):
    """A key to issue: within what the caller may give, for a year at most; with a key, no longer and no faster than it."""

    name: str = Field(min_length=1, max_length=120, examples=["shop system"])
    scopes: list[str] = Field(min_length=1, max_length=200, examples=[["batches.view"]])
    expires_at: AwareDatetime = Field(description=f"With offset; at most {LONGEST.days} days off", examples=["2026-12-31T00:00:00Z"])
    requests_per_minute: int = Field(600, ge=1, le=MOST_PER_MINUTE, examples=[600])


class KeyIssued(KeyOut):
    """A fresh key with its token, which is told here and never again."""

    token: str = Field(examples=["ek_…"])


class MandateOut(Schema):
    """A mandate: `client` lets `broker` act for it."""

    id: UUID = Field(examples=[ID])
    client: str = Field(examples=["Tide Trading"])
    broker: str = Field(examples=["Harbour Brokers"])
    begins_on: date = Field(examples=["2026-03-01"])
    ends_on: date | None = Field(None, description="The first day on which it does not hold", examples=["2027-03-01"])
    state: str = Field(description="in-force, to-come, ended, revoked", examples=["in-force"])


class MandateIn(Schema):
    """A mandate to grant. The broker gives its code to its clients."""

    broker: str = Field(
        min_length=1, max_length=60, description="The broker's code, or its exact registration number", examples=["7KQ2M4XW9TBC"]
    )
    begins_on: date = Field(examples=["2026-03-01"])
    ends_on: date | None = Field(None, examples=["2027-03-01"])


def _member(row: Membership) -> dict[str, Any]:
    user = row.user
    return {"id": row.id, "user": user.id, "name": user.name, "email": user.email, "role": row.role, "since": row.created_at}


def _mandate(row: Mandate) -> dict[str, Any]:
    client, broker = row.organisation.name, row.broker.name
    return {"id": row.id, "client": client, "broker": broker, "begins_on": row.begins_on, "ends_on": row.ends_on, "state": state_of(row)}


@router.get(
    "/members", auth=needs("people.manage"), response=answers(PageOf[MemberOut]), operation_id="list_members",
    summary="List members",
)  # fmt: skip
def list_members(request: Any, page: Query[PageQuery]) -> dict[str, Any]:
    """The members of the organisation with their roles, the newest first."""
    return page_of(Membership.objects.of(acting(request)).select_related("user"), page, _member)


@router.get(
    "/keys", auth=needs("keys.manage"), response=answers(PageOf[KeyOut]), operation_id="list_keys",
    summary="List API keys",
)  # fmt: skip
def list_keys(request: Any, page: Query[PageQuery]) -> dict[str, Any]:
    """Every key the organisation issued, revoked and expired ones too, the newest first."""
    return page_of(ApiKey.objects.of(acting(request)), page, lambda key: key)


@router.post(
    "/keys", auth=needs("keys.manage"), response=answers(KeyIssued, status=201), operation_id="issue_key",
    summary="Issue an API key",
)  # fmt: skip
@idempotent
def issue_key(request: Any, payload: KeyIn) -> Any:
    """Issue a key. Its token is in this answer alone (and, sealed, in the answer kept for a day under the Idempotency-Key)."""
    key, token = issue(acting(request), payload.name, payload.scopes, payload.expires_at, payload.requests_per_minute)
    return {**{name: getattr(key, name) for name in KeyOut.model_fields}, "token": token}


@router.delete(
    "/keys/{uuid:key_id}", auth=needs("keys.manage"), response=answers(KeyOut, 404), operation_id="revoke_key",
    summary="Revoke an API key",
)  # fmt: skip
@idempotent
def revoke_one(request: Any, key_id: UUID) -> ApiKey:
    """End a key now; once more changes nothing."""
    return revoke_key(acting(request), key_id)


@router.get(
    "/mandates", auth=needs("people.view"), response=answers(list[MandateOut]), operation_id="list_mandates",
    summary="List mandates",
)  # fmt: skip
def list_mandates(request: Any) -> list[dict[str, Any]]:
    """The mandates the organisation holds as a broker; those it granted only for who manages people (200 at most each)."""
    caller = acting(request)
    given = granted(caller).select_related("organisation")[:200] if caller.may("people.manage") else []
    taken = held(caller.organisation).select_related("broker")[:200] if caller.mandate is None else []
    return [_mandate(row) for row in [*given, *taken]]


def _find_broker(request: Any, payload: MandateIn) -> None:
    request.broker = broker_named(acting(request), payload.broker)


@router.post(
    "/mandates", auth=needs("people.manage"), response=answers(MandateOut, status=201), operation_id="grant_mandate",
    summary="Grant a mandate",
)  # fmt: skip
@idempotent(first=_find_broker)
def grant_mandate(request: Any, payload: MandateIn) -> dict[str, Any]:
    """Let a broker act for the organisation; the answer names the broker that was found."""
    return _mandate(grant(acting(request), request.broker, payload.begins_on, payload.ends_on))


@router.delete(
    "/mandates/{uuid:mandate_id}", auth=needs("people.manage"), response=answers(MandateOut, 404), operation_id="revoke_mandate",
    summary="Revoke a mandate",
)  # fmt: skip
@idempotent
def revoke_mandate(request: Any, mandate_id: UUID) -> dict[str, Any]:
    """End a mandate that the organisation granted, now; once more changes nothing."""
    return _mandate(revoke(acting(request), mandate_id))
