"""Counting a day: figures of one chunk, and the sum over chunks."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

__all__ = ["count_chunk", "sum_counts"]

COUNTED = ("mode", "verdict", "lane", "direction", "tax_rule", "limit_rule", "form_rule")


def count_chunk(result: pl.DataFrame) -> dict[str, Any]:
    """Figures of a result frame that holds whole orders; keys as in `summary.json`, amounts in fen."""
    country = pl.when(pl.col("direction") == "import").then("seller_country").otherwise("buyer_country")
    decided = result.filter(pl.col("verdict") != "invalid")
    shown = decided.with_columns(country=country, chapter=pl.col("hs_code").str.slice(0, 2))
    parcels = _parcels(decided)
    taxes = ("duty", "consumption_tax", "vat", "tax_total")
    fen = {tax: int(decided.select((pl.col(tax).sum() * 100).cast(pl.Int64)).item() or 0) for tax in taxes}
    return {
        **{f"by_{name}": _tally(result if name == "verdict" else shown, name)
           for name in (*COUNTED, "country", "chapter")},
        "by_reason": _tally(result.select(pl.col("reasons").explode()), "reasons"),
        "by_warning": _tally(result.select(pl.col("warnings").explode()), "warnings"),
        "tax_fen": fen,
        "tax_by_mode_fen": _tax_by_mode(decided),
        "tax_unknown_lines": decided.filter(pl.col("tax_total").is_null() & (pl.col("line_kind") == "sale")).height,
        "parcels": {"\t".join(str(part) for part in row[:3]): [row[3], row[4]] for row in parcels.rows()},
    }


def _tally(frame: pl.DataFrame, column: str) -> dict[str, int]:
    known = frame.select(pl.col(column).cast(pl.String).drop_nulls())
    return dict(known.get_column(column).value_counts().rows())


def _tax_by_mode(decided: pl.DataFrame) -> dict[str, int]:
    summed = decided.filter(pl.col("mode").is_not_null()).group_by("mode").agg(
        (pl.col("tax_total").sum() * 100).cast(pl.Int64))
    return {mode: int(fen or 0) for mode, fen in summed.rows()}


def _parcels(decided: pl.DataFrame) -> pl.DataFrame:
    """Parcels and those released, by port, mode and day; an order is a parcel, cancellations are none."""
    moved = decided.filter(pl.col("line_kind") == "sale")
    orders = moved.group_by("order_id").agg(
        pl.col("customs_district").first().fill_null("unknown"), pl.col("mode").first().fill_null("none"),
        pl.col("declared_on").first().cast(pl.String), released=(pl.col("verdict") == "release").all())
    return orders.group_by("customs_district", "mode", "declared_on").agg(
        pl.len().cast(pl.Int64), pl.col("released").sum().cast(pl.Int64)).sort(pl.all())


def sum_counts(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Add up counts of chunks: numbers, lists of numbers and dictionaries of both."""
    total: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            total[key] = _added(total.get(key), value)
    return total


def _added(left: Any, right: Any) -> Any:
    if left is None:
        return right
    if isinstance(right, Mapping):
        return {key: _added(left.get(key), right.get(key)) for key in {**left, **right}} if right else left
    if right is None:
        return left
    return [a + b for a, b in zip(left, right, strict=True)] if isinstance(right, list) else left + right
