"""Batches of made-up results for the list: few distinct values, many unknown ones, hostile texts; and a plain answer.

The plain answer filters and sorts `lines.parquet` with Polars as a reader of the documentation would.
"""

import hashlib
import json
import random
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from entrepot.run.result import RESULT
from entrepot.run.shelf import SORTS, Entry, Filters, shelve

HOSTILE = ("'; drop table lines; --", '"quoted"', "100%", "a_b", "nul\0here", "=1+1", "\\", "🚢", "ﬀ", "Ｌｅｄ", "x" * 5000, " ")
ORDERS = (*(f"A-{number}" for number in range(12)), "A-1%", "a-1", "订单一", *HOSTILE, None)
WORDS = ("Cotton shirt", "cotton BAG", "ＬＥＤ lamp", "steel cup", "棉布衬衫", *HOSTILE, None)
Row = dict[str, Any]


def made_lines(rows: int, seed: int) -> pl.DataFrame:
    """Rows of a result in a random sequence; every column of the list has several values and unknown ones."""
    draw = random.Random(seed)
    lines = [_line(row, draw) for row in range(rows)]
    draw.shuffle(lines)
    return pl.DataFrame(lines, schema=RESULT)


def _line(row: int, draw: random.Random) -> Row:
    of = draw.choice
    verdict = of(("release", "release", "hold", "refuse", "invalid"))
    return {
        **dict.fromkeys(RESULT), "source_file": "day.csv", "row": row + 1, "row_id": row,
        "order_id": of(ORDERS), "line_no": of((1, 2, 3, None)), "waybill_no": of(("W1", "W2", "W22", "A-1", None)),
        "carrier": of(("4PX", None)), "declared_on": of((*(date(2026, 3, 1) + timedelta(days) for days in range(4)), None)),
        "direction": of(("import", "export", None)), "mode": of(("9610", "1210", None)), "verdict": verdict,
        "lane": {"release": "green", "hold": of(("yellow", "red"))}.get(verdict), "release_rule": f"release.{verdict}",
        "reasons": draw.sample(["release.no-code", "release.licence-needed", "release.random-sample"], draw.randrange(3)),
        "warnings": of(([], ["cn.form.no-message"])), "sku": of(("SKU-1", "sku-2", "=cmd", None)), "description": of(WORDS),
        "name_zh": of(("衬衫", "灯", None)), "hs_code": of(("6109100021", "610910", "851762", None)),
        "seller_id": of(("91330", "91440", None)), "seller_name": of(("杭州贸易", "Shirt Trading", "@risky", None)),
        "seller_country": of(("CN", "JP")), "buyer_country": of(("CN", "US", "DE", None)), "buyer_key": of(("k1", "k2", None)),
        "customs_district": of(("5300", "2900", None)), "quantity_e5": of((100_000, None)), "unit": "007", "currency": "CNY",
        "price_fen": of((0, 1, 5_000, 5_001, 10**15, None)), "tax_total": of((Decimal("0.00"), Decimal("12.34"), None)),
        "tax_rule": of(("cn.cbec.within-limits", None)), "line_kind": "sale",
    }  # fmt: skip


