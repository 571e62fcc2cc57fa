"""Long work on the audit log."""

from typing import Any

from entrepot.desk.audit.chain import verify
from entrepot.desk.jobs.models import Job
from entrepot.desk.jobs.run import Progress
from entrepot.goods.errors import InputError

__all__ = ["verify_job"]


def verify_job(job: Job, progress: Progress) -> dict[str, Any]:
    """The job `audit.verify`: read the organisation's chain. InputError (the job fails) names the first faults."""
    progress("verify", 0, None)
    read, faults = verify(str(job.organisation_id))
    if faults:
        named = ", ".join(f"{fault.what} at {fault.number}" for fault in faults[:20])
        raise InputError(f"the audit chain of {read:,} entries has {len(faults)} fault(s): {named}")
    return {"entries": read, "faults": 0}
