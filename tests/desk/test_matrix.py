"""Every address and every API operation × visitor and every role × own and another organisation.

The matrix is made from what is plugged in (`tests/desk/matrix.py`): a new page or operation is in it at once.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from entrepot.desk.api.api import api
from entrepot.desk.plug import PUBLIC, SIGNED_IN, Role, roles_of
from tests.desk.conftest import Firm, make_firm
from tests.desk.matrix import Way, operations, pages
from tests.desk.world import objects_of

LOGIN = "/accounts/login/"
WORKS = range(200, 500)
FOR_ALL = frozenset({"rule", "path", "token", "kind", "name", "offset", "row_id", "slug", "file_format"})
"""Parameters that name nothing of an organisation by themselves."""


@pytest.fixture
def worlds(db: None) -> tuple[Firm, Mapping[str, str], Firm, Mapping[str, str]]:
    """Two firms, each with an object of every kind."""
    own, other = make_firm("Tide"), make_firm("Reef")
    return own, objects_of(own), other, objects_of(other)


def example(way: Way) -> dict[str, Any] | None:
    """A body an operation accepts, from the examples of its description."""
    described = _description()["paths"][way.route.replace("{uuidstr:", "{").replace("{int:", "{").replace("{path:", "{")]
    content = described[way.method.lower()].get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return _example(schema, _description()["components"]["schemas"]) if schema else None


@cache
def _description() -> Any:
    """The description of the API; making it takes longer than a call."""
    return api.get_openapi_schema()


def _example(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _example(known[schema["$ref"].rpartition("/")[2]], known)
    if schema.get("examples"):
        return schema["examples"][0]
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return _example(schema[union][0], known)
    if schema.get("type") == "object" or "properties" in schema:
        return {name: _example(one, known) for name, one in schema.get("properties", {}).items() if name in schema.get("required", [])}
    if schema.get("type") == "array":
        return [_example(schema["items"], known)]
    return {"string": "text", "integer": 1, "number": 1, "boolean": True}.get(str(schema.get("type")))


class Undone(Exception):
    """Rolls back what a call did."""


def ask(way: Way, client: Client, values: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Any:
    """The answer to one call; whatever it changed is undone."""
    answer: Any = None
    body = example(way) if way.api else {}
    if body is not None and "hand-over" in way.route:
        body = {"user": values["inspector_user"]} if way.api else {"member": values["inspector_member"]}
    sent: dict[str, Any] = {"data": body} if body or (way.api and body is not None) else {}
    if way.api and sent:
        sent["content_type"] = "application/json"
    given = {**(headers or {}), "Idempotency-Key": "matrix"}
    try:
        with transaction.atomic():
            answer = client.generic(way.method, way.filled(values), headers=given) if not sent else getattr(client, way.method.lower())(
                way.filled(values), headers=given, **sent)  # fmt: skip
            raise Undone
    except Undone:
        return answer


def ways() -> Iterator[Way]:
    yield from pages()
    yield from operations()


def test_every_address_names_a_permission_and_can_be_filled(worlds: tuple[Firm, Mapping[str, str], Firm, Mapping[str, str]]) -> None:
    _, objects, _, _ = worlds
    assert not [str(way) for way in ways() if way.permission == "closed"]
    unknown = {name: str(way) for way in ways() for name in way.parameters if name not in objects and name not in FOR_ALL}
    assert not unknown, "teach tests/desk/world.py to make these"


def test_nothing_is_reached_that_is_not_plugged_in() -> None:
    """Every address the resolver knows is a page of an area, an operation of the API, or one of allauth's accounts."""
    plugged_in = {way.route for way in pages()}
    known = {resolved.lstrip("/") for resolved in (way.route for way in operations())}
    described = {"api/v1/openapi.json", "api/v1/docs", "api/v1/"}
    found = set(routes(get_resolver().url_patterns))
    assert plugged_in <= found
    strange = {one for one in found - plugged_in if not one.startswith("accounts/")}
    assert strange - {re.sub(r"{(\w+:)?(\w+)}", lambda part: f"<{part[1] or ''}{part[2]}>", one) for one in known} - described == set()


def routes(patterns: Iterable[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """Every address below these patterns, as it is written in the routes."""
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns, before + str(one.pattern))
        else:
            yield before + str(one.pattern)


def test_who_may_open_what(worlds: tuple[Firm, Mapping[str, str], Firm, Mapping[str, str]]) -> None:
    own, objects, _, foreign = worlds
    wrong: list[str] = []
    visitor = Client()
    clients = {role: own.client(role) for role in Role}
    headers = {role: own.headers(role) for role in Role}
    for client in (visitor, *clients.values()):
        client.raise_request_exception = False
    for way in ways():
        values = {**objects, "slug": "nothing", "file_format": "csv"}
        if "problems" in way.route:
            values["row_id"] = objects["refused_row_id"]
        if "messages" in way.route:
            values["row_id"] = objects["declared_row_id"]
        wrong += _as_visitor(way, ask(way, visitor, values))
        for role in Role:
            answer = ask(way, visitor, values, headers[role]) if way.api else ask(way, clients[role], values)
            wrong += _as_member(way, role, answer)
            if not way.open and role in roles_of(way.permission) and set(way.parameters) - FOR_ALL:
                others = {**values, **{name: foreign[name] for name in way.parameters if name in foreign}}
                answer = ask(way, visitor, others, headers[role]) if way.api else ask(way, clients[role], others)
                wrong += _as_stranger(way, role, answer)
    assert not wrong, "\n".join(wrong)


def _as_visitor(way: Way, answer: Any) -> list[str]:
    if way.permission == PUBLIC:
        return [] if answer.status_code in WORKS else [f"visitor {way}: {answer.status_code}"]
    refused = answer.status_code == 401 if way.api else answer.status_code == 302 and answer.headers["Location"].startswith(LOGIN)
    return [] if refused else [f"visitor {way}: {answer.status_code}, not refused"]


def _as_member(way: Way, role: Role, answer: Any) -> list[str]:
    may = way.permission in (PUBLIC, SIGNED_IN) or role in roles_of(way.permission)
    code = answer.status_code
    if not may:
        return [] if code == 403 else [f"{role} {way}: {code}, not 403"]
    names_own = set(way.parameters) - FOR_ALL
    refused = code in (401, 403) or (code == 404 and names_own)
    return [f"{role} {way}: {code}, though it may"] if refused or code >= 500 else []


def _as_stranger(way: Way, role: Role, answer: Any) -> list[str]:
    """Another organisation's object is not there, whatever is asked of it."""
    if answer.status_code == 405:
        return []
    return [] if answer.status_code == 404 else [f"{role} {way}: {answer.status_code} for another organisation's, not 404"]
