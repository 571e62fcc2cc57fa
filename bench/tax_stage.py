"""The tax stage alone: a file of the columns it needs, the taxes added, a file written."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import polars as pl

from bench.process import Facts
from bench.steps import BEFORE_TAX
from entrepot.decide.tax import TAXES, add_tax, add_tax_facts
from entrepot.law import Law
from entrepot.law.errors import LawError

__all__ = ["copied", "needed", "taxed", "taxed_in_memory", "write_inputs"]

CHUNK, ROW_GROUP, WORKERS = 200_000, 100_000, 2
VAT = {"standard": 1, "reduced": 2}
CT = {"cosmetics": 1, "wine_and_other_alcohol": 2, "spirits": 3, "watches": 4}


def needed(lines: pl.DataFrame, law: Law) -> list[str]:
    """The columns without which the tax stage fails; the rest of a line plays no part in it."""
    one = lines.head(1)
    return [name for name in lines.columns if not _can_tax(one.drop(name), law)]


def _can_tax(lines: pl.DataFrame, law: Law) -> bool:
    try:
        add_tax(add_tax_facts(lines, law), law)
    except (pl.exceptions.ColumnNotFoundError, LawError):
        return False
    return True


def write_inputs(folder: Path, lines: int) -> Facts:
    """From one chunk as it comes to the tax stage write files of about `lines` lines, repeating it as often as needed.

    `tax.parquet`: all its lines; `tax-imports.parquet`: its imports alone; `peer.parquet`: those of them whose tax is
    that within the limits, as the peer wants them.
    """
    law, chunk = Law.load(), pl.read_ipc(folder / BEFORE_TAX)
    day = chunk.select(needed(chunk, law))
    imports = day.filter(pl.col("direction") == "import")
    parts = {"tax": day, "tax-imports": imports, "peer": _peer(add_tax(add_tax_facts(imports, law), law))}
    for name, part in parts.items():
        repeated = pl.concat([part] * max(1, lines // max(1, part.height)))
        repeated.write_parquet(folder / f"{name}.parquet", row_group_size=ROW_GROUP)
    return {"columns": day.columns, "distinct_lines": {name: part.height for name, part in parts.items()}}


def _peer(taxes: pl.DataFrame) -> pl.DataFrame:
    """Lines within the limits with their classes as numbers, amounts in CNY, and our taxes."""
    within = taxes.filter(pl.col("tax_rule").cast(pl.String) == "cn.cbec.within-limits")
    price = pl.col("price_fen").cast(pl.Float32) / 100
    pieces, content = (pl.col(name).cast(pl.Float32) / 100_000 for name in ("quantity_e5", "content_quantity_e5"))
    return within.select(
        price=price, unit_price=price / pieces, content=(pieces * content).fill_null(0),
        content_price=(price / (pieces * content)).fill_null(0),
        counted=(pl.col("content_unit") == "piece").fill_null(value=False).cast(pl.Int32),
        vat_class=pl.col("vat_class").replace_strict(VAT, return_dtype=pl.Int32),
        ct_class=pl.col("ct_class").replace_strict(CT, default=0, return_dtype=pl.Int32),
        consumption_tax_fen="consumption_tax_fen", vat_fen="vat_fen", tax_total_fen="tax_total_fen")


def taxed(source: Path, target: Path, law: Law) -> int:
    """Read, add the taxes and write, chunk by chunk, two chunks at a time as the chain does; returns the lines."""
    lines = pl.scan_parquet(source)
    height = int(lines.select(pl.len()).collect().item())

    def one(first: int) -> Path:
        chunk = lines.slice(first, CHUNK).collect()
        part = target.with_suffix(f".{first}")
        add_tax(add_tax_facts(chunk, law), law).select(*chunk.columns, *TAXES, "tax_rule").write_parquet(part)
        return part

    with ThreadPoolExecutor(WORKERS) as pool:
        for part in pool.map(one, range(0, height, CHUNK)):
            part.unlink()
    return height


def taxed_in_memory(source: Path, law: Law) -> float:
    """Seconds to add the taxes to columns in memory, chunk by chunk."""
    lines = pl.read_parquet(source)
    start = perf_counter()
    for first in range(0, lines.height, CHUNK):
        add_tax(add_tax_facts(lines.slice(first, CHUNK), law), law)
    return perf_counter() - start


def copied(source: Path, target: Path) -> None:
    """Only read and write the same columns."""
    pl.scan_parquet(source).sink_parquet(target)
    target.unlink()
