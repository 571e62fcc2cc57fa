"""Files on their way in: begun, sent piece by piece, finished, looked at, removed.

A piece says where it begins. A file only ever grows at its end, so a sender that lost its connection asks how much is
here and goes on from there, and a piece sent twice changes nothing. Files lie where only the owner may read them.
"""

import hashlib
import os
import shutil
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.choices import first_choices
from entrepot.desk.batches.content import check_content
from entrepot.desk.batches.look import seen_of
from entrepot.desk.batches.models import Batch, Upload
from entrepot.desk.people.acting import Acting
from entrepot.desk.told import Told

__all__ = [
    "FILE_MOST", "PIECE_MOST", "TooLarge", "WrongOffset", "begin", "discard", "enter", "finish", "look", "plain_name",
    "put_piece", "remove_files", "sweep", "take_file",
]  # fmt: skip

FILE_MOST = 2 << 30
"""Largest file taken, in bytes (2 GiB)."""
PIECE_MOST = 8 << 20
"""Largest piece of it."""
WAITING_MOST = 20 << 30
"""So much may lie here for one organisation at a time."""
NAME_BYTES = 180
ABANDONED = timedelta(days=1)
BLOCK = 1 << 20


class TooLarge(Told):
    """More bytes than are taken."""


class WrongOffset(Told):
    """A piece that does not begin where the file ends; `expected` is where it should."""

    def __init__(self, given: int, expected: int) -> None:
        super().__init__("batches.wrong-offset", given=given, expected=expected)
        self.expected = expected


def plain_name(given: str) -> str:
    """The last part of a file's name, fit for any file system: no folders, no control or formatting characters."""
    last = unicodedata.normalize("NFC", given).replace("\\", "/").rpartition("/")[2]
    kept = "".join(char for char in last if unicodedata.category(char)[0] != "C").strip(" .")
    stem, dot, ending = kept.rpartition(".")
    if not dot or len(ending) > 12:
        stem, ending = kept, ""
    room = NAME_BYTES - len(ending.encode()) - 1
    stem = stem.encode()[:room].decode(errors="ignore")
    return (f"{stem}.{ending}" if ending else stem) or "orders"


def begin(acting: Acting, name: str, bytes_total: int) -> Upload:
    """A new upload of so many bytes; nothing of it is here yet.

    Raises TooLarge for more than `FILE_MOST`, Told for an empty file or when too much lies here already.
    """
    if bytes_total > FILE_MOST:
        raise TooLarge("batches.file-too-large", most=FILE_MOST >> 30)
    if bytes_total <= 0:
        raise Told("batches.file-empty")
    waiting = Upload.objects.of(acting).filter(removed_at=None).aggregate(bytes=Sum("bytes_total"))["bytes"] or 0
    if waiting + bytes_total > WAITING_MOST:
        raise Told("batches.too-much-waiting", most=WAITING_MOST >> 30)
    with transaction.atomic():
        upload: Upload = Upload.objects.create(
            organisation=acting.organisation, name=plain_name(name), bytes_total=bytes_total, uploaded_by=acting.user
        )
        record(acting, "upload.begun", "upload", upload.id, bytes=bytes_total)
    upload.path.parent.mkdir(parents=True, mode=0o700)
    upload.path.touch(mode=0o600)
    return upload


def put_piece(acting: Acting, upload_id: UUID, offset: int, data: bytes) -> Upload:
    """Add a piece at the end of an upload; a piece that is here already, byte for byte, changes nothing.

    Raises TooLarge for a piece or a file beyond what was said, WrongOffset for a piece that begins elsewhere, Told for
    an upload that is finished, Http404 for one that is not there.
    """
    if len(data) > PIECE_MOST:
        raise TooLarge("batches.piece-too-large", most=PIECE_MOST >> 20)
    with transaction.atomic():
        upload = Upload.objects.select_for_update().one(acting, id=upload_id)
        _check_open(upload)
        if offset < 0 or offset + len(data) > upload.bytes_total:
            raise TooLarge("batches.beyond-total", total=upload.bytes_total)
        if offset != upload.bytes_received:
            if _is_here(upload, offset, data):
                return upload
            raise WrongOffset(offset, upload.bytes_received)
        _write(upload.path, offset, data)
        upload.bytes_received = offset + len(data)
        upload.save(update_fields=["bytes_received"])
    return upload


def _check_open(upload: Upload) -> None:
    if upload.removed_at or upload.whole:
        raise Told("batches.upload-closed")


