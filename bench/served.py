"""A desk that is served for a benchmark: from a folder of its own, on loopback, ended with the run."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from bench.process import ROOT, JobError

__all__ = ["Served", "client", "serve_bare", "serve_desk"]

ENTREPOT = (sys.executable, "-P", "-c", "from entrepot.cli import main; main()")
WAIT_SECONDS = 120
MAKE_KEY = """
from datetime import timedelta
from django.utils import timezone
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from entrepot.desk.batches.models import Batch
from entrepot.desk.people.models import ApiKey, Membership, Organisation, User
from entrepot.desk.plug import Role, permissions
firm = Organisation.objects.create(name="Bench")
user = User.objects.create(email="bench@bench.example", name="Bench")
Membership.objects.create(organisation=firm, user=user, role=Role.ADMINISTRATOR)
session = SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
session.save()
batch = Batch.objects.create(organisation=firm, name="bench.csv", ordinal=1, state=Batch.State.DONE)
until = timezone.now() + timedelta(days=1)
token = ApiKey.issue(organisation=firm, name="bench", scopes=sorted(permissions()), requests_per_minute=10**8, expires_at=until)[1]
print(token, session.session_key, f"{firm.id}/{batch.id}")
"""


@dataclass(frozen=True, slots=True)
class Served:
    """Where it listens and lies; key and session that may do everything there; organisation and id of a batch without lines."""

    port: int
    home: Path = Path()
    key: str = ""
    session: str = ""
    batch: str = ""


def client(port: int) -> HTTPConnection:
    """A connection that is kept open."""
    return HTTPConnection("127.0.0.1", port, timeout=60)


@contextmanager
def serve_desk(home: Path, processes: int) -> Iterator[Served]:
    """The desk with its worker on a free port."""
    port = _free_port()
    environment = {**os.environ, "ENTREPOT_HOME": str(home), "DATABASE_URL": f"sqlite:///{home}/desk.sqlite3"}
    command = [*ENTREPOT, "serve", "--port", str(port), "--processes", str(processes), "--with-worker"]
    with _running(command, environment, port, "/api/v1/"):
        shell = [*ENTREPOT, "manage", "shell", "--verbosity", "0", "-c", MAKE_KEY]
        made = subprocess.run(shell, env=environment, capture_output=True, text=True, check=True, timeout=WAIT_SECONDS)
        yield Served(port, home, *made.stdout.split()[-3:])


@contextmanager
def serve_bare(processes: int) -> Iterator[Served]:
    """A django-ninja endpoint with nothing around it, under the same server."""
    port = _free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(processes), "--no-access-log", "--log-level", "warning",
               "--lifespan", "off"]  # fmt: skip
    command = [sys.executable, "-m", "uvicorn", "bench.bare:application", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "bench.bare_settings"}
    with _running(command, environment, port, "/ready"):
        yield Served(port)


@contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str], port: int, path: str) -> Iterator[None]:
    with open(os.devnull, "wb") as nowhere:
        server = subprocess.Popen(command, env=dict(environment), cwd=ROOT, stderr=nowhere, start_new_session=True)
        try:
            _wait(server, port, path)
            yield
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=30)


def _wait(server: "subprocess.Popen[Any]", port: int, path: str) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            raise JobError(f"the server ended with {server.returncode}")
        try:
            connection = client(port)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except (OSError, HTTPException):
            time.sleep(0.2)
    raise JobError(f"port {port} does not answer")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
