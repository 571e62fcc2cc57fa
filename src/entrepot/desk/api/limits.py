"""How often a caller may call: so many times in each minute, counted over all processes of the installation.

A process takes calls from the database in small lots and gives them out itself, so that most calls cost no query. Never
more than the limit is given out; a caller whose calls are spread over processes may be refused a lot early.
"""

import hmac
import threading
import time
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv6Address, ip_address
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse

from entrepot.desk.api.models import CallWindow
from entrepot.desk.api.problems import ApiError
from entrepot.desk.people.acting import Acting
from entrepot.run.home import open_home

__all__ = ["Calls", "address_of", "count_call", "count_more", "count_visit", "show_calls"]

LOTS = 20
"""A lot is one part in so many of the limit."""
log = structlog.stdlib.get_logger("entrepot.limits")


@dataclass(slots=True)
class Calls:
    """The calls of one caller in one minute: the limit, how many remain, and seconds until the next minute."""

    limit: int
    remaining: int
    reset_s: int


@dataclass(slots=True)
class _Lot:
    minute: int
    left: int = 0
    unclaimed: int = 0
    """What the database still had when the lot was taken."""


_lots: dict[str, _Lot] = {}
_lock = threading.Lock()
_swept = 0


def count_call(request: Any, acting: Acting | None) -> None:
    """Count a call of the API against its key, its person or its address; ApiError 429 when the minute is used up."""
    if acting is not None and acting.key is not None:
        who, limit = f"key:{acting.key.id}", acting.key.requests_per_minute
    elif acting is not None and acting.user is not None:
        who, limit = f"user:{acting.user.id}", settings.PERSON_REQUESTS_PER_MINUTE
    else:
        who, limit = f"address:{address_of(request)}", settings.VISITOR_REQUESTS_PER_MINUTE
    request.calls = calls = _count(_hashed(who), limit)
    if calls.remaining < 0:
        raise ApiError(429, "too-many-requests", f"more than {limit} requests in a minute: wait", retry_after_s=calls.reset_s)


def count_more(request: Any, calls: int) -> None:
    """Count a call that does the work of several as so many more; ApiError 429 when they are not left."""
    for _ in range(calls):
        count_call(request, request.acting)


def count_visit(request: Any) -> bool:
    """Count a visitor's use of a page that costs work; False when the address has used up its minute."""
    return _count(_hashed(f"page:{address_of(request)}"), settings.VISITOR_REQUESTS_PER_MINUTE).remaining >= 0


def show_calls(request: Any, response: HttpResponse) -> None:
    """Write the headers RateLimit-Limit, -Remaining and -Reset of a counted call."""
    calls: Calls | None = getattr(request, "calls", None)
    if calls is not None:
        response["RateLimit-Limit"] = str(calls.limit)
        response["RateLimit-Remaining"] = str(max(0, calls.remaining))
        response["RateLimit-Reset"] = str(calls.reset_s)


def address_of(request: Any) -> str:
    """The caller's address (of IPv6 the network, /64), seen through as many proxies as the installation has."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    proxies = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    given = hops[-proxies] if proxies and len(hops) >= proxies else request.META.get("REMOTE_ADDR", "")
    try:
        address = ip_address(given)
    except ValueError:
        return "unknown"
    return f"{int(address) >> 64:x}::/64" if isinstance(address, IPv6Address) else str(address)


@cache
def _key() -> bytes:
    return open_home().key("callers")


def _hashed(who: str) -> str:
    return hmac.new(_key(), who.encode(), "sha256").hexdigest()


def _count(caller: str, limit: int) -> Calls:
    now = time.time()
    minute, reset_s = int(now // 60), 60 - int(now % 60)
    with _lock:
        lot = _lots.get(caller)
        if lot is None or lot.minute != minute:
            _sweep(minute)
            lot = _lots[caller] = _Lot(minute)
        if lot.left == 0:
            _take(lot, caller, limit)
        lot.left -= 1
        remaining = lot.left + lot.unclaimed
        lot.left = max(0, lot.left)
    return Calls(limit, remaining, reset_s)


def _take(lot: _Lot, caller: str, limit: int) -> None:
    size = max(1, limit // LOTS)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {CallWindow._meta.db_table} (caller, minute, given) VALUES (%s, %s, %s) "
                "ON CONFLICT (caller, minute) DO UPDATE SET given = "
                f"{CallWindow._meta.db_table}.given + excluded.given RETURNING given",
                [caller, lot.minute, size],
            )
            given = cursor.fetchone()[0]
    except DatabaseError:
        log.exception("calls are not counted")
        lot.left = size
        return
    lot.left, lot.unclaimed = max(0, size - max(0, given - limit)), max(0, limit - given)


def _sweep(minute: int) -> None:
    """Forget callers of past minutes, here and in the database, when a minute begins."""
    global _swept
    if _swept == minute:
        return
    _swept = minute
    for caller in [caller for caller, lot in _lots.items() if lot.minute < minute]:
        del _lots[caller]
    try:
        with transaction.atomic():
            CallWindow.objects.filter(minute__lt=minute - 1).delete()
    except DatabaseError:
        log.exception("old minutes stay")
