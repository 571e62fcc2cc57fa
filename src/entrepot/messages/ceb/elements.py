"""The elements of each CEB message as data: name, format and whether required, in the order customs enforces.

Source: GACC cross-border e-commerce message set, edition 202205, the XSD (not the PDF, which differs in places).
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal

from entrepot.goods.errors import CallError

__all__ = [
    "KINDS", "NAMESPACE", "Element", "Kind", "MessageKind", "Part", "elements", "message_kind", "personal_elements",
]  # fmt: skip

NAMESPACE = "http://www.chinaport.gov.cn/ceb"
Part = Literal["head", "item"]
Kind = Literal["303", "603", "621"]


@dataclass(frozen=True, slots=True)
class Element:
    """One element. `least` and `most` count characters; `places` is the decimal places of a number, else None.

    `format` keeps the interface sheet's notation: C36 fixed, C..60 at most, N19,5 decimal, int5 whole number.
    """

    name: str
    format: str
    required: bool
    least: int
    most: int
    places: int | None
    personal: bool = False
    """Whether it says who a natural person is or how to reach them."""

    @property
    def is_number(self) -> bool:
        """Whether the element carries a number and not text."""
        return self.places is not None

    @property
    def is_fixed(self) -> bool:
        """Whether the text must have exactly `most` characters."""
        return self.least == self.most


@dataclass(frozen=True, slots=True)
class MessageKind:
    """One kind of message: its tag names and limits. `signed` is True where the XSD makes the signature mandatory."""

    kind: Kind
    document: str
    head: str
    item: str
    items_at_most: int
    export: bool
    signed: bool

    @property
    def root(self) -> str:
        """Local name of the root element."""
        return f"CEB{self.kind}Message"


KINDS: Mapping[Kind, MessageKind] = {
    "303": MessageKind("303", "Order", "OrderHead", "OrderList", 100, export=True, signed=False),
    "603": MessageKind("603", "Inventory", "InventoryHead", "InventoryList", 100, export=True, signed=False),
    "621": MessageKind("621", "Inventory", "InventoryHead", "InventoryList", 99, export=False, signed=True),
}


def message_kind(kind: str) -> MessageKind:
    """The description of a kind. Raises CallError for a kind that is not built."""
    for known, described in KINDS.items():
        if known == kind:
            return described
    raise CallError(f"CEB message {kind!r} is not built: use one of {', '.join(KINDS)}")


@cache
def _tables() -> Mapping[tuple[str, str], tuple[Element, ...]]:
    tables: dict[tuple[str, str], list[Element]] = {}
    source = files(__package__).joinpath("elements.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(source.splitlines()):
        element = _element(row["element"], row["format"], required=row["required"] == "M")
        element = replace(element, personal=row["personal"] == "P")
        tables.setdefault((row["kind"], row["part"]), []).append(element)
    return {key: tuple(value) for key, value in tables.items()}


def _element(name: str, form: str, *, required: bool) -> Element:
    if number := re.fullmatch(r"(?:int(\d+)|N(\d+),(\d+))", form):
        digits, wide, places = number.groups()
        return Element(name, form, required, 1, int(digits or wide), int(places or 0))
    text = re.fullmatch(r"C(\d*)(\.\.)?(\d*)", form)
    if text is None:
        raise AssertionError(f"element table: unknown format {form!r} of {name}")
    first, dots, last = text.groups()
    return Element(name, form, required, int(first or required), int(last or first) if dots else int(first), None)


def personal_elements(kind: str) -> tuple[str, ...]:
    """Names of the head's elements that hold personal data; each stands in every document, being mandatory."""
    return tuple(element.name for element in elements(kind, "head") if element.personal and element.required)


def elements(kind: str, part: Part) -> tuple[Element, ...]:
    """The elements of a kind's head or item in schema order."""
    return _tables()[message_kind(kind).kind, part]
