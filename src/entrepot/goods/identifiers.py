"""Check digits of numbers that name firms, persons and articles; python-stdnum knows the rules.

Every function takes a column of texts and returns Booleans (null for null); each distinct value is checked once.
"""

from types import ModuleType

import polars as pl
from stdnum import ean
from stdnum.cn import ric, uscc

__all__ = ["is_gtin", "is_resident_id", "is_social_credit_code"]


def is_social_credit_code(values: pl.Series) -> pl.Series:
    """Whether each is a Unified Social Credit Code (18 characters). Source: GB 32100-2015."""
    return _checked(values, uscc)


def is_resident_id(values: pl.Series) -> pl.Series:
    """Whether each is a Chinese resident identity number (18 characters). Source: GB 11643-1999."""
    return _checked(values, ric)


def is_gtin(values: pl.Series) -> pl.Series:
    """Whether each is a GTIN-8, -12, -13 or -14 with a right check digit. Source: GS1 General Specifications."""
    return _checked(values, ean)


def _checked(values: pl.Series, module: ModuleType) -> pl.Series:
    distinct = values.drop_nulls().unique()
    found = [bool(module.is_valid(text)) for text in distinct]
    table = pl.DataFrame({"text": distinct, "ok": pl.Series(found, dtype=pl.Boolean)})
    joined = values.alias("text").to_frame().join(table, on="text", how="left", maintain_order="left")
    return joined["ok"].alias(values.name)
