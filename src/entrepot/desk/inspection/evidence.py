"""Evidence files: taken in by what they are, not by what they are called, and kept as they came with their hash."""

import hashlib
import os
from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from entrepot.desk.audit.chain import record
from entrepot.desk.inspection.cases import held
from entrepot.desk.inspection.models import Case, Evidence
from entrepot.desk.people.acting import Acting
from entrepot.desk.told import Told

__all__ = ["KINDS", "MOST_PER_CASE", "keep_evidence", "media_type_of"]

HEAD = 64
MOST_PER_CASE = 100
IMAGE_MOST, PAPER_MOST, VIDEO_MOST = 20 << 20, 50 << 20, 200 << 20


def _starts(*magic: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magic)


KINDS: dict[str, tuple[Callable[[bytes], bool], int]] = {
    "image/jpeg": (_starts(b"\xff\xd8\xff"), IMAGE_MOST),
    "image/png": (_starts(b"\x89PNG\r\n\x1a\n"), IMAGE_MOST),
    "image/webp": (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", IMAGE_MOST),
    "video/mp4": (lambda head: head[4:8] == b"ftyp" and head[8:12] not in (b"heic", b"heix", b"mif1", b"avif"), VIDEO_MOST),
    "video/webm": (lambda head: head.startswith(b"\x1a\x45\xdf\xa3") and b"webm" in head, VIDEO_MOST),
    "application/pdf": (_starts(b"%PDF-"), PAPER_MOST),
}  # fmt: skip
"""Media types that are kept: how their first bytes look, and the most bytes."""


def media_type_of(head: bytes) -> str | None:
    """The media type the first bytes of a file say, of those that are kept."""
    return next((kind for kind, (fits, _) in KINDS.items() if fits(head)), None)


def keep_evidence(acting: Acting, case: Case, file: "UploadedFile[Any]", note: str) -> Evidence:
    """Keep a file with a case. Raises Told for a type or size that is not kept, and unless one holds the case."""
    head = file.read(HEAD)
    file.seek(0)
    media_type = media_type_of(head)
    if media_type is None:
        raise Told("inspection.evidence-type")
    most = KINDS[media_type][1]
    if (file.size or 0) > most:
        raise Told("inspection.evidence-size", most=most >> 20, type=media_type)
    evidence = Evidence(
        organisation=acting.organisation, case=case, name=_name(file), media_type=media_type, note=note.replace("\0", "")[:500],
        actor=acting.actor,
    )  # fmt: skip
    evidence.bytes, evidence.sha256 = _store(file, evidence, most)
    try:
        with transaction.atomic():
            held(acting, case)
            if Evidence.objects.of(acting).filter(case=case).count() >= MOST_PER_CASE:
                raise Told("inspection.evidence-many", most=MOST_PER_CASE)
            evidence.save(force_insert=True)
            about: dict[str, Any] = {"sha256": evidence.sha256, "bytes": evidence.bytes, "media_type": media_type}
            record(acting, "inspection.evidence-kept", "case", case.id, evidence=str(evidence.id), **about)
    except BaseException:
        evidence.path.unlink(missing_ok=True)
        raise
    return evidence


def _name(file: "UploadedFile[Any]") -> str:
    """The last part of the name it came under, without what cannot be printed."""
    name = (file.name or "").replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in name if letter.isprintable())[-200:] or "evidence"


def _store(file: "UploadedFile[Any]", evidence: Evidence, most: int) -> tuple[int, str]:
    """Write the file beside its place, put it there; its size in bytes and hash. On the disk when this returns."""
    path = evidence.path
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside, digest, size = path.with_suffix(".part"), hashlib.sha256(), 0
    try:
        beside.touch(mode=0o600)
        with beside.open("wb") as target:
            for block in file.chunks():
                size += len(block)
                if size > most:
                    raise Told("inspection.evidence-size", most=most >> 20, type=evidence.media_type)
                digest.update(block)
                target.write(block)
            target.flush()
            os.fsync(target.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return size, digest.hexdigest()
