"""Pages of jobs: the list, and one job with live progress."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from entrepot.desk.batches.models import Batch
from entrepot.desk.context import language
from entrepot.desk.jobs.listing import jobs_page
from entrepot.desk.jobs.models import Job
from entrepot.desk.told import Told

__all__ = ["job_page", "job_progress", "jobs"]


@require_GET
def jobs(request: Any) -> HttpResponse:
    """Jobs of the organisation, the newest first."""
    state = request.GET.get("state", "")
    try:
        shown, following = jobs_page(request.acting, request.GET.get("after", ""), state=state)
    except Told:
        shown, following, state = *jobs_page(request.acting), ""
    kept = f"&state={state}" if state else ""
    page = {
        "jobs": shown, "states": Job.State.values, "state": state,
        "next": f"?after={following}{kept}".replace("+", "%2B") if following else "",
        "first": f"{request.path}?{kept.lstrip('&')}" if request.GET.get("after") else "",
        "running": any(not job.ended for job in shown),
    }  # fmt: skip
    return render(request, "jobs/jobs.html", page)


@require_GET
def job_page(request: HttpRequest, job: UUID) -> HttpResponse:
    """One job."""
    return render(request, "jobs/job.html", _about(request, job))


@require_GET
def job_progress(request: HttpRequest, job: UUID) -> HttpResponse:
    """How far it is, asked for every second."""
    about = _about(request, job)
    response = render(request, "jobs/progress.html", about)
    if about["job"].ended:
        response["HX-Refresh"] = "true"
    return response


def _about(request: Any, job: UUID) -> dict[str, Any]:
    one: Job = Job.objects.one(request.acting, id=job)
    batch = Batch.objects.of(request.acting).filter(job=one).first()
    return {"job": one, "problems": _problems(one), "outcome": reverse("batch", args=[batch.id]) if batch else "", "batch": batch}


def _problems(job: Job) -> dict[str, int]:
    """What went wrong with parts of it and how often, in the language of the reader where it is kept in both."""
    told: dict[str, int] = job.result.get("problems", {})
    return job.result.get("problems_zh", told) if language() == "zh" else told
