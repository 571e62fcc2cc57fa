"""What the API itself keeps: answers to writes for a day, and how often a caller has called."""

from django.db import models

from entrepot.desk.owned import Owned
from entrepot.desk.vault import SealedTextField

__all__ = ["Answer", "CallWindow"]


class Answer(Owned):
    """The answer to a write, kept so that the same write under the same key is done once."""

    key = models.CharField(max_length=80)
    fingerprint = models.CharField(max_length=64)
    """SHA-256 of method, address and body."""
    status = models.PositiveSmallIntegerField()
    content_type = models.CharField(max_length=120)
    location = models.CharField(max_length=500, blank=True)
    body = SealedTextField(blank=True, default="")
    """The bytes as Latin-1 characters, sealed: an answer may hold personal data."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "key"], name="one_answer_per_key")]


class CallWindow(models.Model):
    """How many calls of one minute were given out to a caller (a keyed hash of key, person or address)."""

    caller = models.CharField(max_length=64)
    minute = models.PositiveBigIntegerField()
    """Minutes since 1970."""
    given = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "minute"], name="one_window_per_minute")]
        indexes = [models.Index(fields=["minute"])]
