"""The client of the docs does the whole main job against a real server and worker, and fits in twenty lines."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "examples" / "client.py"
ENTREPOT = [sys.executable, "-P", "-c", "from entrepot.cli import main; main()"]
MAKE_KEY = """
from datetime import timedelta
from django.utils import timezone
from entrepot.desk.people.models import ApiKey, Organisation
from entrepot.desk.plug import permissions
firm = Organisation.objects.create(name="Tide")
until = timezone.now() + timedelta(days=1)
print(ApiKey.issue(organisation=firm, name="erp", scopes=sorted(permissions()), expires_at=until)[1])
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a client of a desk that is served, with its worker, from a folder of its own."""
    home, port = tmp_path_factory.mktemp("served"), free_port()
    own = {"ENTREPOT_HOME": str(home), "DATABASE_URL": f"sqlite:///{home}/desk.sqlite3"}
    environment = {**os.environ, **own}
    server = subprocess.Popen([*ENTREPOT, "serve", "--port", str(port), "--with-worker"], env=environment, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/api/v1/", server)
        shell = [*ENTREPOT, "manage", "shell", "--verbosity", "0", "-c", MAKE_KEY]
        key = subprocess.run(shell, env=environment, capture_output=True, text=True, check=True, timeout=120).stdout.split()[-1]
        yield {**environment, "ENTREPOT_URL": url, "ENTREPOT_KEY": key}
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        assert server.poll() is None, "the server ended"
        try:
            if httpx.get(url, timeout=10).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise AssertionError(f"{url} does not answer")


def test_twenty_lines_do_the_whole_main_job(served: dict[str, str]) -> None:
    assert len(CLIENT.read_text(encoding="utf-8").splitlines()) <= 20
    orders = ROOT / "src" / "entrepot" / "samples" / "orders.csv"
    ran = subprocess.run([sys.executable, CLIENT, orders], env=served, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    first, *held = ran.stdout.splitlines()
    assert re.fullmatch(r"done \{.*'release': \d+.*\} tax [0-9.]+ CNY", first)
    assert held
    assert all(re.fullmatch(r"\S+ (yellow|red) [a-z0-9.-]+ why: \['.+'\]", line) for line in held)


class Answers(BaseHTTPRequestHandler):
    """A desk that says of every batch what its server was given."""

    server: "Desk"

    def do_POST(self) -> None:
        """A batch that has ended."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.tell(self.server.batch)

    def do_GET(self) -> None:
        """Nothing is held."""
        self.tell({"items": []})

    def tell(self, what: object) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Desk(ThreadingHTTPServer):
    """Where the client is sent."""

    batch: Mapping[str, object]


@pytest.mark.parametrize(
    ("batch", "code", "told"),
    [
        ({"state": "done", "summary": {"by_verdict": {"release": 1}, "tax_total_cny": "0.00"}}, 0, "done {'release': 1} tax 0.00 CNY"),
        ({"state": "failed", "summary": None, "job": {"problem": "The file is no longer here."}}, 1, "The file is no longer here."),
    ],
    ids=["nothing is held", "the batch failed"],
)
def test_the_client_ends_well_where_there_is_nothing_to_ask(batch: Mapping[str, object], code: int, told: str, tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text("order_id,line_no\nA-1,1\n", encoding="utf-8")
    desk = Desk(("127.0.0.1", 0), Answers)
    desk.batch = {"id": "1", **batch}
    threading.Thread(target=desk.serve_forever, daemon=True).start()
    try:
        environment = {**os.environ, "ENTREPOT_KEY": "ek_x", "ENTREPOT_URL": f"http://127.0.0.1:{desk.server_port}"}
        ran = subprocess.run([sys.executable, CLIENT, orders], env=environment, capture_output=True, text=True, timeout=60, check=False)
    finally:
        desk.shutdown()
        desk.server_close()
    assert (ran.returncode, (ran.stdout + ran.stderr).strip()) == (code, told)


def test_the_docs_show_the_client_that_is_run() -> None:
    assert CLIENT.read_text(encoding="utf-8") in (ROOT / "docs" / "howto" / "api.md").read_text(encoding="utf-8")


def test_a_write_sent_by_many_at_once_is_done_once(served: dict[str, str]) -> None:
    """Against real processes and a database in a file, where writers wait for each other."""
    from concurrent.futures import ThreadPoolExecutor

    line = {"order_id": "A-1", "line_no": 1, "direction": "export", "declared_on": "2026-03-10", "seller_country": "CN",
            "buyer_country": "US", "description": "mug", "quantity": "1", "unit_price": "8.40", "currency": "USD"}  # fmt: skip
    headers = {"Authorization": f"Bearer {served['ENTREPOT_KEY']}", "Idempotency-Key": "once"}

    def send(_: int) -> httpx.Response:
        return httpx.post(f"{served['ENTREPOT_URL']}/api/v1/batches/lines", json={"lines": [line]}, headers=headers, timeout=60)

    with ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(send, range(8)))
    assert {one.status_code for one in answered} == {202}
    assert len({one.json()["id"] for one in answered}) == 1
    assert sum("Idempotency-Replayed" in one.headers for one in answered) == 7
