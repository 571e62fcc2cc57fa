"""Quotes that stay as they are: the request and the law it was answered with, kept under the law's hash.

A law is kept once, as its canonical bytes, in `<hash>.json`; what is read back is checked against its name.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from entrepot.goods.errors import CallError, WorldError
from entrepot.law import Law
from entrepot.run.quote.request import QuoteRequest

__all__ = ["freeze", "keep_law", "law_of_hash", "thaw"]

HASH = re.compile(r"[0-9a-f]{64}")
KEPT_OPEN = 16
"""Laws held in memory; the rest are read again when they are asked for."""


def freeze(request: QuoteRequest, law: Law) -> dict[str, Any]:
    """What a shared link must say so that it is answered alike for ever: `law` (hash) and `request` (fields as text)."""
    return {"law": law.hash, "request": dict(request.given)}


def thaw(frozen: Mapping[str, Any], folder: Path) -> tuple[QuoteRequest, Law]:
    """The request and law of what `freeze` gave, with the law kept in `folder`.

    Raises CallError when it is nothing `freeze` gives or its law is not kept, WorldError when the law cannot be read.
    """
    given = frozen.get("request")
    request = QuoteRequest.from_mapping(given) if isinstance(given, Mapping) else ()
    if not isinstance(request, QuoteRequest):
        raise CallError("this is no frozen quote: give what freeze gave, {law: <hash>, request: {...}}")
    return request, law_of_hash(str(frozen.get("law")), folder)


def keep_law(law: Law, folder: Path) -> str:
    """Keep a law in a folder (made for its owner alone) and return its hash; a law that is there already is left alone.

    Raises WorldError when the folder cannot be written.
    """
    path = _path(law.hash, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
            beside.touch(mode=0o600)
            beside.write_bytes(law.snapshot())
            os.replace(beside, path)
    except OSError as error:
        raise WorldError(f"{folder}: the law cannot be kept: {error.strerror}", retryable=True) from None
    return law.hash


def law_of_hash(law_hash: str, folder: Path) -> Law:
    """The law kept under a hash.

    Raises CallError when none is kept under it, WorldError when what is kept is damaged or cannot be read.
    """
    return _law_at(_path(law_hash, folder))


@lru_cache(maxsize=KEPT_OPEN)
def _law_at(path: Path) -> Law:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise CallError(f"no law is kept under {path.stem}: keep_law keeps the law of a quote when it is made") from None
    except OSError as error:
        raise WorldError(f"{path}: cannot be read: {error.strerror}", retryable=True) from None
    if hashlib.sha256(data).hexdigest() != path.stem:
        raise WorldError(f"{path} is not the law it is named after: it was damaged or changed", retryable=False)
    return Law.from_snapshot(data)


def _path(law_hash: str, folder: Path) -> Path:
    if not HASH.fullmatch(law_hash):
        raise CallError(f"{law_hash[:80]!r} is no hash of a law: give its 64 hexadecimal digits")
    return folder / f"{law_hash}.json"
