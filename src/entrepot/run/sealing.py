"""Personal data at rest: each person's data under a key of their own that can be destroyed without touching anything else.

`persons.keys` holds a record of 32 bytes per row of `persons.parquet`, found by `person_no`. The record is random and made
once; the key is the record added bit by bit to a stream (AES-256-CTR) that only the installation's secret gives. So no key
can be made again once its record is zeros, and none without the secret. Record 0 is for what cannot be told whose it is.

Texts are sealed with AES-256-GCM. A nonce names the place a text stands in, and with one key each place is written with one
text only: whatever a text depends on is part of the batch's identity. So a run that goes on after it was killed gives the
same bytes, while another run of the same orders, having other keys, gives other ones.
"""

import hmac
import mmap
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import BinaryIO

import polars as pl
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from entrepot.goods.errors import InputError
from entrepot.goods.schema import PERSONAL
from entrepot.messages import ceb

__all__ = [
    "KEYS", "NOBODY", "PERSON_PLACE", "PURPOSE", "SEALED_PERSONS", "Keys", "destroy", "make_keys", "message_place",
    "message_seal", "open_texts", "row_place", "seal_texts", "sealed_persons",
]  # fmt: skip

KEYS = "persons.keys"
PURPOSE = "persons"
NOBODY = 0
"""The record of rows of which neither order nor buyer could be read."""
RECORD = 32
MAGIC = b"entrepot-keys-1\0"
GONE = bytes(RECORD)
BLOCK = 1 << 20
COUNTERS = RECORD // 16
"""Blocks of the stream that one record takes."""

PERSON_PLACE = b"persons".ljust(12, b"\0")

SEALED_PERSONS = pl.Schema(
    {"order_id": pl.String(), "buyer_key": pl.String(), "person_no": pl.Int64(), "sealed": pl.Binary()}
)
"""Columns of `persons.parquet` of a sealed batch; `sealed` is the JSON of the personal fields."""


def message_place(kind: str) -> bytes:
    """The nonce of a person's values in a message of this kind."""
    return f"msg-{kind}".encode().ljust(12, b"\0")


def row_place(row_id: int) -> bytes:
    """The nonce of a refused row."""
    return b"row\0" + row_id.to_bytes(8)


def make_keys(path: Path, persons: int) -> None:
    """Write a new file of keys for so many persons, and record 0; on the disk when this returns."""
    size = RECORD * (persons + 1)
    with path.open("wb") as target:
        target.write(MAGIC + secrets.token_bytes(16))
        for first in range(0, size, BLOCK):
            target.write(secrets.token_bytes(min(BLOCK, size - first)))
        target.flush()
        os.fsync(target.fileno())


def destroy(path: Path, numbers: Iterable[int]) -> list[bool]:
    """Overwrite records with zeros, on the disk when this returns; says of each whether it was still there.

    May be done again. Raises InputError for a number the file does not have, OSError when it cannot be written.
    """
    with path.open("r+b", buffering=0) as target:
        was_there = [_overwrite(target, number) for number in numbers]
        os.fsync(target.fileno())
    return was_there


def _overwrite(target: BinaryIO, number: int) -> bool:
    target.seek(_place(number))
    record = target.read(RECORD)
    if len(record) < RECORD:
        raise InputError(f"{target.name} has no key {number}: it belongs to another batch")
    if record == GONE:
        return False
    target.seek(_place(number))
    target.write(GONE)
    return True


def _place(number: int) -> int:
    return RECORD * (number + 1)


class Keys:
    """The keys of a batch's persons, read from `persons.keys` with the installation's key for `PURPOSE`."""

    def __init__(self, path: Path, secret: bytes) -> None:
        """Raises InputError when the file is gone or not whole."""
        self.path = path
        try:
            with path.open("rb") as source:
                self._records = mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read: {error}; without it no personal data can be") from None
        if self._records[: len(MAGIC)] != MAGIC or len(self._records) % RECORD:
            raise InputError(f"{path} is damaged: put back its newest copy, in which persons since erased are gone too")
        self._stream = algorithms.AES(hmac.digest(secret, self._records[len(MAGIC) : RECORD], "sha256"))
        self.persons = len(self._records) // RECORD - 2

    def live(self, numbers: Sequence[int]) -> list[bytes]:
        """The keys of persons none of whom was erased; InputError when one was."""
        keys = [key for key in self.of(numbers) if key is not None]
        if len(keys) < len(numbers):
            raise InputError(f"{self.path}: a person of an unfinished batch was erased; clear again into a new folder")
        return keys

    def of(self, numbers: Sequence[int]) -> list[bytes | None]:
        """The key of each person; None where it was destroyed. Neighbouring numbers are read at once."""
        found: list[bytes | None] = []
        for first, count in _runs(numbers):
            records = self._records[_place(first) : _place(first + count)]
            if len(records) < RECORD * count:
                raise InputError(f"{self.path} has no key {first + count - 1}: it belongs to another batch")
            start = (first * COUNTERS).to_bytes(16)
            keys = Cipher(self._stream, modes.CTR(start)).decryptor().update(records)
            places = range(0, len(keys), RECORD)
            found += [keys[at : at + RECORD] if records[at : at + RECORD] != GONE else None for at in places]
        return found


def sealed_persons(persons: pl.DataFrame, keys: Sequence[bytes]) -> pl.DataFrame:
    """Personal fields of rows with `person_no`, each with its key, as one sealed column (`SEALED_PERSONS`)."""
    texts = persons.select(pl.struct(PERSONAL).struct.json_encode().cast(pl.Binary)).to_series().to_list()
    orders = persons.get_column("order_id").fill_null("").cast(pl.Binary).to_list()
    sealed = seal_texts(keys, repeat(PERSON_PLACE), orders, texts)
    return persons.select("order_id", "buyer_key", "person_no", pl.Series("sealed", sealed, pl.Binary))


def message_seal(keys: Mapping[int, bytes]) -> ceb.Seal:
    """Seals the values of documents under keys that are known by `person_no`."""

    def seal(kind: str, numbers: Sequence[int], guids: Sequence[str], values: Sequence[bytes]) -> list[bytes]:
        about = (guid.encode() for guid in guids)
        return seal_texts([keys[number] for number in numbers], repeat(message_place(kind)), about, values)

    return seal


def seal_texts(
    keys: Iterable[bytes], places: Iterable[bytes], about: Iterable[bytes], texts: Iterable[bytes]
) -> list[bytes]:
    """Each text sealed under its key, bound to its place and to what it is about."""
    return [AESGCM(key).encrypt(place, text, what) for key, place, text, what in zip(keys, places, texts, about, strict=False)]


def open_texts(
    keys: Iterable[bytes | None], places: Iterable[bytes], about: Iterable[bytes], sealed: Iterable[bytes]
) -> list[bytes | None]:
    """Each text again; None where the key was destroyed.

    Raises InputError when sealed bytes are not as they were made, or the key is another one.
    """
    rows = zip(keys, places, sealed, about, strict=False)
    try:
        return [AESGCM(key).decrypt(place, text, what) if key else None for key, place, text, what in rows]
    except InvalidTag:
        raise InputError(f"sealed personal data were changed, or {KEYS} is not of the same batch") from None


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Runs of numbers that follow each other: the first, and how many."""
    series = pl.Series("number", numbers, pl.Int64)
    run = pl.DataFrame({"number": series, "run": (series.diff() != 1).fill_null(value=False).cum_sum()})
    yield from run.group_by("run", maintain_order=True).agg(pl.col("number").first(), pl.len()).select("number", "len").rows()
