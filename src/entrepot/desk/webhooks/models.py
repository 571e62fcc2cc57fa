"""Addresses of other systems that are called when something happens, and each call."""

from django.db import models

from entrepot.desk.owned import Owned
from entrepot.desk.vault import SealedTextField

__all__ = ["Delivery", "Webhook"]


class Webhook(Owned):
    """An address that is told of events of some kinds."""

    url = models.URLField(max_length=500)
    secret = SealedTextField()
    """What deliveries are signed with; shown once, when it is made."""
    kinds = models.JSONField(default=list)
    active = models.BooleanField(default=True)
    stopped_because = models.CharField(max_length=40, blank=True)
    """Why the desk itself stopped it: `failing` or `gone`; empty when nobody or a person did."""

    failing_since = models.DateTimeField(null=True)
    """When it was first not reached; null as soon as it answers anything."""
    failures = models.PositiveIntegerField(default=0)
    """Attempts since then."""
    rests_until = models.DateTimeField(null=True)
    """Until when nothing is tried: its deliveries wait, so that an address nobody answers at does not hold up the others."""

    class Meta:
        ordering = ["-created_at", "-id"]


class Delivery(Owned):
    """One event on its way to one webhook. `body` is sent as it stands, so that a second sending is the same bytes."""

    class State(models.TextChoices):
        """From made to ended."""

        WAITING = "waiting"
        DELIVERED = "delivered"
        FAILED = "failed"

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.UUIDField()
    """The same for all webhooks told of one event, and for every attempt."""
    kind = models.CharField(max_length=40)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING, db_index=True)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, db_index=True)
    last_status = models.PositiveIntegerField(null=True)
    last_error = models.CharField(max_length=200, blank=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
