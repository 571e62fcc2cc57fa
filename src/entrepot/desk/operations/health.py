"""Is the process alive, and is it ready: for load balancers and for `entrepot check`.

Anybody may ask, as often as they like: no answer costs more than one query and one empty file.
"""

import uuid
from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from entrepot.desk.lawbook.book import book

__all__ = ["READY", "healthz", "readyz"]


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone())


_migrated = False
"""Whether the migrations were seen complete: they stay so while this program runs, and looking again takes a second."""


def _migrations() -> bool:
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


def _files() -> bool:
    probe = settings.DESK_FOLDER / f".probe-{uuid.uuid4().hex}"  # of its own: two who ask at once do not take each other's away
    try:
        probe.write_bytes(b"")
    finally:
        probe.unlink(missing_ok=True)
    return True


def _law() -> bool:
    return bool(book().hash)


READY: dict[str, Callable[[], bool]] = {"database": _database, "migrations": _migrations, "files": _files, "law": _law}
"""What must hold before requests are let in."""


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """Whether requests may come: 200, or 503 naming what is not ready."""
    state = {name: _holds(check) for name, check in READY.items()}
    return JsonResponse({"ready": all(state.values()), **state}, status=200 if all(state.values()) else 503)


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:
        return False
