"""The first stage of a day: files to typed lines on disk, sorted so that every group can be read together.

A group is a buyer whose orders share a yearly limit, or an order where the buyer does not matter or is not
known. Each batch of rows becomes one file sorted by the group's hash; a later stage reads a range of hashes
out of all files and has whole groups, however large the day is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from entrepot.goods.catalogue import Catalogue
from entrepot.goods.mapping import Mapping as ColumnMapping
from entrepot.goods.nomenclature import Nomenclature
from entrepot.goods.parse import parse
from entrepot.goods.read import RawBatch, read_batches
from entrepot.run.batch import Batch
from entrepot.run.workers import in_order

__all__ = ["HASH_SPACE", "Intake", "hash_range", "raw_batches", "read_range", "shown_names", "take_in"]

HASH_SPACE = 1 << 64
GROUP_SEED, ORDER_SEED = 20_140_210, 20_200_701
ROW_GROUP = 16_384
BATCH_ROWS = 250_000


@dataclass(frozen=True, slots=True)
class Intake:
    """What every row passes on its way in."""

    mapping: ColumnMapping
    catalogue: Catalogue
    nomenclature: Nomenclature
    buyer_key: bytes
    batch_rows: int = BATCH_ROWS
    inputs: Sequence[Path] = field(default_factory=tuple)


def shown_names(inputs: Sequence[Path]) -> list[str]:
    """What each input is called in problems and results: its file name, numbered in order of the call if it comes again."""
    names = [path.name for path in inputs]
    before = [names[:place].count(name) for place, name in enumerate(names)]
    return [f"{name} ({count + 1})" if count else name for name, count in zip(names, before, strict=True)]


def raw_batches(
    inputs: Sequence[Path], mapping: ColumnMapping, batch_rows: int = BATCH_ROWS
) -> Iterator[tuple[int, RawBatch]]:
    """Every batch of every input with the running number of its first row.

    The numbers depend on the inputs alone, never on how often a run was killed.
    """
    first = 0
    for path, name in zip(inputs, shown_names(inputs), strict=True):
        for raw in read_batches(path, mapping, batch_rows=batch_rows, source_file=name):
            yield first, raw
            first += raw.frame.height


def take_in(batch: Batch, intake: Intake, progress: Callable[[int], None]) -> int:
    """Read all inputs into the batch's work folder; returns how many rows there are.

    Parts already taken in by a killed run are passed over.
    """
    rows = 0
    batches = raw_batches(intake.inputs, intake.mapping, intake.batch_rows)
    pieces = ((f"intake-{number:05d}", first_row_id, raw) for number, (first_row_id, raw) in enumerate(batches))
    for (name, first_row_id, raw), note in in_order(pieces, lambda piece: _taken(batch, intake, *piece)):
        batch.note(name, note)
        rows = first_row_id + raw.frame.height
        progress(raw.frame.height)
    return rows


def _taken(batch: Batch, intake: Intake, name: str, first_row_id: int, raw: RawBatch) -> Mapping[str, Any]:
    """The note of a part, made now if no earlier run made it."""
    known: Mapping[str, Any] | None = batch.manifest["steps"].get(name)
    return known or _take_part(batch, intake, raw, first_row_id, name)


def _take_part(batch: Batch, intake: Intake, raw: RawBatch, first_row_id: int, name: str) -> dict[str, Any]:
    read = parse(raw, intake.mapping, key=intake.buyer_key, first_row_id=first_row_id)
    parsed = intake.nomenclature.check(intake.catalogue.fill(read))
    lines = with_groups(parsed.lines)
    files = {
        "lines": lines.sort("group_hash", "row_id"),
        "keys": _keys(lines),
        "persons": _persons(parsed.persons, lines),
        "problems": parsed.problems,
    }
    hashes = dict(_store(batch, f"{name}-{kind}", frame) for kind, frame in files.items() if frame.height)
    return {
        "rows": raw.frame.height,
        "source": raw.source_file,
        "files": hashes,
        "defaults": dict(parsed.defaults_used),
        "catalogue": dict(parsed.catalogue_used),
    }


def _store(batch: Batch, name: str, frame: pl.DataFrame) -> tuple[str, str]:
    path = batch.write(
        batch.work / f"{name}.parquet",
        lambda beside: frame.write_parquet(beside, compression="lz4", row_group_size=ROW_GROUP, statistics=True),
        private=True,
    )
    return batch.noted(path)


def with_groups(lines: pl.DataFrame) -> pl.DataFrame:
    """Add `group_hash`: of the buyer for imports whose buyer is known, else of the order (or the row)."""
    by_buyer = (pl.col("direction") == "import") & pl.col("buyer_key").is_not_null()
    order = pl.coalesce("order_id", pl.concat_str(pl.lit("row "), pl.col("row_id").cast(pl.String)))
    group = pl.when(by_buyer).then(pl.col("buyer_key")).otherwise(order)
    return lines.with_columns(group_hash=group.hash(GROUP_SEED))


TERMS = (
    "direction",
    "declared_on",
    "currency",
    "seller_id",
    "seller_country",
    "buyer_country",
    "customs_district",
    "mode_wanted",
    "buyer_kind",
    "buyer_key",
)


def _keys(lines: pl.DataFrame) -> pl.DataFrame:
    """What the check of orders needs of each row, sorted by the order's hash."""
    terms = pl.struct(TERMS).hash(ORDER_SEED)
    keys = lines.filter(pl.col("order_id").is_not_null()).select(
        pl.col("order_id").hash(ORDER_SEED).alias("order_hash"),
        "order_id",
        "line_no",
        "row_id",
        "group_hash",
        "valid",
        terms=terms,
        sale=pl.col("line_kind") == "sale",
        waybill_hash=pl.when(pl.col("waybill_no").is_not_null()).then(pl.struct("carrier", "waybill_no").hash(ORDER_SEED)),
    )
    return keys.sort("order_hash", "row_id")


def _persons(persons: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Persons with the group of their lines, so that they can be read with them."""
    groups = lines.select("order_id", "buyer_key", "group_hash").unique(maintain_order=True)
    return persons.join(groups, on=["order_id", "buyer_key"], how="inner", nulls_equal=True).sort(
        "group_hash", "order_id", maintain_order=True
    )


def hash_range(number: int, count: int) -> tuple[int, int]:
    """The first hash of range `number` of `count`, and the last."""
    return HASH_SPACE * number // count, HASH_SPACE * (number + 1) // count - 1


def read_range(
    batch: Batch, kind: str, column: str, number: int, count: int, numbered: str | None = None
) -> pl.DataFrame | None:
    """All rows of one kind of intake file whose hash lies in a range; None when there is no such file.

    `numbered` adds a column of that name: the place of a row among all rows of its kind, from 1.
    """
    files = batch.files(f"intake-*-{kind}.parquet")
    if not files:
        return None
    low, high = hash_range(number, count)
    inside = pl.col(column).is_between(pl.lit(low, pl.UInt64), pl.lit(high, pl.UInt64))
    return pl.scan_parquet(files, row_index_name=numbered, row_index_offset=1).filter(inside).collect()
