"""Many parcels decided over at once, and lists taken away as files: the jobs of this area."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.listing import chosen, lines_of_order, overlay_of, shelf_of
from entrepot.desk.consignments.models import Proposal
from entrepot.desk.consignments.settle import settle
from entrepot.desk.jobs.models import Job
from entrepot.desk.jobs.run import Progress, enqueue
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import ApiKey, User
from entrepot.desk.sending import send_file
from entrepot.desk.told import Told
from entrepot.goods.errors import CallError
from entrepot.goods.texts import LANGUAGES, said
from entrepot.run.shelf import EXPORTED, Filters

__all__ = [
    "EXPORT_KINDS", "EXPORT_TYPES", "MANY", "MOST", "Outcome", "acting_of_job", "ask_export", "ask_settlement", "export_job",
    "export_path", "export_response", "parcels_matching", "settle_job", "settle_many", "tidy_exports",
]  # fmt: skip

MOST = 1000
"""Parcels that may be decided over at once."""
MANY = 50
"""Above so many the worker does it."""
EXPORT_TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
EXPORT_KINDS = tuple(EXPORT_TYPES)
EXPORT_DAYS = 7
Parcel = tuple[str, str]
Outcome = dict[str, Any]
"""`settled`, `proposed`, `failed` (counts), `problems` (sentence to count) and `problems_zh`, the same in Chinese."""
PROBLEMS_TOLD = 20


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
    problems: Counter[tuple[str, ...]] = Counter()
    for batch_id, order_id in wanted:
        try:
            counts[_settled(acting, batches[batch_id], order_id, verdict, reason)] += 1
        except Told as error:
            counts["failed"] += 1
            problems[tuple(said(error, language) for language in LANGUAGES)] += 1
        if progress:
            progress("settle", 1, len(wanted))
    told = problems.most_common(PROBLEMS_TOLD)
    sentences = {
        name: {sentence[place]: count for sentence, count in told} for place, name in enumerate(("problems", "problems_zh"))
    }
    return {name: counts[name] for name in ("settled", "proposed", "failed")} | sentences


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


def export_response(request: HttpRequest, acting: Acting, job_id: UUID) -> HttpResponseBase:
    """The file of an export that is done; Http404 for another organisation's, and when it was tidied away."""
    job: Job = Job.objects.of(acting).one(acting, id=job_id, kind="consignments.export", state=Job.State.DONE)
    path = export_path(job)
    if not path.is_file():
        raise Http404("this file is gone: export again")
    return send_file(request, path, f"consignments-{job.created_at:%Y%m%d-%H%M}{path.suffix}", EXPORT_TYPES[path.suffix[1:]])


def tidy_exports() -> int:
    """Remove files of exports that are older than `EXPORT_DAYS`; returns how many. The worker calls it now and then."""
    oldest = time.time() - EXPORT_DAYS * 86_400
    old = [path for path in (settings.DESK_FOLDER / "exports").glob("*/*") if path.stat().st_mtime < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def export_job(job: Job, progress: Progress) -> dict[str, Any]:
    """The job `consignments.export`; its result says the rows, the bytes and where to fetch the file, as a person and with a key."""
    path = export_path(job)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    progress("export", 0, None)
    filters, owner = Filters.from_mapping(job.arguments["filters"]), job.organisation
    rows = shelf_of(owner).export(path, filters, EXPORTED, overlay_of(owner))
    places = {"download": f"/consignments/exports/{job.id}/", "api": f"/api/v1/consignments/exports/{job.id}"}
    return {"rows": rows, "bytes": path.stat().st_size, **places}
