"""Refused rows of a sealed batch: each row under the key of the person it came with, so that it goes when they are erased."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.goods.errors import InputError
from entrepot.run.sealing import NOBODY, Keys, open_texts, row_place, seal_texts

__all__ = ["REFUSED", "SEALED_ROWS", "RefusedSeal", "refused_csv"]

SEALED_ROWS = "refused.sealed.parquet"
REFUSED = pl.Schema({"row_id": pl.Int64(), "person_no": pl.Int64(), "sealed": pl.Binary()})
"""A refused row: whose key it is sealed under, and its columns as JSON, sealed."""
COLUMNS = b"columns"
"""Names of all columns of the rows, in the metadata of the file."""
WHOSE = ("order_id", "buyer_key")


class RefusedSeal:
    """Seals refused rows: `rows` says of each `row_id` its order and buyer, `persons` are sealed persons files."""

    def __init__(self, rows: pl.DataFrame, persons: list[Path], keys: Keys) -> None:
        self._keys = keys
        known = pl.scan_parquet(persons).select(*WHOSE, "person_no") if persons else _nobody()
        mine = known.join(rows.lazy(), on=WHOSE, how="semi", nulls_equal=True).unique(WHOSE, keep="first", maintain_order=True)
        addressed = pl.any_horizontal(pl.col(name).is_not_null() for name in WHOSE)
        number = pl.when(addressed).then(pl.col("person_no")).fill_null(NOBODY)
        joined = rows.lazy().join(mine, on=WHOSE, how="left", nulls_equal=True)
        self._numbers = joined.select("row_id", person_no=number).collect().sort("row_id")

    def write(self, frames: Iterable[tuple[pl.Series, pl.DataFrame]], path: Path) -> None:
        """Write frames of rows with their `row_id` (`goods.problems.refused_frames`)."""
        columns: list[str] = []
        schema = REFUSED.to_frame().to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        with pq.ParquetWriter(path, schema, compression="none") as target:
            for row_ids, shown in frames:
                columns += [name for name in shown.columns if name not in columns]
                target.write_table(self._sealed(row_ids, shown).to_arrow(compat_level=pl.CompatLevel.oldest()))
            target.add_key_value_metadata({COLUMNS: json.dumps(columns, ensure_ascii=False).encode()})

    def _sealed(self, row_ids: pl.Series, shown: pl.DataFrame) -> pl.DataFrame:
        frame = row_ids.to_frame().join(self._numbers, on="row_id", how="left", maintain_order="left")
        numbers = frame.get_column("person_no").to_list()
        texts = (json.dumps(row, ensure_ascii=False).encode() for row in shown.iter_rows(named=True))
        sealed = seal_texts(self._keys.live(numbers), map(row_place, row_ids.to_list()), repeat(b""), texts)
        return frame.with_columns(pl.Series("sealed", sealed, pl.Binary))


def _nobody() -> pl.LazyFrame:
    return pl.LazyFrame(schema={**dict.fromkeys(WHOSE, pl.String), "person_no": pl.Int64})


def refused_csv(path: Path, keys: Keys) -> Iterator[bytes]:
    """The refused rows of a sealed file as the CSV an unsealed batch has; rows of erased persons are left out.

    Raises InputError when the file was changed.
    """
    with _readable(path) as source:
        columns = json.loads(source.metadata.metadata[COLUMNS])
        schema = pl.Schema(dict.fromkeys(columns, pl.String()))
        yield schema.to_frame().write_csv(include_bom=True).encode()
        for number in range(source.num_row_groups):
            rows = _opened(source.read_row_group(number), keys)
            yield pl.DataFrame(rows, schema=schema).write_csv(include_header=False).encode()


@contextmanager
def _readable(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as source:
            yield source
    except (OSError, pa.ArrowException, KeyError, TypeError) as error:
        raise InputError(f"{path} is not as this batch wrote it: {' '.join(str(error).split())[:200]}") from None


def _opened(table: pa.Table, keys: Keys) -> list[dict[str, str | None]]:
    frame = pl.DataFrame(table)
    row_ids, numbers, sealed = (frame.get_column(name).to_list() for name in REFUSED)
    texts = open_texts(keys.of(numbers), map(row_place, row_ids), repeat(b""), sealed)
    return [json.loads(text) for text in texts if text is not None]
