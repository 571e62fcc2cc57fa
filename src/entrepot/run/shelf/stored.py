"""A shelf as it lies on disk, and the same opened: columns of codes, the sorted values they stand for, and sorts.

Two Arrow files, mapped into memory and never read whole. `rows.arrow` has one record batch in the order of `row_id`:
for each column of `LISTED` the place of the line's value in the sorted values (their count for null), and for each
sort `sort.<name>`, the row numbers in that order. `values.arrow` has one row whose cells are the lists of distinct
values; `folded.<name>` are the values of searched columns as they are compared. Codes keep the order of values, so a
range of values or a prefix is a range of codes.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from entrepot.goods.errors import InputError
from entrepot.run.batch import read_manifest
from entrepot.run.shelf.columns import LISTED

__all__ = ["MANIFEST", "ROWS", "VALUES", "VERSION", "Column", "Shelved", "Stored", "is_stale", "opened", "read_shelved"]

MANIFEST, ROWS, VALUES = "shelf.json", "rows.arrow", "values.arrow"
VERSION = 1
"""Goes up when what is kept changes; a shelf of another version is stale."""
FEW = 256
"""So many distinct values are kept as plain Python objects once they were asked for."""
FORMATS: Mapping[int, Literal["B", "H", "I"]] = {8: "B", 16: "H", 32: "I"}


@dataclass(frozen=True, slots=True)
class Shelved:
    """A shelf made of one batch: where it lies, its rows, of which lines it was made, bounds of its keys, file sizes."""

    folder: Path
    rows: int
    lines_sha256: str
    bounds: Mapping[str, Sequence[Any]]
    files_bytes: Mapping[str, int]
    version: int = VERSION

    def manifest(self) -> str:
        """The shelf's manifest as JSON."""
        told = {name: value for name, value in asdict(self).items() if name != "folder"}
        return json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n"


def read_shelved(folder: Path) -> Shelved:
    """The shelf in a folder; InputError when there is none, it is of another version, or its files are not whole."""
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        shelved = Shelved(folder, **told)
        whole = all((folder / name).stat().st_size == size for name, size in shelved.files_bytes.items())
    except (OSError, ValueError, TypeError, AttributeError):
        raise InputError(f"{folder} is no shelf: make it again with `shelve`") from None
    if shelved.version != VERSION or not whole:
        raise InputError(f"{folder} is a shelf of another version or not whole: make it again with `shelve`")
    return shelved


def is_stale(batch_folder: Path, shelf_folder: Path) -> bool:
    """Whether the shelf must be made (again): it is absent, damaged, or of other lines than the batch has now.

    Reads two manifests only. Raises InputError when `batch_folder` is no batch.
    """
    lines = read_manifest(batch_folder).get("files", {}).get("lines.parquet")
    try:
        return bool(read_shelved(shelf_folder).lines_sha256 != lines)
    except InputError:
        return True


class _Mapped(Sequence[Any]):
    """Values of a mapped Arrow array, one at a time."""

    def __init__(self, array: pa.Array) -> None:
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, place: Any) -> Any:
        return self._array[place].as_py()


class _Texts(Sequence[Any]):
    """The same of texts, straight from the memory they lie in: a search by halving asks for many."""

    def __init__(self, array: pa.Array) -> None:
        _, bounds, data = array.buffers()
        self._count, self._data = len(array), memoryview(data or b"")
        self._bounds = memoryview(bounds).cast("q")

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: Any) -> Any:
        return str(self._data[self._bounds[place] : self._bounds[place + 1]], "utf-8")


