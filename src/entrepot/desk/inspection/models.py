"""Inspection: parcels a person looks at, what was checked, what was kept as evidence, what was said online."""

import hmac
import json
from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from entrepot.desk.owned import Owned
from entrepot.desk.vault import SealedTextField
from entrepot.run.home import open_home

__all__ = ["Answer", "Case", "Evidence", "OnlineSession", "Seller"]


class Case(Owned):
    """A parcel on an inspector's table: held by the decision, or drawn from the green ones for an audit."""

    class Kind(models.TextChoices):
        """Why it is looked at."""

        EXCEPTION = "exception"
        SAMPLE = "sample"

    class State(models.TextChoices):
        """How far it is. `proposed` waits for a second person."""

        OPEN = "open"
        TAKEN = "taken"
        PROPOSED = "proposed"
        DECIDED = "decided"

    batch = models.ForeignKey("batches.Batch", on_delete=models.PROTECT, related_name="cases")
    order_id = models.CharField(max_length=120)
    row_id = models.BigIntegerField()
    """Its first line."""
    kind = models.CharField(max_length=10, choices=Kind.choices)
    lane = models.CharField(max_length=10)
    rules = models.JSONField(default=list)
    """The rules that decided its lines."""
    risk = models.PositiveSmallIntegerField()
    reasons = models.JSONField(default=list)
    """What the risk is made of, as `risk.risk_of` gives it."""
    lines = models.PositiveIntegerField()
    value_fen = models.BigIntegerField(null=True)
    declared_on = models.DateField(null=True)
    direction = models.CharField(max_length=10, blank=True)
    seller_name = models.CharField(max_length=400, blank=True)
    description = models.CharField(max_length=400, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    holder = models.CharField(max_length=60, blank=True)
    """Who has taken it, as `Acting.actor`."""
    taken_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=10, blank=True)
    """What the decision led to: release, refuse, hold; `stays` where nothing was changed."""
    reason = models.TextField(blank=True)
    decided_by = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "order_id"], name="one_case_per_parcel")]
        indexes = [
            models.Index(F("organisation"), F("risk").desc(), F("created_at"), F("id"), name="case_queue",
                         condition=~Q(state="decided")),
            models.Index(fields=["organisation", "state", "decided_at"], name="case_state"),
        ]  # fmt: skip


class Answer(Owned):
    """What was found at one item of the checklist; a later answer to the same item stands beside the earlier one."""

    class Found(models.TextChoices):
        """What a check can say."""

        YES = "yes"
        NO = "no"
        NOT_APPLICABLE = "not_applicable"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="answers")
    item = models.CharField(max_length=60)
    found = models.CharField(max_length=20, choices=Found.choices)
    note = models.CharField(max_length=500, blank=True)
    actor = models.CharField(max_length=60)

    class Meta:
        ordering = ["created_at"]


class Evidence(Owned):
    """A photo, video or paper kept with a case; the file is as it was sent, known by its SHA-256."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="evidence")
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=40)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    note = models.CharField(max_length=500, blank=True)
    actor = models.CharField(max_length=60)

    class Meta:
        ordering = ["created_at"]

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return settings.DESK_FOLDER / "evidence" / str(self.organisation_id) / str(self.id)


class OnlineSession(Owned):
    """The record of an inspection by video: who took part, when, what was found; never changed."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="sessions")
    participants = SealedTextField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    link = models.URLField(max_length=500, blank=True)
    notes = SealedTextField()
    actor = models.CharField(max_length=60)
    digest = models.CharField(max_length=64)
    """Keyed hash over the record: it tells an altered record without telling what is in it."""

    class Meta:
        ordering = ["started_at"]

    def computed_digest(self) -> str:
        """The keyed hash of the record as it stands."""
        told = [str(self.case_id), self.participants, self.started_at.timestamp(), self.ended_at.timestamp(), self.link,
                self.notes, self.actor]  # fmt: skip
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        return hmac.new(open_home().key("inspection session"), text.encode(), "sha256").hexdigest()

    @property
    def intact(self) -> bool:
        """Whether the record is as it was written."""
        return hmac.compare_digest(self.digest, self.computed_digest())


class Seller(Owned):
    """A seller an organisation has had parcels of, and the batch that brought the first."""

    seller_id = models.CharField(max_length=200)
    first_batch = models.ForeignKey("batches.Batch", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "seller_id"], name="one_row_per_seller")]
