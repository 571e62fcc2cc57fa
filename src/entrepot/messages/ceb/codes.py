"""Whole columns of ISO codes turned into the numbers customs uses in these messages (`goods.reference`)."""

from collections.abc import Mapping
from functools import cache

import polars as pl

from entrepot.goods.reference import countries, country_number, currencies, currency_number

__all__ = ["CHINA", "YUAN", "Translation", "country_numbers", "currency_numbers", "translation"]

CHINA = YUAN = "142"


class Translation:
    """A fixed mapping of texts applied to a column; much faster than a join, unknown texts give `default`."""

    def __init__(self, pairs: Mapping[str, str], default: str | None = None) -> None:
        self._keys = pl.Enum(list(pairs))
        self._values = pl.Series([*pairs.values(), default], dtype=pl.String)
        self._size = len(pairs)

    def __call__(self, column: pl.Series) -> pl.Series:
        """The translated column, under the same name."""
        places = column.cast(self._keys, strict=False).to_physical().cast(pl.UInt32).fill_null(self._size)
        return self._values.gather(places).alias(column.name)


def translation(pairs: Mapping[str, str], default: str | None = None) -> Translation:
    """A `Translation` of these pairs."""
    return Translation(pairs, default)


@cache
def country_numbers() -> Translation:
    """ISO alpha-2 to the 3-digit GACC country number."""
    known = {alpha2: country_number(alpha2) for alpha2 in sorted(set(countries().values()))}
    return Translation({alpha2: number for alpha2, number in known.items() if number})


@cache
def currency_numbers() -> Translation:
    """ISO 4217 code to the 3-digit customs currency number."""
    known = {code: currency_number(code) for code in sorted(set(currencies()))}
    return Translation({code: number for code, number in known.items() if number})
