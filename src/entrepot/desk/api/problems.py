"""Errors of the API in the form of RFC 9457, with stable codes and paths to what is wrong.

ApiError
├── 400 bad-request        ├── 409 conflict
├── 401 not-authenticated  ├── 413 too-large
├── 403 not-permitted      ├── 422 invalid (each bad field under `errors`)
└── 404 not-found          └── 429 too-many-requests
"""

from collections.abc import Sequence
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Schema
from pydantic import Field

__all__ = ["CODES", "TITLES", "ApiError", "FieldError", "Problem", "answers", "problem_response"]

TITLES = {
    400: "Bad request", 401: "Not authenticated", 403: "Not permitted", 404: "Not found", 409: "Conflict",
    405: "Method not allowed", 413: "Too large", 415: "Unsupported media type", 422: "Invalid", 429: "Too many requests",
    500: "Fault", 503: "Not ready",
}  # fmt: skip
CODES = {
    400: "bad-request", 401: "not-authenticated", 403: "not-permitted", 404: "not-found", 405: "method-not-allowed", 409: "conflict",
    413: "too-large", 415: "unsupported-media-type", 422: "invalid", 429: "too-many-requests", 503: "unavailable",
}  # fmt: skip
"""The code an error has when none more exact is given."""


class FieldError(Schema):
    """One bad value: where it is (a JSON path such as `lines[3].quantity`), a stable code and a sentence."""

    path: str = Field(examples=["lines[3].quantity"])
    code: str = Field(examples=["goods.not-positive"])
    message: str = Field(examples=["quantity must be more than zero"])


class Problem(Schema):
    """An error as RFC 9457 gives it; `code` is stable, `detail` is for people."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Invalid"])
    status: int = Field(examples=[422])
    code: str = Field(examples=["invalid"])
    detail: str = Field(examples=["1 value is not valid"])
    request_id: str = Field("", examples=["4f1c2c4e9f6f4a51b5f1a0a54a5c2f0b"])
    errors: list[FieldError] = Field(default_factory=list)


def answers(schema: Any, *problems: int, status: int = 200) -> dict[int, Any]:
    """The `response=` of an operation: `schema` (None for no body) with `status`, and the problems it may answer.

    What every operation may answer (401, 403, 429, and 400, 413, 422 where there is something to send) is documented by
    itself; name what is the operation's own: 404, 409, 422.
    """
    return {status: schema, **dict.fromkeys(sorted(problems), Problem)}


class ApiError(Exception):
    """An answer that is an error; raise it anywhere in an operation."""

    def __init__(self, status: int, code: str, detail: str, errors: Sequence[FieldError] = (), retry_after_s: int = 0) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.errors, self.retry_after_s = status, code, detail, errors, retry_after_s


def problem_response(request: HttpRequest, error: ApiError) -> HttpResponse:
    """The response of an error, `application/problem+json`."""
    body: dict[str, Any] = Problem(
        type="about:blank", title=TITLES.get(error.status, "Error"), status=error.status, code=error.code, detail=error.detail,
        request_id=structlog.contextvars.get_contextvars().get("request_id", ""), errors=list(error.errors),
    ).model_dump()  # fmt: skip
    response = JsonResponse(body, status=error.status, content_type="application/problem+json")
    if error.retry_after_s:
        response["Retry-After"] = str(error.retry_after_s)
    if error.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="entrepot"'
    return response
