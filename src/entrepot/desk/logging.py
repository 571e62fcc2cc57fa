"""Logs as JSON lines with the request and organisation they belong to; nothing personal goes into them."""

import logging
import re
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse

__all__ = ["LOGGING", "RequestLog"]

REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": SHARED,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"entrepot": {"level": "INFO"}, "django.server": {"level": "ERROR"}, "django.request": {"level": "ERROR"}},
}
structlog.configure(
    processors=[structlog.stdlib.filter_by_level, *SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
log = structlog.stdlib.get_logger("entrepot.request")


class RequestLog:
    """Gives each request an id (the caller's `X-Request-ID` when it is a plain one) and logs it when it is answered.

    The route is logged, never the address as typed: addresses can hold order numbers and searches.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request with its id bound to every log line made meanwhile."""
        given = request.headers.get("X-Request-ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        begun = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        match = request.resolver_match
        seconds = time.perf_counter() - begun
        level = logging.ERROR if response.status_code >= 500 else logging.INFO
        log.log(level, "request", method=request.method, route=match.route if match else None,
                status=response.status_code, duration_ms=round(seconds * 1000, 1))  # fmt: skip
        return response
