"""The walk of a file through the desk: sent, looked at, mapped, cleared, mended and fed back."""

import pytest

from entrepot.desk.batches.models import Batch
from entrepot.desk.batches.sample import clear_sample_day
from tests.desk.conftest import Firm

pytestmark = pytest.mark.django_db


def test_the_sample_day_is_cleared_whole(firm: Firm) -> None:
    batch = clear_sample_day(firm.acting("trader"))
    assert batch.job.problem == ""
    assert batch.state == Batch.State.DONE
    summary = batch.summary
    assert summary["rows_in"] == summary["rows_decided"] + summary["rows_refused"]
    assert not batch.upload.folder.exists()
