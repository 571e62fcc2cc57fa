"""Many parcels decided over at once, and lists taken away as files: the jobs of this area."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.listing import chosen, lines_of_order, overlay_of, shelf_of
from entrepot.desk.consignments.models import Proposal
from entrepot.desk.consignments.settle import settle
from entrepot.desk.jobs.models import Job
from entrepot.desk.jobs.run import Progress, enqueue
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import ApiKey, User
from entrepot.desk.told import Told
from entrepot.goods.errors import CallError
from entrepot.run.shelf import EXPORTED, Filters

__all__ = [
    "EXPORT_KINDS", "MANY", "MOST", "Outcome", "acting_of_job", "ask_export", "ask_settlement", "export_job", "export_path",
    "parcels_matching", "settle_job", "settle_many", "tidy_exports",
]  # fmt: skip

MOST = 1000
"""Parcels that may be decided over at once."""
MANY = 50
"""Above so many the worker does it."""
EXPORT_KINDS = ("csv", "parquet")
EXPORT_DAYS = 7
Parcel = tuple[str, str]
Outcome = dict[str, Any]
"""`settled`, `proposed`, `failed` (counts) and `problems` (sentence to count)."""


def parcels_matching(acting: Acting, filters: Filters) -> list[Parcel]:
    """Batch and order number of the parcels with a line that matches; Told when they are more than `MOST`."""
    try:
        lines = chosen(acting, filters, at_most=MOST * 20)
    except CallError:
        raise Told("consignments.too-many", most=f"{MOST:,}") from None
    found = list(dict.fromkeys((line["batch"], line["order_id"]) for line in lines if line["order_id"] is not None))
    if len(found) > MOST:
        raise Told("consignments.too-many", most=f"{MOST:,}")
    return found


def settle_many(acting: Acting, parcels: Iterable[Parcel], verdict: str, reason: str, progress: Progress | None = None) -> Outcome:
    """Decide over parcels one after another, each by itself: what the law leaves to nobody fails alone, with its reason."""
    wanted = list(parcels)
    batches = {str(batch.id): batch for batch in Batch.objects.of(acting).filter(id__in={batch for batch, _ in wanted})}
    counts: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    for batch_id, order_id in wanted:
        try:
            counts[_settled(acting, batches[batch_id], order_id, verdict, reason)] += 1
        except Told as error:
            counts["failed"] += 1
            problems[error.said] += 1
        if progress:
            progress("settle", 1, len(wanted))
    return {name: counts[name] for name in ("settled", "proposed", "failed")} | {"problems": dict(problems.most_common(20))}


def _settled(acting: Acting, batch: Batch, order_id: str, verdict: str, reason: str) -> str:
    lines = lines_of_order(acting, batch, order_id)
    if lines and all(line["state"] and line["verdict"] == verdict for line in lines):
        return "settled"  # a person put it so already: this very job, before its worker died
    done = settle(acting, batch, order_id, lines, verdict, reason)
    return "proposed" if isinstance(done, Proposal) else "settled"


def ask_settlement(acting: Acting, parcels: list[Parcel], verdict: str, reason: str) -> Job:
    """Let the worker decide over parcels."""
    with transaction.atomic():
        return enqueue(acting, "consignments.settle", parcels=parcels, verdict=verdict, reason=reason)


def settle_job(job: Job, progress: Progress) -> dict[str, Any]:
    """The job `consignments.settle`; done again it counts as settled what it settled before."""
    asked = job.arguments
    parcels = [(batch, order) for batch, order in asked["parcels"]]
    return settle_many(acting_of_job(job), parcels, asked["verdict"], asked["reason"], progress)


def acting_of_job(job: Job) -> Acting:
    """Who asked for a job, as they act in it."""
    kind, _, key = job.actor.partition(":")
    if kind == "key":
        return Acting(job.organisation, None, key=ApiKey.objects.of(job.organisation).get(id=key))
    return Acting(job.organisation, None, user=User.objects.get(id=key) if kind == "user" else None)


def ask_export(acting: Acting, given: Mapping[str, str], kind: str) -> Job:
    """Let the worker write the lines that match as a file; CallError for a filter or kind that is not allowed."""
    Filters.from_mapping(given)
    if kind not in EXPORT_KINDS:
        raise Told("consignments.export-kind")
    with transaction.atomic():
        job = enqueue(acting, "consignments.export", filters=dict(given), file_kind=kind)
        record(acting, "consignments.exported", "job", job.id, filters=sorted(given), file_kind=kind)
    return job


def export_path(job: Job) -> Path:
    """Where the file of an export lies."""
    place: Path = settings.DESK_FOLDER / "exports" / str(job.organisation_id)
    return place / f"{UUID(str(job.id))}.{job.arguments.get('file_kind', 'csv')}"


def tidy_exports() -> int:
    """Remove files of exports that are older than `EXPORT_DAYS`; returns how many. The worker calls it now and then."""
    oldest = time.time() - EXPORT_DAYS * 86_400
    old = [path for path in (settings.DESK_FOLDER / "exports").glob("*/*") if path.stat().st_mtime < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def export_job(job: Job, progress: Progress) -> dict[str, Any]:
    """The job `consignments.export`; its result says the rows, the bytes and where to fetch the file."""
    path = export_path(job)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    progress("export", 0, None)
    filters, owner = Filters.from_mapping(job.arguments["filters"]), job.organisation
    rows = shelf_of(owner).export(path, filters, EXPORTED, overlay_of(owner))
    return {"rows": rows, "bytes": path.stat().st_size, "download": f"/consignments/exports/{job.id}/"}
