"""Writes that are done once, however often they are sent: the header `Idempotency-Key`.

A write and the answer kept for it are one transaction: after a crash both are there or neither is. Only an answer that
changed something is kept; an error changed nothing, so the same key may be sent again. Of two writes with one key at the
same time the second is told to wait (PostgreSQL, 409) or waits itself (SQLite, which lets one writer in at a time).
"""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, overload

from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from ninja import Status
from ninja.decorators import decorate_view
from ninja.operation import Operation
from ninja.utils import contribute_operation_callback

from entrepot.desk.api.models import Answer
from entrepot.desk.api.problems import ApiError
from entrepot.desk.people.acting import Acting

__all__ = ["HEADER", "KEPT", "forget_old_answers", "idempotent", "reading"]

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
ALLOWED = re.compile(r"[!-~]{1,80}")
WAIT_SECONDS = 2
View = TypeVar("View", bound=Callable[..., Any])


@overload
def idempotent(view: View) -> View: ...


@overload
def idempotent(
    *, unless: Callable[[HttpRequest], bool] | None = None, first: Callable[..., None] | None = None
) -> Callable[[View], View]: ...


def idempotent(
    view: Callable[..., Any] | None = None,
    *,
    unless: Callable[[HttpRequest], bool] | None = None,
    first: Callable[..., None] | None = None,
) -> Any:
    """Decorator of every operation that writes; stands between `@router.post(…)` and the function.

    The function runs in one transaction with the answer kept for it. Calls with an API key need the header; people in a
    browser may leave it out. What the function returns goes out with the one good status of `response=`, unless it is a
    `ninja.Status` or a response itself. `unless` tells requests that change nothing: they pass untouched. `first` is called
    with the same arguments before the transaction begins: long work that changes nothing in the database belongs there.
    """
    return _once_only(view, unless, first) if view is not None else lambda given: _once_only(given, unless, first)


def reading(view: View) -> View:
    """Mark of an operation that only reads although it is a POST (what is asked is too long or too private for an address)."""
    view.reading = True  # type: ignore[attr-defined]
    return view


def _once_only(
    given: Callable[..., Any], unless: Callable[[HttpRequest], bool] | None, first: Callable[..., None] | None
) -> Callable[..., Any]:
    @wraps(given)
    def once(request: Any, *arguments: Any, **named: Any) -> Any:
        if unless is not None and unless(request):
            return given(request, *arguments, **named)
        key = _key(request)
        if first is not None:
            first(request, *arguments, **named)
        with transaction.atomic():
            if key is None:
                return _rolled_back_on_error(_rendered(request, given(request, *arguments, **named)))
            return _once(request, key, lambda: _rendered(request, given(request, *arguments, **named)))

    once.idempotent = True  # type: ignore[attr-defined]
    contribute_operation_callback(once, _document if unless is None else _document_optional)
    decorated: Callable[..., Any] = decorate_view(_with_operation)(once)
    return decorated


def _with_operation(run: Any) -> Callable[..., Any]:
    operation = run.__self__

    def known(request: Any, **named: Any) -> Any:
        request.operation = operation
        return run(request, **named)

    return known


def _key(request: Any) -> str | None:
    acting: Acting | None = request.acting
    key: str | None = request.headers.get(HEADER)
    if key is None and acting is not None and acting.key is not None:
        raise ApiError(400, "idempotency-key-missing", f"send the header {HEADER} with a fresh random value, such as a UUID")
    if key is not None and not ALLOWED.fullmatch(key):
        raise ApiError(400, "idempotency-key-invalid", f"{HEADER} has 1 to 80 printable ASCII characters without spaces")
    return key if acting is not None else None


def _once(request: Any, key: str, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    acting: Acting = request.acting
    _lock(acting, key)
    fingerprint = _fingerprint(request, acting)
    kept = Answer.objects.of(acting).filter(key=key).first()
    if kept is not None and kept.created_at > timezone.now() - KEPT:
        if kept.fingerprint != fingerprint:
            raise ApiError(422, "idempotency-key-reused", f"this {HEADER} was sent with another request: use a fresh one")
        return _replayed(kept)
    if kept is not None:
        kept.delete()
    response = _rolled_back_on_error(answer())
    if response.status_code < 400 and isinstance(response, HttpResponse):
        _keep(acting, key, fingerprint, response)
    return response


def _lock(acting: Acting, key: str) -> None:
    if connection.vendor != "postgresql":
        return  # a transaction of SQLite already is the only writer
    number = int.from_bytes(hashlib.sha256(f"{acting.organisation.id}/{key}".encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise _in_flight()


def _in_flight() -> ApiError:
    return ApiError(409, "idempotency-in-flight", f"a request with this {HEADER} is being done: ask again", retry_after_s=WAIT_SECONDS)


def _keep(acting: Acting, key: str, fingerprint: str, response: HttpResponse) -> None:
    try:
        Answer.objects.create(
            organisation=acting.organisation, key=key, fingerprint=fingerprint, status=response.status_code,
            content_type=response.headers.get("Content-Type", ""), location=response.headers.get("Location", ""),
            body=response.content.decode("latin-1"),
        )  # fmt: skip
    except IntegrityError:
        raise _in_flight() from None


def _replayed(kept: Answer) -> HttpResponse:
    response = HttpResponse(kept.body.encode("latin-1"), status=kept.status, content_type=kept.content_type)
    response["Idempotency-Replayed"] = "true"
    if kept.location:
        response["Location"] = kept.location
    return response


def _fingerprint(request: HttpRequest, acting: Acting) -> str:
    """What was sent and by whom: an answer is not for another member or key, who may be allowed less."""
    digest = hashlib.sha256(f"{acting.actor} {request.method} {request.get_full_path()}\n".encode())
    if request.content_type == "multipart/form-data":  # its boundary differs from one sending to the next
        for name, values in sorted(request.POST.lists()):
            digest.update(repr((name, values)).encode())
        files: Any = request.FILES
        for name, file in sorted(files.items()):
            digest.update(repr((name, file.name, file.size)).encode())
            for piece in file.chunks():
                digest.update(piece)
            file.seek(0)
    else:
        digest.update(request.body)
    return digest.hexdigest()


def _rendered(request: Any, result: Any) -> HttpResponseBase:
    operation: Operation = request.operation
    good = [status for status in operation.response_models if isinstance(status, int) and status < 400]
    if not isinstance(result, HttpResponseBase | Status) and len(good) == 1:
        result = Status(good[0], result)
    response: HttpResponseBase = operation._result_to_response(request, result, operation.api.create_temporal_response(request))
    return response


def _rolled_back_on_error(response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code >= 400:
        transaction.set_rollback(True)
    return response


def _document(operation: Operation, required: bool = True) -> None:
    parameter = {
        "in": "header", "name": HEADER, "required": required, "example": "5f0c3a52-6f0b-4c1e-9d55-0a5d4f2f8a11",
        "description": "A fresh random value for each write. The same value with the same request answers what was answered "
        "before, for 24 hours, and changes nothing again. Needed with an API key.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[!-~]{1,80}$"},
    }  # fmt: skip
    extra = operation.openapi_extra or {}
    operation.openapi_extra = {**extra, "parameters": [*extra.get("parameters", []), parameter]}


def _document_optional(operation: Operation) -> None:
    _document(operation, required=False)


def forget_old_answers() -> int:
    """Delete answers kept for longer than a day; returns how many. The worker calls it now and then."""
    return Answer.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
