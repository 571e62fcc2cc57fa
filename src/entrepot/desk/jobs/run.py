"""Asking for long work and doing it in the worker.

A job function is called as `function(job, progress)` and returns what `Job.result` keeps (JSON). It must be idempotent:
a worker that was killed leaves the job to be done again from the start of the function, `ATTEMPTS` times in all. What is to
be put right when such a job is given up, the area says in `given_up`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django_tasks import task

from entrepot.desk.jobs.models import Job
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Organisation
from entrepot.desk.plug import imported, plugged
from entrepot.desk.webhooks.emit import emit
from entrepot.goods.errors import EntrepotError, WorldError
from entrepot.goods.texts import said, told

__all__ = ["ATTEMPTS", "Progress", "enqueue", "recover", "run_job"]

Progress = Callable[[str, int, int | None], None]
"""Called with the stage, how much more is done, and how much there is (when known); as `run.clear.Progress`."""

log = structlog.stdlib.get_logger("entrepot.jobs")
BEAT_SECONDS = 60
ATTEMPTS = 3
WAIT_SECONDS = 2


def enqueue(acting: Acting, kind: str, **arguments: Any) -> Job:
    """Ask for work; it starts when the transaction that asks is committed."""
    _function(kind)
    job: Job = Job.objects.create(organisation=acting.organisation, kind=kind, actor=acting.actor, arguments=arguments)
    transaction.on_commit(lambda: run_job.enqueue(str(job.id)) and None)
    return job


def _function(kind: str) -> Callable[[Job, Progress], dict[str, Any]]:
    known = {name: dotted for area in plugged() for name, dotted in area.jobs.items()}
    if kind not in known:
        raise KeyError(f"no area does jobs of kind {kind!r}; known are {', '.join(sorted(known))}")
    function: Callable[[Job, Progress], dict[str, Any]] = imported(known[kind])
    return function


@task()  # type: ignore[untyped-decorator]
def run_job(job_id: str) -> None:
    """Do one job: the task that the queue holds. An organisation's jobs of one kind run one after another."""
    with transaction.atomic():
        # Workers of one organisation look one after another: two that looked at once would both see nothing running.
        owner = Job.objects.values_list("organisation_id", flat=True).get(id=job_id)
        Organisation.objects.select_for_update(no_key=True).get(id=owner)
        job = Job.objects.select_for_update().get(id=job_id)
        if job.ended:
            return
        if job.attempts >= ATTEMPTS:
            _give_up(job)
            return
        fresh = timezone.now() - timedelta(seconds=BEAT_SECONDS)
        same = Job.objects.filter(organisation=job.organisation, kind=job.kind, state=Job.State.RUNNING, beat_at__gt=fresh)
        waits = same.exclude(id=job.id).exists()
        if not waits:
            now = timezone.now()
            job.state, job.attempts, job.started_at, job.beat_at = Job.State.RUNNING, job.attempts + 1, job.started_at or now, now
            job.stage, job.done, job.total = "", 0, None
            job.save()
    if waits:
        run_job.using(run_after=timezone.now() + timedelta(seconds=WAIT_SECONDS)).enqueue(job_id)
        return
    _do(job)


def _give_up(job: Job) -> None:
    """Fail a job that was begun often enough: it may be what kills its workers. In the transaction that locks it."""
    fault = told(EntrepotError, "jobs.given-up", attempts=job.attempts)
    job.state, job.problem, job.problem_zh = Job.State.FAILED, said(fault, "en"), said(fault, "zh")
    for area in plugged():
        if job.kind in area.given_up:
            imported(area.given_up[job.kind])(job)
    _end(job)


def _do(job: Job) -> None:
    try:
        with _alive(job):
            job.result = _function(job.kind)(job, _Beat(job))
        job.state = Job.State.DONE
    except WorldError as error:
        again = error.retryable and job.attempts < ATTEMPTS
        job.state = Job.State.QUEUED if again else Job.State.FAILED
        job.problem, job.problem_zh = said(error, "en"), said(error, "zh")
        if again:
            run_job.using(run_after=timezone.now() + timedelta(seconds=10 * job.attempts)).enqueue(str(job.id))
    except EntrepotError as error:
        job.state, job.problem, job.problem_zh = Job.State.FAILED, said(error, "en"), said(error, "zh")
    except Exception as error:
        log.exception("job failed", job_id=str(job.id), kind=job.kind)
        fault = told(EntrepotError, "jobs.fault", name=type(error).__name__, job=job.id)
        job.state, job.problem, job.problem_zh = Job.State.FAILED, said(fault, "en"), said(fault, "zh")
    _end(job)


def _end(job: Job) -> None:
    with transaction.atomic():
        if job.ended:
            job.finished_at = timezone.now()
            emit(job.organisation, "job.ended", {"job": str(job.id), "kind": job.kind, "state": job.state})
        job.save()


@contextmanager
def _alive(job: Job) -> Iterator[None]:
    """Gives signs of life while a job works, also through a long step that tells no progress."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS / 4):
            try:
                Job.objects.filter(id=job.id).update(beat_at=timezone.now())
            except DatabaseError:
                log.warning("no sign of life could be given", job_id=str(job.id))
            finally:
                connection.close()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class _Beat:
    """Keeps the progress of a job in the database, at most once a second."""

    def __init__(self, job: Job) -> None:
        self.job, self.saved = job, 0.0

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        job, fresh = self.job, stage != self.job.stage
        job.stage, job.done, job.total = stage, done if fresh else job.done + done, total
        if fresh or time.monotonic() - self.saved >= 1:
            job.beat_at, self.saved = timezone.now(), time.monotonic()
            Job.objects.filter(id=job.id).update(stage=job.stage, done=job.done, total=job.total, beat_at=job.beat_at)


def recover() -> int:
    """Put back jobs whose worker died; returns how many. Called when a worker starts and every minute."""
    stale = timezone.now() - timedelta(seconds=BEAT_SECONDS)
    dead = list(Job.objects.filter(state=Job.State.RUNNING, beat_at__lt=stale))
    for job in dead:
        if Job.objects.filter(id=job.id, state=Job.State.RUNNING, beat_at=job.beat_at).update(state=Job.State.QUEUED):
            run_job.enqueue(str(job.id))
    return len(dead)
