"""Pictures and certificates: taken in by what they are, not by what they are called, and kept with their hash."""

import hashlib
import os
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from entrepot.desk.audit.chain import record
from entrepot.desk.people.acting import Acting
from entrepot.desk.products.models import Certificate, Image, Product
from entrepot.desk.told import Told

__all__ = ["MOST_FILES", "add_certificate", "add_image", "media_type_of", "remove_file"]

IMAGE_MOST, PAPER_MOST = 10 << 20, 20 << 20
MOST_FILES = 50
"""Of each kind, per product."""
HEAD = 16


def media_type_of(head: bytes) -> str:
    """What the first bytes of a file say, of what is kept; empty for anything else."""
    starts = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"%PDF-": "application/pdf"}
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in starts.items() if head.startswith(start)), "")


def add_image(acting: Acting, product: Product, file: "UploadedFile[Any]") -> Image:
    """Keep a picture (JPEG, PNG, WebP up to 10 MB). Told for anything else."""
    image = Image(product=product)
    _keep(acting, product, file, image, IMAGE_MOST, images_only=True)
    return image


def add_certificate(acting: Acting, product: Product, file: "UploadedFile[Any]", **about: Any) -> Certificate:
    """Keep a certificate (PDF or picture up to 20 MB) with `kind`, `number`, `issuer`, `valid_from`, `valid_until`."""
    certificate = Certificate(product=product, **about)
    _keep(acting, product, file, certificate, PAPER_MOST, images_only=False)
    return certificate


def _keep(
    acting: Acting, product: Product, file: "UploadedFile[Any]", row: Any, most: int, *, images_only: bool
) -> None:
    head = file.read(HEAD)
    file.seek(0)
    kind = media_type_of(head)
    if not kind or (images_only and not kind.startswith("image/")):
        raise Told("products.image-type" if images_only else "products.certificate-type")
    if (file.size or 0) > most:
        raise Told("products.file-size", most=most >> 20)
    row.organisation, row.media_type, row.name, row.added_by = acting.organisation, kind, _name(file), acting.actor
    row.bytes, row.sha256 = _store(file, row)
    try:
        with transaction.atomic():
            if type(row).objects.of(acting).filter(product=product).count() >= MOST_FILES:
                raise Told("products.files-many", most=MOST_FILES)
            row.save(force_insert=True)
            action = "product.image-added" if images_only else "product.certificate-added"
            record(acting, action, "product", product.id, file=row.id, sha256=row.sha256, bytes=row.bytes)
    except BaseException:
        row.path.unlink(missing_ok=True)
        raise


def _name(file: "UploadedFile[Any]") -> str:
    name = (file.name or "").replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in name if letter.isprintable())[-200:] or "file"


def _store(file: "UploadedFile[Any]", row: Any) -> tuple[int, str]:
    """Write the file beside its place and put it there; its size in bytes and hash."""
    path = row.path
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside, digest, size = path.with_suffix(".part"), hashlib.sha256(), 0
    try:
        beside.touch(mode=0o600)
        with beside.open("wb") as target:
            for block in file.chunks():
                size += len(block)
                digest.update(block)
                target.write(block)
            target.flush()
            os.fsync(target.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return size, digest.hexdigest()


def remove_file(acting: Acting, row: Image | Certificate) -> None:
    """Take a picture or certificate away; the log keeps its hash."""
    with transaction.atomic():
        record(
            acting,
            "product.file-removed",
            "product",
            row.product_id,
            file=row.id,
            sha256=row.sha256,
            name=type(row).__name__.lower(),
        )
        path = row.path
        row.delete()
        transaction.on_commit(lambda: path.unlink(missing_ok=True))
