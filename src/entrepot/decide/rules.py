"""Rule tables: ordered rules of which the first that holds decides.

One table serves two readers. `first` turns it into a column expression that decides millions of rows;
`trace` evaluates the same expressions on one row and shows every rule tried, with its numbers and its law.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

__all__ = ["Answer", "Check", "Number", "Rule", "answered", "enum_of", "first", "flag_lists", "flags", "trace"]

Answer = Literal["yes", "no", "unknown"]
ALWAYS = pl.lit(True)


@dataclass(frozen=True, slots=True)
class Number:
    """A figure a rule shows: an expression and the unit it is counted in (fen, ppm, date, e5, code, ...)."""

    value: pl.Expr
    unit: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a table.

    `when` holds for the rows it decides (null counts as not holding), `answer` is what it says,
    `law` names the leaves it reads, `numbers` the figures an explanation shows.
    """

    id: str
    when: pl.Expr = ALWAYS
    answer: Answer = "yes"
    law: tuple[str, ...] = ()
    numbers: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One rule as tried on one row: did it hold, did it decide, which figures and which law it saw."""

    rule: str
    answer: Answer
    held: bool | None
    decides: bool
    numbers: Mapping[str, tuple[Any, str]]
    law: tuple[str, ...]


def enum_of(rules: Sequence[Rule]) -> pl.Enum:
    """The column type of a table's deciding rule: one small integer per row."""
    return pl.Enum(list(dict.fromkeys(rule.id for rule in rules)))


def first(rules: Sequence[Rule]) -> pl.Expr:
    """The id of the first rule that holds; null when none does."""
    ids = enum_of(rules)
    decided: pl.Expr = pl.lit(None, ids)
    for rule in reversed(rules):
        decided = pl.when(rule.when).then(pl.lit(rule.id, ids)).otherwise(decided)
    return decided


def answered(column: str, rules: Sequence[Rule], answer: Answer) -> pl.Expr:
    """True where the rule in `column` gives this answer."""
    return pl.col(column).is_in([rule.id for rule in rules if rule.answer == answer])


def flags(rules: Sequence[Rule]) -> pl.Expr:
    """All rules that hold, as the bits of one Int64 (bit n is rule n); at most 63 rules."""
    if len(rules) > 63:
        raise ValueError(f"{len(rules)} flags do not fit 63 bits: split the table")
    bits = [pl.when(rule.when).then(pl.lit(1 << place, pl.Int64)).otherwise(pl.lit(0, pl.Int64))
            for place, rule in enumerate(rules)]
    return pl.sum_horizontal(bits) if bits else pl.lit(0, pl.Int64)


def flag_lists(lines: pl.DataFrame, column: str, rules: Sequence[Rule]) -> pl.DataFrame:
    """Replace a bit column by the list of its rule ids; built once per distinct combination."""
    masks = lines.get_column(column).unique()
    lists = [[rule.id for place, rule in enumerate(rules) if mask >> place & 1] for mask in masks.to_list()]
    known = pl.DataFrame({column: masks, "_ids": pl.Series(lists, dtype=pl.List(pl.String))})
    joined = lines.join(known, on=column, how="left", maintain_order="left")
    return joined.with_columns(pl.col("_ids").alias(column)).drop("_ids")


def trace(row: pl.DataFrame, rules: Sequence[Rule]) -> list[Check]:
    """Every rule of a table tried on a frame of one row, up to and including the one that decides.

    The rules after the deciding one are not tried, as in the law they would not be read.
    """
    checks: list[Check] = []
    for rule in rules:
        shown = {name: number.value.alias(f"n_{name}") for name, number in rule.numbers.items()}
        seen = row.select(rule.when.alias("held"), *shown.values()).row(0, named=True)
        numbers = {name: (seen[f"n_{name}"], rule.numbers[name].unit) for name in shown}
        checks.append(Check(rule.id, rule.answer, seen["held"], bool(seen["held"]), numbers, rule.law))
        if seen["held"]:
            break
    return checks
