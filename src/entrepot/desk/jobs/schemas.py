"""The shape of a job in the API."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Field, Schema

from entrepot.desk.jobs.models import Job

__all__ = ["JobOut", "job_out"]


class JobOut(Schema):
    """Long work: how far it is and how it ended. Ask again until `state` is done or failed."""

    id: UUID
    kind: str = Field(examples=["batches.clear"])
    state: str = Field(description="queued, running, done or failed", examples=["running"])
    stage: str = Field("", examples=["decide"])
    done: int = Field(examples=[250000])
    total: int | None = Field(None, description="Null while nobody knows", examples=[1000000])
    percent: int | None = Field(None, examples=[25])
    attempts: int = Field(examples=[1])
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: dict[str, Any] = Field(default_factory=dict, examples=[{}])
    problem: str = Field("", description="Why it failed, in a sentence", examples=[""])


def job_out(job: Job) -> dict[str, Any]:
    """A job as the API tells it."""
    return {name: getattr(job, name) for name in JobOut.model_fields}
