"""The report's server, asked with real requests: two files, this machine's own names, nothing else."""

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from entrepot.cli.report import server
from entrepot.goods.errors import InputError, WorldError

REPORT, SUMMARY = b"<!doctype html><title>day</title>", b'{"orders": 1}'


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    (tmp_path / "report.html").write_bytes(REPORT)
    (tmp_path / "summary.json").write_bytes(SUMMARY)
    (tmp_path / "manifest.json").write_bytes(b"secret")
    return tmp_path


@pytest.fixture
def port(batch: Path) -> Iterator[int]:
    """The port of a running server."""
    with server(batch, 0) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running.server_address[1]
        running.shutdown()
        thread.join()


def ask(port: int, path: str, method: str = "GET", host: str | None = None) -> Answer:
    """One request; `host` is sent as the Host header, '' leaves it out."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True)
        if host != "":
            connection.putheader("Host", host or f"127.0.0.1:{port}")
        connection.endheaders()
        found = connection.getresponse()
        return Answer(found.status, dict(found.getheaders()), found.read())
    finally:
        connection.close()


@pytest.mark.parametrize(("path", "body"), [
    ("/", REPORT), ("/report.html", REPORT), ("/summary.json?x=1", SUMMARY),
])  # fmt: skip
def test_report_and_summary_are_served(port: int, path: str, body: bytes) -> None:
    found = ask(port, path)
    assert (found.status, found.body) == (200, body)
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    head = ask(port, path, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(body))


@pytest.mark.parametrize("path", ["/manifest.json", "/../x", "/%00none", "/report.html/", "/nothing"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nothing_else_is_served(port: int, path: str, method: str, capfd: pytest.CaptureFixture[str]) -> None:
    found = ask(port, path, method)
    assert found.status == 404
    assert b"secret" not in found.body
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "localhost", "", "localhost.:{port}"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_request_for_another_host_is_not_answered(port: int, host: str, method: str) -> None:
    """A name elsewhere that is made to point to this machine cannot read the report."""
    found = ask(port, "/", method, host.format(port=port))
    assert found.status == 421
    assert REPORT not in found.body


def test_localhost_is_this_machine(port: int) -> None:
    assert ask(port, "/", host=f"LocalHost:{port}").status == 200


def test_a_folder_without_a_report_and_a_taken_port_are_named(tmp_path: Path, batch: Path, port: int) -> None:
    with pytest.raises(InputError, match=r"holds no report\.html"):
        server(tmp_path / "none", 0)
    with pytest.raises(WorldError, match=f"port {port}"):
        server(batch, port)
