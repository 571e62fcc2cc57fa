"""Personal data of a finished batch: read, shown masked, and erased.

The same functions read a batch whether it is sealed or not; only a sealed one can be erased from without changing a
result. An erased person reads as erased and is no error.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from pathlib import Path
from typing import Any

import polars as pl

from entrepot.goods.errors import CallError, InputError, WorldError
from entrepot.goods.schema import PERSONAL
from entrepot.goods.texts import told
from entrepot.messages import ceb
from entrepot.run.batch import SEALED, read_manifest
from entrepot.run.home import Home
from entrepot.run.refused import SEALED_ROWS, refused_csv
from entrepot.run.sealing import KEYS, NOBODY, PERSON_PLACE, PURPOSE, Keys, destroy, message_place, open_texts

__all__ = [
    "erase", "is_sealed", "masked", "message_of", "messages_of", "orders_of_person", "refused_of", "reveal",
]  # fmt: skip

BLOCK = 1 << 20
COVER = "**"
PLACE = re.compile("^.{1,8}?(?:省|自治区|特别行政区|市)")
"""Province or city at the beginning of a Chinese address."""


def is_sealed(folder: Path) -> bool:
    """Whether the personal data of a finished batch are sealed. InputError when it is no finished batch."""
    manifest = read_manifest(folder)
    if manifest["state"] != "done":
        raise told(InputError, "batch.not-finished", folder=folder)
    return bool(manifest["identity"].get(SEALED, False))


def reveal(folder: Path, home: Home, order_id: str) -> list[dict[str, Any]]:
    """The persons of an order: order_id, buyer_key, the four personal fields (null where not given), and `erased`.

    Empty when the order names nobody. Raises CallError for an order that is not in the batch and for another
    installation, InputError when what is stored was changed.
    """
    keys = _keys(folder, home)
    mine = pl.col("order_id") == order_id
    rows = _read(_persons(folder).filter(mine))
    if rows.is_empty() and _read(_lines(folder).filter(mine).select("order_id")).is_empty():
        raise told(CallError, "batch.no-order", order=repr(order_id), folder=folder, files="lines.parquet")
    if keys is None:
        return [row | {"erased": False} for row in rows.iter_rows(named=True)]
    numbers, sealed = rows.get_column("person_no").to_list(), rows.get_column("sealed").to_list()
    texts = open_texts(keys.of(numbers), repeat(PERSON_PLACE), repeat(order_id.encode()), sealed)
    nobody = dict.fromkeys(PERSONAL)
    return [
        {"order_id": order_id, "buyer_key": key, **(json.loads(text) if text else nobody), "erased": text is None}
        for key, text in zip(rows.get_column("buyer_key").to_list(), texts, strict=True)
    ]


def masked(person: Mapping[str, Any]) -> dict[str, Any]:
    """A revealed person with its personal fields covered: enough to be recognised by who knows them, not to be learnt.

    An identity number reads 110***********1234, a telephone number 138****1234; a name keeps its first character, an
    address its province or city. Other keys, and what is null, stay as they are.
    """
    return {name: COVERS[name](value) if value and name in COVERS else value for name, value in person.items()}


def _masked_id(number: str) -> str:
    """At most three characters before and four after, and never half of them."""
    size = len(number)
    return _covered(number, *((3, 4) if size >= 15 else (size // 5, size // 4)))


def _masked_telephone(number: str) -> str:
    size = len(number)
    return _covered(number, *((3, 4) if size >= 11 else (0, size // 3)))


def _covered(text: str, before: int, after: int) -> str:
    return text[:before] + "*" * (len(text) - before - after) + text[len(text) - after :]


def _masked_name(name: str) -> str:
    return name[:1] + COVER


def _masked_address(address: str) -> str:
    place = PLACE.match(address)
    return (place[0] if place else address[: min(3, len(address) // 3)]) + COVER


COVERS: Mapping[str, Callable[[str], str]] = {
    "buyer_id": _masked_id, "buyer_name": _masked_name, "buyer_telephone": _masked_telephone,
    "consignee_address": _masked_address,
}  # fmt: skip


def orders_of_person(folder: Path, buyer_key: str) -> list[str]:
    """Orders of a finished batch that name this buyer, erased or not, sorted. InputError when it is no finished batch."""
    is_sealed(folder)
    orders = _read(_persons(folder).filter(pl.col("buyer_key") == buyer_key).select("order_id"))
    return orders.get_column("order_id").drop_nulls().unique().sort().to_list()


def message_of(folder: Path, home: Home, order_id: str, kind: str) -> bytes:
    """The message that declares an order, as it was made and signed; personal data of erased persons read `[erased]`.

    A message holds up to 100 documents. Its signature no longer fits once one of them was erased. Raises CallError
    when the batch has no such message or is of another installation, InputError when what is stored was changed.
    """
    keys = _keys(folder, home)
    index = _read(_index(folder).filter((pl.col("order_id") == order_id) & (pl.col("kind") == kind)))
    if index.is_empty():
        raise told(CallError, "batch.no-message", message=kind, order=repr(order_id), folder=folder)
    place = index.row(0, named=True)
    same = (pl.col("file") == place["file"]) & (pl.col("offset") == place["offset"])
    return _message(folder, keys, _read(_index(folder).filter(same)))


def messages_of(folder: Path, home: Home, kind: str) -> Iterator[bytes]:
    """All messages of one kind as `message_of` gives them, in the order they were written; none where there are none."""
    keys = _keys(folder, home)
    for file in sorted((folder / "messages").glob(f"{kind}-*.xml.zst")):
        mine = _read(_index(folder).filter(pl.col("file") == file.name))
        sealed = _sealed_values(folder, mine) if keys and ceb.personal_elements(kind) else None
        for part in mine.sort("offset", "document_no").partition_by("offset", maintain_order=True):
            yield _message(folder, keys, part, sealed)


def _message(
    folder: Path, keys: Keys | None, documents: pl.DataFrame, sealed: pl.DataFrame | None = None
) -> bytes:
    """A message from the index rows of all its documents."""
    ordered = documents.sort("document_no")
    kind, file, offset, length = ordered.select("kind", "file", "offset", "length").row(0)
    stored = ceb.read_message(folder / "messages" / file, offset, length)
    if keys is None or not ceb.personal_elements(kind):
        return stored
    values = ordered.select("guid").join(
        _sealed_values(folder, ordered) if sealed is None else sealed, on="guid", how="left", maintain_order="left"
    )
    if values.get_column("sealed").null_count():
        raise told(InputError, "batch.document-lacks", place=folder / "messages" / "sealed.parquet", file=file)
    guids, numbers, texts = (values.get_column(name).to_list() for name in ("guid", "person_no", "sealed"))
    about = (guid.encode() for guid in guids)
    return ceb.filled(kind, stored, open_texts(keys.of(numbers), repeat(message_place(kind)), about, texts))


def _sealed_values(folder: Path, documents: pl.DataFrame) -> pl.DataFrame:
    guids = documents.get_column("guid")
    return _read(_scan(folder / "messages" / "sealed.parquet").filter(pl.col("guid").is_in(guids.implode())))


def refused_of(folder: Path, home: Home) -> Iterator[bytes]:
    """`refused.csv` in blocks: orders of refused rows as they came, to mend and feed back; nothing when none was refused.

    Rows of erased persons are left out, and after the first erasure also those of which neither order nor buyer could be
    read. Raises CallError for another installation, InputError when what is stored was changed.
    """
    keys = _keys(folder, home)
    path = folder / (SEALED_ROWS if keys else "refused.csv")
    if not path.exists():
        return
    if keys:
        yield from refused_csv(path, keys)
    else:
        with path.open("rb") as source:
            while block := source.read(BLOCK):
                yield block


def erase(folder: Path, *, buyer_key: str | None = None, order_id: str | None = None) -> int:
    """Erase a buyer's personal data, or those of whom an order names: everything of theirs in the batch, for good.

    Their keys are destroyed in `persons.keys`, and with them the key of refused rows nobody can be told for. No result
    file changes. Returns how many persons were erased; 0 when all were already, or nobody is there. Stopped on its
    way it may be called again. Raises CallError unless one of the two is given and the batch is sealed, WorldError when
    the file cannot be written.
    """
    if (buyer_key is None) == (order_id is None):
        raise CallError("say whom to erase: either a buyer_key or an order_id")
    if not is_sealed(folder):
        raise told(CallError, "batch.not-sealed", folder=folder)
    rows = _rows_of(folder, buyer_key, order_id)
    if rows.is_empty():
        return 0
    path = folder / KEYS
    try:
        live = destroy(path, [*rows.get_column("person_no").to_list(), NOBODY])[:-1]
    except OSError as error:
        raise WorldError(f"{path} cannot be written: {error.strerror}; call again to erase", retryable=True) from None
    return rows.filter(pl.Series(live)).get_column("person").n_unique()


def _rows_of(folder: Path, buyer_key: str | None, order_id: str | None) -> pl.DataFrame:
    """Rows of a buyer or of whom an order names, in all their orders; rows of these orders without a buyer are theirs too."""
    persons = _persons(folder).select("order_id", "buyer_key", "person_no")
    named = pl.col("buyer_key") == buyer_key if order_id is None else pl.col("order_id") == order_id
    buyers = _read(persons.filter(named).select("buyer_key")).get_column("buyer_key").drop_nulls().unique().sort()
    mine = _read(persons.filter(named | pl.col("buyer_key").is_in(buyers.implode())))
    orders = mine.get_column("order_id").drop_nulls().unique()
    same = _read(persons.filter(pl.col("buyer_key").is_null() & pl.col("order_id").is_in(orders.implode())))
    one = buyers[0] if buyers.len() else order_id or buyer_key
    return pl.concat([mine, same]).unique("person_no", maintain_order=True).with_columns(
        person=pl.col("buyer_key").fill_null(pl.lit(one))
    )


def _keys(folder: Path, home: Home) -> Keys | None:
    """The keys of a sealed batch, None of another; CallError when another installation made it."""
    if not is_sealed(folder):
        return None
    if read_manifest(folder)["identity"]["installation"] != home.fingerprint:
        raise told(CallError, "batch.other-installation", folder=folder)
    return Keys(folder / KEYS, home.key(PURPOSE))


def _persons(folder: Path) -> pl.LazyFrame:
    return _scan(folder / "persons.parquet")


def _lines(folder: Path) -> pl.LazyFrame:
    return _scan(folder / "lines.parquet")


def _index(folder: Path) -> pl.LazyFrame:
    path = folder / "messages" / "index.parquet"
    return _scan(path) if path.exists() else pl.LazyFrame(schema=ceb.INDEX)


def _scan(path: Path) -> pl.LazyFrame:
    """A file of the batch; InputError when it is gone."""
    if not path.is_file():
        raise told(InputError, "batch.file-gone", file=path)
    return pl.scan_parquet(path)


def _read(frame: pl.LazyFrame) -> pl.DataFrame:
    """Rows of a file of the batch; InputError when it is damaged."""
    try:
        return frame.collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise told(InputError, "batch.file-unreadable", reason=" ".join(str(error).split())[:200]) from None
