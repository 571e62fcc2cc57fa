"""Writing and verifying the audit chain.

A digest is HMAC-SHA256 under a key of the installation over the canonical JSON of the entry and the digest before it,
so that nobody who can only write to the database can alter, drop or reorder an entry unseen.
"""

import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import connection
from django.utils import timezone

from entrepot.desk.audit.models import AuditEntry, AuditHead
from entrepot.desk.people.acting import Acting
from entrepot.run.home import open_home

__all__ = ["INSTALLATION", "Fault", "record", "verify"]

INSTALLATION = "installation"
FIRST = "0" * 64


@cache
def _key() -> bytes:
    return open_home().key("audit")


def _hash(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hmac.new(_key(), text.encode(), "sha256").hexdigest()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _digest(entry: AuditEntry) -> str:
    return _hash([
        entry.chain, entry.number, _moment(entry.at), entry.actor, entry.action, entry.object_kind, entry.object_id,
        entry.detail, entry.previous,
    ])  # fmt: skip


def _seal(chain: str, number: int, digest: str) -> str:
    return _hash(["head", chain, number, digest])


def record(acting: Acting | None, action: str, kind: str = "", key: object = "", **detail: Any) -> AuditEntry:
    """Add an entry in the transaction of the change it tells of; `detail` is JSON without personal data.

    `acting` None is the installation itself. Raises RuntimeError outside a transaction: an entry without its change,
    or a change without its entry, must not be possible.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"audit.record({action!r}) outside a transaction: wrap the change and its entry in transaction.atomic()")
    chain = str(acting.organisation.id) if acting else INSTALLATION
    AuditHead.objects.get_or_create(chain=chain)
    head = AuditHead.objects.select_for_update().get(chain=chain)
    entry = AuditEntry(
        chain=chain, number=head.number + 1, at=timezone.now(), actor=acting.actor if acting else "system", action=action,
        object_kind=kind, object_id=str(key), detail=json.loads(json.dumps(detail, default=str)), previous=head.digest or FIRST,
    )  # fmt: skip
    entry.digest = _digest(entry)
    entry.save(force_insert=True)
    head.number, head.digest, head.seal = entry.number, entry.digest, _seal(chain, entry.number, entry.digest)
    head.save()
    return entry


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a chain, at which number: altered, missing, reordered or cut."""

    chain: str
    number: int
    what: str


def verify(chain: str | None = None) -> tuple[int, list[Fault]]:
    """How many entries were read, and every fault of one chain (or of all)."""
    entries = AuditEntry.objects.filter(chain=chain) if chain else AuditEntry.objects.all()
    heads = {head.chain: head for head in AuditHead.objects.filter(**({"chain": chain} if chain else {}))}
    read, faults = 0, list[Fault]()
    last: dict[str, tuple[int, str]] = {}
    for entry in entries.order_by("chain", "number").iterator(chunk_size=2000):
        read += 1
        faults += _faults(entry, *last.get(entry.chain, (0, FIRST)))
        last[entry.chain] = (entry.number, entry.digest)
    for name in sorted(heads.keys() | last.keys()):
        faults += _end_faults(name, heads.get(name), *last.get(name, (0, "")))
    return read, faults


def _faults(entry: AuditEntry, number: int, digest: str) -> Iterator[Fault]:
    if entry.number != number + 1:
        yield Fault(entry.chain, number + 1, "missing")
    elif entry.previous != digest:
        yield Fault(entry.chain, entry.number, "reordered")
    if entry.digest != _digest(entry):
        yield Fault(entry.chain, entry.number, "altered")


def _end_faults(chain: str, head: AuditHead | None, number: int, digest: str) -> Iterator[Fault]:
    if head is None or (head.number, head.digest) != (number, digest):
        yield Fault(chain, (head.number if head else number), "cut")
    elif head.number and head.seal != _seal(chain, head.number, head.digest):
        yield Fault(chain, head.number, "altered")
