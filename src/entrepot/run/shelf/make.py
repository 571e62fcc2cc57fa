"""Making a shelf of a finished batch: once, in bounded memory, one column after another."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from glob import escape as glob_escape
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from entrepot.goods.errors import InputError, WorldError
from entrepot.run.batch import file_hash, read_manifest
from entrepot.run.shelf.columns import KEYS, LISTED, SEARCHED, SORTS, folded
from entrepot.run.shelf.stored import MANIFEST, ROWS, VALUES, Shelved, is_stale, read_shelved

__all__ = ["shelve"]

SORT_MEMORY = "1GB"
"""What the sort of keys may hold before it writes to disk."""
LEFT_ALONE_S = 3600
"""So long an unfinished shelf may still be in the making."""
BOUNDED = ("order_id", "waybill_no", "declared_on")
WIDTHS: tuple[tuple[int, pl.DataType], ...] = (
    (2**8 - 1, pl.UInt8()), (2**16 - 1, pl.UInt16()), (2**32 - 1, pl.UInt32()))  # fmt: skip
OLDEST = pl.CompatLevel.oldest()


def shelve(batch_folder: Path, shelf_folder: Path) -> Shelved:
    """Make the shelf of a finished batch, beside and renamed; one that is already there and not stale is kept.

    Reads `lines.parquet`, writes nothing into the batch. Raises InputError when the batch is not finished or its lines
    are not as the batch wrote them, WorldError when the shelf cannot be written.
    """
    if not is_stale(batch_folder, shelf_folder):
        return read_shelved(shelf_folder)
    digest = _checked(batch_folder)
    with _beside(shelf_folder) as folder:
        shelved = _made(batch_folder / "lines.parquet", folder, digest)
        (folder / MANIFEST).write_text(shelved.manifest(), encoding="utf-8")
    return read_shelved(shelf_folder)


def _checked(batch_folder: Path) -> str:
    """The hash of the lines of a finished batch, compared with what the batch noted."""
    manifest, lines = read_manifest(batch_folder), batch_folder / "lines.parquet"
    if manifest["state"] != "done":
        raise InputError(f"{batch_folder} is not finished: run the same clear again, it goes on where it stopped")
    noted = manifest.get("files", {}).get("lines.parquet")
    if not lines.is_file() or file_hash(lines) != noted:
        raise InputError(f"{lines} is not as this batch wrote it, so it is not listed: clear again into a new folder")
    return str(noted)


@contextmanager
def _beside(final: Path) -> Iterator[Path]:
    """A new folder beside the final one; takes its place when all went well, is thrown away when not."""
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _sweep(final)
        work = Path(tempfile.mkdtemp(prefix=f".{final.name}.", suffix=".part", dir=final.parent))
        try:
            yield work / "new"
            if final.exists():
                final.rename(work / "old")
            (work / "new").rename(final)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise WorldError(f"shelf {final} cannot be written: {error.strerror or error}", retryable=True) from error


def _sweep(final: Path) -> None:
    """Throw away what a killed process left beside a shelf long ago."""
    for left in final.parent.glob(f".{glob_escape(final.name)}.*.part"):
        if time.time() - left.stat().st_mtime > LEFT_ALONE_S:
            shutil.rmtree(left, ignore_errors=True)


def _made(lines: Path, folder: Path, digest: str) -> Shelved:
    folder.mkdir(mode=0o700)
    maker = _Maker(lines, folder)
    for name in LISTED:
        maker.keep(name)
    for name in SORTS:
        maker.sort(name)
    _write(folder / ROWS, maker.codes)
    _write(folder / VALUES, {name: _one_cell(array) for name, array in maker.values.items()})
    sizes = {name: (folder / name).stat().st_size for name in (ROWS, VALUES)}
    bounds = {name: _ends(maker.values[name]) for name in BOUNDED}
    return Shelved(folder, maker.rows, digest, bounds, sizes)


def _ends(values: pa.Array) -> list[object]:
    """First and last of sorted values; empty without any."""
    return [values[0].as_py(), values[-1].as_py()] if len(values) else []


def _one_cell(values: pa.Array) -> pa.Array:
    return pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values)


def _write(path: Path, columns: dict[str, pa.Array]) -> None:
    batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    with pa.OSFile(str(path), "wb") as target, pa.ipc.new_file(target, batch.schema) as writer:
        writer.write_batch(batch)


class _Maker:
    """Collects the codes, values and sorts of one file of lines."""

    def __init__(self, lines: Path, folder: Path) -> None:
        self.lines = lines
        self.folder = folder
        self.codes: dict[str, pa.Array] = {}
        self.values: dict[str, pa.Array] = {}
        row_id = pl.scan_parquet(lines).select("row_id").collect().to_series()
        self.rows = row_id.len()
        self._places = row_id.arg_sort().cast(pl.UInt32)
        if not (row_id.gather(self._places) == pl.int_range(self.rows, eager=True)).all():
            raise InputError(f"{lines}: row_id does not count the rows from 0, so it is no result of a batch")

    def keep(self, name: str) -> None:
        """Keep a column of `LISTED`: its codes in the order of rows and its values."""
        keep: Callable[[str], tuple[pl.Series, pl.Series]] = self._sorted_key if name in KEYS else self._few
        codes, values = keep(name)
        width = next(dtype for most, dtype in WIDTHS if values.len() <= most)
        self.codes[name] = codes.cast(width).to_arrow(compat_level=OLDEST)
        self.values[name] = values.to_arrow(compat_level=OLDEST)
        if name in SEARCHED:
            shown = values.to_frame(name).select(folded(pl.col(name))).to_series()
            self.values[f"folded.{name}"] = shown.to_arrow(compat_level=OLDEST)

    def _few(self, name: str) -> tuple[pl.Series, pl.Series]:
        column = pl.scan_parquet(self.lines).select(LISTED[name].source.alias(name)).collect().to_series()
        values = column.drop_nulls().unique().sort()
        if values.dtype == pl.String:
            codes = column.cast(pl.Enum(values)).to_physical()
        else:
            codes = values.search_sorted(column).set(column.is_null(), None)
        return codes.cast(pl.UInt32).fill_null(values.len()).gather(self._places), values

    def _sorted_key(self, name: str) -> tuple[pl.Series, pl.Series]:
        """Codes and values of a column by sorting it whole, which gives the sort that starts with it as well."""
        sort = KEYS[name]
        table = self._in_order(SORTS.get(sort, (name,)))
        rows, keys = table["row_id"].cast(pl.UInt32), table[name]
        if sort:
            self.codes[f"sort.{sort}"] = rows.to_arrow(compat_level=OLDEST)
        new = keys.ne_missing(keys.shift(1)) & keys.is_not_null()
        if self.rows and keys[0] is not None:
            new[0] = True
        codes = (new.cum_sum().cast(pl.Int64) - keys.is_not_null().cast(pl.Int64)).cast(pl.UInt32)
        return codes.gather(rows.arg_sort()), keys.filter(new)

    def _in_order(self, columns: tuple[str, ...]) -> pl.DataFrame:
        by = ", ".join(f'"{name}" nulls last' for name in columns)  # names of SORTS, never of a caller
        limits: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": SORT_MEMORY, "temp_directory": str(self.folder / "sort"), "threads": 2}  # fmt: skip
        with duckdb.connect(config=limits) as connection:
            connection.execute("set allowed_directories = [?, ?]", [str(self.lines.parent), str(self.folder)])
            connection.execute("set enable_external_access = false")
            query = f'select "{columns[0]}", row_id from read_parquet(?) order by {by}, row_id'
            found: pl.DataFrame = connection.sql(query, params=[str(self.lines)]).pl()
            return found

    def sort(self, name: str) -> None:
        """Keep the row numbers in the order of a sort; those that start with a key are there already."""
        if name == "default" or f"sort.{name}" in self.codes:
            return
        (column,) = SORTS[name]
        codes = pl.Series(self.codes[column]).cast(pl.UInt64)
        rows = pl.int_range(self.rows, dtype=pl.UInt64, eager=True)
        in_order = ((codes * 2**32) + rows).sort() % 2**32
        self.codes[f"sort.{name}"] = in_order.cast(pl.UInt32).to_arrow(compat_level=OLDEST)
