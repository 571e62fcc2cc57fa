"""The first addresses of the API: where everything is, and who calls."""

from typing import Any

from django.conf import settings
from ninja import Router, Schema
from pydantic import Field

from entrepot import __version__
from entrepot.desk.api.auth import needs
from entrepot.desk.api.problems import answers
from entrepot.desk.people.acting import Acting
from entrepot.desk.plug import PUBLIC, SIGNED_IN, permissions

__all__ = ["router"]

router = Router(tags=["api"])


class Root(Schema):
    """Where to begin."""

    name: str = Field(examples=["Entrepot"])
    version: str = Field(examples=["0.1.0"])
    links: dict[str, str] = Field(examples=[{"openapi": "https://desk.example.org/api/v1/openapi.json"}])


class OrganisationOut(Schema):
    """An organisation by id and name."""

    id: str = Field(examples=["7d0c9a52-6f0b-4c1e-9d55-0a5d4f2f8a11"])
    name: str = Field(examples=["Tide Trading"])


class Me(Schema):
    """Who calls: a key or a person, for which organisation, and what may be done."""

    actor: str = Field(description="`key:…` or `user:…`, as the audit log names it", examples=["key:3f0e…"])
    organisation: OrganisationOut | None = None
    role: str | None = Field(None, description="Of a person; a key has none", examples=["broker"])
    permissions: list[str] = Field(examples=[["batches.view", "consignments.view"]])
    requests_per_minute: int = Field(examples=[600])


@router.get("/", auth=needs(PUBLIC), response=answers(Root), operation_id="root", summary="Where everything is")
def root(request: Any) -> dict[str, Any]:
    """The links a client needs to find its way."""
    start = f"{settings.ORIGIN}/api/v1"
    names = {"openapi": "openapi.json", "docs": "docs", "me": "me", "quotes": "quotes", "batches": "batches", "jobs": "jobs",
             "webhooks": "webhooks"}  # fmt: skip
    return {"name": "Entrepot", "version": __version__, "links": {name: f"{start}/{path}" for name, path in names.items()}}


@router.get("/me", auth=needs(SIGNED_IN), response=answers(Me), operation_id="me", summary="Who am I")
def me(request: Any) -> dict[str, Any]:
    """The caller's organisation, role and permissions."""
    acting: Acting = request.acting
    return {
        "actor": acting.actor,
        "organisation": {"id": str(acting.organisation.id), "name": acting.organisation.name},
        "role": acting.role,
        "permissions": sorted(name for name in permissions() if acting.may(name)),
        "requests_per_minute": acting.key.requests_per_minute if acting.key else settings.PERSON_REQUESTS_PER_MINUTE,
    }
