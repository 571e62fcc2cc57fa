"""What holds for every address under `/api/`: size and form of requests, every error a problem, calls shown in headers."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse

from entrepot.desk.api.limits import show_calls
from entrepot.desk.api.problems import ApiError, problem_response

__all__ = ["ARROW", "ARROW_BYTES", "JSON_BYTES", "ApiMiddleware"]

ARROW = "application/vnd.apache.arrow.stream"
ARROW_BYTES = 64 << 20
JSON_BYTES = 12 << 20
PROBLEM = "application/problem+json"
DETAILS = {404: ("not-found", "there is no such address"), 405: ("method-not-allowed", "this address does not take that method")}


class ApiMiddleware:
    """Refuses what no operation should see; gives errors that Django made itself the form of problems."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        """Answer a request of the API; others pass."""
        if not request.path.startswith("/api/"):
            return self.get_response(request)
        response = _refused(request) or self.get_response(request)
        kind = response.headers.get("Content-Type", "")
        if response.status_code >= 400 and not kind.startswith((PROBLEM, "application/json")):
            response = _as_problem(request, response)
        show_calls(request, response)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A body that turned out too large while it was read."""
        if request.path.startswith("/api/") and isinstance(error, RequestDataTooBig):
            return problem_response(request, _too_large(JSON_BYTES))
        return None


def _refused(request: HttpRequest) -> HttpResponse | None:
    if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
        return problem_response(request, ApiError(400, "bad-request", "the address holds a NUL character"))
    length = request.headers.get("Content-Length") or "0"
    most = {ARROW: ARROW_BYTES, "application/json": JSON_BYTES, "": JSON_BYTES}.get(request.content_type or "")
    if most is not None and length.isdigit() and int(length) > most:
        return problem_response(request, _too_large(most))
    return None


def _too_large(most: int) -> ApiError:
    return ApiError(413, "too-large", f"a body has {most >> 20} MB at most: send the lines in several calls")


def _as_problem(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    code, detail = DETAILS.get(response.status_code, ("fault" if response.status_code >= 500 else "bad-request", response.reason_phrase))
    problem = problem_response(request, ApiError(response.status_code, code, detail))
    if "Allow" in response:
        problem["Allow"] = response["Allow"]
    return problem
