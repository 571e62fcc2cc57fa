"""The description of the API in OpenAPI 3.1, complete: security, every status, examples for all that is sent and answered.

What an operation says of itself is kept; what holds for all operations alike (who calls, how often, how large, how errors
look) is added here, once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ninja import NinjaAPI
from ninja.operation import Operation
from ninja.utils import normalize_path

from entrepot.desk.api.problems import CODES, TITLES, Problem
from entrepot.desk.plug import PUBLIC, SIGNED_IN

__all__ = ["Op", "completed", "example_of", "file_answer", "operations", "permission_of"]

JSON, PROBLEM = "application/json", "application/problem+json"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
REF = "#/components/schemas/"
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key (ek_…), made under Administration, API keys"},
    "session": {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "The session of a person; writes send X-CSRFToken"},
}
LIMITS = {
    "RateLimit-Limit": "Calls allowed in a minute",
    "RateLimit-Remaining": "Calls left in this minute",
    "RateLimit-Reset": "Seconds until the next minute",
}
LIMIT_REFS = {name: {"$ref": f"#/components/headers/{name}"} for name in LIMITS}
SAMPLES: Mapping[str, Any] = {
    "uuid": "7d0c9a52-6f0b-4c1e-9d55-0a5d4f2f8a11", "date": "2026-11-25", "date-time": "2026-11-25T08:30:00Z",
    "uri": "https://erp.example.org/entrepot", "email": "person@example.org", "decimal": "12.50",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Op:
    """One operation as it can be called: its address (with braces), its method and ninja's own object."""

    path: str
    method: str
    operation: Operation

    @property
    def writes(self) -> bool:
        """Whether its method may change something."""
        return self.method in WRITES


def operations(api: NinjaAPI, prefix: str = "/api/v1/") -> Iterator[Op]:
    """Every operation of the API, in the order of the routers; the tests make their matrices from it."""
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            full = normalize_path("/".join(part for part in (prefix, router.prefix, path) if part))
            for operation in view.operations:
                for method in operation.methods:
                    yield Op(full, method, operation)


def file_answer(media_types: Iterable[str], status: int = 200) -> dict[str, Any]:
    """`openapi_extra=` of an operation that answers with a file of one of these types."""
    content = {media: {"schema": {"type": "string", "format": "binary"}} for media in dict.fromkeys(media_types)}
    return {"responses": {status: {"description": "The file", "content": content}}}


def permission_of(operation: Operation) -> str:
    """The permission an operation needs; `closed` when it names none."""
    return next((str(auth.permission) for auth in operation.auth_callbacks if hasattr(auth, "permission")), "closed")


def completed(document: dict[str, Any], api: NinjaAPI, origin: str) -> dict[str, Any]:
    """A description by ninja, made complete in place and returned."""
    found = {(_plain(op.path), op.method.lower()): op.operation for op in operations(api)}
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.setdefault("Problem", _problem_schema(schemas))
    components["securitySchemes"] = SECURITY
    components["headers"] = {name: {"description": text, "schema": {"type": "integer"}} for name, text in LIMITS.items()}
    components["responses"] = {str(status): _problem(status) for status in TITLES}
    tags: set[str] = set()
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            operation = found[(path, method)]
            described.setdefault("tags", [path.removeprefix("/api/v1/").split("/")[0] or "api"])
            tags |= set(described["tags"])
            _complete(described, operation, method.upper(), schemas)
    document["servers"] = [{"url": origin}]
    document["tags"] = [{"name": name} for name in sorted(tags)]
    return document


def _plain(path: str) -> str:
    """`/lines/{uuid:batch}` as `/lines/{batch}`."""
    return "".join("{" + part.split(":")[-1] if "}" in part else part for part in path.replace("{", "\0{").split("\0{"))


