"""Guessing which column gives which field, from the names of columns alone; a person corrects what is wrong.

First what is written like a field, then a title or a synonym (`synonyms.yaml`), last what is spelled nearly so. The best
match is taken first, of equal ones the longer name, which says more; a column gives one field, a field has one column.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML

from entrepot.goods.schema import FIELDS, PERSONAL

__all__ = ["SURE", "Guess", "data", "guess", "is_known", "is_personal", "plain"]

EXACT, NAMED, BARE, NEAR = 100, 95, 90, 60
SURE = BARE
"""From this score on a guess needs no second look."""
NEAR_ENOUGH = 0.86
BRACKETS = re.compile(r"[(\[{（【〔].*?[)\]}）】〕]")
GRAMS = re.compile(r"(?:^|[^a-z千])(?:g|grams?|克|lbs?|oz|磅)$")
PERSONAL_WORDS = re.compile(
    r"e-?mail|phone|mobile|passport|identity|id.?card|address|street|postcode|zip|recipient|consignee|buyer.?name|customer.?name|"
    r"邮箱|邮件|电话|手机|身份证|证件|护照|地址|姓名|收货人|收件人|订购人|邮编",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Guess:
    """One column taken for one field; `score` 100 is written like it, less than `SURE` deserves a look."""

    field: str
    column: str
    score: int


def data(name: str) -> Mapping[str, Any]:
    """One of the YAML files beside this module."""
    source = files("entrepot.desk.batches").joinpath(name).read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = YAML(typ="safe").load(source)
    return loaded


def plain(name: str) -> str:
    """A name without regard to case, width, spaces and punctuation."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in folded if char.isalnum())


@cache
def _names() -> Mapping[str, str]:
    """Plain name to field; the first field that claims a name has it."""
    synonyms = data("synonyms.yaml")
    claims: list[tuple[str, str]] = [(plain(name), name) for name in FIELDS]
    claims += [(plain(title), name) for name, field in FIELDS.items() for title in (field.en, field.zh)]
    claims += [(plain(BRACKETS.sub("", field.zh)), name) for name, field in FIELDS.items()]
    claims += [(plain(word), name) for name in FIELDS for word in synonyms.get(name, ())]
    return {word: name for word, name in reversed(claims) if word}


def is_personal(column: str) -> bool:
    """Whether a column of this name probably holds personal data."""
    match = next(_matches(column), None)
    return bool(PERSONAL_WORDS.search(column)) or (match is not None and match.field in PERSONAL)


def is_known(column: str) -> bool:
    """Whether a column is named like a field, not only nearly so."""
    match = next(_matches(column), None)
    return match is not None and match.score >= SURE


def guess(columns: Iterable[str]) -> list[Guess]:
    """The best guess for a file with these columns, surest first."""
    found = sorted((match for column in columns for match in _matches(column)), key=lambda match: (-match.score, -len(match.column)))
    taken: dict[str, Guess] = {}
    used: set[str] = set()
    for match in found:
        if match.field not in taken and match.column not in used:
            taken[match.field] = match
            used.add(match.column)
    return list(taken.values())


def _matches(column: str) -> Iterator[Guess]:
    """Fields a column may give, best first; none for a weight whose name says another unit than kilograms."""
    name, bare = plain(column), plain(BRACKETS.sub("", column))
    if plain(column) in map(plain, FIELDS):
        yield Guess(next(field for field in FIELDS if plain(field) == name), column, EXACT)
    for word, score in ((name, NAMED), (bare, BARE)):
        field = _names().get(word)
        if field and not _wrong_unit(field, column):
            yield Guess(field, column, score)
    for field, ratio in sorted(_near(bare).items(), key=lambda pair: -pair[1]):
        if not _wrong_unit(field, column):
            yield Guess(field, column, NEAR + round(20 * ratio) - 20)


def _wrong_unit(field: str, column: str) -> bool:
    folded = unicodedata.normalize("NFKC", column).casefold().rstrip(" )]}）】")
    return field in ("net_mass", "gross_mass") and bool(GRAMS.search(folded))


@cache
def _near(name: str) -> Mapping[str, float]:
    """Fields one of whose names is spelled nearly like this one."""
    found: dict[str, float] = {}
    if len(name) < 5 and name.isascii():
        return found
    for word, field in _names().items():
        if abs(len(word) - len(name)) <= 2 and len(word) > 2:
            ratio = SequenceMatcher(None, name, word).ratio()
            if ratio >= NEAR_ENOUGH:
                found[field] = max(ratio, found.get(field, 0.0))
    return found
