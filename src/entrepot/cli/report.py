"""`entrepot report`: show a batch's report in a browser."""

from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import click

from entrepot.goods.errors import InputError, WorldError

__all__ = ["report_command", "server"]

OWN_NAMES = ("127.0.0.1", "localhost")
SHOWN = {"/": "report.html", "/report.html": "report.html", "/summary.json": "summary.json"}


class _ReportOnly(SimpleHTTPRequestHandler):
    """Serves the report and the summary of one batch and nothing else of its folder."""

    def translate_path(self, path: str) -> str:
        """The file of a known address."""
        return str(Path(self.directory) / SHOWN[path.split("?")[0]])

    def send_head(self) -> BytesIO | BinaryIO | None:
        """Answer a known address, any other with 404; GET and HEAD both begin here.

        A request for another host is answered with 421: a page elsewhere whose name is made to point to this
        machine (DNS rebinding) must not read the report.
        """
        if not self._is_for_us():
            self.send_error(421)
            return None
        if self.path.split("?")[0] not in SHOWN:
            self.send_error(404)
            return None
        return super().send_head()

    def _is_for_us(self) -> bool:
        port = self.connection.getsockname()[1]
        name, _, given = self.headers.get("Host", "").strip().lower().partition(":")
        return name in OWN_NAMES and (given or "80") == str(port)

    def end_headers(self) -> None:
        """Close the headers; a browser must not take a file for another kind than we say."""
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the terminal quiet."""


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of one batch's report on this machine only; InputError without a report, WorldError for a taken port."""
    if not (folder / "report.html").is_file():
        raise InputError(f"{folder} holds no report.html: give the --out folder of a finished clear")
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(_ReportOnly, directory=str(folder)))
    except OSError as error:
        raise WorldError(f"port {port}: {error.strerror}; choose another with --port", retryable=True) from None


@click.command("report")
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port on this machine.")
def report_command(result: Path, port: int) -> int:
    """Show the report of the batch folder RESULT at a local address until stopped with Ctrl-C.

    Example: entrepot report day1 --port 8000
    """
    with suppress(KeyboardInterrupt), server(result, port) as running:
        click.echo(f"http://127.0.0.1:{running.server_address[1]}/  (Ctrl-C stops)")
        running.serve_forever()
    return 0
