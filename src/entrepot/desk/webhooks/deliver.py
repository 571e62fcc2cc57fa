"""Sending deliveries, in the worker: signed, tried again for a day, and stopped for receivers that are gone.

They have a queue of their own, so that no receiver holds up long work, and an attempt ends after `DEADLINE_SECONDS` however
slowly it answers. An address that is not reached several times in a row rests: what it is to be told waits meanwhile.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime, timedelta

import httpx
import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django_tasks import task

from entrepot import __version__
from entrepot.desk.audit.chain import record
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Membership
from entrepot.desk.plug import Role
from entrepot.desk.told import Told
from entrepot.desk.webhooks.guard import Target, resolve
from entrepot.desk.webhooks.models import Delivery, Webhook
from entrepot.desk.webhooks.signing import HEADER, signature
from entrepot.goods.texts import text

__all__ = ["DEADLINE_SECONDS", "FAILURES_MOST", "PAUSES_SECONDS", "QUEUE", "deliver", "lift_rest", "tidy"]

QUEUE = "webhooks"
DEADLINE_SECONDS = 15
"""How long an attempt may take in all once the name is looked up, which the system ends by itself."""
TIMEOUT_SECONDS = 10
"""How long the receiver may be silent."""
FAILURES_MOST = 3
"""After so many attempts in a row that did not reach it, an address rests."""
LEASE = timedelta(seconds=60)
"""How long a delivery that is being sent is left to its sender."""
PAUSES_SECONDS = (10, 60, 300, 1800, 7200, 18000, 28800, 28800)
"""Before each further attempt; together a little under 24 hours."""
LONGEST_REST = 3
"""Place in `PAUSES_SECONDS` of the longest rest."""
GIVEN_UP_AFTER = timedelta(days=1)
KEPT = timedelta(days=30)
GONE = 410
log = structlog.stdlib.get_logger("entrepot.webhooks")


@task(queue_name=QUEUE)  # type: ignore[untyped-decorator]
def deliver(delivery_id: str) -> None:
    """Send one delivery, unless it has ended or somebody is sending it; the task the queue holds."""
    delivery = _claim(delivery_id)
    if delivery is not None:
        status, error = _send(delivery)
        _settle(delivery, status, error)


def _claim(delivery_id: str) -> Delivery | None:
    now = timezone.now()
    with transaction.atomic():
        rows = Delivery.objects.select_for_update(of=("self",)).select_related("webhook", "organisation")
        delivery: Delivery | None = rows.filter(id=delivery_id, state=Delivery.State.WAITING).first()
        if delivery is None or (delivery.next_try_at and delivery.next_try_at > now):
            return None
        if not delivery.webhook.active:
            delivery.state, delivery.next_try_at, delivery.last_error = Delivery.State.FAILED, None, "the webhook is paused"
            delivery.save()
            return None
        if delivery.webhook.rests_until and delivery.webhook.rests_until > now:
            _put_off(delivery, delivery.webhook.rests_until)
            return None
        delivery.attempts, delivery.next_try_at = delivery.attempts + 1, now + LEASE
        delivery.save()
    return delivery


def _put_off(delivery: Delivery, until: datetime) -> None:
    """Leave a delivery until then; an attempt that was not made does not count."""
    delivery.next_try_at = until
    delivery.save(update_fields=["next_try_at"])
    later = deliver.using(run_after=until)
    transaction.on_commit(lambda: later.enqueue(str(delivery.id)) and None)


def _send(delivery: Delivery) -> tuple[int | None, str]:
    """The status answered and what went wrong; never an exception of the other side."""
    body = delivery.body.encode()
    try:
        target = resolve(delivery.webhook.url)
        headers = {
            "Host": target.host_header, "Content-Type": "application/json", "User-Agent": f"Entrepot/{__version__}",
            HEADER: signature(delivery.webhook.secret, int(time.time()), body),
            "Entrepot-Event": str(delivery.event), "Entrepot-Kind": delivery.kind,
        }  # fmt: skip
        status = asyncio.run(_status(target, headers, body))
    except Told as error:
        return None, str(error)
    except TimeoutError:
        return None, f"no answer within {DEADLINE_SECONDS} seconds"
    except httpx.HTTPError as error:
        return None, type(error).__name__
    if 300 <= status < 400:
        return status, "redirects are not followed"
    return status, "" if status < 300 else f"answered {status}"


async def _status(target: Target, headers: Mapping[str, str], body: bytes) -> int:
    """The status answered; TimeoutError at the deadline. Only the status counts, so nothing more of an answer is read."""
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client,
        client.stream("POST", target.url, content=body, headers=headers, extensions={"sni_hostname": target.host}) as answer,
    ):
        return answer.status_code


def _settle(delivery: Delivery, status: int | None, error: str) -> None:
    now = timezone.now()
    delivery.last_status, delivery.last_error, delivery.next_try_at = status, error[:200], None
    pause_s = PAUSES_SECONDS[delivery.attempts - 1] if delivery.attempts <= len(PAUSES_SECONDS) else None
    with transaction.atomic():
        if status is None:
            _not_reached(delivery.webhook, now)
        else:
            lift_rest(delivery.webhook)
        again = bool(error) and status != GONE and pause_s is not None and not _is_lost(delivery.webhook, now)
        if not error:
            delivery.state, delivery.delivered_at = Delivery.State.DELIVERED, now
        elif again:
            delivery.next_try_at = now + timedelta(seconds=pause_s or 0)
            later = deliver.using(run_after=delivery.next_try_at)
            transaction.on_commit(lambda: later.enqueue(str(delivery.id)) and None)
        else:
            delivery.state = Delivery.State.FAILED
            _stop(delivery.webhook, "gone" if status == GONE else "failing")
        delivery.save()
    log.info("webhook", delivery_id=str(delivery.id), kind=delivery.kind, status=status, state=delivery.state, attempts=delivery.attempts)


def _not_reached(hook: Webhook, now: datetime) -> None:
    """Note that an address was not reached, and let it rest after several times, the longer the oftener."""
    hooks = Webhook.objects.of(hook.organisation).filter(id=hook.id)
    hooks.update(failures=F("failures") + 1, failing_since=Coalesce("failing_since", now))
    hook.refresh_from_db(fields=["failures", "failing_since"])
    if hook.failures >= FAILURES_MOST:
        pause_s = PAUSES_SECONDS[min(hook.failures - FAILURES_MOST + 1, LONGEST_REST)]
        hooks.update(rests_until=now + timedelta(seconds=pause_s))


def _is_lost(hook: Webhook, now: datetime) -> bool:
    """Whether an address was not reached for a day: of many deliveries that wait for it each has few attempts of its own."""
    return bool(hook.failing_since and now - hook.failing_since >= GIVEN_UP_AFTER)


def lift_rest(hook: Webhook) -> None:
    """Let an address be tried again at once: it answered, or a person asks for it."""
    rested = Webhook.objects.of(hook.organisation).filter(id=hook.id, failures__gt=0)
    rested.update(failures=0, failing_since=None, rests_until=None)
    hook.failures, hook.failing_since, hook.rests_until = 0, None, None


def _stop(hook: Webhook, because: str) -> None:
    """Stop a webhook that cannot be reached and tell the administrators, in the transaction of its last attempt."""
    if not Webhook.objects.of(hook.organisation).filter(id=hook.id, active=True).update(active=False, stopped_because=because):
        return
    record(Acting(hook.organisation, None), "webhook.stopped", "webhook", hook.id, because=because)
    members = Membership.objects.of(hook.organisation).filter(role=Role.ADMINISTRATOR).select_related("user")
    letters = [(member.user.email, "zh" if member.user.language.startswith("zh") else "en") for member in members]
    address = f"{settings.ORIGIN}{reverse('webhook', args=[hook.id])}"
    transaction.on_commit(lambda: _write(letters, address, because))


def _write(letters: list[tuple[str, str]], address: str, because: str) -> None:
    for email, spoken in letters:
        body = text("webhooks.mail-stopped", spoken, url=address, why=text(f"webhooks.stopped-{because}", spoken))
        send_mail(text("webhooks.mail-subject", spoken), body, None, [email], fail_silently=True)


def tidy() -> None:
    """Take up deliveries whose sender died and forget those older than 30 days; the worker calls it every minute."""
    now = timezone.now()
    for delivery in Delivery.objects.filter(state=Delivery.State.WAITING, next_try_at__lt=now - 2 * LEASE)[:500]:
        deliver.enqueue(str(delivery.id))
    Delivery.objects.filter(created_at__lt=now - KEPT).exclude(state=Delivery.State.WAITING).delete()
