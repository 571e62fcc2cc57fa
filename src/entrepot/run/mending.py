"""Refused rows of a finished batch, to be mended: which they are, what they hold, what is wrong with them."""

import json
from collections.abc import Sequence
from io import BytesIO
from itertools import repeat
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from entrepot.goods.problems import FORMULA_STARTS
from entrepot.goods.schema import PROBLEMS
from entrepot.run.home import Home
from entrepot.run.persons import is_sealed, refused_of
from entrepot.run.refused import COLUMNS, SEALED_ROWS
from entrepot.run.sealing import KEYS, PURPOSE, Keys, open_texts, row_place

__all__ = ["problems_of", "refused_rows", "rows_to_mend"]

BOOKKEEPING = ("_problems",)


def rows_to_mend(folder: Path) -> pl.DataFrame:
    """`row_id`, `order_id` and `refused` of every row to feed back: refused ones, and the good rows of their orders."""
    waits = pl.col("reasons").list.contains("release.order-incomplete").fill_null(value=False)
    refused = pl.col("verdict") == "invalid"
    lines = pl.scan_parquet(folder / "lines.parquet").filter(refused | waits)
    return lines.select("row_id", "order_id", refused=refused).sort("row_id").collect()


def problems_of(folder: Path) -> pl.LazyFrame:
    """`problems.csv` of a batch with `row` and `row_id` as numbers, as texts were before they were made safe for spreadsheets."""
    read = pl.scan_csv(folder / "problems.csv", schema=dict.fromkeys(PROBLEMS.names(), pl.String))
    return _unmarked(read.with_columns(pl.col("row", "row_id").cast(pl.Int64)), [*PROBLEMS.names()[3:], "source_file"])


def refused_rows(folder: Path, home: Home, row_ids: Sequence[int] | None = None) -> pl.DataFrame:
    """Refused rows (all, or these) as they came: `row_id`, every column of the file as text, `_raw`; sorted by `row_id`.

    Rows of erased persons are left out. Holds personal data. Raises as `persons.refused_of`.
    """
    rows = _sealed_rows(folder, home, row_ids) if is_sealed(folder) else _plain_rows(folder, home, row_ids)
    own = [name for name in rows.columns if name not in (*BOOKKEEPING, "row_id")]
    return _unmarked(rows.lazy().select("row_id", *own), own).collect()


def _unmarked(frame: pl.LazyFrame, names: Sequence[str]) -> pl.LazyFrame:
    """Texts without the apostrophe that keeps a spreadsheet from running them."""
    marked = [f"'{start}" for start in FORMULA_STARTS]
    return frame.with_columns(
        pl.when(pl.any_horizontal(pl.col(name).str.starts_with(start) for start in marked))
        .then(pl.col(name).str.slice(1)).otherwise(name).alias(name)
        for name in names
    )  # fmt: skip


def _plain_rows(folder: Path, home: Home, row_ids: Sequence[int] | None) -> pl.DataFrame:
    content = b"".join(refused_of(folder, home))
    if not content:
        return pl.DataFrame(schema={"row_id": pl.Int64, "_raw": pl.String})
    read = pl.read_csv(BytesIO(content), infer_schema=False)
    numbered = read.with_columns(rows_to_mend(folder).get_column("row_id"))
    return numbered if row_ids is None else numbered.filter(pl.col("row_id").is_in(list(row_ids)))


def _sealed_rows(folder: Path, home: Home, row_ids: Sequence[int] | None) -> pl.DataFrame:
    path = folder / SEALED_ROWS
    if not path.exists():
        return pl.DataFrame(schema={"row_id": pl.Int64, "_raw": pl.String})
    columns = json.loads(pq.read_metadata(path).metadata[COLUMNS])
    wanted = pl.scan_parquet(path).sort("row_id")
    if row_ids is not None:
        wanted = wanted.filter(pl.col("row_id").is_in(list(row_ids)))
    found = wanted.collect()
    keys = Keys(folder / KEYS, home.key(PURPOSE))
    numbers, ids, sealed = (found.get_column(name).to_list() for name in ("person_no", "row_id", "sealed"))
    texts = open_texts(keys.of(numbers), map(row_place, ids), repeat(b""), sealed)
    rows = [json.loads(text) | {"row_id": row_id} for row_id, text in zip(ids, texts, strict=True) if text is not None]
    return pl.DataFrame(rows, schema={"row_id": pl.Int64, **dict.fromkeys(columns, pl.String)}, orient="row")
