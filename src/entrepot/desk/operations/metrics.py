"""Figures for Prometheus: requests, jobs, exceptions waiting; counts only, nothing of anybody.

Requests are those of the process that answers: with several processes each scrape meets one of them. What is read from the
database is the same in all.
"""

import hmac
import os
from collections.abc import Callable
from time import perf_counter
from typing import Any

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Gauge, Histogram, generate_latest

from entrepot.desk.inspection.models import Case
from entrepot.desk.jobs.models import Job
from entrepot.desk.operations.worker import last_round

__all__ = ["RequestMetrics", "metrics"]

REQUESTS = Counter("entrepot_requests", "Requests answered", ["method", "route", "status"])
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
SECONDS = Histogram("entrepot_request_seconds", "Time to answer a request", ["route"], buckets=BUCKETS)
CASES = Gauge("entrepot_cases_waiting", "Parcels that wait for a person, by lane and state", ["lane", "state"])
JOBS = Gauge("entrepot_jobs", "Jobs by kind and state", ["kind", "state"])
WORKER = Gauge("entrepot_worker_seen_timestamp_seconds", "When a worker was last seen")
LOOPBACK = ("127.0.0.1", "::1")


class RequestMetrics:
    """Counts and times every request by its route."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        """Answer a request and count it."""
        begun = perf_counter()
        response = self.get_response(request)
        route = request.resolver_match.route if request.resolver_match else "unknown"
        REQUESTS.labels(request.method if request.method in METHODS else "other", route, response.status_code).inc()
        SECONDS.labels(route).observe(perf_counter() - begun)
        return response


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text form: from this machine, or with the bearer token of ENTREPOT_METRICS_TOKEN; otherwise nothing is here."""
    token = os.environ.get("ENTREPOT_METRICS_TOKEN", "")
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    near = request.META.get("REMOTE_ADDR") in LOOPBACK and not request.headers.get("X-Forwarded-For")
    if not (near or (token and hmac.compare_digest(token.encode(), given.encode()))):
        raise Http404
    JOBS.clear()
    for row in Job.objects.values("kind", "state").annotate(number=Count("id")):
        JOBS.labels(row["kind"], row["state"]).set(row["number"])
    CASES.clear()
    waiting = Case.objects.exclude(state=Case.State.DECIDED).order_by().values_list("lane", "state")
    for lane, state, number in waiting.annotate(number=Count("id")):
        CASES.labels(lane, state).set(number)
    seen = last_round()
    WORKER.set(seen.timestamp() if seen else 0)
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
