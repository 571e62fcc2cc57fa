"""The files of a finished batch as they may leave the desk.

Two of them name persons: the messages and the refused orders as they came. Whoever may reveal persons takes these away
with a reason, which is kept. Refused orders with their personal columns covered are among the others.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.guess import is_known, is_personal
from entrepot.desk.batches.look import MAIL, NUMBER_OF_PERSON, covered
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.settle import with_reason
from entrepot.desk.people.acting import Acting
from entrepot.desk.sending import send_blocks, send_file
from entrepot.desk.told import Told
from entrepot.goods.mapping import normal
from entrepot.goods.problems import escape_formulas
from entrepot.goods.schema import PERSONAL as PERSONAL_FIELDS
from entrepot.run.home import open_home
from entrepot.run.mending import refused_rows, rows_to_mend
from entrepot.run.persons import messages_of, refused_of
from entrepot.run.refused import SEALED_ROWS

__all__ = ["FILES", "PERSONAL", "REVEAL", "file_response", "files_of", "personal_files_of", "personal_response"]

CSV_ROWS = 50_000
MESSAGES, REFUSED = "messages.zip", "refused.csv"
REVEAL = "persons.reveal"
SANDBOX = "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
"""The report brings its own style and script: it is shown without an origin, so that it can reach nothing of the desk."""
FILES = {
    "report.html": "text/html; charset=utf-8",
    "lines.csv": "text/csv; charset=utf-8",
    "lines.parquet": "application/vnd.apache.parquet",
    "problems.csv": "text/csv; charset=utf-8",
    "message_problems.csv": "text/csv; charset=utf-8",
    "declarations_1039.csv": "text/csv; charset=utf-8",
    REFUSED: "text/csv; charset=utf-8",
    "summary.json": "application/json",
}
"""Name of each file that is offered to its type; personal columns of refused orders are covered in it."""
PERSONAL = {MESSAGES: "application/zip", REFUSED: "text/csv; charset=utf-8"}
"""Files that name persons, taken away with a reason (`personal_response`)."""
MADE_OF = {"lines.csv": ("lines.parquet",), MESSAGES: ("messages/index.parquet",), REFUSED: (SEALED_ROWS, "refused.csv")}
NEEDS = {REFUSED: "batches.upload"}
"""What a file needs besides: columns nobody gave a meaning are shown to those who mend rows only."""
EXPORTED = {MESSAGES: "messages.exported", REFUSED: "refused.exported"}


def _is_made(batch: Batch, name: str) -> bool:
    return any((batch.folder / made).is_file() for made in MADE_OF.get(name, (name,)))


def files_of(acting: Acting, batch: Batch) -> list[str]:
    """The files of a finished batch that somebody may have without a reason."""
    return [name for name in FILES if _is_made(batch, name) and (name not in NEEDS or acting.may(NEEDS[name]))]


def personal_files_of(acting: Acting, batch: Batch) -> list[str]:
    """The files of a finished batch that name persons, for those who may reveal them."""
    return [name for name in PERSONAL if acting.may(REVEAL) and _is_made(batch, name)]


def file_response(request: HttpRequest, acting: Acting, batch: Batch, name: str) -> HttpResponseBase:
    """One file of a finished batch without personal data; Http404 for one it has not.

    Raises PermissionDenied where the file needs more than the permission to export.
    """
    if name in NEEDS and not acting.may(NEEDS[name]):
        raise PermissionDenied(NEEDS[name])
    if batch.state != Batch.State.DONE or name not in files_of(acting, batch):
        raise Http404(f"this batch has no file {name} that is given without a reason")
    saved = f"{Path(batch.name).stem}-{name}"
    if name == REFUSED:
        return send_blocks(request, _covered_rows(batch), saved, FILES[name])
    if name == "lines.csv":
        return send_blocks(request, _lines(batch.folder / "lines.parquet"), saved, FILES[name])
    response = send_file(request, batch.folder / name, saved, FILES[name], inline=name == "report.html")
    if name == "report.html":
        response["Content-Security-Policy"] = SANDBOX
    return response


def personal_response(request: HttpRequest, acting: Acting, batch: Batch, name: str, reason: str) -> HttpResponseBase:
    """A file that names persons, whole. That it was taken, by whom and why, is kept before anything is sent.

    Raises Told for a reason that is too short or too long and for a file the batch has not, PermissionDenied where
    persons may not be revealed.
    """
    if not acting.may(REVEAL):
        raise PermissionDenied(REVEAL)
    if batch.state != Batch.State.DONE or name not in personal_files_of(acting, batch):
        raise Told("batches.no-personal-file")
    why = with_reason(reason)
    with transaction.atomic():
        record(acting, EXPORTED[name], "batch", batch.id, reason=why)
    blocks = _zipped(batch) if name == MESSAGES else refused_of(batch.folder, open_home())
    return send_blocks(request, blocks, f"{Path(batch.name).stem}-{name}", PERSONAL[name])


def _covered_rows(batch: Batch) -> Iterator[bytes]:
    """Refused orders without personal data, as CSV that opens safely in a spreadsheet.

    A personal column is covered and named `_…`: reading passes over such columns, so that a covered value is never
    declared as a person's. The text of a row that could not be taken apart may name anybody and is left out.
    """
    first, home = True, open_home()
    for ids in rows_to_mend(batch.folder).get_column("row_id").to_frame().iter_slices(CSV_ROWS):
        rows = refused_rows(batch.folder, home, ids.get_column("row_id").to_list()).drop("row_id", "_raw", strict=False)
        shown = escape_formulas(_covered(rows, batch.mapping.get("columns", {})))
        yield shown.write_csv(include_header=first, include_bom=first).encode()
        first = False


def _covered(rows: pl.DataFrame, fields: Mapping[str, str]) -> pl.DataFrame:
    """Rows with what is personal covered: columns that give or are named like a personal field, and what looks like a
    number or an address of a person in a column that has no meaning here."""
    given = {normal(column): field for field, column in fields.items()}
    named = [one for one in rows.columns if given.get(normal(one)) in PERSONAL_FIELDS or is_personal(one)]
    known = [one for one in rows.columns if normal(one) in given or is_known(one)]
    hidden = [_hidden(one).alias(f"_{one}") for one in named]
    looked = [
        pl.when(_looks_personal(one)).then(_hidden(one)).otherwise(pl.col(one)).alias(one)
        for one in rows.columns if one not in named and one not in known
    ]  # fmt: skip
    return rows.with_columns(*hidden, *looked).drop(named)


def _hidden(column: str) -> pl.Expr:
    return pl.col(column).map_elements(covered, return_dtype=pl.String)


def _looks_personal(column: str) -> pl.Expr:
    text = pl.col(column).str.strip_chars()
    return (text.str.contains(NUMBER_OF_PERSON.pattern) | text.str.contains(MAIL.pattern)).fill_null(value=False)


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
