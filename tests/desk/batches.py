"""The sample day, cleared for real once, as a finished batch of whatever organisation a test has; files cleared as a member does it."""

import json
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from django.conf import settings
from django.test import Client

from entrepot.desk.batches import uploads
from entrepot.desk.batches.choices import Choices
from entrepot.desk.batches.clear import start
from entrepot.desk.batches.models import Batch
from entrepot.desk.jobs.models import Job
from entrepot.desk.jobs.run import run_job
from entrepot.desk.people.models import Organisation
from entrepot.run.clear import Request, clear
from entrepot.run.shelf import shelve
from tests.desk.conftest import Firm
from tests.run.days import CATALOGUE, ORDERS, Row, sample_rows

__all__ = ["DAY", "YEAR", "Api", "batch_of_day", "body_of", "cleared", "csv_of", "done", "job_of", "retail", "sealed_day", "sent_to"]

YEAR = 2026
DAY = date(YEAR, 3, 10)


@pytest.fixture(scope="session")
def sealed_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The batch folder of the sample day with sealed persons, and beside it its shelf; look, do not touch."""
    place = tmp_path_factory.mktemp("sealed")
    clear(Request((ORDERS,), place / "day", catalogues=(CATALOGUE,), home=settings.HOME.folder, seal=True, sample_ppm=20_000))
    shelve(place / "day", place / "shelf")
    return place


def batch_of_day(organisation: Organisation, sealed_day: Path, ordinal: int = 1) -> Batch:
    """The sample day as a finished batch of an organisation, in a folder of its own that may be tampered with."""
    summary = json.loads((sealed_day / "day" / "summary.json").read_text(encoding="utf-8"))
    batch: Batch = Batch.objects.create(
        organisation=organisation, name=f"day {ordinal}", ordinal=ordinal, state=Batch.State.DONE, summary=summary
    )
    shutil.copytree(sealed_day / "day", batch.folder)
    shutil.copytree(sealed_day / "shelf", batch.shelf)
    return batch


class Api:
    """Another system with a key of a role."""

    def __init__(self, firm: Firm, role: str = "trader") -> None:
        self.client = Client(headers=firm.headers(role))

    def send(self, method: str, path: str, body: Any = None, content_type: str = "application/json", **more: Any) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body or {})
        return self.client.generic(method, f"/api/v1{path}", data, content_type, headers={"Idempotency-Key": uuid4().hex}, **more)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.client.get(f"/api/v1{path}", query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def whole(self, name: str, content: bytes) -> Any:
        """A file begun, sent in one piece and finished; the last answer."""
        upload = self.send("POST", "/uploads", {"name": name, "bytes_total": len(content)}).json()
        self.send("PUT", f"/uploads/{upload['id']}/pieces/0", content, "application/octet-stream")
        return self.send("POST", f"/uploads/{upload['id']}/finish")


def done(batch_id: str) -> Batch:
    """A batch after the worker has done its job."""
    run_job.func(str(Batch.objects.get(id=batch_id).job_id))
    batch: Batch = Batch.objects.select_related("job", "upload").get(id=batch_id)
    return batch


def job_of(batch: Batch) -> Job:
    assert batch.job is not None
    return batch.job


def sent_to(answer: Any) -> str:
    """Where a browser is sent."""
    assert answer.status_code == 302, answer.content
    return str(answer.url)


def csv_of(rows: Sequence[Row]) -> bytes:
    return pl.DataFrame(rows).write_csv().encode()


def cleared(firm: Firm, content: bytes, name: str = "orders.csv", **constants: str) -> Batch:
    """A file cleared under the guess."""
    acting = firm.acting("trader")
    upload = uploads.take_file(acting, name, [content], len(content))
    choices = Choices.of({**upload.choices, "constants": {**upload.choices["constants"], **constants}})
    batch = done(str(start(acting, upload, choices).id))
    assert batch.state == Batch.State.DONE, job_of(batch).problem
    return batch


def retail(order: str, buyer: str, price: str = "3000.00") -> list[Row]:
    """A retail import of one line."""
    plain = sample_rows("LIM-01")[0]
    own = {"order_id": order, "waybill_no": f"W-{order}", "buyer_id": buyer, "unit_price": price}
    return [plain | own | {"quantity": "1", "mode_wanted": "1210"}]


def body_of(answer: Any) -> bytes:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)
