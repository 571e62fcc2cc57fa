"""Telling subscribers of changes of the law: by e-mail, and as an event for webhooks; once per change."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse

from entrepot.desk.lawbook.affected import with_products
from entrepot.desk.lawbook.book import book, changed, today
from entrepot.desk.lawbook.models import Subscription
from entrepot.desk.webhooks.emit import emit
from entrepot.goods.texts import text
from entrepot.law.coming import changes_by_day

__all__ = ["tell"]


def tell() -> int:
    """Tell every subscriber of what begins or ends up to their days ahead and was not told yet; returns how many were told.

    Called every minute; a subscription that is up to date costs one comparison.
    """
    now, told = today(), 0
    for one in Subscription.objects.select_related("organisation", "user").filter(
        told_until__lt=now + dt.timedelta(days=90)
    ):
        until = now + dt.timedelta(days=one.days_ahead)
        if one.told_until < until:
            told += _tell(one, until)
    return told


def _tell(one: Subscription, until: dt.date) -> int:
    spoken = "zh" if one.user.language.startswith("zh") else "en"
    found: list[tuple[dt.date, dict[str, Any]]] = []
    for day, differing in changes_by_day(book().leaves, one.told_until, until):
        rows = with_products(one.organisation, changed(differing, spoken))
        found += [(day, row) for row in rows if one.covers(row) and (row["products"] or not one.only_products)]
    with transaction.atomic():
        Subscription.objects.filter(id=one.id).update(told_until=until)
        for day, row in found:
            emit(one.organisation, "law.change", _event(day, row))
    if found:
        send_mail(text("lawbook.mail-subject", spoken, n=len(found)), _letter(found, spoken), None, [one.user.email])
    return bool(found)


def _event(day: dt.date, row: dict[str, Any]) -> dict[str, Any]:
    products = [product["id"] for product in row["products"]]
    before, after = row["before_text"], row["after_text"]
    return {"path": row["path"], "key": row["key"], "on": str(day), "before": before, "after": after, "products": products}


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
