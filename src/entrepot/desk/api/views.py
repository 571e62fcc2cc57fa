"""The reference of the API as a page, made from its own description."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from entrepot.desk.plug import imported

__all__ = ["reference"]


def reference(request: HttpRequest) -> HttpResponse:
    """Every operation with what it takes, answers and needs."""
    document = _document()
    groups: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for operation in _operations(document):
        groups[operation["tag"]].append(operation)
    context = {"document": document, "groups": groups, "server": document["servers"][0]["url"], "codes": _codes(document)}
    return render(request, "api/reference.html", context)


@cache
def _document() -> dict[str, Any]:
    api = imported("entrepot.desk.api.api:api")  # named, since the API imports every area
    whole: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(), default=str))
    return whole


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield {
                "id": operation["operationId"], "tag": operation["tags"][0], "method": method.upper(), "path": path,
                "summary": operation["summary"], "description": operation.get("description", ""),
                "permission": operation["x-permission"],
                "parameters": operation.get("parameters", []),
                "bodies": _bodies(operation.get("requestBody", {}).get("content", {}), schemas),
                "answers": [{"status": status, **_answer(answer, schemas)} for status, answer in operation["responses"].items()],
            }  # fmt: skip


def _answer(answer: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in answer:
        return {"problem": True}
    return {"description": answer["description"], "bodies": _bodies(answer.get("content", {}), schemas)}


def _bodies(content: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "media": media, "fields": list(_fields(body.get("schema", {}), schemas)),
            "example": json.dumps(body["example"], ensure_ascii=False, indent=2) if "example" in body else "",
        }
        for media, body in content.items()
    ]  # fmt: skip


def _fields(schema: Mapping[str, Any], schemas: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[dict[str, Any]]:
    """The fields of an object with those of objects in it, each by its path."""
    schema = _resolved(schema, schemas)
    if schema.get("type") == "array":
        yield from _fields(schema.get("items", {}), schemas, f"{prefix}[]", depth + 1)
        return
    for name, inner in schema.get("properties", {}).items() if depth < 5 else ():
        path = f"{prefix}.{name}".lstrip(".")
        whole = _resolved(inner, schemas)
        yield {
            "path": path, "kind": _kind(whole), "required": name in schema.get("required", ()),
            "description": inner.get("description") or whole.get("description", ""),
        }  # fmt: skip
        yield from _fields(whole, schemas, path, depth + 1)


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema a reference or an optional value stands for."""
    if "$ref" in schema:
        return _resolved(schemas.get(schema["$ref"].rsplit("/", 1)[-1], {}), schemas)
    options = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    return _resolved({**options[0], "nullable": True}, schemas) if len(options) == 1 else schema


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    kind = schema.get("format") or schema.get("type") or " | ".join(str(one.get("type", "")) for one in schema.get("anyOf", []))
    return f"{kind}?" if schema.get("nullable") else str(kind)


def _codes(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The errors every operation may answer, with their codes."""
    problems = document["components"]["responses"].items()
    return [{"status": status, "code": one["content"]["application/problem+json"]["example"]["code"]} for status, one in problems]
