"""The resident identity number as messages need it (GB 11643): 17 digits and a check character."""

import polars as pl

__all__ = ["is_identity_number"]

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK = "10X98765432"


def is_identity_number(column: pl.Series) -> pl.Series:
    """Whether each text is an 18-character identity number with a possible birth date and a right check character."""
    shaped = column.str.contains(r"^[1-9]\d{16}[\dX]$").fill_null(value=False)
    body = pl.select(pl.when(shaped).then(column.str.slice(0, 17)).otherwise(pl.lit("0")).cast(pl.Int64)).to_series()
    products = sum(((body // 10 ** (16 - place)) % 10 * weight for place, weight in enumerate(WEIGHTS)), body * 0)
    expected = pl.Series(list(CHECK)).gather(products % 11)
    born = column.str.slice(6, 8).str.to_date("%Y%m%d", strict=False).is_not_null()
    return shaped & born & (expected == column.str.slice(17, 1)).fill_null(value=False)
