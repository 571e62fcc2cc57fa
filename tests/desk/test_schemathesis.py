"""Whatever is sent to an operation, in its form or out of it: no fault, no answer its description does not know."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
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
from entrepot.desk.people.models import ApiKey
from entrepot.desk.plug import permissions
from tests.desk.conftest import make_firm
from tests.desk.world import objects_of

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


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[dict[str, str], Mapping[str, str]]]:
    """A key with every permission that may call as often as it likes, and an object of every kind; gone with the module."""
    with django_db_blocker.unblock(), transaction.atomic():
        firm = make_firm("Tide")
        until = timezone.now() + timedelta(days=1)
        of = {"scopes": sorted(permissions()), "requests_per_minute": 1_000_000, "expires_at": until}
        _, token = ApiKey.issue(organisation=firm.organisation, name="all", **of)
        yield {"Authorization": f"Bearer {token}"}, objects_of(firm)
        transaction.set_rollback(True)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["in form", "out of form"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_no_fault_and_no_answer_that_is_not_described(
    operation: Any, mode: GenerationMode, world: tuple[dict[str, str], Mapping[str, str]], db: None, kept_open: None
) -> None:
    """In form it is asked of objects that are there, or it would be said of all alike that there is no such thing."""
    headers, objects = world

    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and case.path_parameters:
            case.path_parameters = {name: objects.get(name, value) for name, value in case.path_parameters.items()}
        case.call_and_validate(headers=headers, checks=CHECKS)

    with suppress(Unsatisfiable):  # what takes nothing cannot be sent out of form
        send()


def test_every_operation_is_tried() -> None:
    assert len(OPERATIONS) == len(list(operations(api)))
