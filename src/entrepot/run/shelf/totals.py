"""Figures of many lines by one of their columns, exact."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import pyarrow as pa

from entrepot.run.shelf.columns import GROUPS
from entrepot.run.shelf.frame import cut, frame
from entrepot.run.shelf.view import View

__all__ = ["Total", "add_up"]

PRICE, TAX = "price_fen", "tax_total_fen"
CHAPTER_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Total:
    """Lines of one group (None: unknown), the sums of their known dutiable prices and taxes, and how many are unknown."""

    group: str | date | None
    lines: int = 0
    price_fen: int = 0
    price_unknown: int = 0
    tax_total_fen: int = 0
    tax_unknown: int = 0

    def plus(self, lines: int, *figures: int) -> "Total":
        """The same group with more lines."""
        before = (self.price_fen, self.price_unknown, self.tax_total_fen, self.tax_unknown)
        return Total(self.group, self.lines + lines, *(a + b for a, b in zip(before, figures, strict=True)))


def add_up(group_by: str, found: Iterable[tuple[View, pa.Array]]) -> list[Total]:
    """Totals of rows, batch after batch, by one of `GROUPS`, in the order of the groups, the unknown one last."""
    totals: dict[Any, Total] = {}
    for view, rows in found:
        for group, *figures in _figures(view, rows, GROUPS[group_by]).iter_rows():
            name = group[:CHAPTER_DIGITS] if group_by == "chapter" and group else group
            totals[name] = totals.get(name, Total(name)).plus(*figures)
    return sorted(totals.values(), key=_place)


def _place(total: Total) -> tuple[bool, Any]:
    return (True, 0) if total.group is None else (False, total.group)


def _figures(view: View, rows: pa.Array, column: str) -> pl.DataFrame:
    wide = {name: _sum(view, name, len(rows)) for name in (PRICE, TAX)}
    figures = [figure for name in (PRICE, TAX) for figure in (wide[name], pl.col(name).null_count().alias(f"{name}_null"))]
    codes = view.column(column)
    counted = frame(view, rows, (PRICE, TAX)).with_columns(pl.Series(cut(codes.codes, rows)).alias("code"))
    summed = counted.group_by("code").agg(pl.len(), *figures)
    groups = [None if code == len(codes.array) else codes.values[code] for code in summed["code"].to_list()]
    return summed.select(pl.Series("group", groups, dtype=_dtype(groups)), pl.exclude("code"))


def _dtype(groups: list[Any]) -> pl.DataType:
    return pl.Date() if any(isinstance(group, date) for group in groups) else pl.String()


def _sum(view: View, name: str, count: int) -> pl.Expr:
    """A sum in 64 bits where no such rows can reach their end, else in 128."""
    values = view.column(name).array
    largest = max(abs(values[0].as_py()), abs(values[-1].as_py())) if len(values) else 0
    return pl.col(name).sum() if largest * count < 2**63 else pl.col(name).cast(pl.Int128()).sum()
