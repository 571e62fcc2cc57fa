"""The sample day that comes with the package: to download, to try, to demonstrate."""

from importlib.resources import files

from entrepot.desk.batches.choices import Choices
from entrepot.desk.batches.clear import start
from entrepot.desk.batches.models import Batch, Upload
from entrepot.desk.batches.uploads import take_file
from entrepot.desk.jobs.run import run_job
from entrepot.desk.people.acting import Acting

__all__ = ["SAMPLE_NAME", "clear_sample_day", "sample_orders", "upload_sample"]

SAMPLE_NAME = "sample-orders.csv"


def sample_orders() -> bytes:
    """The sample file of orders, CSV."""
    return files("entrepot.samples").joinpath("orders.csv").read_bytes()


def upload_sample(acting: Acting) -> Upload:
    """The sample day as a finished upload, with its catalogue."""
    content = sample_orders()
    upload = take_file(acting, SAMPLE_NAME, [content], len(content))
    catalogue = upload.folder / "catalogue.csv"
    catalogue.touch(mode=0o600)
    catalogue.write_bytes(files("entrepot.samples").joinpath("catalogue.csv").read_bytes())
    return upload


def clear_sample_day(acting: Acting) -> Batch:
    """The sample day, cleared here and now instead of by the worker."""
    upload = upload_sample(acting)
    batch = start(acting, upload, Choices.of(upload.choices))
    run_job.func(str(batch.job_id))
    return Batch.objects.one(acting, id=batch.id)
