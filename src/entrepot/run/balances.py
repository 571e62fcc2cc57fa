"""Opening balances: what each buyer has already used of this year's limit when the batch opens."""

from pathlib import Path

import polars as pl

from entrepot.goods.errors import CallError
from entrepot.goods.parse import buyer_keys

__all__ = ["read_balances"]

COLUMNS = ("buyer_id", "year", "spent")
KEYED = "buyer_key"
"""Column that may stand in place of `buyer_id`: the keyed hash itself, where no identity number is kept."""
KEY_FORM = "^[0-9a-f]{32}$"


def read_balances(path: Path, key: bytes) -> pl.DataFrame:
    """Read a CSV of buyer_id, year, spent (CNY) into buyer_key, year, spent_fen; one row per buyer and year.

    A column `buyer_key`, made with the same key, may stand in place of `buyer_id`. Raises CallError naming the first row
    that is not exact, negative or a repetition.
    """
    table = _table(path)
    buyer = KEYED if KEYED in table.columns else COLUMNS[0]
    named = pl.col(buyer).str.contains(KEY_FORM) if buyer == KEYED else pl.col(buyer) != ""
    good = pl.col("year").str.contains("^[0-9]{4}$") & pl.col("spent").str.contains(r"^[0-9]{1,9}(\.[0-9]{1,2})?$")
    wrong = table.with_row_index("_row", 2).filter(~(good & named).fill_null(value=False))
    if wrong.height:
        asked = f"a {buyer}" + (" (32 digits and letters a to f, as in lines.parquet)" if buyer == KEYED else "")
        raise CallError(
            f"{path} line {wrong.item(0, '_row')}: give {asked}, a year (2026) and an amount in CNY (1234.50)"
        )
    fen = (pl.col("spent").cast(pl.Decimal(12, 2)) * 100).cast(pl.Int64)
    buyers = table.get_column(buyer)
    read = table.select(
        buyer_key=buyers if buyer == KEYED else buyer_keys(buyers, key), year=pl.col("year").cast(pl.Int64), spent_fen=fen
    )
    if read.select("buyer_key", "year").is_duplicated().any():
        raise CallError(f"{path}: a buyer has two balances for one year; keep one row each")
    return read.sort("buyer_key", "year")


def _table(path: Path) -> pl.DataFrame:
    """The file as texts with all columns that are needed."""
    try:
        table = pl.read_csv(path, infer_schema=False).with_columns(pl.all().str.strip_chars())
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CallError(
            f"{path}: cannot be read as a CSV of {', '.join(COLUMNS)}: {str(error).splitlines()[0]}"
        ) from None
    if KEYED in table.columns and COLUMNS[0] in table.columns:
        raise CallError(f"{path}: both {COLUMNS[0]} and {KEYED} are given; keep the one that buyers are known by")
    missing = [name for name in COLUMNS if name not in table.columns and not (name == COLUMNS[0] and KEYED in table.columns)]
    if missing:
        raise CallError(
            f"{path}: no column {missing[0]!r}; needed are {', '.join(COLUMNS)}, found {', '.join(table.columns)}"
        )
    return table