def _problem_schema(schemas: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = Problem.model_json_schema(ref_template=REF + "{model}", mode="serialization")
    for name, inner in schema.pop("$defs", {}).items():
        schemas.setdefault(name, inner)
    return schema


def _complete(described: dict[str, Any], operation: Operation, method: str, schemas: Mapping[str, Any]) -> None:
    permission = permission_of(operation)
    described["security"] = [{"bearer": []}, {"session": []}] if permission != PUBLIC else [{}, {"bearer": []}]
    described["x-permission"] = permission
    for parameter in described.get("parameters", []):
        _complete_parameter(parameter, schemas)
    if body := described.get("requestBody"):
        _with_examples(body["content"], schemas)
    for status in sorted({*described["responses"], *_statuses(described, operation, permission, method)}):
        _complete_response(described, status, schemas)
    described["responses"] = {str(status): described["responses"][status] for status in sorted(described["responses"])}


def _statuses(described: Mapping[str, Any], operation: Operation, permission: str, method: str) -> set[int]:
    """The errors that the API itself may answer for an operation."""
    found = {400, 401, 429, 503}
    if permission not in (PUBLIC, SIGNED_IN):
        found.add(403)
    if "requestBody" in described:
        found |= {413, 422}
    if described.get("parameters"):
        found.add(422)
    if any(parameter["in"] == "path" for parameter in described.get("parameters", [])):
        found.add(404)
    if method in WRITES:
        found |= {403, 409, 422} if getattr(operation.view_func, "idempotent", False) else {403}
    return found


def _complete_parameter(parameter: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    given = parameter.pop("examples", None)
    if "example" not in parameter:
        inner = parameter.get("schema", {})
        parameter["example"] = given[0] if isinstance(given, list) and given else example_of(inner, schemas)
    if parameter["example"] is None:
        del parameter["example"]


def _with_examples(content: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    for media in content.values():
        if "example" not in media and "examples" not in media and media.get("schema", {}).get("format") != "binary":
            media["example"] = example_of(media.get("schema", {}), schemas)


def _complete_response(described: dict[str, Any], status: int, schemas: Mapping[str, Any]) -> None:
    if status >= 400:
        described["responses"][status] = {"$ref": f"#/components/responses/{status}"}
        return
    response = described["responses"][status]
    if "content" in response:
        _with_examples(response["content"], schemas)
    response.setdefault("headers", {}).update(LIMIT_REFS)


def _problem(status: int) -> dict[str, Any]:
    """The description of an error, one for all operations."""
    example = {
        "type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "code": CODES.get(status, "fault"),
        "detail": "what is wrong and what to do", "request_id": "4f1c2c4e9f6f4a51b5f1a0a54a5c2f0b",
        "errors": [{"path": "lines[3].quantity", "code": "invalid", "message": "what is wrong here"}] if status == 422 else [],
    }  # fmt: skip
    headers: dict[str, Any] = dict(LIMIT_REFS)
    if status in (409, 429, 503):
        headers["Retry-After"] = {"description": "Seconds to wait", "schema": {"type": "integer"}}
    content = {PROBLEM: {"schema": {"$ref": REF + "Problem"}, "example": example}}
    return {"description": TITLES.get(status, "Error"), "headers": headers, "content": content}


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int = 0) -> Any:
    """A value that fits a schema: its own example or default, else one made from its type."""
    if "$ref" in schema:
        return example_of(schemas.get(schema["$ref"].removeprefix(REF), {}), schemas, depth + 1)
    for name, first in (("examples", True), ("example", False), ("const", False), ("enum", True), ("default", False)):
        if name in schema and (not first or schema[name]):
            return schema[name][0] if first else schema[name]
    for name in ("allOf", "anyOf", "oneOf"):
        if schema.get(name):
            return example_of(schema[name][0], schemas, depth + 1)
    return _made(schema, schemas, depth)


def _made(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        inner = schema.get("properties", {})
        wanted = inner if depth < 8 else {name: inner[name] for name in schema.get("required", []) if name in inner}
        return {name: example_of(one, schemas, depth + 1) for name, one in wanted.items()}
    if kind == "array":
        return [example_of(schema.get("items", {}), schemas, depth + 1)] if depth < 8 else []
    if kind == "string":
        return SAMPLES.get(schema.get("format", ""), "text"[: schema.get("maxLength", 4)])
    if kind in ("integer", "number"):
        return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    return {"boolean": True}.get(str(kind))
