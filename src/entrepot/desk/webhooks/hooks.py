"""What an administrator does with webhooks, for pages and API alike; every change has its audit entry."""

import secrets
import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.people.acting import Acting
from entrepot.desk.plug import event_kinds
from entrepot.desk.told import Told
from entrepot.desk.webhooks.deliver import deliver, lift_rest
from entrepot.desk.webhooks.emit import deliver_to
from entrepot.desk.webhooks.guard import check_url, resolve
from entrepot.desk.webhooks.models import Delivery, Webhook

__all__ = ["MOST", "TEST", "add", "change", "redeliver", "remove", "send_test"]

MOST = 20
TEST = "webhook.test"


def add(acting: Acting, url: str, kinds: Sequence[str]) -> tuple[Webhook, str]:
    """A new webhook and its secret, which is shown once; Told for an address or kinds that are not allowed."""
    resolve(url)
    with transaction.atomic():
        if Webhook.objects.of(acting).count() >= MOST:
            raise Told("webhooks.too-many", n=MOST)
        secret = f"whsec_{secrets.token_urlsafe(32)}"
        hook: Webhook = Webhook.objects.create(organisation=acting.organisation, url=url, secret=secret, kinds=_known(kinds))
        record(acting, "webhook.added", "webhook", hook.id, kinds=hook.kinds)
    return hook, secret


def _known(kinds: Sequence[str]) -> list[str]:
    unknown = sorted(set(kinds) - set(event_kinds()))
    if unknown or not kinds:
        raise Told("webhooks.kinds-unknown", given=", ".join(unknown)[:80] or "–", allowed=", ".join(event_kinds()))
    return sorted(set(kinds))


def change(
    acting: Acting, hook: Webhook, url: str | None = None, kinds: Sequence[str] | None = None, active: bool | None = None
) -> Webhook:
    """Change what is given; starting a webhook again forgets why it was stopped."""
    if url is not None and url != hook.url:
        check_url(url)
        resolve(url)
        hook.url = url
    if kinds is not None:
        hook.kinds = _known(kinds)
    if active is not None:
        hook.active, hook.stopped_because = active, "" if active else hook.stopped_because
    with transaction.atomic():
        hook.save(update_fields=["url", "kinds", "active", "stopped_because"])
        lift_rest(hook)
        record(acting, "webhook.changed", "webhook", hook.id, kinds=hook.kinds, active=hook.active)
    return hook


def remove(acting: Acting, hook: Webhook) -> None:
    """Remove a webhook with the log of its deliveries."""
    with transaction.atomic():
        record(acting, "webhook.removed", "webhook", hook.id)
        hook.delete()


def send_test(acting: Acting, hook: Webhook) -> Delivery:
    """Send a test event, whatever kinds the webhook asks for; Told while it is paused."""
    if not hook.active:
        raise Told("webhooks.is-paused")
    with transaction.atomic():
        lift_rest(hook)
        record(acting, "webhook.tested", "webhook", hook.id)
        return deliver_to(hook, uuid.uuid4(), TEST)


def redeliver(acting: Acting, delivery: Delivery) -> Delivery:
    """Send an ended delivery once more, the same event with the same bytes; Told while it waits or the webhook is paused."""
    if not delivery.webhook.active:
        raise Told("webhooks.is-paused")
    with transaction.atomic():
        again = Delivery.objects.of(acting).filter(id=delivery.id).exclude(state=Delivery.State.WAITING)
        if not again.update(state=Delivery.State.WAITING, attempts=0, next_try_at=timezone.now()):
            raise Told("webhooks.still-waiting")
        lift_rest(delivery.webhook)
        record(acting, "webhook.redelivered", "delivery", delivery.id, event=delivery.event)
        transaction.on_commit(lambda: deliver.enqueue(str(delivery.id)) and None)
    delivery.refresh_from_db()
    return delivery
