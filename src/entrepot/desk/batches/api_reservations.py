"""API of the yearly limit: what buyers have used and reserved of it, and reservations for orders to come."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone
from ninja import Field, Query, Router, Schema, Status

from entrepot.desk.api.auth import needs
from entrepot.desk.api.idempotency import idempotent, reading
from entrepot.desk.api.pages import PageOf, PageQuery, page_of
from entrepot.desk.api.problems import ApiError, answers
from entrepot.desk.batches import reservations
from entrepot.desk.batches.models import BuyerYear, Reservation

__all__ = ["router"]

router = Router(tags=["reservations"])
OPERATION: dict[str, Any] = {"auth": needs("reservations.edit")}
BUYER_KEY = "^[0-9a-f]{32}$"
SOMETHING = r"[^\s\x00]"
NO_NUL = r"^[^\x00]*$"


class ReservationIn(Schema):
    """Part of a buyer's yearly limit to keep for an order. Give the buyer's identity number or account, or their key."""

    buyer_id: str | None = Field(
        None, max_length=200, pattern=SOMETHING, description="Not kept: only its keyed hash is", examples=["acct-us-0001"]
    )
    buyer_key: str | None = Field(None, pattern=BUYER_KEY, description="The keyed hash, as in the lines of a batch", examples=[None])
    order_id: str = Field(max_length=120, pattern=SOMETHING, examples=["A-1001"])
    amount_cny: str = Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,2})?$", examples=["1250.00"])
    day: date | None = Field(None, description="Day whose law and year count; today by default", examples=[None])
    last_days: int = Field(reservations.LAST_DAYS, ge=1, le=366, description="Days until it ends by itself", examples=[30])


class ReservationOut(Schema):
    """A reservation; `ended_at` is null while it holds."""

    id: UUID
    buyer_key: str = Field(examples=["5e1d…"])
    year: int = Field(examples=[2026])
    order_id: str = Field(examples=["A-1001"])
    amount_cny: str = Field(examples=["1250.00"])
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


class ReservationsQuery(PageQuery):
    """Which reservations."""

    order_id: str = Field("", max_length=120, pattern=NO_NUL, description="Only of this order", examples=["A-1001"])


class BalanceIn(Schema):
    """A buyer and a year."""

    buyer_id: str | None = Field(None, max_length=200, pattern=SOMETHING, examples=["acct-us-0001"])
    buyer_key: str | None = Field(None, pattern=BUYER_KEY, examples=[None])
    year: int | None = Field(None, ge=2000, le=2100, description="This year by default", examples=[2026])


class BalanceOut(Schema):
    """What is known here of a buyer's year; customs alone know what was used elsewhere."""

    buyer_key: str = Field(examples=["5e1d…"])
    year: int = Field(examples=[2026])
    limit_cny: str = Field(examples=["26000.00"])
    spent_cny: str = Field(examples=["0.00"])
    reserved_cny: str = Field(examples=["1250.00"])
    left_cny: str = Field(examples=["24750.00"])


def _cny(fen: int) -> str:
    return f"{Decimal(fen) / 100:.2f}"


def _key(given: ReservationIn | BalanceIn) -> str:
    if (given.buyer_id is None) == (given.buyer_key is None):
        raise ApiError(422, "invalid", "give the buyer once: as buyer_id or as buyer_key")
    return given.buyer_key or reservations.buyer_key_of(str(given.buyer_id))


def _out(one: Reservation) -> dict[str, Any]:
    names = ("id", "order_id", "created_at", "expires_at", "ended_at")
    year = one.buyer_year
    return {name: getattr(one, name) for name in names} | {
        "buyer_key": year.buyer_key, "year": year.year, "amount_cny": _cny(one.amount_fen)
    }


@router.post(
    "", response=answers(ReservationOut, 409, 422, status=201),
    operation_id="reserve", summary="Reserve part of a yearly limit", **OPERATION,
)  # fmt: skip
@idempotent
def reserve(request: Any, payload: ReservationIn) -> Any:
    """Keep an amount for an order. The limit of the law is inclusive and is never passed; 409 says how much is left.

    An order has one open reservation: asked again with the same amount it is answered as it is.
    """
    day = payload.day or timezone.localdate()
    fen = int(Decimal(payload.amount_cny) * 100)
    try:
        made = reservations.reserve(
            request.acting, _key(payload), day.year, payload.order_id, fen, day=day, last_days=payload.last_days
        )
    except reservations.OverLimit as error:
        raise ApiError(409, "over-limit", str(error)) from None
    return Status(201, _out(made))


@router.get(
    "", response=answers(PageOf[ReservationOut]),
    operation_id="list_reservations", summary="Reservations, the newest first", **OPERATION,
)  # fmt: skip
def list_reservations(request: Any, query: Query[ReservationsQuery]) -> Any:
    """Reservations of the organisation in pages."""
    found = Reservation.objects.of(request.acting).select_related("buyer_year")
    return page_of(found.filter(order_id=query.order_id) if query.order_id else found, query, _out, name=query.order_id)


@router.post(
    "/balance", response=answers(BalanceOut, 422),
    operation_id="get_balance", summary="What is left of a buyer's year", **OPERATION,
)  # fmt: skip
@reading
def get_balance(request: Any, payload: BalanceIn) -> Any:
    """Spent, reserved and left of a buyer's yearly limit. A POST, so that identity numbers are in no address; changes nothing."""
    year = payload.year or timezone.localdate().year
    key = _key(payload)
    day = timezone.localdate() if year == timezone.localdate().year else date(year, 12, 31)
    limit = reservations.yearly_limit_fen(day)
    row = BuyerYear.objects.of(request.acting).filter(buyer_key=key, year=year).first()
    spent, reserved = (row.spent_fen, row.reserved_fen) if row else (0, 0)
    return {"buyer_key": key, "year": year, "limit_cny": _cny(limit), "spent_cny": _cny(spent), "reserved_cny": _cny(reserved),
            "left_cny": _cny(max(0, limit - spent - reserved))}  # fmt: skip


@router.get(
    "/{uuid:reservation}", response=answers(ReservationOut),
    operation_id="get_reservation", summary="A reservation", **OPERATION,
)  # fmt: skip
def get_reservation(request: Any, reservation: UUID) -> Any:
    """One reservation."""
    return _out(Reservation.objects.select_related("buyer_year").one(request.acting, id=reservation))


@router.delete(
    "/{uuid:reservation}", response=answers(ReservationOut),
    operation_id="release_reservation", summary="Release a reservation", **OPERATION,
)  # fmt: skip
@idempotent
def release_reservation(request: Any, reservation: UUID) -> Any:
    """Free what a reservation keeps; one that ended before is answered as it is."""
    one = Reservation.objects.select_related("buyer_year").one(request.acting, id=reservation)
    reservations.release_reservation(request.acting, one)
    one.refresh_from_db()
    return _out(one)
