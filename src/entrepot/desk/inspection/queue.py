"""The queue of inspection: cases by risk and then age, narrowed and in pages that neither skip nor repeat."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core import signing
from django.db.models import Q, QuerySet
from django.http import QueryDict

from entrepot.desk.inspection.models import Case
from entrepot.desk.people.acting import Acting

__all__ = ["CHOICES", "Queue", "QueuePage", "queue_counts", "queue_of", "queue_page"]

PAGE_CASES = 30
SALT = "inspection.queue"
CHOICES: Mapping[str, tuple[str, ...]] = {
    "state": ("waiting", "open", "taken", "proposed", "decided"),
    "kind": tuple(Case.Kind.values),
    "lane": ("red", "yellow", "green"),
    "holder": ("me", "others"),
}
"""What the queue is narrowed by; `waiting` is everything that is not decided."""


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue as it is asked for; a value that is not known asks nothing."""

    state: str = "waiting"
    kind: str = ""
    lane: str = ""
    holder: str = ""
    order: str = ""
    batch: str = ""

    def query(self, **other: str) -> str:
        """The address of this queue with something else in it."""
        told = {name: getattr(self, name) for name in (*CHOICES, "order", "batch")} | {"state": self.state} | other
        return urlencode({name: value for name, value in told.items() if value and (name, value) != ("state", "waiting")})


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Cases, and where the page after them begins."""

    cases: list[Case]
    next: str


def queue_of(query: QueryDict | Mapping[str, str]) -> Queue:
    """The queue that an address asks for."""
    known = {name: str(query.get(name, "")) for name in CHOICES}
    chosen = {name: value for name, value in known.items() if value in CHOICES[name]}
    order, batch = str(query.get("order", ""))[:120].replace("\0", "").strip(), _uuid(str(query.get("batch", "")))
    return Queue(**{"state": "waiting", **chosen}, order=order, batch=batch)


def _uuid(given: str) -> str:
    try:
        return str(UUID(given))
    except ValueError:
        return ""


def matching(acting: Acting, queue: Queue) -> "QuerySet[Case]":
    """The cases of the organisation a queue asks for."""
    cases: QuerySet[Case] = Case.objects.of(acting)
    cases = cases.exclude(state=Case.State.DECIDED) if queue.state == "waiting" else cases.filter(state=queue.state)
    named = {name: getattr(queue, name) for name in ("kind", "lane") if getattr(queue, name)}
    if queue.order:
        named["order_id"] = queue.order
    if queue.batch:
        named["batch_id"] = queue.batch
    if queue.holder == "me":
        named["holder"] = acting.actor
    cases = cases.filter(**named)
    return cases.exclude(holder=acting.actor).exclude(holder="") if queue.holder == "others" else cases


def queue_page(acting: Acting, queue: Queue, after: str = "", limit: int = PAGE_CASES) -> QueuePage:
    """A page of a queue: most risk first, of equal risk the oldest first. A place that is not ours begins at the front."""
    cases = matching(acting, queue).select_related("batch").order_by("-risk", "created_at", "id")
    place = _place(after)
    if place:
        risk, created_at, key = place
        behind = Q(risk__lt=risk) | Q(risk=risk, created_at__gt=created_at) | Q(risk=risk, created_at=created_at, id__gt=key)
        cases = cases.filter(behind)
    found = list(cases[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    told = signing.dumps([last.risk, last.created_at.isoformat(), str(last.id)], salt=SALT) if last else ""
    return QueuePage(found[:limit], told)


def _place(after: str) -> tuple[int, datetime, UUID] | None:
    try:
        risk, at, key = signing.loads(after, salt=SALT)
        return int(risk), datetime.fromisoformat(at), UUID(key)
    except (signing.BadSignature, ValueError, TypeError):
        return None


def queue_counts(acting: Acting) -> dict[str, Any]:
    """How many cases wait, are open, are one's own, and wait for a second person."""
    cases = Case.objects.of(acting)
    return {
        "waiting": cases.exclude(state=Case.State.DECIDED).count(), "open": cases.filter(state=Case.State.OPEN).count(),
        "mine": cases.filter(state=Case.State.TAKEN, holder=acting.actor).count(),
        "proposed": cases.filter(state=Case.State.PROPOSED).count(),
    }  # fmt: skip
