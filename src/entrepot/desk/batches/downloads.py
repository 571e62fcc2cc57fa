"""The files of a finished batch as they may leave the desk."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.models import Batch
from entrepot.desk.people.acting import Acting
from entrepot.desk.sending import send_blocks, send_file
from entrepot.goods.problems import escape_formulas
from entrepot.run.home import open_home
from entrepot.run.persons import messages_of

__all__ = ["FILES", "file_response", "files_of"]

CSV_ROWS = 50_000
MESSAGES = "messages.zip"
SANDBOX = "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
"""The report brings its own style and script: it is shown without an origin, so that it can reach nothing of the desk."""
FILES = {
    "report.html": "text/html; charset=utf-8",
    "lines.csv": "text/csv; charset=utf-8",
    "lines.parquet": "application/vnd.apache.parquet",
    "problems.csv": "text/csv; charset=utf-8",
    "message_problems.csv": "text/csv; charset=utf-8",
    "declarations_1039.csv": "text/csv; charset=utf-8",
    MESSAGES: "application/zip",
    "summary.json": "application/json",
}
"""Name of each file that is offered to its type. Refused rows are not among them: they hold personal data."""
PERSONAL = {MESSAGES: "persons.reveal"}
"""What a file needs besides, that names persons."""


def files_of(acting: Acting, batch: Batch) -> list[str]:
    """The files of a finished batch that somebody may have."""
    made = {"lines.csv": "lines.parquet", MESSAGES: "messages/index.parquet"}
    here = [name for name in FILES if (batch.folder / made.get(name, name)).is_file()]
    return [name for name in here if name not in PERSONAL or acting.may(PERSONAL[name])]


def file_response(request: HttpRequest, acting: Acting, batch: Batch, name: str) -> HttpResponseBase:
    """One file of a finished batch; Http404 for one it has not. Messages name persons: taking them is recorded.

    Raises PermissionDenied for messages where persons may not be revealed.
    """
    if name in PERSONAL and not acting.may(PERSONAL[name]):
        raise PermissionDenied(PERSONAL[name])
    if batch.state != Batch.State.DONE or name not in files_of(acting, batch):
        raise Http404(f"this batch has no file {name}")
    saved = f"{Path(batch.name).stem}-{name}"
    if name == MESSAGES:
        with transaction.atomic():
            record(acting, "messages.exported", "batch", batch.id)
        return send_blocks(request, _zipped(batch), saved, FILES[name])
    if name == "lines.csv":
        return send_blocks(request, _lines(batch.folder / "lines.parquet"), saved, FILES[name])
    response = send_file(request, batch.folder / name, saved, FILES[name], inline=name == "report.html")
    if name == "report.html":
        response["Content-Security-Policy"] = SANDBOX
    return response


def _lines(path: Path) -> Iterator[bytes]:
    """The decided lines as CSV that opens safely in a spreadsheet; lists joined with `|`."""
    first = True
    with pq.ParquetFile(path) as source:
        for piece in source.iter_batches(CSV_ROWS):
            frame = pl.DataFrame(piece)
            lists = [name for name, dtype in frame.schema.items() if dtype == pl.List]
            shown = escape_formulas(frame.with_columns(pl.col(lists).list.join("|")) if lists else frame)
            yield shown.write_csv(include_header=first, include_bom=first).encode()
            first = False


class _Written(io.RawIOBase):
    """Where a ZIP is written to be taken away at once."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        """Keep bytes until they are taken."""
        self.waiting += data
        return len(data)

    def taken(self) -> bytes:
        """What waits, once."""
        data, self.waiting = bytes(self.waiting), bytearray()
        return data


def _zipped(batch: Batch) -> Iterator[bytes]:
    """A ZIP of all messages, one file each, a folder per kind, sent while it is made."""
    target = _Written()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for kind in sorted(batch.summary.get("messages", {})):
            for number, message in enumerate(messages_of(batch.folder, open_home(), kind), start=1):
                archive.writestr(f"{kind}/{kind}-{number:06d}.xml", message)
                if len(target.waiting) > 1 << 18:
                    yield target.taken()
    yield target.taken()
