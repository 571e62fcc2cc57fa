"""Exact numbers from text and from typed columns: integers at 10⁻⁵, never through a rounded float.

A text is read only if it is plainly a number of at most five decimals (trailing zeros do not count); everything
else stays null here and `number_fault` says why.
"""

import polars as pl

from entrepot.goods.errors import InputError
from entrepot.goods.texts import told

__all__ = ["E5", "mass_g", "number_e5", "number_fault", "whole"]

E5 = 100_000
PLAIN_E5 = r"^[+-]?(?:[0-9]{1,12}(?:\.[0-9]{0,5}0*)?|\.[0-9]{1,5}0*)$"
PLAIN_KG = r"^[+-]?(?:[0-9]{1,12}(?:\.[0-9]{0,3}0*)?|\.[0-9]{1,3}0*)$"
PLAIN_WHOLE = r"^[+-]?[0-9]{1,12}(?:\.0*)?$"
ANY_PLAIN = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$"
LARGEST = 10**17
"""Amounts at or above 10¹² units are refused long before an Int64 overflows."""


def number_e5(column: str, dtype: pl.DataType) -> pl.Expr:
    """A column as Int64 at 10⁻⁵, null where it is no number or has more than five decimals."""
    value = pl.col(column)
    if dtype == pl.String:
        return _scaled(value, PLAIN_E5)
    if dtype == pl.Float64:
        return _from_float(value)
    if dtype.is_integer():
        wide = value.cast(pl.Int128) * E5
        return pl.when(wide.abs() < LARGEST).then(wide).cast(pl.Int64)
    if dtype.is_decimal() or dtype.is_float():  # a narrow float is what its shortest decimal says
        return _scaled(value.cast(pl.String), PLAIN_E5)
    raise told(InputError, "file.column-number", column=repr(column), type=dtype)


def _scaled(text: pl.Expr, pattern: str) -> pl.Expr:
    plain = pl.when(text.str.contains(pattern)).then(text)
    return plain.cast(pl.Decimal(38, 5), strict=False).to_physical().cast(pl.Int64, strict=False)


def _from_float(value: pl.Expr) -> pl.Expr:
    # k/10⁵ is the double nearest to that decimal, so equality means the shortest decimal has five places or fewer.
    # The divisor is a column because dividing by a literal is done as an (inexact) multiplication.
    divisor = value * 0.0 + float(E5)
    scaled = (value * E5).round()
    fits = value.is_finite() & (scaled.abs() < 2.0**53)
    return pl.when(fits & (scaled / divisor == value)).then(scaled).cast(pl.Int64, strict=False)


def mass_g(column: str, dtype: pl.DataType) -> pl.Expr:
    """A column of kilograms as Int64 grams, null where it is no number or has more than three decimals."""
    if dtype == pl.String or dtype.is_decimal() or dtype == pl.Float32:
        return _scaled(pl.col(column).cast(pl.String), PLAIN_KG) // 100
    at_e5 = number_e5(column, dtype)
    return pl.when(at_e5 % 100 == 0).then(at_e5 // 100)


def whole(column: str, dtype: pl.DataType) -> pl.Expr:
    """A column as Int64, null where it is no whole number."""
    value = pl.col(column)
    if dtype.is_integer():
        return value.cast(pl.Int64, strict=False)
    if dtype.is_float():
        fits = value.is_finite() & (value == value.round()) & (value.abs() < 1e15)
        return pl.when(fits).then(value).cast(pl.Int64, strict=False)
    return _scaled(value.cast(pl.String), PLAIN_WHOLE) // E5


def number_fault(text: pl.Expr, *, positive: bool, limit: int | None, whole_number: bool, decimals: int) -> pl.Expr:
    """The problem code of a text that was not accepted as a number."""
    digits = text.str.strip_chars_start("+-").str.extract(r"^0*([0-9]*)", 1)
    is_plain = text.str.contains(ANY_PLAIN)
    is_zero = text.str.contains(r"^[+-]?[0.]+$")
    below = text.str.starts_with("-") & ~is_zero
    small = pl.lit("goods.not-positive" if positive else "goods.negative")
    large = digits.str.len_bytes() > 15
    if limit is not None:
        large = large | (digits.str.slice(0, 15).cast(pl.Int64, strict=False).fill_null(0) >= limit)
    return (
        pl.when(text.str.contains(r"(?i)^[+-]?(?:nan|inf|infinity)$")).then(pl.lit("goods.not-finite"))
        .when(text.str.contains(r"(?i)^[+-]?[0-9.]+e[+-]?[0-9]+$")).then(pl.lit("goods.exponent"))
        .when(text.str.contains(r"[\p{Nd}&&[^0-9]]")).then(pl.lit("goods.full-width-digits"))
        .when(text.str.contains(r"^[+-]?[0-9]{1,3}(?:[,' \u{A0}\u{202F}’][0-9]{3})+(?:\.[0-9]*)?$"))
        .then(pl.lit("goods.thousands-separator"))
        .when(text.str.contains(r"^[+-]?[0-9]+(?:\.[0-9]{3})*,[0-9]+$")).then(pl.lit("goods.decimal-comma"))
        .when(~is_plain).then(pl.lit("goods.not-a-number"))
        .when(below | (is_zero & positive)).then(small)
        .when(large).then(pl.lit("goods.too-large"))
        .when(whole_number).then(pl.lit("goods.not-whole"))
        .when(text.str.contains(r"\.[0-9]*[1-9]") & (decimals > 0)).then(pl.lit("goods.too-many-decimals"))
        .otherwise(pl.lit("goods.not-a-number"))
    )  # fmt: skip
