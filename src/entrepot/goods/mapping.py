"""Column mappings: which column of a file gives which field, and what else is assumed of that file.

A mapping is a YAML file with the keys of `KEYS`; ready ones lie in `mappings/` and are called by name.
Without a mapping, columns named like our fields are used (case, spaces and hyphens do not matter).
"""

import json
from collections.abc import Iterable
from collections.abc import Mapping as Dictionary
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from entrepot.goods.errors import CallError, InputError
from entrepot.goods.schema import CLASSIFIERS, FIELDS, REQUIRED
from entrepot.goods.texts import told

__all__ = ["PLAIN", "Cancellation", "Mapping", "load_mapping", "ready_mappings"]

KEYS = (
    "title", "columns", "constants", "values", "shift_years", "time_zone", "number_lines_within", "cancellation",
    "catalogue", "encoding", "delimiter", "sheet", "notes",
)  # fmt: skip
LINE_NUMBER = "_line_no"
"""Column the reader adds when the mapping numbers lines within an order."""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Rows whose `column` starts with `prefix` cancel earlier lines; their quantity counts without its sign."""

    column: str
    prefix: str


def _empty() -> Dictionary[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Mapping:
    """How the columns of a file become fields; immutable.

    `columns` field to source column; `constants` field to a value for every row; `values` field to
    {value in the file: value meant}; `shift_years` added to every date; `time_zone` of moments written without
    one; `number_lines_within` the field whose rows are numbered 1, 2, … in file order; `notes` sentences for the
    report, each in every language; `catalogue` name of a bundled catalogue.
    """

    name: str = ""
    title: Dictionary[str, str] = field(default_factory=_empty)
    columns: Dictionary[str, str] = field(default_factory=_empty)
    constants: Dictionary[str, str] = field(default_factory=_empty)
    values: Dictionary[str, Dictionary[str, str]] = field(default_factory=_empty)
    shift_years: int = 0
    time_zone: str = "Asia/Shanghai"
    number_lines_within: str | None = None
    cancellation: Cancellation | None = None
    catalogue: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    notes: tuple[Dictionary[str, str], ...] = ()

    def resolve(self, found: Iterable[str]) -> dict[str, str]:
        """Field to source column for a file with these columns; fields the file does not give are left out.

        Raises InputError naming each missing column, what was found and how to map it.
        """
        columns = list(found)
        sources = self._sources(columns)
        if self.number_lines_within and LINE_NUMBER in columns:
            sources["line_no"] = LINE_NUMBER
        missing = [name for name in REQUIRED if name not in sources and name not in self.constants]
        if self.number_lines_within and "line_no" in missing:
            missing.remove("line_no")
        if not any(name in sources or name in self.constants for name in CLASSIFIERS):
            missing.append("one of " + ", ".join(CLASSIFIERS))
        if missing:
            raise _missing(missing, columns)
        return sources

    def _sources(self, columns: list[str]) -> dict[str, str]:
        by_name = {normal(column): column for column in reversed(columns)}
        absent = [f"{name}: {source}" for name, source in self.columns.items() if normal(source) not in by_name]
        if absent:
            raise told(InputError, "file.columns-absent", absent="; ".join(absent), found=_shown(columns))
        mapped = {name: by_name[normal(source)] for name, source in self.columns.items()}
        if self.columns:
            return mapped
        return {name: by_name[name] for name in FIELDS if name in by_name and name not in self.constants}


PLAIN = Mapping()
"""The mapping used when none is given."""


def normal(column: str) -> str:
    """A column name without regard to case, spaces and hyphens."""
    return column.strip().lower().replace(" ", "_").replace("-", "_")


def _shown(columns: list[str]) -> str:
    shown = ", ".join(column[:40] for column in columns[:30] if not column.startswith("_"))
    return shown + (f" and {len(columns) - 30} more" if len(columns) > 30 else "") or "none"


def _missing(missing: list[str], columns: list[str]) -> InputError:
    example = missing[0] if missing[0] in FIELDS else "description"
    close = get_close_matches(example, [normal(column) for column in columns], n=1, cutoff=0.6)
    hint = next((column for column in columns if close and normal(column) == close[0]), "your column")
    return told(
        InputError, "file.columns-missing", missing=", ".join(missing), found=_shown(columns), example=example, hint=hint
    )  # fmt: skip


def ready_mappings() -> tuple[str, ...]:
    """Names of the mappings that come with the package."""
    folder = files("entrepot.goods").joinpath("mappings")
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def load_mapping(name_or_path: str | Path | None) -> Mapping:
    """A ready mapping by name, or one from a YAML file; None gives the plain mapping.

    Raises CallError naming the key that is wrong and what is allowed there.
    """
    if name_or_path is None:
        return PLAIN
    if str(name_or_path) in ready_mappings():
        source = files("entrepot.goods").joinpath("mappings", f"{name_or_path}.yaml").read_text(encoding="utf-8")
        return _build(str(name_or_path), source)
    path = Path(name_or_path)
    try:
        return _build(path.stem, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as cause:
        raise CallError(
            f"mapping {str(name_or_path)!r} is neither a readable UTF-8 file nor one of: {', '.join(ready_mappings())}"
        ) from cause


def _build(name: str, source: str) -> Mapping:
    loaded = _loaded(name, source)
    if not isinstance(loaded, dict):
        raise CallError(f"mapping {name!r} must be a YAML mapping with keys {', '.join(KEYS)}")
    _check_keys(name, loaded)
    return Mapping(
        name=name,
        title=MappingProxyType(_words(name, "title", loaded.get("title", {}))),
        columns=MappingProxyType(_fields(name, "columns", loaded)),
        constants=MappingProxyType(_fields(name, "constants", loaded)),
        values=MappingProxyType(_values(name, loaded)),
        shift_years=_years(name, loaded.get("shift_years", 0)),
        time_zone=_zone(name, loaded.get("time_zone", "Asia/Shanghai")),
        number_lines_within=_numbering(name, loaded),
        cancellation=_cancellation(name, loaded.get("cancellation")),
        catalogue=_optional_text(name, loaded, "catalogue"),
        encoding=_optional_text(name, loaded, "encoding"),
        delimiter=_optional_text(name, loaded, "delimiter"),
        sheet=_optional_text(name, loaded, "sheet"),
        notes=_notes(name, loaded.get("notes", [])),
    )


def _loaded(name: str, source: str) -> object:
    """The YAML of a mapping; its JSON form, as programs write it, is read by the faster reader."""
    if source.startswith("{"):
        with suppress(ValueError, RecursionError):
            return json.loads(source)
    try:
        return YAML(typ="safe").load(source)
    except YAMLError as cause:
        line = " ".join(str(cause).split())[:200]
        raise CallError(f"mapping {name!r} is not valid YAML: {line}") from cause


def _wrong(name: str, key: str, came: object, allowed: str) -> CallError:
    return CallError(f"mapping {name!r}, key {key!r}: {came!r} is not allowed; allowed: {allowed}")


def _check_keys(name: str, loaded: dict[Any, Any]) -> None:
    for key in loaded:
        if key not in KEYS:
            raise _wrong(name, str(key), key, ", ".join(KEYS))
    both = set(loaded.get("columns") or {}) & set(loaded.get("constants") or {})
    if both:
        raise _wrong(name, "constants", sorted(both)[0], "a field is either in columns or in constants")


def _words(name: str, key: str, given: object) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(value, (str, int, float, bool)) for value in given.values()):
        raise _wrong(name, key, given, "a YAML mapping with text values")
    return {str(word): _plain(value) for word, value in given.items()}


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fields(name: str, key: str, loaded: dict[Any, Any]) -> dict[str, str]:
    given = _words(name, key, loaded.get(key) or {})
    for word in given:
        _known_field(name, key, word)
    return given


def _known_field(name: str, key: str, word: str) -> None:
    if word not in FIELDS:
        close = get_close_matches(word, FIELDS, n=1)
        raise _wrong(
            name, key, word, (f"did you mean {close[0]}? " if close else "") + "fields are " + ", ".join(FIELDS)
        )


def _values(name: str, loaded: dict[Any, Any]) -> dict[str, Dictionary[str, str]]:
    given = loaded.get("values") or {}
    if not isinstance(given, dict):
        raise _wrong(name, "values", given, "field: {value in the file: value meant}")
    for word in given:
        _known_field(name, "values", str(word))
    return {str(word): MappingProxyType(_words(name, f"values.{word}", pairs)) for word, pairs in given.items()}


def _years(name: str, given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not -100 <= given <= 100:
        raise _wrong(name, "shift_years", given, "a whole number from -100 to 100")
    return given


def _zone(name: str, given: object) -> str:
    try:
        return str(ZoneInfo(str(given)))
    except (OSError, ValueError, KeyError) as cause:
        raise _wrong(name, "time_zone", given, "an IANA time zone such as Europe/London") from cause


def _numbering(name: str, loaded: dict[Any, Any]) -> str | None:
    within = loaded.get("number_lines_within")
    if within is None:
        return None
    if within != "order_id":
        raise _wrong(name, "number_lines_within", within, "order_id")
    if "line_no" in (loaded.get("columns") or {}) or "line_no" in (loaded.get("constants") or {}):
        raise _wrong(name, "number_lines_within", within, "only without line_no in columns or constants")
    return "order_id"


def _cancellation(name: str, given: object) -> Cancellation | None:
    if given is None:
        return None
    if not isinstance(given, dict) or set(given) != {"column", "prefix"} or not all(given.values()):
        raise _wrong(name, "cancellation", given, "{column: <column of the file>, prefix: <first letters>}")
    return Cancellation(str(given["column"]), str(given["prefix"]))


def _optional_text(name: str, loaded: dict[Any, Any], key: str) -> str | None:
    given = loaded.get(key)
    if given is not None and not isinstance(given, str):
        raise _wrong(name, key, given, "a text")
    return given


def _notes(name: str, given: object) -> tuple[Dictionary[str, str], ...]:
    complete = isinstance(given, list) and all(isinstance(note, dict) and set(note) == {"en", "zh"} for note in given)
    if not complete or not isinstance(given, list):
        raise _wrong(name, "notes", given, "a list of {en: sentence, zh: sentence}")
    return tuple(MappingProxyType({language: str(note[language]) for language in ("en", "zh")}) for note in given)
