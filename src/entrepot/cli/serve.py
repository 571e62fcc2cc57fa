"""`entrepot serve`: show a batch's report in a browser."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from entrepot.goods.errors import InputError, WorldError

__all__ = ["serve_command", "server"]

SHOWN = {"/": "report.html", "/report.html": "report.html", "/summary.json": "summary.json"}


class _ReportOnly(SimpleHTTPRequestHandler):
    """Serves the report and the summary of one batch and nothing else of its folder."""

    def translate_path(self, path: str) -> str:
        """The file of a known address; any other is answered with 404."""
        name = SHOWN.get(path.split("?")[0])
        return str(Path(self.directory) / (name or "\0none"))

    def do_GET(self) -> None:
        """Answer a known address."""
        if self.path.split("?")[0] not in SHOWN:
            self.send_error(404)
            return
        super().do_GET()

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


@click.command("serve")
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port on this machine.")
def serve_command(result: Path, port: int) -> int:
    """Show the report of the batch folder RESULT at a local address until stopped with Ctrl-C.

    Example: entrepot serve day1 --port 8000
    """
    with server(result, port) as running:
        click.echo(f"http://127.0.0.1:{running.server_address[1]}/  (Ctrl-C stops)")
        running.serve_forever()
    return 0
