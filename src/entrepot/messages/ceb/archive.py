"""Compressed files of messages: one independent zstd frame per message, so any message is read by its offset.

One other thread formats, compresses and writes a slice while the next is built and checked; the bytes do not
depend on timing. A file is written beside its name and renamed when complete.
"""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import polars as pl
import zstandard

from entrepot.goods.errors import CallError, InputError, WorldError
from entrepot.messages.ceb.documents import Documents
from entrepot.messages.ceb.elements import personal_elements
from entrepot.messages.ceb.holes import SEALED, Seal, cut
from entrepot.messages.ceb.sender import Sender
from entrepot.messages.ceb.sign import Signer
from entrepot.messages.ceb.write import messages

__all__ = ["INDEX", "Archive", "read_message"]

INDEX = pl.Schema({
    "order_id": pl.String(), "kind": pl.String(), "guid": pl.String(), "file": pl.String(),
    "offset": pl.Int64(), "length": pl.Int64(), "document_no": pl.Int64(),
})  # fmt: skip
"""Where a document is: the message is `length` bytes of `file` from `offset`, the document its `document_no`-th."""

LEVEL = 1
"""zstd level: at these repetitive texts level 1 is both fast and within 10 % of level 3."""
PENDING = 1
"""Slices that may wait for the other thread; bounds memory."""
LARGEST_MESSAGE = 1 << 28


@dataclass(frozen=True, slots=True)
class _Place:
    offset: int
    length: int
    documents: int


class Archive:
    """Appends messages of one kind to one file; use as a context manager, `index` and `sealed` are complete after it.

    Nothing is left under the final name unless every message was written. With `seal` the personal values of a message
    are cut out of it after it was signed, and go sealed to `sealed`.
    """

    def __init__(self, folder: Path, kind: str, part: str, seal: Seal | None = None) -> None:
        self.file = f"{kind}-{part}.xml.zst"
        self._kind, self._path = kind, folder / self.file
        self._beside = self._path.with_name(self.file + ".partial")
        self._compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        self._pending: deque[Future[list[_Place]]] = deque()
        self._places: list[_Place] = []
        self._documents: list[pl.DataFrame] = []
        self._offset = self.text_bytes = self.message_count = 0
        self.index = INDEX.to_frame()
        self._seal = seal if personal_elements(kind) else None
        self._sealed: list[pl.DataFrame] = []

    @property
    def sealed(self) -> pl.DataFrame:
        """The personal values of all documents written, one row each."""
        return pl.concat([SEALED.to_frame(), *self._sealed])

    def __enter__(self) -> "Archive":
        try:
            self._beside.parent.mkdir(parents=True, exist_ok=True)
            self._target = self._beside.open("wb")
        except OSError as reason:
            where = self._path.parent
            raise WorldError(f"messages cannot be written to {where}: {reason}", retryable=False) from reason
        self._worker = ThreadPoolExecutor(max_workers=1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._drain(0)
        except BaseException:
            self._abandon()
            raise
        if kind is not None:
            self._abandon()
            return
        self._worker.shutdown()
        try:
            self._finish()
        except OSError as reason:
            self._abandon()
            raise WorldError(f"{self._path} cannot be written: {reason}", retryable=True) from reason

    def _abandon(self) -> None:
        self._worker.shutdown(cancel_futures=True)
        with suppress(OSError):
            self._target.close()
        self._beside.unlink(missing_ok=True)

    def _finish(self) -> None:
        self._target.close()
        if not self._places:
            self._beside.unlink(missing_ok=True)
            return
        os.replace(self._beside, self._path)
        self.index = self._make_index()

    def add(self, documents: Documents, sender: Sender, signer: Signer) -> None:
        """Write documents that carry their guids, in messages of at most 100; returns before they are written."""
        self._documents.append(documents.heads.select("order_id", "guid"))
        self._pending.append(self._worker.submit(self._write, documents, sender, signer))
        self._drain(PENDING)

    def _write(self, documents: Documents, sender: Sender, signer: Signer) -> list[_Place]:
        """In the other thread: format, compress and write each message while it is in the cache; say where it went."""
        places = []
        for message in messages(documents, sender, signer):
            content = message.content
            if self._seal:
                content = self._cut(content, documents.heads.slice(message.first, message.count), self._seal)
            frame = self._compressor.compress(content)
            self._target.write(frame)
            places.append(_Place(self._offset, len(frame), message.count))
            self._offset += len(frame)
            self.text_bytes += len(message.content)
        self.message_count += len(places)
        return places

    def _cut(self, content: bytes, heads: pl.DataFrame, seal: Seal) -> bytes:
        """The message with holes; what was in them is sealed."""
        holed, values = cut(self._kind, content)
        numbers, guids = heads.get_column("_person_no").to_list(), heads.get_column("guid").to_list()
        columns = {"kind": self._kind, "guid": guids, "person_no": numbers}
        self._sealed.append(
            pl.DataFrame({**columns, "sealed": seal(self._kind, numbers, guids, values)}, schema=SEALED)
        )
        return holed

    def _drain(self, allowed: int) -> None:
        while len(self._pending) > allowed:
            try:
                self._places += self._pending.popleft().result()
            except OSError as reason:
                raise WorldError(f"{self._beside} cannot be written: {reason}", retryable=True) from reason

    def _make_index(self) -> pl.DataFrame:
        counts = pl.Series([place.documents for place in self._places], dtype=pl.Int64)
        of_message = pl.int_range(counts.len(), eager=True).repeat_by(counts).explode()
        starts = counts.cum_sum() - counts
        documents = pl.concat(self._documents)
        return documents.select(
            "order_id", kind=pl.lit(self._kind), guid="guid", file=pl.lit(self.file),
            offset=pl.Series([place.offset for place in self._places], dtype=pl.Int64).gather(of_message),
            length=pl.Series([place.length for place in self._places], dtype=pl.Int64).gather(of_message),
            document_no=pl.int_range(documents.height, eager=True) - starts.gather(of_message) + 1,
        )  # fmt: skip


def read_message(file: Path | str, offset: int, length: int) -> bytes:
    """One message of an archive, as written. Raises CallError for no such place, InputError for damaged bytes."""
    if offset < 0 or length <= 0:
        raise CallError(f"no message is at offset {offset}, length {length}: take both from the index")
    try:
        with Path(file).open("rb") as source:
            source.seek(offset)
            frame = source.read(length)
    except OSError as reason:
        raise CallError(f"message file {file} cannot be read: {reason}") from None
    try:
        if len(frame) < length or zstandard.frame_content_size(frame) > LARGEST_MESSAGE:
            raise InputError(f"{file} holds no message at offset {offset}, length {length}")
        return zstandard.ZstdDecompressor().decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as reason:
        raise InputError(f"{file} is damaged at offset {offset}: {reason}") from None
