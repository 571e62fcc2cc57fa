"""Batches that look like finished ones and hold only lines, shaped like results but not decided: for the list."""

import json
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from entrepot.run.batch import file_hash
from entrepot.run.result import MONEY, RESULT

__all__ = ["make_batch", "result_lines"]

ROW_GROUP = 250_000
PLACES = ("杭州", "义乌", "深圳")
MATERIALS = ("cotton", "Leather", "steel", "glass", "plastic")
THINGS = ("shirt", "bag", "lamp", "case", "toy", "cup", "ring")
ABROAD = ("US", "GB", "DE", "FR", "JP", None)


def _digits(number: pl.Expr, factor: int, digits: int) -> pl.Expr:
    """A number that differs for each number, of so many digits."""
    text: pl.Expr = (number * factor % 10**digits).cast(pl.String).str.zfill(digits)
    return text


def _of(choices: Sequence[str | None], number: pl.Expr) -> pl.Expr:
    return pl.lit(pl.Series(choices, dtype=pl.String)).gather(number % len(choices))


def result_lines(first: int, count: int, day: date) -> pl.DataFrame:
    """Lines `first` to `first + count - 1` of an endless result: numbers all over, as hashing leaves them.

    1.25 lines an order, 50,000 articles, 20,000 sellers, one line in twenty not released.
    """
    line = pl.int_range(first, first + count, dtype=pl.Int64)
    drawn = line * 2_654_435_761 % 2**32
    given: dict[str, Any] = {"row_id": line, "row": line + 1, "source_file": pl.lit("day.parquet")}
    given |= {"declared_on": pl.lit(day) - pl.duration(days=drawn % 5), **_keys(line, drawn), **_parties(drawn)}
    given |= {**_goods(drawn), **_decisions(drawn)}
    shown: pl.DataFrame = pl.select(**given)
    absent = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in RESULT.items() if name not in shown.columns]
    return shown.with_columns(absent).select(pl.col(name).cast(dtype) for name, dtype in RESULT.items())


def _inward(drawn: pl.Expr) -> pl.Expr:
    return drawn // 13 % 8 == 3


def _keys(line: pl.Expr, drawn: pl.Expr) -> dict[str, pl.Expr]:
    order, buyer = line * 4 // 5, line * 2 // 5
    waybill = pl.concat_str(pl.lit("YT"), _digits(order, 98_765_432_109, 12))
    return {
        "order_id": pl.concat_str(pl.lit("26"), _digits(order, 212_345_678_901, 12)),
        "line_no": line - (order * 5 + 3) // 4 + 1,
        "waybill_no": pl.when(drawn // 13 % 200 != 7).then(waybill),
        "buyer_key": _digits(buyer, 777_777_777_777, 16) + _digits(buyer, 999_999_999_937, 16),
    }


def _parties(drawn: pl.Expr) -> dict[str, pl.Expr]:
    seller, inward, home = drawn // 11 % 20_000, _inward(drawn), pl.lit("CN")
    return {
        "direction": pl.when(inward).then(pl.lit("import")).otherwise(pl.lit("export")),
        "seller_id": pl.format("91330{}X", seller),
        "seller_name": pl.format("{}{}贸易有限公司", _of(PLACES, seller), seller),
        "seller_country": pl.when(inward).then(_of(("JP", "US", "DE"), drawn)).otherwise(home),
        "buyer_country": pl.when(inward).then(home).otherwise(_of(ABROAD, drawn // 3)),
        "buyer_kind": pl.lit("person"), "carrier": _of(("YunExpress", "4PX", "Yanwen"), drawn // 9),
        "customs_district": _of(("5300", "5200", "2900", "2200"), drawn // 5),
    }  # fmt: skip


def _goods(drawn: pl.Expr) -> dict[str, pl.Expr]:
    article = drawn // 7 % 50_000
    return {
        "sku": pl.format("SKU-{}", article), "name_zh": pl.format("商品{}", article % 5000),
        "description": pl.format("{} {} {}", _of(MATERIALS, article), _of(THINGS, article // 5), article),
        "hs_code": _of(("4202920000", "6109100021", "9503008390", "8517620000"), article),
        "quantity_e5": (drawn % 3 + 1) * 100_000, "unit": pl.lit("007"), "currency": _of(("USD", "EUR", "CNY"), drawn),
        "price_fen": drawn // 17 % 300_000, "line_kind": pl.lit("sale"),
    }  # fmt: skip


def _decisions(drawn: pl.Expr) -> dict[str, pl.Expr]:
    among, inward = drawn // 13 % 1000, _inward(drawn)
    released, invalid = among >= 50, among < 2
    none, stopped, form = (pl.lit(ids, dtype=pl.List(pl.String))
                           for ids in ([], ["release.licence-needed"], ["cn.form.no-message"]))
    return {
        "mode": pl.when(among > 2).then(_of(("9610", "9610", "1210", "9710"), drawn // 19)),
        "tax_rule": pl.when(inward).then(pl.lit("cn.cbec.within-limits")).otherwise(pl.lit("cn.tax.export")),
        "tax_total": pl.when(inward & (among % 3 > 0)).then((drawn // 23 % 30_000).cast(MONEY) / 100),
        "verdict": pl.when(released).then(pl.lit("release")).when(invalid).then(pl.lit("invalid")).otherwise(pl.lit("hold")),
        "lane": pl.when(released).then(pl.lit("green")).when(~invalid).then(pl.lit("yellow")),
        "release_rule": pl.when(released).then(pl.lit("release.nothing-to-check")).otherwise(stopped.list.first()),
        "reasons": pl.when(released).then(none).otherwise(stopped), "warnings": form,
    }  # fmt: skip


def make_batch(folder: Path, first: int, count: int, day: date) -> None:
    """A batch of lines `first` to `first + count - 1`, in a random sequence like that of a result."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = folder / "lines.parquet"
    schema = _arrow(result_lines(0, 1, day)).schema
    with pq.ParquetWriter(lines, schema, compression="zstd", store_decimal_as_integer=True) as writer:
        for start in range(first, first + count, ROW_GROUP):
            frame = result_lines(start, min(ROW_GROUP, first + count - start), day)
            own = frame.with_columns(pl.col("row_id") - first, pl.col("row") - first)
            writer.write_table(_arrow(own.sample(fraction=1.0, shuffle=True, seed=start)))
    manifest = {"state": "done", "identity": {}, "steps": {}, "files": {"lines.parquet": file_hash(lines)}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def _arrow(frame: pl.DataFrame) -> Any:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
