"""Fifty at once: every change is made once, none is lost, and the audit chain stays whole.

`script/test` runs these on PostgreSQL, where fifty write side by side; on SQLite the writers queue (a file, as in use).
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from threading import Barrier, BrokenBarrierError, Thread
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import Client

from entrepot.desk.audit.chain import record, verify
from entrepot.desk.audit.models import AuditEntry
from entrepot.desk.batches.models import Batch, BuyerYear, Reservation
from entrepot.desk.batches.reservations import OverLimit, reserve
from entrepot.desk.inspection.cases import take
from entrepot.desk.inspection.models import Case
from entrepot.desk.jobs.models import Job
from entrepot.desk.jobs.run import run_job
from entrepot.desk.lawbook.models import PolicyItem
from entrepot.desk.told import Told
from tests.desk.conftest import Firm

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 50


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """What each of fifty threads got, or the exception it met; all begin together."""
    gate, results = Barrier(MANY), [None] * MANY

    def run(number: int) -> None:
        gate.wait()
        try:
            results[number] = work(number)
        except Exception as error:
            results[number] = error  # type: ignore[call-overload]
        finally:
            connection.close()

    threads = [Thread(target=run, args=(number,)) for number in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_fifty_writers_of_one_audit_chain_leave_it_whole(firm: Firm, stranger: Firm) -> None:
    def write(number: int) -> None:
        with transaction.atomic():
            record((firm if number % 2 else stranger).acting("trader"), "job.asked", "job", number)

    before = AuditEntry.objects.count()
    assert at_once(write) == [None] * MANY
    assert AuditEntry.objects.count() == before + MANY
    assert verify()[1] == []


def test_one_idempotency_key_sent_fifty_times_files_one_item(firm: Firm) -> None:
    headers = {**firm.headers("analyst"), "Idempotency-Key": "fifty"}
    body = {"area": 3, "title": "Once", "begins_on": "2026-12-01"}

    def send(_: int) -> tuple[int, bytes]:
        answer = Client().post("/api/v1/policies", body, "application/json", headers=headers)
        return answer.status_code, answer.content

    answers = at_once(send)
    assert {status for status, _ in answers} <= {201, 409}
    assert len({content for status, content in answers if status == 201}) == 1
    assert PolicyItem.objects.of(firm.organisation).count() == 1
    assert Client().post("/api/v1/policies", body, "application/json", headers=headers).headers["Idempotency-Replayed"] == "true"


def test_a_parcel_that_fifty_take_has_one_holder(firm: Firm) -> None:
    own = {"organisation": firm.organisation}
    job = Job.objects.create(**own, kind="batches.clear", actor="system")
    batch = Batch.objects.create(**own, name="x", ordinal=1, state=Batch.State.DONE, job=job)
    case = Case.objects.create(**own, batch=batch, order_id="A", row_id=0, kind="exception", lane="red", risk=90, lines=1)
    roles = ("inspector", "administrator", "broker", "trader", "analyst")

    answers = at_once(lambda number: take(firm.acting(roles[number % len(roles)]), case))
    held = {answer.holder for answer in answers if isinstance(answer, Case)}
    assert len(held) == 1
    assert all(isinstance(answer, Case | Told) for answer in answers)
    assert AuditEntry.objects.filter(action="inspection.taken").count() == 1


def test_of_fifty_jobs_of_one_kind_one_is_begun(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has seen nothing running waits for another who has: one that comes that far is not alone."""
    both, keep = Barrier(2), Job.save

    def begin(job: Job, **fields: Any) -> None:
        with suppress(BrokenBarrierError):
            both.wait(timeout=1)
        keep(job, **fields)

    monkeypatch.setattr("entrepot.desk.jobs.run._do", lambda job: None)  # it goes on running
    asked = [Job.objects.create(organisation=firm.organisation, kind="batches.clear", actor="system") for _ in range(MANY)]

    monkeypatch.setattr(Job, "save", begin)
    assert at_once(lambda number: run_job.func(str(asked[number].id))) == [None] * MANY
    assert Job.objects.filter(state=Job.State.RUNNING).count() == 1
    assert Job.objects.filter(state=Job.State.QUEUED, attempts=0).count() == MANY - 1


def test_fifty_reservations_never_pass_the_yearly_limit(firm: Firm) -> None:
    day, key, each_fen = date(2026, 3, 10), "cd" * 16, 100_000
    acting = firm.acting("trader")

    answers = at_once(lambda number: reserve(acting, key, 2026, f"order {uuid4()}", each_fen, day=day))
    kept = [answer for answer in answers if isinstance(answer, Reservation)]
    assert len(kept) == 26, "CNY 26,000.00 a year is inclusive"
    assert all(isinstance(answer, Reservation | OverLimit) for answer in answers)
    year = BuyerYear.objects.of(firm.organisation).get()
    assert (year.reserved_fen, year.spent_fen) == (2_600_000, 0)


def test_one_order_reserved_fifty_times_is_kept_once(firm: Firm) -> None:
    acting = firm.acting("trader")
    answers = at_once(lambda _: reserve(acting, "ef" * 16, 2026, "one order", 500, day=date(2026, 3, 10)).id)
    assert len(set(answers)) == 1
    assert BuyerYear.objects.of(firm.organisation).get().reserved_fen == 500
