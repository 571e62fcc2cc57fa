"""Shared by the tests of goods: a good row, files made of rows, and one call from file to lines."""

import csv
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from entrepot.goods.mapping import PLAIN
from entrepot.goods.mapping import Mapping as ColumnMapping
from entrepot.goods.parse import Parsed, parse
from entrepot.goods.read import read_batches

KEY = b"a key for tests, 32 bytes long.."

GOOD: dict[str, str] = {
    "order_id": "A1", "line_no": "1", "direction": "export", "declared_on": "2026-03-01", "seller_country": "CN",
    "buyer_country": "US", "currency": "USD", "unit_price": "12.50", "quantity": "2", "description": "desk lamp",
}  # fmt: skip


def rows_of(*changes: Mapping[str, str]) -> list[dict[str, str]]:
    """Good rows with some fields changed; lines are numbered."""
    return [{**GOOD, "line_no": str(number), **change} for number, change in enumerate(changes, start=1)]


def write_csv(path: Path, rows: list[dict[str, str]], *, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    """A CSV with the columns of all rows."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding=encoding, newline="") as target:
        writer = csv.DictWriter(target, columns, delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def parsed(path: Path, mapping: ColumnMapping = PLAIN, *, batch_rows: int = 1_000_000) -> Parsed:
    """The one batch of a small file, parsed."""
    (raw,) = read_batches(path, mapping, batch_rows=batch_rows)
    return parse(raw, mapping, key=KEY, first_row_id=0)


def parsed_rows(folder: Path, *changes: Mapping[str, str]) -> Parsed:
    """Rows written to a CSV and parsed."""
    return parsed(write_csv(folder / "orders.csv", rows_of(*changes)))


def codes(problems: pl.DataFrame) -> list[tuple[str, str]]:
    """(field, code) of every problem."""
    return problems.select("field", "code").rows()
