"""Long work that kills its worker: it is taken up again, and not for ever."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from entrepot.desk.batches.choices import Choices
from entrepot.desk.batches.clear import KIND, start
from entrepot.desk.batches.models import Batch
from entrepot.desk.batches.uploads import take_file
from entrepot.desk.jobs.models import Job
from entrepot.desk.jobs.run import ATTEMPTS, enqueue, recover, run_job
from tests.desk.batches import csv_of, retail
from tests.desk.conftest import Firm

pytestmark = pytest.mark.django_db


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Jobs whose worker died over them: they are begun and nothing more is heard."""
    met: list[str] = []
    monkeypatch.setattr("entrepot.desk.jobs.run._do", lambda job: met.append(str(job.id)))
    return met


def die_and_recover(job: Job, times: int) -> Job:
    for _ in range(times):
        run_job.func(str(job.id))
        Job.objects.filter(id=job.id, state="running").update(beat_at=timezone.now() - timedelta(hours=1))
        recover()
    job.refresh_from_db()
    return job


def test_a_job_that_kills_its_workers_is_begun_three_times_and_then_fails(firm: Firm, deaths: list[str]) -> None:
    job = die_and_recover(enqueue(firm.acting("trader"), "audit.verify"), ATTEMPTS + 2)
    assert (len(deaths), job.attempts, job.state) == (ATTEMPTS, ATTEMPTS, "failed")
    assert job.finished_at is not None
    assert f"begun {ATTEMPTS} times" in job.problem
    assert f"已开始 {ATTEMPTS} 次" in job.problem_zh


def test_a_batch_whose_workers_died_fails_with_its_job_and_says_what_to_do(firm: Firm, deaths: list[str]) -> None:
    acting, content = firm.acting("trader"), csv_of(retail("D-1", "b"))
    upload = take_file(acting, "orders.csv", [content], len(content))
    batch = start(acting, upload, Choices.of(upload.choices))
    assert batch.job is not None
    job = die_and_recover(batch.job, ATTEMPTS + 1)
    batch.refresh_from_db()
    assert (job.kind, job.state, batch.state) == (KIND, "failed", Batch.State.FAILED)
    assert "Split the file" in job.problem
    again: Any = start(acting, upload, Choices.of(upload.choices))
    assert again.state == Batch.State.WAITING, "the upload is free again"
