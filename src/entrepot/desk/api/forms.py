"""Reading and writing JSON: fast, and strict where Python's own reader is not."""

import re
from math import isfinite
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from pydantic_core import from_json, to_json

from entrepot.desk.api.problems import ApiError

__all__ = ["JSON", "FastRenderer", "StrictParser", "json_bytes", "json_of"]

JSON = "application/json"
SUSPECT = re.compile(rb"\\u0000|[0-9.][eE]\+?[0-9]{3}|[0-9]{300}")


class StrictParser(Parser):
    """Refuses NaN, lone surrogates, NUL characters and nests too deep to read; the API answers 400."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The JSON value of a body."""
        body = request.body
        try:
            value = from_json(body, allow_inf_nan=False)
        except ValueError as error:
            raise ValueError(f"the body is not JSON: {error}") from None
        if SUSPECT.search(body) and _unkeepable(value):
            raise ValueError("the body holds a NUL character or a number without end")
        return value


def _unkeepable(value: Any) -> bool:
    """Whether a JSON value holds what a database cannot keep: NUL in a text, an infinite number."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if (isinstance(one, str) and "\0" in one) or (isinstance(one, float) and not isfinite(one)):
            return True
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one
    return False


class FastRenderer(BaseRenderer):
    """JSON by pydantic's own writer."""

    media_type = JSON

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        """The bytes of an answer."""
        return json_bytes(data)


def json_of(request: HttpRequest) -> Any:
    """The JSON value of a body, for operations that read it themselves; ApiError 400 when it is none."""
    try:
        return StrictParser().parse_body(request)
    except ValueError as error:
        raise ApiError(400, "bad-request", str(error)) from None


def json_bytes(data: Any) -> bytes:
    """A value as JSON: decimals, ids and moments as texts."""
    return to_json(data)
