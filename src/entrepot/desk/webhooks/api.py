"""Webhooks under `/api/v1/webhooks`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Query, Router, Schema
from pydantic import Field

from entrepot.desk.api.auth import acting, needs
from entrepot.desk.api.idempotency import idempotent
from entrepot.desk.api.pages import PageOf, PageQuery, page_of
from entrepot.desk.api.problems import answers
from entrepot.desk.plug import event_kinds
from entrepot.desk.webhooks import hooks
from entrepot.desk.webhooks.models import Delivery, Webhook

__all__ = ["router"]

router = Router(tags=["webhooks"])
MANAGE = "webhooks.manage"


class WebhookIn(Schema):
    """An address and the kinds of events it is told of."""

    url: str = Field(max_length=500, description="A public https address", examples=["https://erp.example.org/entrepot"])
    kinds: list[str] = Field(min_length=1, max_length=50, examples=[["batch.done"]])


class WebhookChange(Schema):
    """What to change; leave out what stays."""

    url: str | None = Field(None, max_length=500, examples=["https://erp.example.org/entrepot"])
    kinds: list[str] | None = Field(None, min_length=1, max_length=50, examples=[["batch.done"]])
    active: bool | None = Field(None, description="false pauses it", examples=[True])


class WebhookOut(Schema):
    """A webhook; its secret is shown once, when it is made."""

    id: UUID
    url: str = Field(examples=["https://erp.example.org/entrepot"])
    kinds: list[str] = Field(examples=[["batch.done"]])
    active: bool
    stopped_because: str = Field(description="`failing` or `gone` when the desk stopped it", examples=[""])
    created_at: datetime


class WebhookMade(WebhookOut):
    """A new webhook with the secret its deliveries are signed with."""

    secret: str = Field(examples=["whsec_p7s…"])


class DeliveryOut(Schema):
    """One event on its way to a webhook."""

    id: UUID
    event: UUID
    kind: str = Field(examples=["batch.done"])
    state: str = Field(examples=["delivered"])
    attempts: int = Field(examples=[1])
    next_try_at: datetime | None = None
    last_status: int | None = Field(None, examples=[200])
    last_error: str = Field(examples=[""])
    created_at: datetime


class Kinds(Schema):
    """Every kind of event."""

    kinds: list[str] = Field(examples=[["batch.done", "law.change"]])


@router.get("/kinds", auth=needs(MANAGE), response=answers(Kinds), operation_id="webhook_kinds", summary="Kinds of events")
def kinds(request: Any) -> Any:
    """What a webhook may ask for."""
    return {"kinds": list(event_kinds())}


@router.get("", auth=needs(MANAGE), response=answers(PageOf[WebhookOut]), operation_id="webhooks", summary="List webhooks")
def listed(request: Any, page: Query[PageQuery]) -> Any:
    """The organisation's webhooks, newest first."""
    return page_of(Webhook.objects.of(acting(request)), page, lambda hook: hook)


@router.post("", auth=needs(MANAGE), response=answers(WebhookMade, 422, status=201), operation_id="add_webhook", summary="Add a webhook")
@idempotent
def add(request: Any, given: WebhookIn) -> Any:
    """The answer holds the secret, this once."""
    hook, _ = hooks.add(acting(request), given.url, given.kinds)
    return hook


@router.get("/{uuid:webhook}", auth=needs(MANAGE), response=answers(WebhookOut, 404), operation_id="webhook", summary="One webhook")
def one(request: Any, webhook: UUID) -> Any:
    """One webhook of the organisation."""
    return Webhook.objects.one(acting(request), id=webhook)


@router.patch(
    "/{uuid:webhook}", auth=needs(MANAGE), response=answers(WebhookOut, 404, 422), operation_id="change_webhook", summary="Change a webhook"
)
@idempotent
def change(request: Any, webhook: UUID, given: WebhookChange) -> Any:
    """Change its address or kinds, pause it or start it again."""
    return hooks.change(acting(request), Webhook.objects.one(acting(request), id=webhook), given.url, given.kinds, given.active)


@router.delete(
    "/{uuid:webhook}", auth=needs(MANAGE), response=answers(None, 404, status=204), operation_id="remove_webhook",
    summary="Remove a webhook",
)  # fmt: skip
@idempotent
def remove(request: Any, webhook: UUID) -> Any:
    """Remove it with the log of its deliveries."""
    hooks.remove(acting(request), Webhook.objects.one(acting(request), id=webhook))


@router.post(
    "/{uuid:webhook}/test", auth=needs(MANAGE), response=answers(DeliveryOut, 404, 422, status=202), operation_id="test_webhook",
    summary="Send a test",
)  # fmt: skip
@idempotent
def send_test(request: Any, webhook: UUID) -> Any:
    """Send an event of kind `webhook.test`."""
    return hooks.send_test(acting(request), Webhook.objects.one(acting(request), id=webhook))


@router.get(
    "/{uuid:webhook}/deliveries", auth=needs(MANAGE), response=answers(PageOf[DeliveryOut], 404), operation_id="webhook_deliveries",
    summary="List deliveries",
)  # fmt: skip
def deliveries(request: Any, webhook: UUID, page: Query[PageQuery]) -> Any:
    """What was sent in the last 30 days, newest first."""
    hook = Webhook.objects.one(acting(request), id=webhook)
    return page_of(Delivery.objects.of(acting(request)).filter(webhook=hook), page, lambda delivery: delivery, name=str(hook.id))


@router.post(
    "/{uuid:webhook}/deliveries/{uuid:delivery}/redeliver", auth=needs(MANAGE), response=answers(DeliveryOut, 404, 422, status=202),
    operation_id="redeliver", summary="Send once more",
)  # fmt: skip
@idempotent
def redeliver(request: Any, webhook: UUID, delivery: UUID) -> Any:
    """Send an ended delivery again: the same event, the same bytes."""
    return hooks.redeliver(acting(request), Delivery.objects.one(acting(request), id=delivery, webhook=webhook))
