"""A quote: the answer, as plain values that never change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from entrepot.run.quote.request import Problem

__all__ = ["Charge", "Option", "Quote"]


@dataclass(frozen=True, slots=True)
class Charge:
    """One part of what a way costs beside the price: `kind` is duty, consumption_tax, vat or destination.

    `base` and `amount` are CNY with two decimals as text; None is unknown, never zero. `rule` is the rule that made the
    amount due (or unknown), or the id of the text that says why it is unknown.
    """

    kind: str
    base: str | None
    amount: str | None
    rule: str
    law: tuple[Mapping[str, Any], ...] = ()
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class Option:
    """One way to trade: what the law answers (`yes`, `no`, `unknown`), by which rule, and what it brings with it.

    `numbers`: name to value and unit of the figures that rule saw, as `run.explain` gives them; `law`: the leaves it read
    as they stood that day. `rank`: 1 is the way to take, None where the law says no. `law_rank`: the place of the mode
    among all modes. `documents`: paper or message to its need. `form_rule`: list or full declaration, `code_digits` what
    code it needs. `holds`: what would keep the parcel waiting for a person. `total`: price and all charges in CNY, None
    when a part of it is unknown. Of a way the law does not allow only the answer, its figures and its law are told.
    """

    mode: str
    title: str
    answer: str
    rule: str
    numbers: Mapping[str, tuple[Any, str]]
    law: tuple[Mapping[str, Any], ...]
    rank: int | None
    law_rank: int
    documents: Mapping[str, str]
    rebate: str | None
    import_tax: str | None
    form_rule: str | None
    code_digits: int | None
    tax_rule: str | None
    tax_numbers: Mapping[str, tuple[Any, str]]
    charges: tuple[Charge, ...]
    price: str | None
    total: str | None
    warnings: tuple[str, ...]
    holds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """Every way to trade one product on one day under one law.

    `options`: the open ways, the best first, then those that hang on a fact that is not stated; `rejected`: the ways the
    law does not allow. `value`: goods, freight, insurance and price in CNY (text, None unknown) with the rate used.
    `cheapest`: the admissible mode whose known total is least. `warnings`: what holds for every open way, and what the
    quote as a whole leaves out. With `problems` there are no options: nothing could be computed.
    """

    law_hash: str
    on: date
    direction: str
    input: Mapping[str, str]
    value: Mapping[str, str | None]
    options: tuple[Option, ...]
    rejected: tuple[Option, ...]
    cheapest: str | None
    warnings: tuple[str, ...]
    problems: tuple[Problem, ...]
