"""Long work: what was asked, how far it is, how it ended."""

from django.db import models

from entrepot.desk.context import language
from entrepot.desk.owned import Owned

__all__ = ["Job"]


class Job(Owned):
    """One piece of long work of an organisation, done by the worker."""

    class State(models.TextChoices):
        """From asked to ended."""

        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    kind = models.CharField(max_length=40)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED, db_index=True)
    arguments = models.JSONField(default=dict)
    actor = models.CharField(max_length=60)
    stage = models.CharField(max_length=40, blank=True)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True)
    """Last sign of life; a running job without one for a minute is taken up again."""
    finished_at = models.DateTimeField(null=True)
    result = models.JSONField(default=dict)
    problem = models.TextField(blank=True)
    """Why it failed, in a sentence a person can act on; the same in Chinese, where it has a text."""
    problem_zh = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-created_at"]

    @property
    def problem_said(self) -> str:
        """Why it failed, in the language of the reader."""
        return self.problem_zh if language() == "zh" and self.problem_zh else self.problem

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in (self.State.DONE, self.State.FAILED)

    @property
    def percent(self) -> int | None:
        """How far it is; None while the total is not known."""
        return min(100, 100 * self.done // self.total) if self.total else None
