"""Code lists lines are checked against: countries, currencies, units, customs districts.

ISO lists come from pycountry; the customs numbers beside them are data files of this folder.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from io import StringIO

import pycountry

__all__ = [
    "Unit",
    "countries",
    "country_number",
    "country_of_number",
    "currencies",
    "currency_number",
    "currency_of_number",
    "district_name",
    "districts",
    "is_district",
    "is_single_piece",
    "single_piece_units",
    "unit",
    "units",
]


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = files("entrepot.goods").joinpath(name).read_text(encoding="utf-8")
    yield from csv.DictReader(StringIO(text))


@dataclass(frozen=True, slots=True)
class Unit:
    """One customs unit: `factor` turns it into the base of its `dimension` (piece, g, m, m2, m3, …).

    `factor` is None where the unit cannot be converted (a set, a batch): never guess one.
    """

    code: str
    name_zh: str
    rec20: str
    dimension: str
    factor: Fraction | None


@cache
def _units() -> Mapping[str, Unit]:
    return {
        row["code"]: Unit(
            row["code"],
            row["name_zh"],
            row["rec20"],
            row["dimension"],
            Fraction(row["factor"]) if row["factor"] else None,
        )
        for row in _rows("units.csv")
    }


def unit(code: str) -> Unit | None:
    """The unit of a 3-digit customs code, None when there is none. Source: GACC unit list."""
    return _units().get(code)


def is_single_piece(code: str) -> bool:
    """Whether a unit counts single articles that cannot be divided: pieces, sets and pairs, one at a time.

    Dozens, hundreds, kilograms, metres and packings (box, bottle) do not; nor does an unknown code.
    """
    known = _units().get(code)
    return known is not None and known.dimension in ("piece", "set", "pair") and known.factor == 1


@cache
def single_piece_units() -> tuple[str, ...]:
    """The codes of all units that `is_single_piece`, sorted."""
    return tuple(sorted(filter(is_single_piece, _units())))


@cache
def units() -> Mapping[str, str]:
    """Accepted spelling (code, Chinese name, English word; lower case) to 3-digit customs code."""
    words = {row["word"]: row["code"] for row in _rows("unit_words.csv")}
    names = {known.name_zh: code for code, known in _units().items()}
    return words | names | {code: code for code in _units()}


@cache
def countries() -> Mapping[str, str]:
    """Accepted spelling (alpha-2 or alpha-3, upper case) to ISO 3166 alpha-2."""
    listed = list(pycountry.countries)
    return {entry.alpha_3: entry.alpha_2 for entry in listed} | {entry.alpha_2: entry.alpha_2 for entry in listed}


@cache
def currencies() -> Mapping[str, str]:
    """Active ISO 4217 codes of money (metals, funds and test codes left out), to themselves."""
    not_money = {"XAU", "XAG", "XPT", "XPD", "XBA", "XBB", "XBC", "XBD", "XTS", "XXX", "XDR", "XSU", "XUA"}
    funds = {"BOV", "CHE", "CHW", "CLF", "COU", "MXV", "USN", "UYI", "UYW"}
    return {entry.alpha_3: entry.alpha_3 for entry in pycountry.currencies if entry.alpha_3 not in not_money | funds}


@cache
def _country_numbers() -> Mapping[str, str]:
    return {row["alpha2"]: row["number"] for row in _rows("countries.csv") if row["alpha2"]}


def country_number(alpha2: str) -> str | None:
    """The 3-digit GACC number of a country (CN gives 142), None when the list has none."""
    return _country_numbers().get(alpha2)


def country_of_number(number: str) -> str | None:
    """The alpha-2 code of a 3-digit GACC country number, None for a closed or collective number."""
    return next((row["alpha2"] or None for row in _rows("countries.csv") if row["number"] == number), None)


@cache
def _currency_numbers() -> Mapping[str, str]:
    return {row["code"]: row["number"] for row in _rows("currencies.csv")}


def currency_number(code: str) -> str | None:
    """The 3-digit customs number of a currency (CNY gives 142, not ISO's 156), None when not listed."""
    return _currency_numbers().get(code)


def currency_of_number(number: str) -> str | None:
    """The ISO 4217 code of a 3-digit customs currency number, None when not listed."""
    return next((code for code, known in _currency_numbers().items() if known == number), None)


@cache
def districts() -> Mapping[str, tuple[str, str]]:
    """Known customs districts and offices: 4-digit code to (English, Chinese) name."""
    return {row["code"]: (row["name_en"], row["name_zh"]) for row in _rows("districts.csv")}


def is_district(code: str) -> bool:
    """Whether a 4-digit code is a known office or at least lies in a known district (first two digits).

    The table of all seven hundred offices is not part of the starter, so an office under a known district passes.
    """
    return len(code) == 4 and code.isdigit() and code[:2] + "00" in districts()


def district_name(code: str, language: str = "en") -> str | None:
    """The name of an office, or of the district it lies in; None when neither is known."""
    entry = districts().get(code) or districts().get(code[:2] + "00")
    return entry[0 if language == "en" else 1] if entry else None
