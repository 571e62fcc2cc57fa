"""Texts a person reads, in English and Chinese, kept as data beside the code that uses them.

Each room has one `texts.yaml`: `id: {en: ..., zh: ...}`; a text may name numbers in braces.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import TypeVar

from ruamel.yaml import YAML

from entrepot.goods.errors import CallError, EntrepotError

__all__ = ["LANGUAGES", "Words", "all_texts", "said", "text", "texts", "told"]

LANGUAGES = ("en", "zh")
ROOMS = ("goods", "law", "decide", "messages", "run", "desk")
Told = TypeVar("Told", bound=EntrepotError)


class Words:
    """Texts by id, one after another, as a number of another text: each said in the language of the sentence around it."""

    def __init__(self, text_ids: Iterable[str]) -> None:
        self.text_ids = tuple(text_ids)

    def said(self, language: str) -> str:
        """The texts in a language."""
        return ("、" if language == "zh" else ", ").join(text(one, language) for one in self.text_ids)

    def __str__(self) -> str:
        return self.said("en")


class _Shown(dict[str, object]):
    """Leaves a number that was not given as its name in braces instead of failing."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


@cache
def texts(room: str) -> Mapping[str, Mapping[str, str]]:
    """All texts of one room: id to language to text; those of its folders too, where it has `<folder>/texts.yaml`.

    Raises CallError when two files of a room hold the same id.
    """
    place = files(f"entrepot.{room}")
    inside = (entry.joinpath("texts.yaml") for entry in sorted(place.iterdir(), key=lambda entry: entry.name) if entry.is_dir())
    found: dict[str, Mapping[str, str]] = {}
    for source in (place.joinpath("texts.yaml"), *inside):
        loaded = (YAML(typ="safe").load(source.read_text(encoding="utf-8")) or {}) if source.is_file() else {}
        if twice := sorted(found.keys() & loaded.keys()):
            raise CallError(f"text {twice[0]!r} stands twice in the room {room!r}: keep one")
        found |= loaded
    return found


@cache
def all_texts() -> Mapping[str, Mapping[str, str]]:
    """The texts of every room together; ids are unique over rooms."""
    return {key: value for room in ROOMS for key, value in texts(room).items()}


def text(text_id: str, language: str = "en", **numbers: object) -> str:
    """The text of one id in one language with its numbers filled in.

    Raises CallError for a language that is not kept; an id without a text is shown as the id itself.
    """
    if language not in LANGUAGES:
        raise CallError(f"language {language!r} is not kept: use one of {', '.join(LANGUAGES)}")
    entry = all_texts().get(text_id)
    return entry[language].format_map(_Shown(numbers)) if entry else text_id


def told(kind: type[Told], text_id: str, **numbers: object) -> Told:
    """An error whose message is the English text of an id; `said` tells it in another language."""
    error = kind(text(text_id, "en", **numbers))
    error.told = text_id, numbers
    return error


def said(error: Exception, language: str) -> str:
    """What an error says in a language; its own message where it has no text."""
    known = getattr(error, "told", None)
    if not known:
        return str(error)
    return text(known[0], language, **{name: _number(value, language) for name, value in known[1].items()})


def _number(value: object, language: str) -> object:
    if isinstance(value, Words):
        return value.said(language)
    return said(value, language) if isinstance(value, Exception) else value
