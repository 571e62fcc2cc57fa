"""The audit log: entries that only ever come after one another, each sealed to the one before."""

from django.db import models

__all__ = ["AuditEntry", "AuditHead"]


class AuditEntry(models.Model):
    """One change: who, for whom, what, to which object. `digest` is the keyed hash over all of it and `previous`."""

    chain = models.CharField(max_length=36)
    """The organisation's id, or `installation`."""
    number = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=60)
    action = models.CharField(max_length=60, db_index=True)
    object_kind = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=200, blank=True, db_index=True)
    detail = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "number"], name="one_entry_per_number")]
        ordering = ["chain", "number"]


class AuditHead(models.Model):
    """The end of each chain: how many entries there are and the last digest; locked while an entry is added."""

    chain = models.CharField(max_length=36, primary_key=True)
    number = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True, default="")
    seal = models.CharField(max_length=64, blank=True, default="")
    """Keyed hash of number and digest: a head cannot be set back to drop the last entries without the secret."""
    anchored_at = models.DateTimeField(null=True)
    """When its end was last written to the anchor file."""
