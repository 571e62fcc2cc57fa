"""Clearing an upload: the job that runs the real chain and puts the result on the shelf."""

from typing import Any

import polars as pl
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from entrepot.desk.batches.models import Batch, BuyerYear
from entrepot.desk.jobs.models import Job
from entrepot.desk.jobs.run import Progress
from entrepot.desk.plug import imported, plugged

__all__ = ["clear_batch"]


def clear_batch(job: Job, progress: Progress) -> dict[str, Any]:
    """The job `batches.clear`; argument `batch`. Placeholder until the upload area fills it in."""
    raise NotImplementedError


def finish_batch(batch: Batch, progress: Progress) -> None:
    """Tell every area that a batch is done."""
    for area in plugged():
        if area.batch_done:
            imported(area.batch_done)(batch, progress)


def move_balances(batch: Batch, spent: pl.DataFrame) -> None:
    """Commit a batch: add what its retail imports used to the buyers' years, once (buyer_key, year, spent_fen)."""
    with transaction.atomic():
        locked = Batch.objects.select_for_update().get(id=batch.id)
        if locked.committed_at:
            return
        for buyer_key, year, fen in spent.select("buyer_key", "year", "spent_fen").iter_rows():
            row, _ = BuyerYear.objects.get_or_create(organisation=batch.organisation, buyer_key=buyer_key, year=year)
            BuyerYear.objects.filter(id=row.id).update(spent_fen=F("spent_fen") + fen)
        locked.committed_at = timezone.now()
        locked.save(update_fields=["committed_at"])
