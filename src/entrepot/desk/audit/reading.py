"""Reading the audit log: filters, pages by number, names for actors, links to what an entry is about."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from entrepot.desk.audit.models import AuditEntry
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import ApiKey, Mandate, Membership
from entrepot.desk.plug import Role
from entrepot.goods.texts import all_texts

__all__ = ["ACTION_TEXT", "Seen", "actions", "actors", "filtered", "page", "seen"]

ROWS = 50
NO_EARLIER, NO_LATER = date(1, 1, 2), date(9999, 12, 31)
"""Beyond these a day has no midnight in every time zone; nothing was recorded there."""
ACTION_TEXT = "audit.do."
"""An action `batch.cleared` is said by the text `audit.do.batch.cleared`."""
PAGES = {"batch": "batch", "job": "job", "product": "product", "case": "case", "upload": "upload_detail", "webhook": "webhook"}
"""Kinds of objects that have a page: the page's name."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An entry as a person reads it."""

    entry: AuditEntry
    actor: str
    about: str
    url: str


def actions() -> list[str]:
    """Every action there can be, by noun."""
    return sorted(one.removeprefix(ACTION_TEXT) for one in all_texts() if one.startswith(ACTION_TEXT))


def filtered(acting: Acting, asked: dict[str, Any]) -> QuerySet[AuditEntry]:
    """The organisation's entries: `actor`, `action`, `object` (id or kind), `since` and `until` (days, both included)."""
    rows = AuditEntry.objects.filter(chain=str(acting.organisation.id))
    for name in ("actor", "action"):
        if asked.get(name):
            rows = rows.filter(**{name: asked[name]})
    if about := (asked.get("object") or "").strip():
        rows = rows.filter(object_kind=about) if about.isalpha() else rows.filter(object_id=about)
    if (since := asked.get("since")) and since > NO_EARLIER:
        rows = rows.filter(at__gte=_midnight(since))
    if (until := asked.get("until")) and until < NO_LATER:
        rows = rows.filter(at__lt=_midnight(until + timedelta(days=1)))
    return rows


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def page(rows: QuerySet[AuditEntry], before: int | None, after: int | None) -> tuple[list[AuditEntry], int | None, int | None]:
    """One page, the latest first; then the numbers from which older and newer ones go on (None: there are none)."""
    if after is not None:
        found = list(rows.filter(number__gt=after).order_by("number")[: ROWS + 1])
        more, shown = len(found) > ROWS, found[:ROWS][::-1]
        return shown, (shown[-1].number if shown else None), (shown[0].number if more else None)
    bound = rows if before is None else rows.filter(number__lt=before)
    found = list(bound.order_by("-number")[: ROWS + 1])
    shown = found[:ROWS]
    older = shown[-1].number if len(found) > ROWS else None
    return shown, older, shown[0].number if shown and before is not None else None


def actors(acting: Acting) -> dict[str, str]:
    """Names of those who may act for the organisation; people of a broker under its name alone."""
    organisation = acting.organisation
    brokers = Mandate.objects.of(organisation).values_list("broker", flat=True)
    theirs = Membership.objects.filter(organisation__in=brokers, role=Role.BROKER).select_related("organisation")
    named = {f"user:{one.user_id}": one.organisation.name for one in theirs}
    named |= {f"user:{one.user_id}": str(one.user) for one in Membership.objects.of(organisation).select_related("user")}
    named |= {f"key:{one.id}": one.name for one in ApiKey.objects.of(organisation)}
    return {**named, "system": "Entrepot"}


def seen(acting: Acting, entries: Iterable[AuditEntry], named: dict[str, str]) -> list[Seen]:
    """Entries with the names of who did it and a link to what it is about, as far as it has a page."""
    brokers = Mandate.objects.of(acting).select_related("broker")
    named = named | {f"organisation:{one.broker_id}": one.broker.name for one in brokers}
    named[f"organisation:{acting.organisation.id}"] = acting.organisation.name
    return [
        Seen(one, named.get(one.actor, one.actor), named.get(f"{one.object_kind}:{one.object_id}", one.object_id), _url(one))
        for one in entries
    ]


def _url(entry: AuditEntry) -> str:
    try:
        return reverse(PAGES[entry.object_kind], args=[UUID(entry.object_id)])
    except (KeyError, ValueError, NoReverseMatch):
        return ""
