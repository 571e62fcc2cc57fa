"""Days of orders for tests: the sample day whole or in pieces, many copies of it, and what a batch folder holds."""

import csv
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import zstandard
from stdnum.cn import ric

from entrepot.run.clear import Request, clear

SAMPLES = Path(str(files("entrepot"))) / "samples"
ORDERS, CATALOGUE = SAMPLES / "orders.csv", SAMPLES / "catalogue.csv"
ENTREPOT = Path(sys.executable).with_name("entrepot")
REPOSITORY = Path(__file__).parents[2]
SECRET = "5a" * 32
KEY = ["order_id", "line_no"]
PROVENANCE = ["source_file", "row", "row_id"]
PERSONAL = ("buyer_id", "buyer_name", "buyer_telephone", "consignee_address")

Row = dict[str, str]
Document = tuple[str, str, str]
"""Kind, guid and order number of a document as it stands in a message."""


def make_home(folder: Path, secret: str = SECRET) -> Path:
    """An installation with a known secret, so that the draw is the same in every run of the tests."""
    folder.mkdir(parents=True)
    (folder / "secret").write_text(secret, encoding="ascii")
    return folder


def rows_of(path: Path) -> list[Row]:
    """The rows of a CSV file as texts."""
    with path.open(encoding="utf-8-sig", newline="") as source:
        return list(csv.DictReader(source))


def sample_rows(*prefixes: str) -> list[Row]:
    """Rows of the sample day whose order number starts with one of the prefixes; all without any."""
    return [row for row in rows_of(ORDERS) if not prefixes or row["order_id"].startswith(prefixes)]


def write_day(path: Path, rows: Iterable[Mapping[str, str]]) -> Path:
    """A CSV of orders with the columns of its first row."""
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def many_days(copies: int) -> Iterator[Row]:
    """The sample day again and again, each time with other orders, waybills and buyers."""
    sample = sample_rows()
    for number in range(copies):
        for row in sample:
            order, waybill = (row[name] and f"{row[name]}-{number}" for name in ("order_id", "waybill_no"))
            yield row | {"order_id": order, "waybill_no": waybill, "buyer_id": _other(row["buyer_id"], number)}


def _other(buyer: str, number: int) -> str:
    """Another buyer of the same kind; a resident number stays a valid one."""
    if not ric.is_valid(buyer):
        return buyer and f"{buyer}-{number}"
    body = f"{buyer[:14]}{(int(buyer[14:17]) + 7 * number) % 1000:03d}"
    return body + str(ric.calc_check_digit(body + "0"))


def cleared(out: Path, home: Path, *inputs: Path, **more: Any) -> dict[str, Any]:
    """Clear files (the sample day when none is named) with the sample catalogue."""
    more = {"catalogues": (CATALOGUE,), **more}
    return clear(Request(inputs or (ORDERS,), out, home=home, **more))


def summary_of(folder: Path) -> dict[str, Any]:
    """`summary.json` as a script reads it."""
    return dict(json.loads((folder / "summary.json").read_text(encoding="utf-8")))


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest; empty while there is none."""
    try:
        return dict(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}


def hashes(folder: Path) -> dict[str, str]:
    """Every file below a folder with its hash."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def stamps(folder: Path) -> dict[str, int]:
    """Every file and folder with the moment it was last changed."""
    return {str(path): path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))}


def lines_of(folder: Path) -> pl.DataFrame:
    """All result lines, sorted by key."""
    return pl.read_parquet(folder / "lines.parquet").sort(*KEY, "row_id", nulls_last=True)


def decisions(folder: Path) -> pl.DataFrame:
    """Result lines without where they came from, in an order that depends on nothing but them."""
    lines = lines_of(folder).drop(PROVENANCE)
    lists = [name for name, dtype in lines.schema.items() if dtype == pl.List(pl.String)]
    return lines.with_columns(pl.col(lists).list.join(" ")).sort(pl.all())


def messages_in(path: Path) -> Iterator[bytes]:
    """The messages of an archive one after another, without its index: each a compressed frame of its own."""
    rest = path.read_bytes()
    while rest:
        reader = zstandard.ZstdDecompressor().decompressobj()
        yield reader.decompress(rest)
        rest = reader.unused_data


def documents(folder: Path) -> list[Document]:
    """Every document in every archive of a batch, found by its text alone."""
    head = re.compile(rb"<(?:\w+:)?guid>([^<]+)<.*?<(?:\w+:)?orderNo>([^<]*)<", re.DOTALL)
    found = []
    for path in sorted((folder / "messages").glob("*.xml.zst")):
        for message in messages_in(path):
            found += [(path.name[:3], guid.decode(), order.decode()) for guid, order in head.findall(message)]
    return found


def indexed(folder: Path) -> list[Document]:
    """Every document the index names."""
    index = pl.read_parquet(folder / "messages" / "index.parquet")
    return index.select("kind", "guid", "order_id").rows()


def unfinished(folder: Path) -> bool:
    """Whether nothing in the folder looks like a finished batch."""
    names: Sequence[str] = ("summary.json",)
    return manifest_of(folder).get("state") != "done" and not any((folder / name).exists() for name in names)
