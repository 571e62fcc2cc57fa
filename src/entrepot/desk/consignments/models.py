"""What people and partners do with lines after their batch: events that only add up, and the state they lead to."""

from secrets import randbits

from django.db import models

from entrepot.desk.owned import Owned

__all__ = ["LineEvent", "LineState", "Proposal", "fresh_stamp"]


def fresh_stamp() -> int:
    """A number nobody had before, small enough that many of them add up."""
    return randbits(40)


class LineEvent(Owned):
    """Something that happened to a parcel (an order of a batch) after it was decided; never changed, never deleted."""

    batch = models.ForeignKey("batches.Batch", on_delete=models.PROTECT, related_name="events")
    order_id = models.CharField(max_length=120)
    row_id = models.BigIntegerField(null=True)
    """The line; null when the whole parcel is meant."""
    kind = models.CharField(max_length=40)
    """proposed, released, held, refused, inspected, note, revealed, sent, received …"""
    actor = models.CharField(max_length=60)
    at = models.DateTimeField(auto_now_add=True)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["organisation", "batch", "order_id"])]
        ordering = ["at", "id"]


class LineState(Owned):
    """Where a line stands now when that differs from its batch; made from its events."""

    batch = models.ForeignKey("batches.Batch", on_delete=models.PROTECT, related_name="states")
    row_id = models.BigIntegerField()
    order_id = models.CharField(max_length=120)
    line_no = models.BigIntegerField(null=True)
    verdict = models.CharField(max_length=10)
    lane = models.CharField(max_length=10, blank=True)
    rule = models.CharField(max_length=80)
    changed_at = models.DateTimeField(auto_now=True)
    stamp = models.BigIntegerField(default=fresh_stamp)
    """Drawn anew at each change: the sum of all tells a cache whether anything changed, in whatever order it was committed."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "row_id"], name="one_state_per_line")]


class Proposal(Owned):
    """A decision that waits for a second person."""

    batch = models.ForeignKey("batches.Batch", on_delete=models.PROTECT, related_name="proposals")
    order_id = models.CharField(max_length=120)
    verdict = models.CharField(max_length=10)
    reason = models.TextField()
    proposed_by = models.CharField(max_length=60)
    decided_by = models.CharField(max_length=60, blank=True)
    accepted = models.BooleanField(null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "order_id"], condition=models.Q(accepted=None), name="one_open_proposal")
        ]
