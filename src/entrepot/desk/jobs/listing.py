"""Jobs of an organisation in pages: the newest first, each page going on after the last job of the one before."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from entrepot.desk.jobs.models import Job
from entrepot.desk.people.acting import Acting
from entrepot.desk.told import Told

__all__ = ["jobs_page"]


def jobs_page(acting: Acting, after: str = "", *, state: str = "", limit: int = 50) -> tuple[list[Job], str | None]:
    """Jobs after a place (of one state when given), and the place of the next page; Told for a place or state there is none of."""
    found = Job.objects.of(acting).order_by("-created_at", "-id")
    if state:
        if state not in Job.State.values:
            raise Told("jobs.no-such-state", states=", ".join(Job.State.values))
        found = found.filter(state=state)
    if after:
        at, key = _place(after)
        found = found.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=key))
    jobs = list(found[: limit + 1])
    last = jobs[limit - 1] if len(jobs) > limit else None
    return jobs[:limit], f"{last.created_at.isoformat()}_{last.id}" if last else None


def _place(after: str) -> tuple[datetime, UUID]:
    at, _, key = after.partition("_")
    try:
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError(after)
        return moment, UUID(key)
    except ValueError:
        raise Told("jobs.no-such-place") from None
