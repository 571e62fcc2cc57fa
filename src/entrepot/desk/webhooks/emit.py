"""Telling other systems that something happened: `emit` inside the transaction of the change."""

import json
import uuid
from datetime import UTC
from typing import Any

from django.db import transaction
from django.utils import timezone

from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Organisation
from entrepot.desk.webhooks.deliver import deliver
from entrepot.desk.webhooks.models import Delivery, Webhook

__all__ = ["BODY_BYTES", "deliver_to", "emit"]

BODY_BYTES = 256 << 10


def emit(owner: Organisation | Acting, kind: str, payload: dict[str, Any]) -> int:
    """Tell the organisation's webhooks that ask for `kind`; returns how many. Nothing is sent before the commit.

    `payload` is JSON with ids and states, never personal data, under 256 kB (ValueError): receivers ask the API for more.
    """
    organisation = owner.organisation if isinstance(owner, Acting) else owner
    with transaction.atomic():
        told = [hook for hook in Webhook.objects.of(organisation).filter(active=True) if kind in hook.kinds]
        event, body = uuid.uuid4(), None
        for hook in told:
            body = body or _body(event, organisation, kind, payload)
            deliver_to(hook, event, kind, body)
    return len(told)


def deliver_to(hook: Webhook, event: uuid.UUID, kind: str, body: str | None = None) -> Delivery:
    """One delivery, sent when the transaction is committed; a body of its own for a test."""
    delivery: Delivery = Delivery.objects.create(
        organisation=hook.organisation, webhook=hook, event=event, kind=kind, next_try_at=timezone.now(),
        body=body or _body(event, hook.organisation, kind, {"webhook": str(hook.id)}),
    )  # fmt: skip
    transaction.on_commit(lambda: deliver.enqueue(str(delivery.id)) and None)
    return delivery


def _body(event: uuid.UUID, organisation: Organisation, kind: str, payload: dict[str, Any]) -> str:
    at = timezone.now().astimezone(UTC).isoformat(timespec="seconds")
    whole = {"id": str(event), "kind": kind, "at": at, "organisation": str(organisation.id), "data": payload}
    body = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), default=str)
    if len(body.encode()) > BODY_BYTES:
        raise ValueError(f"an event of kind {kind!r} has over {BODY_BYTES} bytes: send ids, not content")
    return body
