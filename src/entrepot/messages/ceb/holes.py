"""Personal values taken out of a message that is made and signed, and put back to the byte.

What is left has a fixed hole in place of each value. A hole is found by the element it stands in, never by its text, so a
value may say anything. Values are kept as they stand in the message, escaped.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache

import polars as pl

from entrepot.goods.errors import InputError
from entrepot.messages.ceb.elements import personal_elements

__all__ = ["ERASED", "HOLE", "SEALED", "Seal", "cut", "filled", "joined_values", "split_values"]

HOLE = b"{sealed}"
"""What stands in a sealed archive where a personal value was."""
ERASED = b"[erased]"
"""What stands in a message that is read where the value of an erased person was."""
BETWEEN = b"<"
"""Never part of an escaped text, so it can stand between two."""

SEALED = pl.Schema({"kind": pl.String(), "guid": pl.String(), "person_no": pl.Int64(), "sealed": pl.Binary()})
"""The personal values of a document: whose key they are sealed under, and the sealed bytes."""

Seal = Callable[[str, Sequence[int], Sequence[str], Sequence[bytes]], list[bytes]]
"""Seals the values of documents of one kind: kind, person_no and guid of each document, values of each."""


@cache
def _personal(kind: str) -> re.Pattern[bytes]:
    names = "|".join(personal_elements(kind)).encode()
    return re.compile(rb"(<ceb:(?:" + names + rb")>)([^<]*)")


def cut(kind: str, message: bytes) -> tuple[bytes, list[bytes]]:
    """A message with holes, and the values of each document (`joined_values`). Its kind must have personal elements."""
    pieces = _personal(kind).split(message)
    values, each = pieces[2::3], len(personal_elements(kind))
    pieces[2::3] = [HOLE] * len(values)
    return b"".join(pieces), [joined_values(values[first : first + each]) for first in range(0, len(values), each)]


def filled(kind: str, holed: bytes, values: Sequence[bytes | None]) -> bytes:
    """The message whose holes were cut, from the values of each document; `ERASED` in each hole of one that is None.

    Raises InputError when the message has not as many holes as there are values.
    """
    pieces, each = _personal(kind).split(holed), len(personal_elements(kind))
    back = [value for document in values for value in ([ERASED] * each if document is None else split_values(document))]
    if len(back) != len(pieces[2::3]):
        raise InputError(f"a {kind} message has {len(pieces[2::3])} personal values and {len(back)} were kept: not of one batch")
    pieces[2::3] = back
    return b"".join(pieces)


def joined_values(values: Sequence[bytes]) -> bytes:
    """The values of one document as one text."""
    return BETWEEN.join(values)


def split_values(joined: bytes) -> list[bytes]:
    """The values of one document again."""
    return joined.split(BETWEEN)
