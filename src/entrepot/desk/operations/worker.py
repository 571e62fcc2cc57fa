"""The worker process: takes jobs from the queue one after another and does the small work that comes round every minute.

Webhooks are delivered by a thread beside it from a queue of their own: what a receiver does holds up no job.
"""

import threading
from datetime import UTC, datetime

import structlog
from django.conf import settings
from django.core.management import call_command
from django.db import close_old_connections, connections
from django.utils.crypto import get_random_string
from django_tasks_db.management.commands.db_worker import Worker

from entrepot.desk.jobs.run import recover
from entrepot.desk.plug import imported, plugged
from entrepot.desk.webhooks.deliver import QUEUE

__all__ = ["ROUND_SECONDS", "last_round", "round_of_work", "work"]

log = structlog.stdlib.get_logger("entrepot.worker")
ROUND_SECONDS = 60
RETRY_SECONDS = 5
IDLE_SECONDS = 0.25
"""How long the queue is left alone when it is empty; the time a person waits for a job to begin."""


def work() -> None:
    """Work until stopped; a second SIGTERM or Ctrl-C ends the job at hand, which is taken up again later."""
    stop, deliveries = threading.Event(), deliverer()
    for target, *arguments in ((_rounds, stop), (_deliver, deliveries, stop)):
        threading.Thread(target=target, args=arguments, daemon=True).start()
    try:
        call_command(
            "db_worker", queue_name="*", exclude_queues=QUEUE, interval=IDLE_SECONDS, startup_delay=False, reload=False, verbosity=0
        )
    finally:
        stop.set()
        deliveries.running = False


def deliverer() -> Worker:
    """What takes deliveries of webhooks from their queue, and nothing else."""
    return Worker(
        queue_names=[QUEUE], excluded_queue_names=[], interval=IDLE_SECONDS, batch=False, backend_name="default",
        startup_delay=False, max_tasks=None, worker_id=get_random_string(32),
    )  # fmt: skip


def _deliver(deliveries: Worker, stop: threading.Event) -> None:
    """Deliver until stopped, in a thread with a connection of its own; what is being sent then is taken up by `tidy`."""
    while not stop.is_set():
        try:
            deliveries.run()
        except Exception:
            log.exception("deliveries stopped and begin again")
            stop.wait(RETRY_SECONDS)
        finally:
            connections.close_all()


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
