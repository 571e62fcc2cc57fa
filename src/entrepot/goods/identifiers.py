"""Numbers that name persons and firms: one way of writing them, and their check characters."""

import re

import polars as pl
from stdnum.cn import uscc

__all__ = ["is_resident_id", "is_social_credit_code", "normal_ids"]

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK = "10X98765432"


def normal_ids(ids: pl.Series) -> pl.Series:
    """Identity numbers in one way of writing: full-width characters made plain (NFKC), no blanks around, upper case."""
    return ids.str.normalize("NFKC").str.strip_chars().str.to_uppercase()


def is_resident_id(ids: pl.Series) -> pl.Series:
    """Whether each is a Chinese identity number: 17 digits with a possible birth date and a right check character.

    Expects them as `normal_ids` writes them; false for null. Source: GB 11643-1999.
    """
    shaped = ids.str.contains(r"^[1-9][0-9]{16}[0-9X]$").fill_null(value=False)
    body = pl.select(pl.when(shaped).then(ids.str.slice(0, 17)).otherwise(pl.lit("0")).cast(pl.Int64)).to_series()
    products = sum(((body // 10 ** (16 - place)) % 10 * weight for place, weight in enumerate(WEIGHTS)), body * 0)
    expected = pl.Series(list(CHECK)).gather(products % 11)
    born = ids.str.slice(6, 8).str.to_date("%Y%m%d", strict=False).is_not_null()
    return shaped & born & (expected == ids.str.slice(17, 1)).fill_null(value=False)


def is_social_credit_code(code: str) -> bool:
    """Whether a text is a Unified Social Credit Code (18 characters, upper case). Source: GB 32100-2015."""
    # stdnum forgives blanks, lower case and full-width digits; customs do not.
    return re.fullmatch(r"[0-9A-Z]{18}", code) is not None and bool(uscc.is_valid(code))
