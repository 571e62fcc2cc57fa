"""Anchors: every entry of a chain is written down, once it is committed, in a file beside the database.

Who can write to the database alone can drop a chain together with its head, or put an earlier end back with its true seal;
the anchors still name what was there. An entry without an anchor would be one that can be dropped unseen, so there is one
for each: an append of a few hundred bytes. Each line is sealed under the installation's key. A copy of the file kept
elsewhere holds against somebody who can write to the disk as well.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from entrepot.desk.audit.keyed import keyed_hash, moment

__all__ = ["Anchor", "anchor", "anchors"]


@dataclass(frozen=True, slots=True)
class Anchor:
    """One line: an entry that was there. `intact` is false for a line that is not as it was written."""

    chain: str
    number: int
    digest: str
    at: str
    intact: bool


def anchor(chain: str, number: int, digest: str) -> None:
    """Write an entry of a chain down. Raises OSError when the disk refuses."""
    at = moment(timezone.now())
    line = {"chain": chain, "number": number, "digest": digest, "at": at, "seal": keyed_hash(["anchor", chain, number, digest, at])}
    place: Path = settings.AUDIT_ANCHORS
    descriptor = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{json.dumps(line)}\n".encode())  # one write: lines of two processes never mix
    finally:
        os.close(descriptor)


def anchors(chain: str | None = None) -> Iterator[Anchor]:
    """The anchors of one chain or of all, in the order they were written; none when there is no file yet."""
    place: Path = settings.AUDIT_ANCHORS
    if not place.exists():
        return
    own = f'{{"chain": "{chain}"'  # a line of another chain is passed over before its seal is worked out
    with place.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if chain is None or line.startswith(own) or not line.startswith('{"chain": "'):
                yield _read(line)


def _read(line: str) -> Anchor:
    try:
        told = json.loads(line)
        chain, number, digest, at = str(told["chain"]), int(told["number"]), str(told["digest"]), str(told["at"])
        return Anchor(chain, number, digest, at, told["seal"] == keyed_hash(["anchor", chain, number, digest, at]))
    except (ValueError, KeyError, TypeError):
        return Anchor("", 0, "", "", False)