def write_batch(folder: Path, lines: pl.DataFrame) -> Path:
    """A folder that says it is a finished batch with these lines."""
    folder.mkdir(parents=True, exist_ok=True)
    lines.write_parquet(folder / "lines.parquet")
    digest = hashlib.sha256((folder / "lines.parquet").read_bytes()).hexdigest()
    manifest = {"state": "done", "identity": {}, "steps": {}, "files": {"lines.parquet": digest}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def shelved_batches(folder: Path, sizes: Sequence[int]) -> tuple[list[Entry], pl.DataFrame]:
    """Batches of so many lines, the newest first, as entries of a list and as one frame with `batch` and `place`."""
    entries, frames = [], []
    for place, rows in enumerate(sizes):
        lines = made_lines(rows, seed=place)
        shelve(write_batch(folder / f"batch-{place}", lines), folder / f"shelf-{place}")
        entries.append(Entry(f"b{place}", folder / f"shelf-{place}", ordinal=-place))
        frames.append(lines.with_columns(batch=pl.lit(f"b{place}"), place=pl.lit(place)))
    return entries, with_names(pl.concat(frames))


def with_names(lines: pl.DataFrame) -> pl.DataFrame:
    """Result lines with the columns the list derives."""
    partner = pl.when(pl.col("direction") == "import").then("seller_country").otherwise("buyer_country")
    fen = pl.col("tax_total").map_elements(lambda value: int(value * 100), return_dtype=pl.Int64)
    return lines.with_columns(partner_country=partner, tax_total_fen=fen, state=pl.lit(None, pl.String))


def overlaid(lines: pl.DataFrame, overlay: pl.DataFrame) -> pl.DataFrame:
    """Lines as they stand now."""
    joined = lines.join(overlay.with_columns(changed=True), on=["batch", "row_id"], how="left", suffix="_now")
    now = [pl.when("changed").then(f"{name}_now").otherwise(name).alias(name) for name in ("verdict", "lane", "state")]
    return joined.with_columns(now)


def plain(lines: pl.DataFrame, order: str, descending: bool, filters: Filters) -> list[tuple[str, int]]:
    """Batch and row of every matching line, in order, the plain way."""
    matching = pl.DataFrame([row for row in lines.iter_rows(named=True) if matches(row, filters)], schema=lines.schema)
    by = [*SORTS[order], "place", "row_id"]
    last = [True, *[not descending] * (len(by) - 1)]
    if matching.is_empty():
        return []
    return matching.sort(by, descending=descending, nulls_last=last).select("batch", "row_id").rows()


SAME = {"verdict": "verdict", "lane": "lane", "mode": "mode", "direction": "direction", "country": "partner_country",
        "district": "customs_district", "tax_rule": "tax_rule", "state": "state", "batch": "batch"}  # fmt: skip

NONE = ("unknown", "release.nothing-to-check")
"""What stands for the reasons of a line that has none."""


def matches(row: Mapping[str, Any], asked: Filters) -> bool:
    """Whether one line meets filters, told as their documentation tells it."""
    price, day = row["price_fen"], row["declared_on"]
    return (
        all((row[name] or "unknown") in getattr(asked, field) for field, name in SAME.items() if getattr(asked, field))
        and (not asked.reason or bool(set(asked.reason) & set(row["reasons"] or NONE)))
        and not set(asked.without) & set(row["reasons"] or NONE)
        and (not asked.tax or row["tax_total_fen"] is None)
        and (asked.day_from is None or (day is not None and day >= asked.day_from))
        and (asked.day_until is None or (day is not None and day <= asked.day_until))
        and (asked.min_value_fen is None or (price is not None and price >= asked.min_value_fen))
        and (asked.max_value_fen is None or (price is not None and price <= asked.max_value_fen))
        and asked.order in ("", row["order_id"])
        and (row["order_id"] or "").startswith(asked.order_prefix)
        and asked.waybill in ("", row["waybill_no"])
        and (row["waybill_no"] or "").startswith(asked.waybill_prefix)
        and asked.buyer_key in ("", row["buyer_key"])
        and _says(row, asked.text, ("description", "sku", "name_zh"))
        and _says(row, asked.party, ("seller_id", "seller_name"))
    )


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def _says(row: Mapping[str, Any], words: str, columns: Sequence[str]) -> bool:
    """Whether every word stands in one of the columns, or is the start of the commodity code of a product."""
    code = row["hs_code"] or "" if "sku" in columns else ""
    return all(
        any(_fold(word) in _fold(row[name]) for name in columns if row[name] is not None)
        or (word.isdigit() and code.startswith(word))
        for word in words.split()
    )
