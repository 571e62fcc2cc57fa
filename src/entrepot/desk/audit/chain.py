"""Writing and verifying the audit chain.

A digest is HMAC-SHA256 under a key of the installation over the canonical JSON of the entry and the digest before it,
so that nobody who can only write to the database can alter, drop or reorder an entry unseen.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from entrepot.desk.audit.anchors import anchor, anchors
from entrepot.desk.audit.keyed import keyed_hash, moment
from entrepot.desk.audit.models import AuditEntry, AuditHead
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Organisation

__all__ = ["INSTALLATION", "Fault", "record", "verify"]

INSTALLATION = "installation"
FIRST = "0" * 64


def _digest(entry: AuditEntry) -> str:
    return keyed_hash([
        entry.chain, entry.number, moment(entry.at), entry.actor, entry.action, entry.object_kind, entry.object_id,
        entry.detail, entry.previous,
    ])  # fmt: skip


def _seal(chain: str, number: int, digest: str) -> str:
    return keyed_hash(["head", chain, number, digest])


def record(acting: Acting | None, action: str, kind: str = "", key: object = "", **detail: Any) -> AuditEntry:
    """Add an entry in the transaction of the change it tells of; `detail` is JSON without personal data.

    `acting` None is the installation itself. Raises RuntimeError outside a transaction: an entry without its change,
    or a change without its entry, must not be possible. The entry is anchored after the commit.
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
    head.anchored_at = entry.at
    head.save()
    transaction.on_commit(partial(anchor, chain, entry.number, entry.digest), robust=True)
    return entry


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a chain, at which number.

    `altered`, `missing`, `reordered`, `cut` (the end is not where the head says), `no-chain` (an organisation without
    entries), `anchor` (what an anchor names is not there), `anchor-altered` (a line of the anchor file is not as written).
    """

    chain: str
    number: int
    what: str


def verify(chain: str | None = None) -> tuple[int, list[Fault]]:
    """How many entries were read, and every fault of one chain (or of all, with organisations that have no chain).

    Entries may be added meanwhile. A chain without a fault is anchored where it ends, if its last writer died before it could.
    """
    held, faults = _anchored(chain)  # before the heads: an anchor is written after its entry, so none is ahead of its head
    heads = {head.chain: head for head in AuditHead.objects.filter(**({"chain": chain} if chain else {}))}
    read = 0
    for name in [chain] if chain else _all_chains(heads, held):
        head = heads.get(name)
        unanchored = head is not None and head.number and head.number not in held.get(name, {})
        count, found = _verify_one(name, head, held.get(name, {}))
        read, faults = read + count, faults + found
        if head and unanchored and not found:
            anchor(name, head.number, head.digest)
    return read, faults


Anchored = dict[str, dict[int, str]]


def _anchored(chain: str | None) -> tuple[Anchored, list[Fault]]:
    """What the anchors say: chain to number to digest; and faults: a line that is not as written, two that name one number."""
    held: Anchored = {}
    faults = []
    for one in anchors(chain):
        if not one.intact:
            faults.append(Fault(one.chain or chain or INSTALLATION, one.number, "anchor-altered"))
        elif held.setdefault(one.chain, {}).setdefault(one.number, one.digest) != one.digest:
            faults.append(Fault(one.chain, one.number, "anchor"))
    return held, faults


def _all_chains(heads: dict[str, AuditHead], held: Anchored) -> list[str]:
    entered = set(AuditEntry.objects.order_by().values_list("chain", flat=True).distinct())
    organisations = {str(one) for one in Organisation.objects.values_list("id", flat=True)}
    return sorted(heads.keys() | held.keys() | entered | organisations)


def _verify_one(chain: str, head: AuditHead | None, held: dict[int, str]) -> tuple[int, list[Fault]]:
    """Read a chain up to where its head stood at the beginning; what comes later is another verification's."""
    entries = AuditEntry.objects.filter(chain=chain).order_by("number")
    if head:
        entries = entries.filter(number__lte=head.number)
    number, digest, read, faults = 0, FIRST, 0, list[Fault]()
    for entry in entries.iterator(chunk_size=2000):
        read += 1
        faults += _faults(entry, number, digest)
        if held.pop(entry.number, entry.digest) != entry.digest:
            faults.append(Fault(chain, entry.number, "anchor"))
        number, digest = entry.number, entry.digest
    faults += [Fault(chain, one, "anchor") for one in sorted(held)]
    return read, faults + list(_end_faults(chain, head, number, digest if number else ""))


def _faults(entry: AuditEntry, number: int, digest: str) -> Iterator[Fault]:
    if entry.number != number + 1:
        yield Fault(entry.chain, number + 1, "missing")
    elif entry.previous != digest:
        yield Fault(entry.chain, entry.number, "reordered")
    if entry.digest != _digest(entry):
        yield Fault(entry.chain, entry.number, "altered")


def _end_faults(chain: str, head: AuditHead | None, number: int, digest: str) -> Iterator[Fault]:
    if head is None:
        yield Fault(chain, number, "cut" if number else "no-chain")
        return
    if (head.number, head.digest) != (number, digest):
        yield Fault(chain, head.number, "cut")
    elif head.number and head.seal != _seal(chain, head.number, head.digest):
        yield Fault(chain, head.number, "altered")
    last = AuditEntry.objects.filter(chain=OuterRef("chain")).order_by("-number").values("number")[:1]
    now = AuditHead.objects.filter(chain=chain).annotate(last=Subquery(last)).values_list("number", "last").first()
    if now and now[1] is not None and now[1] > now[0]:  # one statement, so that a writer between two reads is no fault
        yield Fault(chain, now[1], "cut")
