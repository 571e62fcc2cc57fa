"""What a batch starts from beside its file, frozen when it is first asked for: balances, catalogues, the sender's codes.

A try that was killed leaves these files, and the next one takes them as they are: only so it is the same batch.
"""

import csv
from decimal import Decimal
from pathlib import Path

import polars as pl
from django.db.models import QuerySet, Sum
from django.utils import timezone

from entrepot.desk.batches.models import Batch, BuyerYear, Reservation
from entrepot.desk.products.catalogue import catalogue_files
from entrepot.goods.mapping import load_mapping
from entrepot.goods.read import read_batches

__all__ = ["freeze_balances", "freeze_catalogues", "freeze_sender"]


def freeze_sender(batch: Batch, folder: Path) -> Path | None:
    """The organisation's codes for messages; None when it has given none."""
    path = folder / "sender.yaml"
    if not path.exists() and batch.organisation.sender.strip():
        _written(path, batch.organisation.sender)
    return path if path.exists() else None


def freeze_catalogues(batch: Batch, beside: Path, folder: Path) -> tuple[Path, ...]:
    """Catalogues that came with the upload, then the organisation's own products."""
    place, done = folder / "products", folder / "products.done"
    if not done.exists():
        place.mkdir(mode=0o700, exist_ok=True)
        catalogue_files(batch.organisation, place)
        done.touch(mode=0o600)
    return (*sorted(beside.glob("catalogue*.csv")), *sorted(place.glob("*.csv")))


def freeze_balances(batch: Batch, orders: Path, folder: Path) -> Path | None:
    """What each buyer has used of a year's limit: spent, and reserved for orders that are not in this file.

    None when nothing is known of any buyer.
    """
    path = folder / "balances.csv"
    if not path.exists() and BuyerYear.objects.of(batch.organisation).exists():
        rows = _balances(batch, orders, folder)
        beside = path.with_suffix(".part")
        beside.touch(mode=0o600)
        with beside.open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target)
            writer.writerow(["buyer_key", "year", "spent"])
            writer.writerows(rows)
        beside.replace(path)
    return path if path.exists() else None


def _balances(batch: Batch, orders: Path, folder: Path) -> list[tuple[str, int, str]]:
    own = _reserved_here(batch, orders, folder)
    known = BuyerYear.objects.of(batch.organisation).order_by("buyer_key", "year")
    open_sums = {row["buyer_year"]: row["fen"] for row in _open(batch).values("buyer_year").annotate(fen=Sum("amount_fen"))}
    found = []
    for row in known.iterator(chunk_size=5000):
        used = max(0, row.spent_fen) + open_sums.get(row.id, 0) - own.get(row.id, 0)
        found.append((row.buyer_key, row.year, f"{Decimal(used) / 100:.2f}"))
    return found


def _open(batch: Batch) -> QuerySet[Reservation]:
    """The reservations that hold now."""
    found: QuerySet[Reservation] = Reservation.objects.of(batch.organisation).filter(ended_at=None, expires_at__gt=timezone.now())
    return found


def _reserved_here(batch: Batch, orders: Path, folder: Path) -> dict[object, int]:
    """Of each buyer's year, what is reserved for orders in this very file: they use it themselves."""
    reserved = {one.order_id: one for one in _open(batch)}
    if not reserved:
        return {}
    sums: dict[object, int] = {}
    for order_id in _orders_among(orders, folder / "mapping.yaml", list(reserved)):
        one = reserved[order_id]
        sums[one.buyer_year_id] = sums.get(one.buyer_year_id, 0) + one.amount_fen
    return sums


def _orders_among(orders: Path, mapping_file: Path, wanted: list[str]) -> set[str]:
    """Which of these orders the file holds."""
    mapping, found = load_mapping(mapping_file), set[str]()
    for raw in read_batches(orders, mapping):
        texts = raw.frame.get_column(raw.sources["order_id"]).cast(pl.String).str.strip_chars()
        found |= set(texts.filter(texts.is_in(wanted)).to_list())
    return found


def _written(path: Path, text: str) -> None:
    beside = path.with_suffix(".part")
    beside.touch(mode=0o600)
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
