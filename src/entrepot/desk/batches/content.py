"""What an uploaded file is by its content, and whether it stays small when it is opened.

Text does not grow when it is read. A workbook is a ZIP and a Parquet file is packed: both say how large they are, and a
workbook may lie, so it is unpacked once to nowhere before anything else opens it.
"""

import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.desk.told import Told
from entrepot.goods.errors import InputError
from entrepot.goods.read import file_kind
from entrepot.goods.texts import told

__all__ = ["check_content"]

UNPACKED_MOST = 1 << 30
"""Bytes a workbook may hold in all, unpacked."""
ENTRIES_MOST = 10_000
CELLS_MOST = 64_000_000
"""Cells of the rectangle around all cells of a sheet: so many are laid out when it is read."""
PARQUET_ROWS_MOST = 200_000_000
GROUP_BYTES_MOST = 2 << 30
"""Bytes of a Parquet row group, unpacked: one is held at a time."""
OLD_WORKBOOK_MOST = 200 << 20
BLOCK = 1 << 20
LOCAL_HEADER = 30
ROW = re.compile(rb'<row [^>]{0,200}?r="([0-9]{1,9})"')
COLUMN = re.compile(rb' r="([A-Z]{1,3})[0-9]')


def check_content(path: Path) -> str:
    """The kind of a file (text, workbook, json, parquet) that may safely be read.

    Raises InputError for packed or unreadable files, Told for one that would grow too large.
    """
    kind = file_kind(path)
    if kind == "workbook":
        _check_workbook(path)
    elif kind == "parquet":
        _check_parquet(path)
    return kind


def _check_parquet(path: Path) -> None:
    try:
        about = pq.read_metadata(path)
        groups = max((about.row_group(number).total_byte_size for number in range(about.num_row_groups)), default=0)
    except (pa.ArrowException, OSError) as cause:
        raise told(InputError, "batches.parquet-damaged", file=path.name) from cause
    if about.num_rows > PARQUET_ROWS_MOST or groups > GROUP_BYTES_MOST:
        raise Told("batches.grows-too-large")


def _check_workbook(path: Path) -> None:
    with path.open("rb") as source:
        if source.read(4) != b"PK\x03\x04":
            if path.stat().st_size > OLD_WORKBOOK_MOST:
                raise Told("batches.grows-too-large")
            return
        try:
            with zipfile.ZipFile(source) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, ValueError, OSError, struct.error, NotImplementedError) as cause:
            raise told(InputError, "batches.workbook-damaged", file=path.name) from cause
        _check_entries(path, source, entries)


def _check_entries(path: Path, source: BinaryIO, entries: list[zipfile.ZipInfo]) -> None:
    names = {entry.filename for entry in entries}
    if not names & {"[Content_Types].xml", "content.xml"}:
        raise told(InputError, "batches.is-archive", file=path.name)
    if len(entries) > ENTRIES_MOST or sum(entry.file_size for entry in entries) > UNPACKED_MOST:
        raise Told("batches.grows-too-large")
    left = UNPACKED_MOST
    for entry in entries:
        left -= _unpacked(path, source, entry, left)


def _unpacked(path: Path, source: BinaryIO, entry: zipfile.ZipInfo, left: int) -> int:
    """How many bytes an entry really holds; Told when that is more than are left, or its sheet is too wide and long."""
    source.seek(entry.header_offset)
    header = source.read(LOCAL_HEADER)
    if len(header) < LOCAL_HEADER or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise told(InputError, "batches.workbook-packed", file=path.name)
    source.seek(sum(struct.unpack("<HH", header[26:30])), 1)
    packed, sheet, size = entry.compress_size, _Sheet(), 0
    unpack = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
    pending = b""
    while packed or pending:
        if not pending:
            pending = source.read(min(BLOCK, packed))
            packed = packed - len(pending) if pending else 0
        try:
            block = unpack.decompress(pending, BLOCK) if unpack else pending
        except zlib.error as cause:
            raise told(InputError, "batches.workbook-damaged", file=path.name) from cause
        pending = unpack.unconsumed_tail if unpack else b""
        size += len(block)
        if size > left or not sheet.takes(block):
            raise Told("batches.grows-too-large")
    return size


class _Sheet:
    """Follows the cells of a sheet as its text goes by."""

    def __init__(self) -> None:
        self.rows = self.columns = 1
        self.before = b""

    def takes(self, block: bytes) -> bool:
        """Whether the rectangle around all cells so far is small enough to be laid out."""
        text = self.before + block
        self.rows = max(self.rows, *map(int, ROW.findall(text)), 1)
        self.columns = max(self.columns, *map(_place, set(COLUMN.findall(text))), 1)
        self.before = text[-256:]
        return self.rows * self.columns <= CELLS_MOST


def _place(letters: bytes) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + letter - 64
    return place
