"""The sample day, cleared for real once, as a finished batch of whatever organisation a test has."""

import json
import shutil
from pathlib import Path

import pytest
from django.conf import settings

from entrepot.desk.batches.models import Batch
from entrepot.desk.people.models import Organisation
from entrepot.run.clear import Request, clear
from entrepot.run.shelf import shelve
from tests.run.days import CATALOGUE, ORDERS

__all__ = ["batch_of_day", "sealed_day"]


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
