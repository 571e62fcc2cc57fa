"""Batches: a file of orders that was cleared, and where its result lies. The result itself never changes."""

from pathlib import Path

from django.conf import settings
from django.db import models

from entrepot.desk.owned import Owned
from entrepot.desk.vault import SealedTextField

__all__ = ["Batch", "BuyerYear", "Counter", "Mapping", "Mend", "Reservation", "Upload"]


class Upload(Owned):
    """A file on its way in: sent in pieces, looked at, then cleared; the file itself goes when its batch is done."""

    name = models.CharField(max_length=200)
    bytes_total = models.PositiveBigIntegerField()
    bytes_received = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    """Of the whole file; empty until it is all here and looked at."""
    kind = models.CharField(max_length=12, blank=True)
    """What the content says it is: text, workbook, json or parquet."""
    sheets = models.JSONField(default=list)
    columns = models.JSONField(default=list)
    """Names of the file's columns. Their values stay with the file: they may be personal."""
    choices = models.JSONField(default=dict)
    """Column mapping as guessed and corrected (`choices.Choices`)."""
    uploaded_by = models.ForeignKey("people.User", on_delete=models.SET_NULL, null=True)
    removed_at = models.DateTimeField(null=True)
    """When the file was removed; what the row tells stays."""

    class Meta:
        ordering = ["-created_at", "id"]

    @property
    def folder(self) -> Path:
        """Where the file lies while it is needed, with what belongs to it: mapping, catalogue, balances."""
        return settings.DESK_FOLDER / "uploads" / str(self.organisation_id) / str(self.id)

    @property
    def path(self) -> Path:
        """The file itself, under its own name: problems name it."""
        return self.folder / "file" / self.name

    @property
    def whole(self) -> bool:
        """Whether it is all here and was looked at."""
        return bool(self.sha256)


class Mapping(Owned):
    """A saved column mapping under a name."""

    name = models.CharField(max_length=120)
    columns = models.JSONField(default=dict)
    constants = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    """What else is chosen: sheet, time zone, numbering of lines."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="one_mapping_per_name")]
        ordering = ["name"]


class Counter(models.Model):
    """A number that runs up within the installation; taken with its row locked, so that no two get the same."""

    name = models.CharField(max_length=40, primary_key=True)
    last = models.PositiveBigIntegerField(default=0)


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
    mapping = models.JSONField(default=dict)
    """The mapping document it was cleared with (keys of `goods.mapping.KEYS`); rows fed back need it again."""
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


class Mend(Owned):
    """What a person changed in a refused row, and the batch the row was fed back with."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="mends_made")
    row_id = models.BigIntegerField()
    values = SealedTextField(blank=True, default="")
    """JSON: column to new value; sealed, since any column may be personal. Empty: fed back as it was."""
    fed_to = models.ForeignKey(Batch, on_delete=models.SET_NULL, null=True, related_name="mends_taken")
    mended_by = models.ForeignKey("people.User", on_delete=models.SET_NULL, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "row_id"], name="one_mend_per_row")]


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
