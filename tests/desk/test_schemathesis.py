"""Whatever is sent to an operation, in its form or out of it: no fault, no answer its description does not know."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from entrepot.desk.api.api import api
from entrepot.desk.api.openapi import operations
from entrepot.desk.people.models import ApiKey, Organisation
from entrepot.desk.plug import permissions

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance,
]  # fmt: skip
SCHEMA = schemathesis.openapi.from_dict(json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), default=str)))
SCHEMA.app = get_wsgi_application()
OPERATIONS: list[Any] = [found.ok() for found in SCHEMA.get_all_operations()]  # type: ignore[union-attr]
EXAMPLES = 10


@pytest.fixture
def kept_open() -> Iterator[None]:
    """The connection outlives a request: it holds the transaction of the test."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def headers(db: None, kept_open: None) -> dict[str, str]:
    """A key with every permission that may call as often as it likes."""
    _, token = ApiKey.issue(
        organisation=Organisation.objects.create(name="Tide"), name="all", scopes=sorted(permissions()), requests_per_minute=1_000_000,
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["in form", "out of form"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_no_fault_and_no_answer_that_is_not_described(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> None:
    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    with suppress(Unsatisfiable):  # what takes nothing cannot be sent out of form
        send()


def test_every_operation_is_tried() -> None:
    assert len(OPERATIONS) == len(list(operations(api)))
