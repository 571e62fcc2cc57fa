"""A quote as plain data with its texts filled in: what a page shows and the API sends, under stable names."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from entrepot.goods.errors import CallError
from entrepot.goods.texts import LANGUAGES
from entrepot.run.quote.answer import Charge, Option, Quote
from entrepot.run.quote.request import Problem
from entrepot.run.wording import rule_text, shown

__all__ = ["describe", "describe_problems"]


def describe(quote: Quote, language: str = "en") -> dict[str, Any]:
    """A quote in one language, ready for `json.dumps`. Amounts are text in CNY, null is unknown.

    law_hash, on, direction, language, input   what was asked and under which law
    value       goods, freight, insurance, price, rate_cny, rate_units, rate_kind (text or null)
    options     open ways, the best first; each with
                mode, title, answer (yes | unknown), answer_text, rank, law_rank,
                rule {id, text}, numbers [{name, title, value, unit, text}], law [{path, title, value, unit, from, until,
                status, mark, source}], documents [{id, title, need, need_text}], rebate and import_tax ({id, text} or null),
                form {id, text, code_digits} or null, tax_rule {id, text} or null, tax_numbers and tax_law as above,
                charges [{kind, title, base, amount, currency, rule {id, text}, law [paths in tax_law]}], price, total,
                warnings [{id, text}], holds [{id, text}]
    rejected    ways the law does not allow (answer no) under the same names; what they would bring is null or empty
    cheapest    mode of the least known total, or null
    warnings    [{id, text}] of the quote as a whole
    problems    [{field, code, message, given, allowed}]; then there are no options

    Raises CallError for a language that is not kept.
    """
    if language not in LANGUAGES:
        raise CallError(f"language {language!r} is not kept: use one of {', '.join(LANGUAGES)}")
    return {
        "law_hash": quote.law_hash, "on": quote.on.isoformat(), "direction": quote.direction, "language": language,
        "input": dict(quote.input), "value": dict(quote.value),
        "options": [_option(option, language) for option in quote.options],
        "rejected": [_option(option, language) for option in quote.rejected],
        "cheapest": quote.cheapest, "warnings": [_said(one, language) for one in quote.warnings],
        "problems": describe_problems(quote.problems, language),
    }  # fmt: skip


def describe_problems(problems: tuple[Problem, ...], language: str = "en") -> list[dict[str, str]]:
    """Problems of a request in one language: field, code, message, given, allowed."""
    return [
        {"field": one.field, "code": one.code, "message": one.message[language], "given": one.given, "allowed": one.allowed}
        for one in problems
    ]


def _answer(option: Option, language: str) -> dict[str, Any]:
    return {
        "mode": option.mode, "title": _words(option.title, language), "answer": option.answer,
        "answer_text": _words(f"quote.answer.{option.answer}", language), "law_rank": option.law_rank,
        "rule": _said(option.rule, language), "numbers": _numbers(option.numbers, language), "law": _law(option.law, language),
    }  # fmt: skip


def _option(option: Option, language: str) -> dict[str, Any]:
    return {
        **_answer(option, language), "rank": option.rank,
        "documents": [
            {"id": name, "title": _words(f"document.{name}", language), "need": need, "need_text": _words(f"need.{need}", language)}
            for name, need in option.documents.items()
        ],
        "rebate": _kind("rebate", option.rebate, language), "import_tax": _kind("import_tax", option.import_tax, language),
        "form": {**_said(option.form_rule, language), "code_digits": option.code_digits} if option.form_rule else None,
        "tax_rule": _said(option.tax_rule, language) if option.tax_rule else None,
        "tax_numbers": _numbers(option.tax_numbers, language),
        "tax_law": _law(option.charges[0].law if option.charges else (), language),
        "charges": [_charge(charge, language) for charge in option.charges], "price": option.price, "total": option.total,
        "warnings": [_said(one, language) for one in option.warnings], "holds": [_said(one, language) for one in option.holds],
    }  # fmt: skip


def _charge(charge: Charge, language: str) -> dict[str, Any]:
    return {
        "kind": charge.kind, "title": _words(f"quote.charge.{charge.kind}", language), "base": charge.base,
        "amount": charge.amount, "currency": charge.currency, "rule": _said(charge.rule, language),
        "law": [leaf["path"] for leaf in charge.law],
    }  # fmt: skip


def _numbers(numbers: Mapping[str, tuple[Any, str]], language: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "title": _words(f"number.{name}", language), "value": None if value is None else str(value), "unit": unit,
         "text": shown(value, unit)}
        for name, (value, unit) in numbers.items()
    ]  # fmt: skip


def _law(leaves: tuple[Mapping[str, Any], ...], language: str) -> list[dict[str, Any]]:
    return [{**leaf, "title": leaf["title"][language]} for leaf in leaves]


def _kind(of: str, value: str | None, language: str) -> dict[str, str] | None:
    return None if value is None else {"id": value, "text": _words(f"{of}.{value}", language)}


@lru_cache(maxsize=4096)
def _words(rule: str, language: str) -> str:
    return rule_text(rule, language)


def _said(rule: str, language: str) -> dict[str, str]:
    return {"id": rule, "text": _words(rule, language)}
