"""Texts a person reads, in English and Chinese, kept as data beside the code that uses them.

Each room has one `texts.yaml`: `id: {en: ..., zh: ...}`; a text may name numbers in braces.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from ruamel.yaml import YAML

from entrepot.goods.errors import CallError

__all__ = ["LANGUAGES", "all_texts", "text", "texts"]

LANGUAGES = ("en", "zh")
ROOMS = ("goods", "law", "decide", "messages", "run")


class _Shown(dict[str, object]):
    """Leaves a number that was not given as its name in braces instead of failing."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


@cache
def texts(room: str) -> Mapping[str, Mapping[str, str]]:
    """All texts of one room: id to language to text."""
    source = files(f"entrepot.{room}").joinpath("texts.yaml")
    if not source.is_file():
        return {}
    loaded = YAML(typ="safe").load(source.read_text(encoding="utf-8"))
    return loaded or {}


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
