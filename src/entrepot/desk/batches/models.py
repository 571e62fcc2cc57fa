"""Batches: a file of orders that was cleared, and where its result lies. The result itself never changes."""

from pathlib import Path

from django.conf import settings
from django.db import models

from entrepot.desk.owned import Owned

__all__ = ["Batch", "BuyerYear", "Mapping", "Reservation", "Upload"]


class Upload(Owned):
    """A file on its way in: sent in pieces, looked at, then cleared; the file itself goes when its batch is done."""

    name = models.CharField(max_length=200)
    bytes_total = models.PositiveBigIntegerField()
    bytes_received = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    columns = models.JSONField(default=list)
    """Names of the file's columns, with a few values of each."""
    choices = models.JSONField(default=dict)
    """Column mapping as guessed and corrected: field to column."""
    uploaded_by = models.ForeignKey("people.User", on_delete=models.SET_NULL, null=True)

    @property
    def path(self) -> Path:
        """Where the file lies while it is needed."""
        return settings.DESK_FOLDER / "uploads" / str(self.organisation_id) / str(self.id)


class Mapping(Owned):
    """A saved column mapping under a name."""

    name = models.CharField(max_length=120)
    columns = models.JSONField(default=dict)
    constants = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="one_mapping_per_name")]


class Batch(Owned):
    """One clearing: from a file of orders to decided lines."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting"
        CLEARING = "clearing"
        DONE = "done"
        FAILED = "failed"

    name = models.CharField(max_length=200)
    ordinal = models.PositiveBigIntegerField(default=0, db_index=True)
    """Runs up within the installation; later batches list first."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    upload = models.ForeignKey(Upload, on_delete=models.SET_NULL, null=True)
    mends = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="mended_by")
    """The batch whose refused rows this one feeds back."""
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True)
    summary = models.JSONField(default=dict)
    """`summary.json` of the result, once it is done."""
    law_hash = models.CharField(max_length=64, blank=True)
    cleared_by = models.ForeignKey("people.User", on_delete=models.SET_NULL, null=True)
    committed_at = models.DateTimeField(null=True)
    """When its retail imports were added to the buyers' yearly balances."""

    class Meta:
        ordering = ["-ordinal"]

    @property
    def folder(self) -> Path:
        """The batch folder with its result."""
        return settings.DESK_FOLDER / "batches" / str(self.organisation_id) / str(self.id)

    @property
    def shelf(self) -> Path:
        """Files derived from the result, for listing; can be made again."""
        return settings.DESK_FOLDER / "shelves" / str(self.organisation_id) / str(self.id)


class BuyerYear(Owned):
    """What a buyer (a keyed hash) has used of the yearly limit of retail imports, as far as is known here."""

    buyer_key = models.CharField(max_length=64)
    year = models.PositiveSmallIntegerField()
    spent_fen = models.BigIntegerField(default=0)
    reserved_fen = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "buyer_key", "year"], name="one_balance_per_buyer_year")]


class Reservation(Owned):
    """Part of a buyer's yearly limit kept for an order that is not cleared yet."""

    buyer_year = models.ForeignKey(BuyerYear, on_delete=models.PROTECT, related_name="reservations")
    order_id = models.CharField(max_length=120)
    amount_fen = models.BigIntegerField()
    ended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "order_id"], condition=models.Q(ended_at=None), name="one_open_reservation")
        ]