def _is_here(upload: Upload, offset: int, data: bytes) -> bool:
    if offset + len(data) > upload.bytes_received:
        return False
    with upload.path.open("rb") as source:
        source.seek(offset)
        return source.read(len(data)) == data


def _write(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as target:
        target.seek(offset)
        target.write(data)
        target.flush()
        os.fsync(target.fileno())


def finish(acting: Acting, upload_id: UUID, sha256: str = "") -> Upload:
    """Hash the whole file, tell its kind, look at its columns and guess their mapping; may be called again.

    `sha256`, when given, must be the file's own. Raises Told when bytes are missing or the hash differs, InputError or
    CallError for a file that cannot be orders.
    """
    return enter(acting, look(acting, upload_id, sha256))


def look(acting: Acting, upload_id: UUID, sha256: str = "") -> Upload:
    """The long part of `finish`, which keeps nothing: the upload with hash, kind and columns found. Raises as `finish`."""
    upload: Upload = Upload.objects.one(acting, id=upload_id)
    if upload.whole:
        return upload
    _check_open(upload)
    if upload.bytes_received != upload.bytes_total:
        raise Told("batches.not-whole", received=upload.bytes_received, total=upload.bytes_total)
    found = _hash(upload.path)
    if sha256 and sha256.lower() != found:
        raise Told("batches.wrong-hash", found=found)
    upload.kind = check_content(upload.path)
    seen = seen_of(upload.folder, upload.path, upload.kind)
    upload.sha256, upload.sheets, upload.columns = found, list(seen.sheets), [column.name for column in seen.columns]
    return upload


def enter(acting: Acting, looked: Upload) -> Upload:
    """The short part of `finish`: keep what `look` found, unless it is kept already or the upload was closed since."""
    with transaction.atomic():
        upload: Upload = Upload.objects.select_for_update().one(acting, id=looked.id)
        if upload.whole:
            return upload
        _check_open(upload)
        upload.kind, upload.sha256, upload.sheets, upload.columns = looked.kind, looked.sha256, looked.sheets, looked.columns
        upload.choices = first_choices(acting, upload).stored()
        upload.save()
        record(acting, "upload.finished", "upload", upload.id, bytes=upload.bytes_total, sha256=upload.sha256)
    return upload


def _hash(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def take_file(acting: Acting, name: str, blocks: Iterable[bytes], size: int) -> Upload:
    """A finished upload of a file that is here already: a small one sent with a form, a sample, rows fed back.

    `size` is what `blocks` must add up to. Raises as `begin` and `finish` do; nothing stays of a file that is refused.
    """
    upload = begin(acting, name, size)
    try:
        with upload.path.open("wb") as target:
            target.writelines(blocks)
        upload.bytes_received = min(size, upload.path.stat().st_size)
        upload.save(update_fields=["bytes_received"])
        return finish(acting, upload.id)
    except BaseException:
        remove_files(upload)
        raise


def discard(acting: Acting | None, upload: Upload, reason: str = "asked") -> None:
    """Remove an upload's files before anything was cleared; Told when a batch needs them."""
    if Batch.objects.of(upload.organisation).filter(upload=upload, state__in=("waiting", "clearing")).exists():
        raise Told("batches.upload-in-use")
    with transaction.atomic():
        remove_files(upload)
        record(acting, "upload.discarded", "upload", upload.id, reason=reason)


def remove_files(upload: Upload) -> None:
    """Remove an upload's files; the row stays."""
    shutil.rmtree(upload.folder, ignore_errors=True)
    Upload.objects.of(upload.organisation).filter(id=upload.id).update(removed_at=timezone.now())
    upload.removed_at = timezone.now()


def sweep() -> int:
    """Remove uploads nobody cleared within a day, and files no upload tells of; returns how many. The worker calls it."""
    day_ago = timezone.now() - ABANDONED
    busy = Batch.objects.filter(state__in=("waiting", "clearing"), upload__isnull=False).values("upload_id")
    abandoned = list(Upload.objects.filter(removed_at=None, created_at__lt=day_ago).exclude(id__in=busy))
    for upload in abandoned:
        discard(None, upload, reason="abandoned")
    strays = [place for place in (settings.DESK_FOLDER / "uploads").glob("*/*") if place.stat().st_mtime < day_ago.timestamp()]
    known = {str(one) for one in Upload.objects.filter(id__in=[place.name for place in strays]).values_list("id", flat=True)}
    lost = [place for place in strays if place.name not in known]
    for place in lost:
        shutil.rmtree(place, ignore_errors=True)
    return len(abandoned) + len(lost)
