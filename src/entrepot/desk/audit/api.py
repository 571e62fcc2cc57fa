"""The audit log over the API."""

from datetime import date, datetime
from typing import Any

from ninja import Query, Router, Schema
from pydantic import Field

from entrepot.desk.api.auth import acting, needs
from entrepot.desk.api.pages import PageOf, PageQuery, page_of
from entrepot.desk.api.problems import answers
from entrepot.desk.audit.models import AuditEntry
from entrepot.desk.audit.reading import filtered

__all__ = ["router"]

router = Router(tags=["audit"])


class AuditOut(Schema):
    """One change. `digest` is a keyed hash over all of it and `previous`, the digest of the entry before."""

    number: int = Field(examples=[12])
    at: datetime = Field(examples=["2026-03-01T08:00:00.123456Z"])
    actor: str = Field(description="`user:…`, `key:…` or `system`", examples=["key:3f0e6b1c-5d1f-4f0c-8a8e-5f6d0f7f8a11"])
    action: str = Field(examples=["batch.cleared"])
    object_kind: str = Field(examples=["batch"])
    object_id: str = Field(examples=["7d0c9a52-6f0b-4c1e-9d55-0a5d4f2f8a11"])
    detail: dict[str, Any] = Field(examples=[{"lines": 8}])
    previous: str = Field(examples=["0" * 64])
    digest: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])


class AuditQuery(Schema):
    """Which entries."""

    actor: str | None = Field(None, max_length=60, examples=[None])
    action: str | None = Field(None, max_length=60, examples=["batch.cleared"])
    object: str | None = Field(None, max_length=120, description="An object's id or kind", examples=["batch"])
    since: date | None = Field(None, examples=["2026-03-01"])
    until: date | None = Field(None, description="Included", examples=["2026-03-31"])


@router.get(
    "/audit", auth=needs("audit.view"), response=answers(PageOf[AuditOut]), operation_id="list_audit", summary="Read the audit log"
)  # fmt: skip
def list_audit(request: Any, page: Query[PageQuery], asked: Query[AuditQuery]) -> dict[str, Any]:
    """The organisation's entries, the latest first."""
    name = asked.model_dump_json()
    return page_of(filtered(acting(request), asked.model_dump()), page, _entry, ("-number",), name)


def _entry(entry: AuditEntry) -> AuditEntry:
    return entry
