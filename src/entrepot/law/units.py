"""The one vocabulary of units, and the exact integer each value is kept as.

| unit | kept as |
|---|---|
| `CNY`, `USD`, ... | Int64, minor units of the currency (ISO 4217 exponent): CNY 0.01 is 1 |
| `CNY/ml`, `USD/t`, ... | Int64, major units per measure at 10⁻⁵ |
| `rate` | Int64, parts per million: 0.13 is 130000 |
| `decimal` | Int64 at 10⁻⁶ |
| `count`, `day`, `month` | Int64 |
| `bool`, `code`, `text`, `date` | Boolean, String, String, Date |

A value finer than its unit is refused, never rounded. Source of the exponents: ISO 4217 list one.
"""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache

import polars as pl

__all__ = ["Exact", "Unit", "day", "parse", "show", "unit"]

Exact = int | bool | str | dt.date
"""A value in the exact representation of its unit."""

TWO_PLACES = ("AED", "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "IDR", "INR", "MOP", "MXN",
              "MYR", "NOK", "NZD", "PHP", "PLN", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "USD", "ZAR")
CURRENCY_PLACES = dict.fromkeys(TWO_PLACES, 2) | dict.fromkeys(("JPY", "KRW", "VND"), 0)
"""Currencies law values may stand in; a further one is a further entry here."""
MEASURES = ("ml", "g", "piece", "kg", "l", "t", "unit")
WHOLE = ("count", "day", "month")
INT64_MAX = 2**63 - 1
BARE_FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+(\.\d*)?[eE][-+]?\d+)")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]*")


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: its name, its kind, and for numbers how many decimal places the exact integer keeps."""

    name: str
    kind: str
    places: int
    dtype: type[pl.DataType]


@cache
def unit(name: str) -> Unit:
    """The unit of that name; ValueError names what is allowed."""
    plain = {"rate": ("number", 6, pl.Int64), "decimal": ("number", 6, pl.Int64), "bool": ("bool", 0, pl.Boolean),
             "code": ("code", 0, pl.String), "text": ("text", 0, pl.String), "date": ("date", 0, pl.Date),
             **dict.fromkeys(WHOLE, ("number", 0, pl.Int64))}
    if name in plain:
        kind, places, dtype = plain[name]
        return Unit(name, kind, places, dtype)
    currency, slash, measure = name.partition("/")
    if currency in CURRENCY_PLACES and (not slash or measure in MEASURES):
        return Unit(name, "number", 5 if slash else CURRENCY_PLACES[currency], pl.Int64)
    allowed = ", ".join([*plain, "a currency (CNY)", "a currency per " + "|".join(MEASURES) + " (CNY/ml)"])
    raise ValueError(f"unit {name!r} is not known; allowed: {allowed}")


def parse(text: str, name: str, *, quoted: bool = True) -> Exact:
    """The exact value a text stands for in a unit; ValueError says why it is none.

    `quoted` is False for a bare word of a file: bare fractions are refused, since many tools read them as floats.
    """
    known = unit(name)
    if known.kind == "number":
        return _number(text, known, quoted)
    if known.kind == "bool":
        if text not in ("true", "false"):
            raise ValueError(f"{text!r} is not true or false")
        return text == "true"
    if known.kind == "date":
        return day(text)
    if known.kind == "code" and not CODE.fullmatch(text):
        raise ValueError(f"{text!r} is not a code: letters, digits, '_', '-' and '.' only")
    if not text.strip():
        raise ValueError("the text is empty")
    return text


def day(text: str) -> dt.date:
    """A day written YYYY-MM-DD; ValueError for anything else."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise ValueError(f"{text!r} is not a day: write YYYY-MM-DD")
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a day of the calendar") from error


def _number(text: str, known: Unit, quoted: bool) -> int:
    if not quoted and BARE_FLOAT.fullmatch(text):
        raise ValueError(f'{text} is a bare fraction: quote it, "{text}", so that no tool reads it as a binary float')
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a plain decimal number")
    try:
        exact = Decimal(text).scaleb(known.places)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a number") from error
    if exact != exact.to_integral_value():
        raise ValueError(f"{text} is finer than unit {known.name!r} keeps ({known.places} decimal places)")
    if abs(exact) > INT64_MAX:
        raise ValueError(f"{text} is too large for unit {known.name!r}")
    if exact < 0:
        raise ValueError(f"{text} is negative; no unit of the law is")
    return int(exact)


def show(value: Exact | None, name: str) -> str:
    """A value as a person writes it, without its unit; the inverse of `parse`, '-' for none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        places = unit(name).places
        shown = format(Decimal(value).scaleb(-places), "f")
        return shown.rstrip("0").rstrip(".") if "." in shown and not name.isupper() else shown
    return str(value)
