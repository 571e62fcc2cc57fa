"""How figures, codes and ids are worded for people: on the report page and in the printed summary."""

import gettext
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import ceil
from typing import Any

import pycountry

from entrepot.goods.errors import CallError
from entrepot.goods.reference import district_name
from entrepot.goods.texts import LANGUAGES, all_texts, text

__all__ = [
    "NOT_GIVEN",
    "Pair",
    "checked",
    "clean",
    "completed",
    "country_name",
    "day_or_dash",
    "either",
    "grouped",
    "labelled",
    "met",
    "mode_name",
    "money",
    "named",
    "pair",
    "paperless_sentence",
    "percent",
    "port_name",
    "ranked",
    "ratio",
    "rule_text",
    "same",
    "share",
    "shown",
    "target_of",
]

Pair = Mapping[str, str]
"""One text in every language: `{"en": ..., "zh": ...}`."""

COUNTS = ("rows_in", "rows_decided", "rows_refused", "orders", "parcels", "parcels_released", "tax_unknown_lines")
MAPPINGS = ("by_mode", "by_verdict", "by_lane", "by_direction", "by_country", "by_chapter", "by_reason", "by_warning",
            "by_problem", "tax", "tax_by_mode", "messages", "defaults_used", "cancellations")
LISTS = ("by_port", "by_day", "paperless", "inputs", "notes")
OTHERS = ("paperless_ratio", "paperless_target", "tax_total_cny", "law_hash", "law_checked_until", "code_version",
          "messages_sendable", "sender_note", "mapping")
