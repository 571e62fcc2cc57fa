"""The worker process: takes jobs from the queue one after another and does the small work that comes round every minute."""

import threading
from datetime import UTC, datetime

import structlog
from django.conf import settings
from django.core.management import call_command
from django.db import close_old_connections

from entrepot.desk.jobs.run import recover
from entrepot.desk.plug import imported, plugged

__all__ = ["ROUND_SECONDS", "last_round", "round_of_work", "work"]

log = structlog.stdlib.get_logger("entrepot.worker")
ROUND_SECONDS = 60
IDLE_SECONDS = 0.25
"""How long the queue is left alone when it is empty; the time a person waits for a job to begin."""


def work() -> None:
    """Work until stopped; a second SIGTERM or Ctrl-C ends the job at hand, which is taken up again later."""
    stop = threading.Event()
    thread = threading.Thread(target=_rounds, args=(stop,), daemon=True)
    thread.start()
    try:
        call_command("db_worker", queue_name="*", interval=IDLE_SECONDS, startup_delay=False, reload=False, verbosity=0)
    finally:
        stop.set()


def _rounds(stop: threading.Event) -> None:
    while True:
        close_old_connections()
        round_of_work()
        close_old_connections()
        if stop.wait(ROUND_SECONDS):
            return


def round_of_work() -> None:
    """Put back the jobs of dead workers, call every area's periodic functions, leave a sign of life."""
    recover()
    for dotted in (name for area in plugged() for name in area.periodic):
        try:
            imported(dotted)()
        except Exception:
            log.exception("periodic work failed", function=dotted)
    (settings.DESK_FOLDER / "worker.beat").write_text(datetime.now(UTC).isoformat(), encoding="ascii")


def last_round() -> datetime | None:
    """When a worker was last seen; None when none ever was."""
    try:
        return datetime.fromisoformat((settings.DESK_FOLDER / "worker.beat").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
