"""Telling subscribers of changes of the law: by e-mail, and as an event for webhooks; once per change."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse

from entrepot.desk.audit.chain import record
from entrepot.desk.lawbook.affected import with_products
from entrepot.desk.lawbook.book import book, changed, today
from entrepot.desk.lawbook.models import EventMark, Subscription
from entrepot.desk.people.acting import Acting, choices_of
from entrepot.desk.people.models import Organisation
from entrepot.desk.webhooks.emit import emit
from entrepot.desk.webhooks.models import Webhook
from entrepot.goods.texts import text
from entrepot.law.coming import changes_by_day

__all__ = ["EVENT", "emit_changes", "tell"]

log = structlog.stdlib.get_logger("entrepot.law")
EVENT = "law.change"
EVENT_DAYS_AHEAD = 1
EVENT_PRODUCTS = 1000
"""So many products an event names; an event with more would outgrow what `emit` sends."""


def tell() -> int:
    """Tell every subscriber of what begins or ends up to their days ahead and was not told yet; returns how many were told.

    Called every minute; a subscription that is up to date costs one comparison. One that fails is tried again in the next
    round and keeps nobody else from being told.
    """
    now, told = today(), 0
    for one in Subscription.objects.select_related("organisation", "user").filter(
        told_until__lt=now + dt.timedelta(days=90)
    ):
        until = now + dt.timedelta(days=one.days_ahead)
        if one.told_until < until:
            try:
                told += _tell(one, until)
            except Exception:
                log.exception("a subscriber was not told", subscription=str(one.id))
    return told


def _tell(one: Subscription, until: dt.date) -> bool:
    if not _belongs(one):
        _end(one)
        return False
    spoken = "zh" if one.user.language.startswith("zh") else "en"
    found = [
        (day, row)
        for day, row in _changes(one.organisation, one.told_until, until, spoken)
        if one.covers(row) and (row["products"] or not one.only_products)
    ]
    mine = Subscription.objects.filter(id=one.id)
    if not mine.filter(told_until=one.told_until).update(told_until=until):  # another worker was first
        return False
    try:  # outside a transaction: a slow mail server must not hold SQLite's one write lock
        if found:
            subject = text("lawbook.mail-subject", spoken, n=len(found))
            send_mail(subject, _letter(found, spoken), None, [one.user.email])
    except Exception:
        mine.filter(told_until=until).update(told_until=one.told_until)
        raise
    return bool(found)


def _belongs(one: Subscription) -> bool:
    """Whether the subscriber may still act for the organisation: a membership or a mandate can have ended since."""
    ways = choices_of(one.user) if one.user.is_active else []
    return any(way.organisation.id == one.organisation_id and way.may("lawbook.subscribe") for way in ways)


def _end(one: Subscription) -> None:
    with transaction.atomic():
        record(Acting(one.organisation, None), "subscription.ended", "subscription", one.id, prefix=one.prefix)
        Subscription.objects.filter(id=one.id).delete()


def _changes(
    organisation: Organisation, after: dt.date, until: dt.date, spoken: str
) -> Iterator[tuple[dt.date, dict[str, Any]]]:
    for day, differing in changes_by_day(book().leaves, after, until):
        for row in with_products(organisation, changed(differing, spoken)):
            yield day, row


def emit_changes() -> int:
    """Emit each change of the law once to every organisation with a webhook that asks for it, the day before; returns how many.

    An organisation hears of what comes after its first webhook; one whose webhooks are gone or paused begins anew later.
    """
    hooks = [hook for hook in Webhook.objects.filter(active=True).only("organisation_id", "kinds") if EVENT in hook.kinds]
    wanting, now, emitted = {hook.organisation_id for hook in hooks}, today(), 0
    EventMark.objects.exclude(organisation__in=wanting).delete()
    for organisation in Organisation.objects.filter(id__in=wanting):
        mark, _ = EventMark.objects.get_or_create(organisation=organisation, defaults={"told_until": now})
        until = now + dt.timedelta(days=EVENT_DAYS_AHEAD)
        if mark.told_until < until:
            try:
                emitted += _emit(mark, until)
            except Exception:
                log.exception("webhooks were not told", organisation_id=str(organisation.id))
    return emitted


def _emit(mark: EventMark, until: dt.date) -> int:
    found = list(_changes(mark.organisation, mark.told_until, until, "en"))
    with transaction.atomic():
        if not EventMark.objects.filter(id=mark.id, told_until=mark.told_until).update(told_until=until):
            return 0
        for day, row in found:
            emit(mark.organisation, EVENT, _event(day, row))
    return len(found)


def _event(day: dt.date, row: dict[str, Any]) -> dict[str, Any]:
    products = [product["id"] for product in row["products"][:EVENT_PRODUCTS]]
    before, after = row["before_text"], row["after_text"]
    told = {"path": row["path"], "key": row["key"], "on": str(day), "before": before, "after": after, "products": products}
    return {**told, "products_total": len(row["products"])}


def _letter(found: list[tuple[dt.date, dict[str, Any]]], spoken: str) -> str:
    lines = [text("lawbook.mail-opening", spoken), ""]
    for day, row in found:
        lines.append(f"{day}  {row['title']} {row['key']}".rstrip())
        lines.append(f"    {row['before_text'] or '–'} → {row['after_text'] or '–'}")
        lines.append(f"    {settings.ORIGIN}{reverse('law_leaf', args=[row['path']])}")
        if row["products"]:
            names = ", ".join(product["sku"] for product in row["products"][:20])
            lines.append("    " + text("lawbook.mail-products", spoken, names=names, n=len(row["products"])))
    return "\n".join(
        [*lines, "", text("lawbook.mail-closing", spoken, url=f"{settings.ORIGIN}{reverse('law_subscriptions')}")]
    )
