"""Is the process alive, and is it ready: for load balancers and for `entrepot check`."""

from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from entrepot.law import Law

__all__ = ["READY", "healthz", "readyz"]


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone())


def _migrations() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _files() -> bool:
    probe = settings.DESK_FOLDER / ".probe"
    probe.write_bytes(b"")
    probe.unlink()
    return True


def _law() -> bool:
    return bool(Law.load().hash)


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
