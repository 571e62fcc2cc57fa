"""What the deciding rules saw: their figures, the warnings and what would hold a parcel, for all lines at once.

The tables are those of the chain; here each figure of each rule becomes one column, made once for a law.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from entrepot.decide.few import Columns
from entrepot.decide.mode import form_rules, mode_rules
from entrepot.decide.release import reason_rules, warning_rules
from entrepot.decide.rules import Rule
from entrepot.decide.tax import tax_rules
from entrepot.law import Law
from entrepot.law.kept import once_per_law

__all__ = ["Figures", "Tables", "figures", "tables"]

NOT_ASKED = ("release.mode-not-lawful", "release.no-lawful-mode", "release.mode-unknown")
"""Reasons that only repeat what the option itself answers."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a rule table as columns: of each rule, name to column and unit."""

    columns: Columns
    places: Mapping[str, Mapping[str, tuple[int, str]]]

    def of(self, rule: str, row: Sequence[Any]) -> dict[str, tuple[Any, str]]:
        """The figures of one rule in one row of the columns."""
        return {name: (row[place], unit) for name, (place, unit) in self.places.get(rule, {}).items()}


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything about the rules of a law that a quote reads: by id the rule, and the columns to ask."""

    rules: Mapping[str, Rule]
    orders: Figures
    lines: Figures
    warnings: tuple[tuple[str, ...], Columns]
    reasons: tuple[tuple[str, ...], Columns]


def figures(rules: Sequence[Rule]) -> Figures:
    """The figures of rules as columns, each distinct expression once."""
    made: dict[str, pl.Expr] = {}
    order: list[str] = []
    places: dict[str, dict[str, tuple[int, str]]] = {}
    for rule in rules:
        for name, number in rule.numbers.items():
            key = number.value.meta.serialize().hex()
            if key not in made:
                made[key] = number.value.alias(f"figure_{len(order)}")
                order.append(key)
            places.setdefault(rule.id, {})[name] = (order.index(key), number.unit)
    return Figures(Columns(made.values()), places)


@once_per_law
def tables(law: Law) -> Tables:
    """The tables of a law."""
    modes = [rule for rules in mode_rules(law).values() for rule in rules]
    forms, taxes, reasons, warnings = form_rules(law), tax_rules(law), reason_rules(), warning_rules(law)
    asked = [rule for rule in reasons if rule.id not in NOT_ASKED]
    return Tables(
        {rule.id: rule for rule in (*modes, *forms, *taxes)}, figures([*modes, *forms]), figures(taxes), _flags(warnings), _flags(asked)
    )


def _flags(rules: Sequence[Rule]) -> tuple[tuple[str, ...], Columns]:
    held = [rule.when.fill_null(value=False).alias(f"held_{place}") for place, rule in enumerate(rules)]
    return tuple(rule.id for rule in rules), Columns(held)
