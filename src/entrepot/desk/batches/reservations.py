"""Keeping part of a buyer's yearly limit for an order that is not cleared yet.

The limit is the law's on the day and inclusive. One conditional update per reservation keeps spent and reserved within
it, however many write at once; an order has at most one open reservation, so asking twice changes nothing.
"""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.models import BuyerYear, Reservation
from entrepot.desk.lawbook.book import book
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Organisation
from entrepot.desk.told import Told
from entrepot.goods.parse import buyer_keys
from entrepot.run.home import open_home

__all__ = ["LAST_DAYS", "OverLimit", "buyer_key_of", "end_expired", "end_of_orders", "release_reservation", "reserve", "yearly_limit_fen"]

LIMIT = "cn/cbec/yearly_limit"
LAST_DAYS = 30
"""Days a reservation lasts unless told otherwise."""
MOST_DAYS = 366
AMOUNT_MOST_FEN = 10**11


class OverLimit(Told):
    """The yearly limit leaves less than was asked; `left_fen` is what it leaves."""

    def __init__(self, left_fen: int, limit_fen: int) -> None:
        super().__init__("batches.over-limit", left=f"{Decimal(left_fen) / 100:.2f}", limit=f"{Decimal(limit_fen) / 100:.2f}")
        self.left_fen = left_fen


def buyer_key_of(buyer_id: str) -> str:
    """The keyed hash of an identity number or account, as in the lines of a batch."""
    return str(buyer_keys(pl.Series([buyer_id.strip()], dtype=pl.String), open_home().key("buyer"))[0])


def yearly_limit_fen(day: date) -> int:
    """The yearly limit of retail imports on a day; Told when the law has none that day."""
    found = book().value(LIMIT, day)
    if found is None:
        raise Told("batches.no-limit", day=str(day))
    return int(str(found.value))


def reserve(
    acting: Acting, buyer_key: str, year: int, order_id: str, amount_fen: int, *, day: date | None = None, last_days: int = LAST_DAYS
) -> Reservation:
    """Keep an amount of a buyer's year for an order; the order's open reservation of the same amount is returned as it is.

    `day` picks the law's limit (today by default; a day of the year otherwise). Raises OverLimit when the limit leaves
    less, Told for an order that has another open reservation or a value that is not allowed.
    """
    on = day or timezone.localdate()
    if on.year != year:
        raise Told("batches.other-year", year=year, day=str(on))
    if not 0 < amount_fen <= AMOUNT_MOST_FEN or not 1 <= last_days <= MOST_DAYS or not order_id.strip():
        raise Told("batches.bad-reservation", days=MOST_DAYS)
    limit = yearly_limit_fen(on)
    try:
        with transaction.atomic():
            end_expired(acting.organisation, buyer_key=buyer_key, year=year)
            end_expired(acting.organisation, order_id=order_id)
            known = _known(acting, buyer_key, year, order_id, amount_fen)
            return known or _taken(acting, buyer_key, year, order_id, amount_fen, limit, last_days)
    except IntegrityError:  # another asked for the same order meanwhile, and has it
        known = _known(acting, buyer_key, year, order_id, amount_fen)
        if known is None:
            raise
        return known


def _known(acting: Acting, buyer_key: str, year: int, order_id: str, amount_fen: int) -> Reservation | None:
    open_ones = Reservation.objects.of(acting).select_related("buyer_year").filter(order_id=order_id, ended_at=None)
    found: Reservation | None = open_ones.first()
    if found and (found.buyer_year.buyer_key, found.buyer_year.year, found.amount_fen) != (buyer_key, year, amount_fen):
        raise Told("batches.reserved-otherwise", order=order_id)
    return found


def _taken(acting: Acting, buyer_key: str, year: int, order_id: str, amount_fen: int, limit: int, last_days: int) -> Reservation:
    row, _ = BuyerYear.objects.get_or_create(organisation=acting.organisation, buyer_key=buyer_key, year=year)
    free = BuyerYear.objects.filter(id=row.id).alias(used=F("spent_fen") + F("reserved_fen") + amount_fen).filter(used__lte=limit)
    if not free.update(reserved_fen=F("reserved_fen") + amount_fen):
        row.refresh_from_db()
        raise OverLimit(max(0, limit - row.spent_fen - row.reserved_fen), limit)
    made: Reservation = Reservation.objects.create(
        organisation=acting.organisation, buyer_year=row, order_id=order_id, amount_fen=amount_fen,
        expires_at=timezone.now() + timedelta(days=last_days),
    )  # fmt: skip
    record(acting, "limit.reserved", "reservation", made.id, amount_fen=amount_fen, year=year)
    return made


def release_reservation(acting: Acting, reservation: Reservation) -> bool:
    """Free what a reservation keeps; False when it had ended before."""
    with transaction.atomic():
        ended = _end(reservation)
        if ended:
            record(acting, "limit.released", "reservation", reservation.id, amount_fen=reservation.amount_fen)
    return ended


def end_expired(organisation: Organisation | None = None, *, buyer_key: str = "", year: int = 0, order_id: str = "") -> int:
    """Free what reservations past their day keep, of one buyer's year, one order, or all; returns how many."""
    expired = Reservation.objects.filter(ended_at=None, expires_at__lte=timezone.now()).select_related("buyer_year")
    if organisation:
        expired = expired.of(organisation)
    if buyer_key:
        expired = expired.filter(buyer_year__buyer_key=buyer_key, buyer_year__year=year)
    if order_id:
        expired = expired.filter(order_id=order_id)
    return _end_all(list(expired))


def end_of_orders(organisation: Organisation, orders: pl.Series) -> int:
    """End what was reserved for these orders; returns how many. For use where a batch is committed."""
    open_ones = Reservation.objects.of(organisation).filter(ended_at=None)
    decided = set(orders.drop_nulls().to_list()) if open_ones.exists() else set()
    return _end_all([one for one in open_ones if one.order_id in decided])


def _end_all(reservations: list[Reservation]) -> int:
    ended = 0
    for one in sorted(reservations, key=lambda one: str(one.id)):
        with transaction.atomic():
            ended += _end(one)
    return ended


def _end(reservation: Reservation) -> bool:
    """End a reservation once: who turns it from open to ended gives the amount back."""
    still_open = Reservation.objects.filter(id=reservation.id, ended_at=None)
    if not still_open.update(ended_at=timezone.now()):
        return False
    BuyerYear.objects.filter(id=reservation.buyer_year_id).update(reserved_fen=F("reserved_fen") - reservation.amount_fen)
    return True
