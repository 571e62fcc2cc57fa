"""Exact arithmetic on columns: products in 128 bits, rounding as the law names it, a check before narrowing."""

import polars as pl

from entrepot.decide.dates import in_force
from entrepot.law import Law

__all__ = ["ROUNDING_MODES", "divide", "money_fen", "rounded_by_law", "wide"]

ROUNDING_MODES = ("half_up", "down", "up")


def wide(value: pl.Expr | str) -> pl.Expr:
    """The same integers in 128 bits, so that products cannot wrap silently."""
    return (pl.col(value) if isinstance(value, str) else value).cast(pl.Int128)


def divide(numerator: pl.Expr, denominator: pl.Expr | int, mode: str = "half_up") -> pl.Expr:
    """Integer quotient of non-negative 128-bit columns, rounded `half_up`, `down` or `up`; null stays null."""
    below = denominator if isinstance(denominator, pl.Expr) else pl.lit(denominator, pl.Int128)
    if mode == "half_up":
        return (numerator * 2 + below) // (below * 2)
    return numerator // below if mode == "down" else (numerator + below - 1) // below


def money_fen(value: pl.Expr) -> pl.Expr:
    """Narrow a 128-bit amount to Int64 fen; an amount that does not fit becomes null, never another amount."""
    return value.cast(pl.Int64, strict=False)


def rounded_by_law(law: Law, path: str, numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """Quotient in fen under the rounding mode that `path` names on each row's own day.

    A day without a mode, or with one that is not implemented, gives null: an amount nobody may compute is unknown.
    """
    modes = {str(value.value) for value in law.history(path)} & set(ROUNDING_MODES)
    result: pl.Expr = pl.lit(None, pl.Int64)
    for mode in sorted(modes):
        amount = money_fen(divide(numerator, denominator, mode))
        result = pl.when(in_force(law, path) == mode).then(amount).otherwise(result)
    return result
