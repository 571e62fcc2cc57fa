"""CSV and its relatives: fast where the file is clean, row by row careful where it is not.

Polars parses a block of lines; an account of its bytes then proves that no row was short, shifted or blank
(`_vouched`). Only a block that fails goes through `records`, which finds each bad row.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from entrepot.goods.errors import InputError
from entrepot.goods.mapping import Mapping, normal
from entrepot.goods.readers.frames import MAX_RECORD, with_bookkeeping
from entrepot.goods.readers.records import careful_frame
from entrepot.goods.readers.text import encoding_of, lines_aligned, sample_of, utf8_chunks
from entrepot.goods.schema import FIELDS
from entrepot.goods.texts import told

__all__ = ["DELIMITERS", "read_delimited"]

DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Header:
    """The first record of the file: its delimiter, its column names and the number of lines it takes."""

    delimiter: str
    columns: tuple[str, ...]
    lines: int


def read_delimited(path: Path, mapping: Mapping) -> Iterator[pl.DataFrame]:
    """Frames of text columns from a delimited file, in file order; memory does not grow with the file.

    Raises InputError for a file without a header or with two columns of one name.
    """
    encoding = encoding_of(path, mapping.encoding)
    header = _header(path, sample_of(path, encoding), mapping)
    row, carry, first = 1, b"", True
    for block in lines_aligned(utf8_chunks(path, encoding)):
        data = carry + (_after_header(block, header.lines) if first else block)
        first = False
        frame, carry = _frame(data, header, last=False)
        if frame.height:
            yield _numbered(frame, row)
            row += int(frame["_row"][-1])
    if carry:
        frame, _ = _frame(carry, header, last=True)
        yield _numbered(frame, row)


def _after_header(block: bytes, lines: int) -> bytes:
    start = 0
    for _ in range(lines):
        start = block.find(b"\n", start) + 1
        if not start:
            return b""
    return block[start:]


def _numbered(frame: pl.DataFrame, first: int) -> pl.DataFrame:
    return frame.with_columns(pl.col("_row") + (first - 1))


def _frame(data: bytes, header: Header, *, last: bool) -> tuple[pl.DataFrame, bytes]:
    """Parse one block; `_row` counts from 1. The bytes returned belong to a record the block does not finish."""
    if not data.strip(b"\r\n"):
        return with_bookkeeping(pl.DataFrame(schema=dict.fromkeys(header.columns, pl.String)), 1), b""
    fast = _vouched(data, header)
    if fast is not None:
        return with_bookkeeping(fast, 1), b""
    return careful_frame(data, header.delimiter, header.columns, last=last)


def parse_block(data: bytes, delimiter: str, columns: tuple[str, ...]) -> pl.DataFrame:
    """Parse clean rows of text; an empty unquoted field is null."""
    return pl.read_csv(data, has_header=False, separator=delimiter, schema=dict.fromkeys(columns, pl.String))


def _vouched(data: bytes, header: Header) -> pl.DataFrame | None:
    """The parsed block if every byte of it is accounted for, else None.

    Bytes of the block = bytes of the fields + separators + line ends + quotes. A short row, a blank line, a stray
    quote or a swallowed row breaks the sum, and none of them can make up for another.
    """
    if data.count(b'"') % 2 or b"\0" in data:
        return None
    try:
        frame = parse_block(data, header.delimiter, header.columns)
    except PolarsError:
        return None
    lengths = frame.select(pl.all().str.len_bytes()).select(
        total=pl.sum_horizontal(pl.all().sum()), longest=pl.max_horizontal(pl.all().max())
    )
    total, longest = lengths.row(0)
    structure = frame.height * (len(header.columns) - 1) + frame.height - (not data.endswith(b"\n"))
    quotes = data.count(b'"') - _quotes_kept(data, frame)
    accounted = int(total or 0) + structure + quotes + data.count(b"\r")
    return frame if accounted == len(data) and (longest or 0) < MAX_RECORD else None


def _quotes_kept(data: bytes, frame: pl.DataFrame) -> int:
    if b'""' not in data:
        return 0
    counts = frame.select(pl.sum_horizontal(pl.all().str.count_matches('"', literal=True).sum()))
    return int(counts.item() or 0)


def _header(path: Path, sample: str, mapping: Mapping) -> Header:
    if not sample.strip("\ufeff \t\r\n"):
        raise told(InputError, "file.no-header", file=path.name)
    text = sample.lstrip("\r\n")
    skipped = len(sample) - len(text)
    record = _first_record(text)
    delimiter = mapping.delimiter or _delimiter(record, mapping)
    columns = _columns(next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter)))
    _check_names(path, columns)
    return Header(delimiter, columns, sample[: skipped + len(record)].count("\n") or 1)


def _first_record(text: str) -> str:
    """The first line, or more of them while a quote is open (a header cell may hold a line end)."""
    end = -1
    while True:
        end = text.find("\n", end + 1)
        if end < 0:
            return text[: len(text)]
        if text.count('"', 0, end) % 2 == 0 or end > 100_000:
            return text[: end + 1]


def _columns(cells: list[str]) -> tuple[str, ...]:
    names = [cell.strip().removeprefix("\ufeff").strip() for cell in cells]
    return tuple(name or f"column_{number}" for number, name in enumerate(names, start=1))


def _check_names(path: Path, columns: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for name in columns:
        if name in seen:
            raise told(InputError, "file.same-column", file=path.name, column=repr(name))
        seen.add(name)


def _delimiter(record: str, mapping: Mapping) -> str:
    """The delimiter under which most header cells are wanted columns; with none wanted, the one giving most cells."""
    wanted = {normal(column) for column in mapping.columns.values()} or set(FIELDS)

    def score(delimiter: str) -> tuple[int, int]:
        """How many known columns, and how many at all, a delimiter makes of the header."""
        cells = next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter), [])
        return sum(normal(cell.removeprefix("\ufeff")) in wanted for cell in cells), len(cells)

    return max(DELIMITERS, key=score)
