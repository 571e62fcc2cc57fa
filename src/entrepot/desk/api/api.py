"""The one API object; areas bring their routers, this module joins them and shapes errors."""

from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from entrepot import __version__
from entrepot.desk.api.auth import Needs
from entrepot.desk.api.forms import FastRenderer, StrictParser
from entrepot.desk.api.openapi import completed
from entrepot.desk.api.problems import ApiError, FieldError, problem_response
from entrepot.desk.plug import imported, plugged
from entrepot.goods.errors import CallError, InputError, WorldError

__all__ = ["DeskAPI", "api"]

log = structlog.stdlib.get_logger("entrepot.api")


class _Closed(Needs):
    """The guard of an operation that named none: nobody passes."""

    def __init__(self) -> None:
        super().__init__("closed")

    def __call__(self, request: HttpRequest) -> bool:
        """Refuse."""
        raise ApiError(403, "closed", "this operation names no permission and is closed")


class _Named(OpenAPISchema):
    """Ninja's description, in which a name stands for one schema only: of two with one name the later would win unseen."""

    def add_schema_definitions(self, definitions: dict[str, Any]) -> None:
        """Take in schemas by name; ValueError for another schema under a known name."""
        for name, schema in definitions.items():
            if self.schemas.setdefault(name, schema) != schema:
                raise ValueError(f"two schemas of the API are called {name}: rename one")


class DeskAPI(NinjaAPI):
    """Ninja's API with a description that is complete."""

    def get_openapi_schema(self, **options: Any) -> Any:
        """The OpenAPI document; see `openapi.completed`."""
        prefix: str | None = options.get("path_prefix")
        document = _Named(self, self.get_root_path(options.get("path_params") or {}) if prefix is None else prefix)
        return completed(document, self, settings.ORIGIN)


api = DeskAPI(
    title="Entrepot",
    version=__version__,
    description="Foreign-trade orders cleared under the law of their day: quotes, batches, consignments, law.",
    auth=_Closed(),
    urls_namespace="api",
    docs_url=None,
    parser=StrictParser(),
    renderer=FastRenderer(),
)


@api.exception_handler(ApiError)
def _api_error(request: HttpRequest, error: ApiError) -> HttpResponse:
    return problem_response(request, error)


@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem_response(request, ApiError(404, "not-found", str(error) or "there is no such thing here"))


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [FieldError(path=_path(one["loc"]), code=str(one["type"]), message=str(one["msg"])) for one in error.errors]
    return problem_response(request, ApiError(422, "invalid", f"{len(errors)} value(s) are not valid", errors))


def _path(loc: Any) -> str:
    """`("body", "payload", "lines", 3, "quantity")` as `lines[3].quantity`."""
    parts = [part for part in loc[1:] if part not in ("payload", "data")] or list(loc[:1])
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.lstrip(".")


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem_response(request, ApiError(error.status_code, "bad-request", str(error.__cause__ or error)))


@api.exception_handler(RequestDataTooBig)
def _too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem_response(request, ApiError(413, "too-large", "the body is too large: send the lines in several calls"))


@api.exception_handler(OperationalError)
def _busy(request: HttpRequest, error: OperationalError) -> HttpResponse:
    log.error("the database did not answer", error=type(error).__name__)
    return problem_response(request, ApiError(503, "unavailable", "the database is busy; try again", retry_after_s=2))


@api.exception_handler(CallError)
def _call(request: HttpRequest, error: CallError) -> HttpResponse:
    return problem_response(request, ApiError(422, "invalid", str(error)))


@api.exception_handler(InputError)
def _input(request: HttpRequest, error: InputError) -> HttpResponse:
    return problem_response(request, ApiError(422, "unusable-input", str(error)))


@api.exception_handler(WorldError)
def _world(request: HttpRequest, error: WorldError) -> HttpResponse:
    log.error("world error", error=str(error))
    return problem_response(request, ApiError(503, "unavailable", "something outside failed; try again", retry_after_s=5))


@api.exception_handler(Exception)
def _fault(request: HttpRequest, error: Exception) -> HttpResponse:
    log.exception("fault in the API")
    return problem_response(request, ApiError(500, "fault", "a fault in Entrepot; report the request id"))


for _area in plugged():
    for _prefix, _router in _area.api.items():
        api.add_router(_prefix, imported(_router))
