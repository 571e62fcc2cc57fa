"""A place in a sorted list as an opaque text: it holds what the line there has, so new batches do not move it."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from entrepot.goods.errors import CallError
from entrepot.run.shelf.columns import LISTED, SORTS

__all__ = ["Cursor", "Order", "read_cursor"]

LONGEST = 60_000
"""Characters of a cursor; it may hold an order number of any length a line may have."""
TYPES: Mapping[str, tuple[type, ...]] = {"text": (str,), "whole": (int,), "day": (date,), "list": (str,)}


@dataclass(frozen=True, slots=True)
class Order:
    """A sort of `SORTS` and its direction; with `descending` all is turned round but that null stays last."""

    name: str = "default"
    descending: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that lead the sort."""
        return SORTS[self.name]


@dataclass(frozen=True, slots=True)
class Cursor:
    """One line's place: the values of the sort's columns, its batch and its row."""

    order: Order
    values: tuple[Any, ...]
    batch: str
    row: int

    def text(self) -> str:
        """The cursor as URL-safe text."""
        told = [self.order.name, self.order.descending, list(self.values), self.batch, self.row]
        plain = json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=str)
        return base64.urlsafe_b64encode(plain.encode()).decode("ascii").rstrip("=")


def read_cursor(text: str, order: Order) -> Cursor:
    """A cursor from its text; CallError when it is not one of this order."""
    told = _told(text)
    name, descending, values, batch, row = told
    if (name, descending) != (order.name, order.descending):
        raise CallError("the place is one of a list in another order: leave it out to begin at the first page")
    read = tuple(_value(column, value) for column, value in zip(order.columns, values, strict=False))
    if len(values) != len(order.columns) or not 0 <= row < 2**32:
        raise _bad(text)
    return Cursor(order, read, batch, row)


def _bad(text: str) -> CallError:
    return CallError(f"{text[:40]!r} is no place in this list: leave it out to begin at the first page")


def _told(text: str) -> list[Any]:
    try:
        if len(text) > LONGEST or not text.isascii():
            raise ValueError
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        told = json.loads(plain.decode("utf-8"))
    except (ValueError, binascii.Error, RecursionError):
        raise _bad(text) from None
    kinds = [type(part) for part in told] if isinstance(told, list) else []
    if kinds != [str, bool, list, str, int]:
        raise _bad(text)
    return list(told)


def _value(column: str, value: Any) -> Any:
    """A value of a cursor as the column has it."""
    kind = LISTED[column].kind
    try:
        found = date.fromisoformat(value) if kind == "day" and value is not None else value
    except (TypeError, ValueError):
        raise _bad(str(value)) from None
    if found is not None and type(found) not in TYPES[kind]:
        raise _bad(str(value))
    return found
