"""What a person chose for a file: which column gives which field, what holds for all rows; and the mapping it makes.

The mapping is a document with the keys of `goods.mapping.KEYS`, written as YAML beside the file: the same that
`entrepot clear --mapping` reads.
"""

import gettext
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import pycountry
from django.utils import timezone
from ruamel.yaml import YAML

from entrepot.desk.batches.guess import data, guess
from entrepot.desk.batches.models import Mapping as SavedMapping
from entrepot.desk.batches.models import Upload
from entrepot.desk.people.acting import Acting
from entrepot.desk.told import said_of
from entrepot.goods.errors import CallError, InputError
from entrepot.goods.mapping import LINE_NUMBER, Cancellation, load_mapping, normal, ready_mappings
from entrepot.goods.mapping import Mapping as ColumnMapping
from entrepot.goods.schema import CLASSIFIERS, FIELDS, REQUIRED

__all__ = [
    "Choices", "document", "first_choices", "fitting", "guessed", "known_words", "mapping_of", "missing", "of_saved",
    "problem_of", "write_mapping",
]  # fmt: skip

CHINESE_TIME = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Choices:
    """A mapping as a person sees it. `ready` names a mapping of the package that is taken as it is."""

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    number_lines: bool = False
    sheet: str = ""
    time_zone: str = CHINESE_TIME
    ready: str = ""

    def stored(self) -> dict[str, Any]:
        """As JSON for the database."""
        return asdict(self) | {"columns": dict(self.columns), "constants": dict(self.constants)}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """What was stored; unknown keys are left out."""
        return cls(**{name: stored[name] for name in cls.__dataclass_fields__ if name in stored})


def first_choices(acting: Acting, upload: Upload) -> Choices:
    """The choices offered for a fresh upload: a saved mapping that fits, else a ready one, else the guess."""
    for saved in fitting(acting, upload.columns):
        return of_saved(saved)
    for name in ready_mappings():
        wanted = {normal(column) for column in load_mapping(name).columns.values()}
        if wanted and wanted <= {normal(column) for column in upload.columns}:
            return Choices(ready=name)
    return guessed(acting, upload.columns)


def guessed(acting: Acting, columns: Iterable[str], sheet: str = "") -> Choices:
    """The guess for these columns, with what can be assumed for all rows: lines numbered, the firm's own country, today.

    What is assumed is shown to the person and nothing is cleared before they agree.
    """
    found = {one.field: one.column for one in guess(columns)}
    assumed = {"seller_country": acting.organisation.country, **_today()}
    constants = {name: value for name, value in assumed.items() if name not in found and value}
    return Choices(found, constants, number_lines="line_no" not in found, sheet=sheet)


def of_saved(saved: SavedMapping, sheet: str = "") -> Choices:
    """A saved mapping as choices for a file of today: the day it was saved with is not that of another file."""
    today = {} if "declared_on" in saved.columns else _today()
    return Choices(saved.columns, {**saved.constants, **today}, **{**saved.options, "sheet": sheet})


def _today() -> dict[str, str]:
    return {"declared_on": timezone.localdate().isoformat()}


def fitting(acting: Acting, columns: Iterable[str]) -> list[SavedMapping]:
    """Saved mappings all of whose columns a file has, those that use most of them first."""
    here = {normal(column) for column in columns}
    saved = [one for one in SavedMapping.objects.of(acting) if {normal(name) for name in one.columns.values()} <= here]
    return sorted(saved, key=lambda one: (-len(one.columns), one.name))


def missing(choices: Choices) -> list[str]:
    """Required fields nothing gives yet; `description` stands for itself, code and article number."""
    if choices.ready:
        return []
    given = {*choices.columns, *choices.constants, *(["line_no"] if choices.number_lines else [])}
    absent = [name for name in REQUIRED if name not in given]
    return absent if given & set(CLASSIFIERS) else [*absent, "description"]


def document(choices: Choices) -> dict[str, Any]:
    """The mapping document of the choices. Raises CallError for a ready mapping there is none of."""
    if choices.ready:
        return _ready_document(choices.ready)
    fields = {**choices.columns, **choices.constants}
    words = {name: known_words(name) for name in fields if known_words(name)}
    made: dict[str, Any] = {
        "columns": dict(choices.columns), "constants": dict(choices.constants), "values": words, "time_zone": choices.time_zone,
    }  # fmt: skip
    if choices.number_lines and "line_no" not in fields:
        made["number_lines_within"] = "order_id"
    return made | ({"sheet": choices.sheet} if choices.sheet else {})


def _ready_document(name: str) -> dict[str, Any]:
    if name not in ready_mappings():
        raise CallError(f"there is no ready mapping {name!r}; there are {', '.join(ready_mappings())}")
    source = files("entrepot.goods").joinpath("mappings", f"{name}.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = YAML(typ="safe").load(source)
    return loaded


@cache
def known_words(name: str) -> dict[str, str]:
    """Words for values of a field (names of countries and currencies, choices) to what is meant; empty for others."""
    field = FIELDS[name]
    if field.kind == "country":
        return _spellings(_countries())
    if field.kind == "currency":
        return _spellings(data("words.yaml")["currency"])
    return _spellings(data("words.yaml").get(name, {}))


def _countries() -> dict[str, list[str]]:
    """Names of countries in both languages, from the ISO lists and from `words.yaml`."""
    chinese = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=["zh_CN"], fallback=True)
    words = data("words.yaml")["country"]
    return {one.alpha_2: [one.name, chinese.gettext(one.name), *words.get(one.alpha_2, ())] for one in pycountry.countries}


def _spellings(words: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Every spelling of a word (as given, lower, upper, capitals) to what it means."""
    return {
        spelled: meant
        for meant, given in words.items()
        for word in map(str, given)
        for spelled in (word, word.lower(), word.upper(), word.title())
        if spelled != meant
    }


def write_mapping(made: Mapping[str, Any], path: Path) -> Path:
    """Write a mapping document as YAML (in its JSON form); only the owner may read it."""
    path.touch(mode=0o600)
    path.write_text(json.dumps(dict(made), ensure_ascii=False), encoding="utf-8")
    return path


def mapping_of(made: Mapping[str, Any]) -> ColumnMapping:
    """The mapping of a document that was in use, without reading YAML again; what does not matter to rows is left out."""
    cancels = made.get("cancellation")
    return ColumnMapping(
        columns=made.get("columns", {}),
        constants={name: _plain(value) for name, value in made.get("constants", {}).items()},
        values=made.get("values", {}),
        shift_years=made.get("shift_years", 0),
        time_zone=made.get("time_zone", CHINESE_TIME),
        number_lines_within=made.get("number_lines_within"),
        cancellation=Cancellation(**cancels) if cancels else None,
    )


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def problem_of(made: Mapping[str, Any], columns: Iterable[str], scratch: Path) -> str:
    """Why a mapping document cannot be used with these columns; empty when it can."""
    try:
        mapping = load_mapping(write_mapping(made, scratch))
        mapping.resolve([*columns, *([LINE_NUMBER] if mapping.number_lines_within else [])])
    except (CallError, InputError) as error:
        return said_of(error)
    return ""
