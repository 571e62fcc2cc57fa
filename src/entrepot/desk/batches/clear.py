"""Clearing an upload: what the batch starts from, the job that runs the real chain, and what follows it.

Everything the job does may be done again: the chain goes on where it stopped, balances move once, the frozen inputs
beside the upload are kept until the batch is done.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.choices import Choices, document, missing, problem_of, write_mapping
from entrepot.desk.batches.models import Batch, BuyerYear, Counter, Mend, Upload
from entrepot.desk.batches.opening import freeze_balances, freeze_catalogues, freeze_sender
from entrepot.desk.batches.reservations import end_of_orders
from entrepot.desk.batches.uploads import remove_files
from entrepot.desk.jobs.models import Job
from entrepot.desk.jobs.run import ATTEMPTS, Progress, enqueue
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Organisation
from entrepot.desk.plug import imported, plugged
from entrepot.desk.told import Told
from entrepot.desk.webhooks.emit import emit
from entrepot.goods.errors import CallError, EntrepotError, WorldError
from entrepot.goods.texts import said
from entrepot.run.clear import Request, clear
from entrepot.run.shelf import shelve
from entrepot.run.spending import spending

__all__ = ["KIND", "clear_batch", "finish_batch", "give_up", "move_balances", "start"]

KIND = "batches.clear"
BUYERS_AT_ONCE = 2000
MAPPING = "mapping.yaml"
TOLD = ("rows_in", "rows_decided", "rows_refused", "by_verdict", "tax_total_cny")
"""Figures that other systems are told."""
log = structlog.stdlib.get_logger("entrepot.batches")


def start(
    acting: Acting, upload: Upload, choices: Choices, *, made: Mapping[str, Any] | None = None, mends: Batch | None = None
) -> Batch:
    """Ask for an upload to be cleared under these choices (or a mapping document `made`); returns the batch that waits.

    Raises Told when the file is not whole, gone or in use, or when a required field has neither column nor value.
    """
    if not upload.whole or upload.removed_at or not upload.path.is_file():
        raise Told("batches.file-gone")
    if made is None and (absent := missing(choices)):
        raise Told("batches.fields-missing", fields=", ".join(absent))
    mapping = dict(made) if made is not None else document(choices)
    if said := problem_of(mapping, upload.columns, upload.folder / MAPPING):
        raise CallError(said)
    with transaction.atomic():
        locked = Upload.objects.select_for_update().one(acting, id=upload.id)
        if Batch.objects.of(acting).filter(upload=locked, state__in=("waiting", "clearing")).exists():
            raise Told("batches.upload-in-use")
        batch: Batch = Batch.objects.create(
            organisation=acting.organisation, name=upload.name, ordinal=_next_ordinal(), upload=upload, mapping=mapping,
            mends=mends, cleared_by=acting.user,
        )  # fmt: skip
        batch.job = enqueue(acting, KIND, batch=str(batch.id))
        batch.save(update_fields=["job"])
        record(acting, "batch.asked", "batch", batch.id, upload=str(upload.id), mends=str(mends.id) if mends else "")
    return batch


def _next_ordinal() -> int:
    """The next number of the installation; the row stays locked until the batch is there."""
    Counter.objects.get_or_create(name="batch")
    Counter.objects.filter(name="batch").update(last=F("last") + 1)
    return Counter.objects.get(name="batch").last


def clear_batch(job: Job, progress: Progress) -> dict[str, Any]:
    """The job `batches.clear`; argument `batch`. Returns the batch with its rows in, decided and refused."""
    batch: Batch = Batch.objects.of(job.organisation).select_related("organisation", "upload").get(id=job.arguments["batch"])
    try:
        if batch.state != Batch.State.DONE:
            _clear(batch, progress)
        finish_batch(batch, progress)
    except Exception as error:
        if not (isinstance(error, WorldError) and error.retryable and job.attempts < ATTEMPTS):
            _fail(batch, error)
        raise
    if batch.upload and not batch.upload.removed_at:
        remove_files(batch.upload)
    return {"batch": str(batch.id), **{name: batch.summary[name] for name in ("rows_in", "rows_decided", "rows_refused")}}


def give_up(job: Job) -> None:
    """Fail the batch of a job whose workers died too often, and tell a person what to do: it may be too large for them."""
    batch: Batch | None = Batch.objects.of(job.organisation).filter(id=job.arguments["batch"]).first()
    told = Told("batches.given-up", attempts=job.attempts)
    job.problem, job.problem_zh = said(told, "en"), said(told, "zh")
    if batch is not None:
        _fail(batch, told)


def _clear(batch: Batch, progress: Progress) -> None:
    Batch.objects.of(batch.organisation).filter(id=batch.id).update(state=Batch.State.CLEARING)
    batch.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    summary = clear(_request(batch), progress)
    progress("shelve", 0, 1)
    batch.shelf.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shelve(batch.folder, batch.shelf)
    progress("shelve", 1, 1)
    move_balances(batch, spending(batch.folder))
    with transaction.atomic():
        batch.state, batch.summary, batch.law_hash = Batch.State.DONE, summary, summary["law_hash"]
        batch.save(update_fields=["state", "summary", "law_hash"])
        Mend.objects.of(batch.organisation).filter(fed_to=batch).update(values="")  # they are in this batch now, sealed per person
        told = {name: summary[name] for name in ("rows_in", "rows_decided", "rows_refused", "law_hash")}
        record(Acting(batch.organisation, None), "batch.cleared", "batch", batch.id, **told)
        emit(batch.organisation, "batch.done", {"batch": str(batch.id), **{name: summary[name] for name in TOLD}})


def _request(batch: Batch) -> Request:
    """The request of a batch, whose frozen inputs are made now unless an earlier try made them."""
    upload = batch.upload
    if upload is None or upload.removed_at or not upload.path.exists():
        raise Told("batches.file-gone")
    place = upload.folder / str(batch.id)
    place.mkdir(mode=0o700, exist_ok=True)
    return Request(
        inputs=(upload.path,),
        out=batch.folder,
        mapping=str(write_mapping(batch.mapping, place / MAPPING)),
        catalogues=freeze_catalogues(batch, upload.folder, place),
        balances=freeze_balances(batch, upload.path, place),
        sender=freeze_sender(batch, place),
        sample_ppm=batch.organisation.sample_ppm,
        seal=True,
    )


def finish_batch(batch: Batch, progress: Progress) -> None:
    """Tell every area that a batch is done."""
    for area in plugged():
        if area.batch_done:
            imported(area.batch_done)(batch, progress)


def move_balances(batch: Batch, spent: pl.DataFrame) -> None:
    """Commit a batch: add what its retail imports used to the buyers' years, once (buyer_key, year, spent_fen).

    What was reserved for its orders ends in the same transaction: it is spent now, or free again.
    """
    with transaction.atomic():
        locked = Batch.objects.select_for_update().get(id=batch.id)
        if locked.committed_at:
            return
        for part in spent.select("buyer_key", "year", "spent_fen").iter_slices(BUYERS_AT_ONCE):
            _add_spent(batch.organisation, part)
        end_of_orders(batch.organisation, _decided_orders(batch.folder / "lines.parquet"))
        locked.committed_at = timezone.now()
        locked.save(update_fields=["committed_at"])
    batch.committed_at = locked.committed_at


def _add_spent(organisation: Organisation, part: pl.DataFrame) -> None:
    """Add amounts to the buyers' years, many buyers to a statement; only one batch of an organisation is cleared at a time."""
    wanted = {(key, year): fen for key, year, fen in part.iter_rows()}
    known = BuyerYear.objects.of(organisation).select_for_update().filter(buyer_key__in={key for key, _ in wanted})
    before = {(row.buyer_key, row.year): row.spent_fen for row in known}
    rows = [
        BuyerYear(organisation=organisation, buyer_key=key, year=year, spent_fen=before.get((key, year), 0) + fen)
        for (key, year), fen in wanted.items()
    ]
    BuyerYear.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["organisation", "buyer_key", "year"], update_fields=["spent_fen"]
    )


def _decided_orders(lines: Path) -> pl.Series:
    """Orders that this batch is the last word on: as in `spending`, an incomplete one comes back whole in another batch."""
    comes_back = pl.col("reasons").list.contains("release.order-incomplete").fill_null(value=False)
    decided = pl.scan_parquet(lines).filter((pl.col("verdict") != "invalid") & ~comes_back)
    return decided.select(pl.col("order_id").unique()).collect().get_column("order_id")


def _fail(batch: Batch, error: Exception) -> None:
    """Mark a batch failed; one that is done stays done, though an area could not take it up."""
    with transaction.atomic():
        changed = Batch.objects.of(batch.organisation).filter(id=batch.id).exclude(state=Batch.State.DONE)
        if changed.update(state=Batch.State.FAILED):
            kind = type(error).__name__ if isinstance(error, EntrepotError) else "fault"
            record(Acting(batch.organisation, None), "batch.failed", "batch", batch.id, failure=kind)