NOT_GIVEN = ("", "none", "None", "null", "unknown")
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def checked(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    """The summary itself, once it is known to hold every figure a report shows; raises CallError otherwise."""
    missing = [key for key in (*COUNTS, *MAPPINGS, *LISTS, *OTHERS) if key not in summary]
    if missing:
        raise CallError(f"the summary lacks {', '.join(missing)}; a report shows no figure it was not given, so write"
                        " the summary again with this version")
    return summary


# Words and numbers ------------------------------------------------------------------------------------------------


def clean(value: Any) -> Any:
    """A value with characters nobody can see, or that turn text round, shown as U+FFFD; others as they are."""
    if not isinstance(value, str) or not UNPRINTABLE.search(value):
        return value
    return type(value)(UNPRINTABLE.sub("\ufffd", value))


def pair(text_id: str, **numbers: Any) -> Pair:
    """The text of an id in every language; a number that is itself a pair is filled in language by language."""
    return {language: text(text_id, language, **{name: value[language] if isinstance(value, Mapping) else value
                                                 for name, value in numbers.items()}) for language in LANGUAGES}


def named(text_id: str) -> Pair | None:
    """The text of a rule, warning or problem with nothing in particular filled in; None when the id has none.

    An id may name what it is about after a colon (`law.unconfirmed:cn/cbec/yearly_limit`).
    """
    base, _, about = text_id.partition(":")
    found = next((known for known in (text_id, base) if known in all_texts()), None)
    if found is None:
        return None
    said = pair(found, field=pair("report.any-field"), **({"path": about, "given": about} if about else {}))
    return {language: _in_general(words) for language, words in said.items()}


def _in_general(words: str) -> str:
    """A text whose figures are left open, as a sentence of its own."""
    opened = re.sub(r"…[.。]", "…", re.sub(r"\{[^{}]*\}", "…", words))
    return opened[:1].upper() + opened[1:]


def either(note: Any) -> Pair | None:
    """A note as a pair: a pair already, the id of a text, or plain words that serve both languages."""
    if not note:
        return None
    if isinstance(note, Mapping):
        return {language: str(note.get(language) or next(iter(note.values()))) for language in LANGUAGES}
    return pair(note) if note in all_texts() else same(str(note))


def same(words: str) -> Pair:
    """Words that are the same in every language."""
    return dict.fromkeys(LANGUAGES, words)


def grouped(number: int) -> str:
    """A count with its thousands apart: 1,234,567."""
    return f"{number:,}"


def money(amount: str | int | float) -> str:
    """An amount in major units with its thousands apart and at least two decimals, never rounded.

    A float is taken as it is written: `summary.json` keeps the total as a number, and JSON reads it back as one.
    """
    exact = Decimal(str(amount))
    return f"{exact:,.2f}" if exact == exact.quantize(Decimal("0.01")) else f"{exact:,f}"


def share(part: int, whole: int) -> str:
    """A share to one decimal; what is not nothing never reads 0.0%, what is not all never reads 100.0%."""
    if not whole:
        return "–"
    tenths = (2000 * part + whole) // (2 * whole)
    if part and not tenths:
        return "<0.1%"
    return ">99.9%" if part < whole and tenths >= 1000 else f"{tenths // 10}.{tenths % 10}%"


def ratio(released: int, parcels: int) -> str:
    """Parcels released per parcel, in percent rounded down to two decimals: a missed target never reads as reached."""
    hundredths = 10_000 * released // parcels if parcels else None
    return "–" if hundredths is None else f"{hundredths // 100}.{hundredths % 100:02d}%"


def day_or_dash(day: Any) -> str:
    """A day as text, a dash where there is none."""
    return "–" if day is None or str(day) in NOT_GIVEN else str(day)


def percent(exact: Fraction) -> str:
    """A target as a person writes it: 90%."""
    return f"{float(exact * 100):g}%"


def target_of(summary: Mapping[str, Any]) -> Fraction:
    """The paperless target of a summary, exact as written."""
    return Fraction(str(summary["paperless_target"]))


def ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Codes and counts, the greatest count first."""
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))


def completed(counts: Mapping[str, int], whole: int) -> Mapping[str, int]:
    """The counts with the lines that have no value as one more row, so that a plot adds up to its whole."""
    left = whole - sum(counts.values())
    return {**counts, "": counts.get("", 0) + left} if left > 0 else counts


# Names of codes ---------------------------------------------------------------------------------------------------


def mode_name(code: str) -> Pair:
    """The name of a customs mode; a code without a known name is its own name."""
    if code in NOT_GIVEN:
        return pair("report.without-mode")
    return pair(f"report.mode.{code}") if f"report.mode.{code}" in all_texts() else same(code)


@cache
def country_name(code: str) -> Pair:
    """The name of a country or region by alpha-2 code: our own where customs name it otherwise, else ISO 3166-1."""
    if code in NOT_GIVEN:
        return pair("report.without")
    if f"report.country.{code}" in all_texts():
        return pair(f"report.country.{code}")
    entry = pycountry.countries.get(alpha_2=code)
    if entry is None:
        return same(code)
    name = getattr(entry, "common_name", entry.name)
    chinese = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=["zh_CN"], fallback=True)
    return {"en": name, "zh": chinese.gettext(name)}


def port_name(code: str) -> Pair:
    """The name of a customs district or office; a code without a known name is its own name."""
    if code in NOT_GIVEN:
        return pair("report.without")
    return {language: district_name(code, language) or code for language in LANGUAGES}


def labelled(kind: str, code: str) -> Pair:
    """The text of a code of one kind (`verdict`, `lane`, `message`, ...); a code without one is its own name."""
    return pair(f"report.{kind}.{code}") if f"report.{kind}.{code}" in all_texts() else same(code)


def met(released: int, parcels: int, target: Fraction) -> bool:
    """Whether this many parcels released reach the target, compared exactly."""
    return Fraction(released) >= target * parcels


def paperless_sentence(summary: Mapping[str, Any]) -> Pair:
    """Whether the paperless target is reached, or how many parcels it lacks."""
    target, parcels, released = target_of(summary), summary["parcels"], summary["parcels_released"]
    if not parcels:
        return pair("report.paperless-none", target=percent(target))
    if met(released, parcels, target):
        return pair("report.paperless-reached", target=percent(target))
    return pair("report.paperless-missed", target=percent(target), n=grouped(ceil(target * parcels) - released))


# Explanations -----------------------------------------------------------------------------------------------------


def shown(value: Any, unit: str) -> str:
    """A figure as a person reads it: fen as CNY, cents as USD, ppm as percent; unknown as `?`."""
    if value is None:
        return "?"
    if unit in ("fen", "cent"):
        return f"{Decimal(value) / 100:,.2f} {'CNY' if unit == 'fen' else 'USD'}"
    if unit == "ppm":
        return f"{(Decimal(value) / 10_000).normalize():f} %"
    return f"{Decimal(value).scaleb(-6).normalize():f}" if unit == "e6" else str(value)


def rule_text(rule: str, language: str) -> str:
    """The text of a rule; `law.unconfirmed:PATH` names the leaf."""
    head, _, path = rule.partition(":")
    return text(head, language, path=path) if path else text(rule, language)
