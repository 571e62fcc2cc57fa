"""The main entry: decided lines to message files with an index, in slices so that memory stays bounded."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import polars as pl

from entrepot.goods.errors import CallError
from entrepot.messages.ceb.archive import INDEX, Archive
from entrepot.messages.ceb.build import build, defaults_used, one_person, sorted_lines, waybills
from entrepot.messages.ceb.check import PROBLEMS, check, first_rules, reused_waybills
from entrepot.messages.ceb.documents import Documents, with_guids
from entrepot.messages.ceb.elements import message_kind
from entrepot.messages.ceb.holes import SEALED, Seal
from entrepot.messages.ceb.sender import Sender
from entrepot.messages.ceb.sign import NoSigner, Signer

__all__ = ["Written", "message_problems", "write_lists"]

ORDERS_AT_ONCE = 40_000
NO_TIME = "00000000000000"


@dataclass(frozen=True, slots=True)
class Written:
    """What `write_lists` wrote.

    `index`: one row per document (`archive.INDEX`). `problems`: every broken rule of orders not written
    (`check.PROBLEMS`). `counts`: `documents-603`, `messages-603`, `bytes-603` (XML before compression) for each
    kind, `orders-refused`, and `default-…`, how often a default stood in for an unknown. `sealed`: the personal values
    that were cut out of the messages (`holes.SEALED`), none without `seal`.
    """

    index: pl.DataFrame
    problems: pl.DataFrame
    counts: Mapping[str, int]
    sealed: pl.DataFrame


def write_lists(
    lines: pl.DataFrame, persons: pl.DataFrame | None, sender: Sender, kinds: Sequence[str], signer: Signer | None,
    folder: Path, part: str, app_time: str, *, checked: bool = False, seal: Seal | None = None,
) -> Written:  # fmt: skip
    """Write the documents of `kinds` for all orders in `lines` to `folder/<kind>-<part>.xml.zst`.

    An order with a problem in any kind is written in none; `checked` says that `message_problems` found none for
    these lines, sender and kinds, and saves checking again. The same lines, sender, key and `app_time`
    (YYYYMMDDhhmmss, China) give the same bytes. `seal` takes personal values out of the files and seals them; `persons`
    must then have `person_no`. Raises CallError for an unknown kind, a malformed time or a 621
    without signer, WorldError when the folder cannot be written.
    """
    used = signer or NoSigner()
    _check_call(kinds, used, app_time)
    problems, counts = [PROBLEMS.to_frame()], dict.fromkeys((f"documents-{kind}" for kind in kinds), 0)
    with ExitStack() as stack:
        archives = {kind: stack.enter_context(Archive(folder, kind, part, seal)) for kind in kinds}
        ordered, known = sorted_lines(lines), _Persons(persons, kinds)
        again = PROBLEMS.to_frame() if checked else _reused(ordered, sender, kinds)
        for orders in _slices(ordered):
            built = {kind: build(kind, orders, known.of(orders), sender, app_time) for kind in kinds}
            found = [] if checked else [check(documents, sender) for documents in built.values()]
            problems += found
            for kind, documents in built.items():
                kept = _without(documents, [again, *found])
                counts[f"documents-{kind}"] += kept.heads.height
                _add(counts, defaults_used(kind, orders, sender))
                if kept.heads.height:
                    archives[kind].add(with_guids(kept), sender, used)
    for kind, archive in archives.items():
        counts |= {f"messages-{kind}": archive.message_count, f"bytes-{kind}": archive.text_bytes}
    index = pl.concat([INDEX.to_frame(), *(archive.index for archive in archives.values())])
    named = pl.concat([*problems, again]).unique(maintain_order=True)
    sealed = pl.concat([SEALED.to_frame(), *(archive.sealed for archive in archives.values())])
    return Written(index, named, counts | {"orders-refused": named.get_column("order_id").n_unique()}, sealed)


def message_problems(
    lines: pl.DataFrame, persons: pl.DataFrame | None, sender: Sender, kinds: Sequence[str]
) -> pl.DataFrame:
    """The orders whose messages may not be sent: `order_id`, `message_rule` (first failing rule). Others are left out.

    For use before release is decided; builds columns and no text, so that it can run over every order of a day.
    """
    for kind in kinds:
        message_kind(kind)
    found = [pl.DataFrame(schema={"order_id": pl.String, "message_rule": pl.String})]
    ordered, known = sorted_lines(lines), _Persons(persons, kinds)
    for orders in _slices(ordered):
        found += [first_rules(build(kind, orders, known.of(orders), sender, NO_TIME), sender) for kind in kinds]
    found.append(_reused(ordered, sender, kinds).select("order_id", message_rule="rule"))
    return pl.concat(found).unique("order_id", keep="first", maintain_order=True)


def _reused(lines: pl.DataFrame, sender: Sender, kinds: Sequence[str]) -> pl.DataFrame:
    """Orders whose waybill number another order of the call uses too (R14)."""
    lists = [kind for kind in kinds if kind != "303"]
    return pl.concat([PROBLEMS.to_frame(), *(reused_waybills(kind, waybills(kind, lines, sender)) for kind in lists)])


class _Persons:
    """The persons of a call, found by slice of orders without searching all of them each time."""

    def __init__(self, persons: pl.DataFrame | None, kinds: Sequence[str]) -> None:
        wanted = persons is not None and any(not message_kind(kind).export for kind in kinds)
        self._persons = one_person(persons) if persons is not None and wanted else None

    def of(self, lines: pl.DataFrame) -> pl.DataFrame | None:
        """The persons of these lines' orders; both are sorted by order."""
        if self._persons is None or lines.is_empty():
            return self._persons
        order = self._persons.get_column("order_id")
        first = int(order.search_sorted(lines["order_id"][0], "left"))
        return self._persons.slice(first, int(order.search_sorted(lines["order_id"][-1], "right")) - first)


def _check_call(kinds: Sequence[str], signer: Signer, app_time: str) -> None:
    if len(app_time) != 14 or not app_time.isdigit():
        raise CallError(f"app_time {app_time!r} must be 14 digits, YYYYMMDDhhmmss in China time")
    for kind in kinds:
        if message_kind(kind).signed and not signer.signs:
            raise CallError(f"CEB {kind} must be signed: give an RsaSigner or a device signer")


def _slices(lines: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The lines in slices of whole orders."""
    order = lines.get_column("order_id")
    starts = (order != order.shift(1)).fill_null(value=True).arg_true()
    cuts = [*starts.gather_every(ORDERS_AT_ONCE).to_list(), lines.height]
    for first, last in pairwise(cuts):
        yield lines.slice(first, last - first)


def _without(documents: Documents, problems: Sequence[pl.DataFrame]) -> Documents:
    """The documents whose order has no problem."""
    refused = pl.concat([PROBLEMS.to_frame(), *problems]).get_column("order_id").unique()
    if not refused.len():
        return documents
    return documents.keep(~documents.heads.get_column("order_id").is_in(refused.implode()))


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for name, number in more.items():
        counts[name] = counts.get(name, 0) + number
