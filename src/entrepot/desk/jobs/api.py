"""API of jobs: how far long work is."""

from typing import Any, Literal
from uuid import UUID

from ninja import Field, Query, Router

from entrepot.desk.api.auth import needs
from entrepot.desk.api.pages import PageOf, PageQuery, page_of
from entrepot.desk.api.problems import answers
from entrepot.desk.jobs.models import Job
from entrepot.desk.jobs.schemas import JobOut, job_out

__all__ = ["router"]

router = Router(tags=["jobs"])


class JobsQuery(PageQuery):
    """Which jobs."""

    state: Literal["queued", "running", "done", "failed"] | None = Field(None, description="Only jobs in this state", examples=["done"])


@router.get("", auth=needs("jobs.view"), response=answers(PageOf[JobOut], 422), operation_id="list_jobs", summary="Jobs, the newest first")
def list_jobs(request: Any, query: Query[JobsQuery]) -> Any:
    """Jobs of the organisation in pages."""
    found = Job.objects.of(request.acting)
    return page_of(found.filter(state=query.state) if query.state else found, query, job_out, name=query.state or "")


@router.get("/{uuid:job}", auth=needs("jobs.view"), response=answers(JobOut), operation_id="get_job", summary="How far a job is")
def get_job(request: Any, job: UUID) -> Any:
    """One job: state, stage, how much is done, what came out or what went wrong."""
    return job_out(Job.objects.one(request.acting, id=job))
