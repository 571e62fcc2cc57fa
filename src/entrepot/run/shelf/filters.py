"""What a list may be narrowed by: read from the texts of an address or a form, checked, never trusted."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from entrepot.decide.mode import MODES
from entrepot.goods.errors import CallError
from entrepot.goods.schema import DATE_FIRST, DATE_LAST
from entrepot.goods.texts import told

__all__ = ["UNKNOWN", "Filters"]

UNKNOWN = "unknown"
"""Asks for lines that have no value there."""
LONGEST = 200
"""Characters of a text to search for."""
MOST_WORDS, MOST_VALUES = 8, 200
CHOICES = {
    "verdict": ("release", "hold", "refuse", "invalid"),
    "lane": ("green", "yellow", "red"),
    "direction": ("export", "import"),
    "mode": MODES,
    "tax": (),
}
PATTERNS = {
    "country": re.compile(r"[A-Z]{2}"),
    "district": re.compile(r"[0-9]{4}"),
    "reason": re.compile(r"[A-Za-z0-9._:/-]{1,200}"),
    "without": re.compile(r"[A-Za-z0-9._:/-]{1,200}"),
    "tax_rule": re.compile(r"[A-Za-z0-9._:/-]{1,200}"),
    "state": re.compile(r"[A-Za-z0-9._-]{1,64}"),
    "batch": re.compile(r"[A-Za-z0-9_-]{1,64}"),
}
MONEY = re.compile(r"[0-9]{1,15}(\.[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions that all must hold; one with several values holds when one of them does. Empty asks nothing.

    `country` is the partner's (the buyer's of exports, the seller's of imports). `without` leaves out lines that have one of
    these reasons; `tax` knows only `unknown`. `text` is searched word by word in description, article number and Chinese
    name, or as the start of a commodity code; `party` in the seller's id and name. `search` guesses: an order or waybill
    number, then the start of one, then words of product or party. In the conditions with several values `unknown` asks for
    lines that have none. Values are fen of the dutiable price.
    """

    verdict: tuple[str, ...] = ()
    lane: tuple[str, ...] = ()
    mode: tuple[str, ...] = ()
    direction: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    district: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    tax_rule: tuple[str, ...] = ()
    tax: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    batch: tuple[str, ...] = ()
    day_from: date | None = None
    day_until: date | None = None
    min_value_fen: int | None = None
    max_value_fen: int | None = None
    order: str = ""
    order_prefix: str = ""
    waybill: str = ""
    waybill_prefix: str = ""
    text: str = ""
    party: str = ""
    buyer_key: str = ""
    search: str = ""

    @classmethod
    def from_mapping(cls, given: Mapping[str, str | Iterable[str]]) -> "Filters":
        """Read filters from names and texts (several values as a list or after commas); blank ones are left out.

        `min_value` and `max_value` are CNY with up to two decimals. Raises CallError naming the field, what came and
        what is allowed.
        """
        unknown = sorted(set(given) - set(_READERS))
        if unknown:
            raise told(CallError, "shelf.filter-unknown", given=repr(unknown[0][:60]), allowed=", ".join(_READERS))
        found: dict[str, Any] = {}
        for name, came in given.items():
            texts = [text for one in ([came] if isinstance(came, str) else came) if (text := one.strip())]
            if texts:
                found |= _READERS[name](name, texts)
        return cls(**found)._in_order()

    def _in_order(self) -> "Filters":
        if self.day_from and self.day_until and self.day_from > self.day_until:
            raise told(CallError, "shelf.days-turned", first=self.day_from, last=self.day_until)
        least, most = self.min_value_fen, self.max_value_fen
        if least is not None and most is not None and least > most:
            raise told(CallError, "shelf.values-turned")
        return self

    def words(self, name: str) -> list[str]:
        """The words to find in `text`, `party` or `search`."""
        return str(getattr(self, name)).split()


def _wrong(text_id: str, name: str, came: str, **allowed: object) -> CallError:
    return told(CallError, f"shelf.filter-{text_id}", field=name, given=repr(came[:60]), **allowed)


def _several(name: str, texts: list[str]) -> dict[str, Any]:
    values = tuple(dict.fromkeys(part.strip() for text in texts for part in text.split(",") if part.strip()))
    if len(values) > MOST_VALUES:
        raise told(CallError, "shelf.filter-many", field=name, came=len(values), most=MOST_VALUES)
    for value in values:
        if value == UNKNOWN:
            continue
        if name in CHOICES and value not in CHOICES[name]:
            raise _wrong("wrong", name, value, allowed=", ".join((*CHOICES[name], UNKNOWN)))
        if name in PATTERNS and not PATTERNS[name].fullmatch(value):
            raise _wrong(name, name, value, unknown=UNKNOWN)
    return {name: values}


def _only(name: str, texts: list[str]) -> str:
    if len(texts) > 1:
        raise told(CallError, "shelf.filter-twice", field=name, came=len(texts))
    return texts[0]


def _day(name: str, texts: list[str]) -> dict[str, Any]:
    text = _only(name, texts)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise _wrong("day", name, text, first=DATE_FIRST, last=DATE_LAST) from None
    if len(text) != 10 or not DATE_FIRST <= day <= DATE_LAST:
        raise _wrong("day", name, text, first=DATE_FIRST, last=DATE_LAST)
    return {name: day}


def _money(name: str, texts: list[str]) -> dict[str, Any]:
    text = _only(name, texts)
    if not MONEY.fullmatch(text):
        raise _wrong("money", name, text)
    return {f"{name}_fen": int(Decimal(text) * 100)}


def _text(name: str, texts: list[str]) -> dict[str, Any]:
    text = _only(name, texts)
    if len(text) > LONGEST:
        raise told(CallError, "shelf.filter-long", field=name, came=len(text), most=LONGEST)
    if len(text.split()) > MOST_WORDS and name in ("text", "party", "search"):
        raise told(CallError, "shelf.filter-words", field=name, came=len(text.split()), most=MOST_WORDS)
    if any(0xD800 <= ord(character) < 0xE000 for character in text):
        raise told(CallError, "shelf.filter-unicode", field=name)
    return {name: text}


def _reader(name: str) -> Callable[[str, list[str]], dict[str, Any]]:
    if name.endswith("_fen"):
        return _money
    if name.startswith("day_"):
        return _day
    return _several if name in (*CHOICES, *PATTERNS) else _text


_READERS = {field.name.removesuffix("_fen"): _reader(field.name) for field in fields(Filters)}