class Column:
    """One column of a shelf: `codes` (Arrow, unsigned) and the sorted distinct `values` they are places in."""

    def __init__(self, codes: pa.Array, array: pa.Array) -> None:
        self.codes = codes
        self.array = array

    @cached_property
    def values(self) -> Sequence[Any]:
        """The distinct values in ascending order, as Python objects."""
        if len(self.array) <= FEW:
            return list(self.array.to_pylist())
        return _Texts(self.array) if pa.types.is_large_string(self.array.type) else _Mapped(self.array)

    @cached_property
    def nullable(self) -> pa.Array:
        """The distinct values and null, which the code of null then stands for; for numbers, it is a copy."""
        return pa.concat_arrays([self.array, pa.nulls(1, self.array.type)])

    @cached_property
    def code(self) -> "memoryview[int]":
        """The codes one at a time."""
        return memoryview(self.codes.buffers()[1]).cast(FORMATS[self.codes.type.bit_width])

    def cell(self, row: int) -> Any:
        """The value of a row; None for null."""
        code = self.code[row]
        return None if code == len(self.array) else self.values[code]

    def place(self, value: Any) -> tuple[int, bool]:
        """The code of a value, or where it would stand, and whether it is there; None is after all values."""
        if value is None:
            return len(self.array), True
        code = bisect_left(self.values, value)
        return code, code < len(self.array) and self.values[code] == value

    def between(self, first: Any, last: Any) -> range:
        """The codes of values from `first` to `last`, both included; None leaves a side open."""
        start = 0 if first is None else bisect_left(self.values, first)
        return range(start, len(self.array) if last is None else max(start, bisect_right(self.values, last)))

    def starting(self, prefix: str) -> range:
        """The codes of texts that start with a prefix."""
        start, size = bisect_left(self.values, prefix), len(prefix)
        return range(start, bisect_right(self.values, prefix, lo=start, key=lambda value: value[:size]))


class Stored:
    """An opened shelf. Everything in it is read only and may be used by many threads at once."""

    def __init__(self, shelved: Shelved) -> None:
        self.rows = shelved.rows
        self._rows = _mapped(shelved.folder / ROWS)
        self._values = _mapped(shelved.folder / VALUES)
        self._columns: dict[str, Column] = {}

    def column(self, name: str) -> Column:
        """A column of `LISTED`."""
        if name not in self._columns:
            self._columns[name] = Column(self._rows.column(name), self._values.column(name).values)
        return self._columns[name]

    def folded(self, name: str) -> pa.Array:
        """The values of a searched column as they are compared, in the order of the column's values."""
        return self._values.column(f"folded.{name}").values

    def sort(self, name: str) -> pa.Array:
        """Row numbers in the order of a sort of `SORTS` (not `default`, which is the order of rows)."""
        return self._rows.column(f"sort.{name}")

    def sort_view(self, name: str) -> "memoryview[int]":
        """The same, one number at a time."""
        return memoryview(self.sort(name).buffers()[1]).cast("I")

    @cached_property
    def _cells(self) -> list[tuple[str, "memoryview[int]", Sequence[Any], int, bool]]:
        columns = {name: self.column(name) for name in LISTED}
        return [
            (name, column.code, column.values, len(column.array), LISTED[name].kind == "list")
            for name, column in columns.items()
        ]

    def row(self, row: int) -> dict[str, Any]:
        """One line with the columns of `LISTED`."""
        shown: dict[str, Any] = {}
        for name, code, values, null, is_list in self._cells:
            place = code[row]
            value = None if place == null else values[place]
            shown[name] = (value.split("\n") if value else []) if is_list else value
        return shown


def _mapped(path: Path) -> pa.RecordBatch:
    """The only record batch of an Arrow file, mapped; the mapping lasts as long as the batch, the open file does not."""
    try:
        with pa.memory_map(str(path), "r") as source:
            return pa.ipc.open_file(source).get_batch(0)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}; make the shelf again") from None


@lru_cache(maxsize=4096)
def _opened(folder: Path, stamp: tuple[int, int]) -> Stored:
    return Stored(read_shelved(folder))


def opened(folder: Path) -> Stored:
    """The shelf in a folder, opened once for the whole process until it is made again; InputError when it is none."""
    try:
        state = (folder / MANIFEST).stat()
    except OSError:
        raise InputError(f"{folder} is no shelf: make it with `shelve`") from None
    return _opened(folder, (state.st_mtime_ns, state.st_ino))
