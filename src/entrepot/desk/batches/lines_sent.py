"""Lines sent in one call, as JSON or Arrow: written as a file and cleared like any other."""

import json
from io import BytesIO
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from django.utils import timezone
from pydantic_core import from_json

from entrepot.desk.api.arrow import ARROW, table_of
from entrepot.desk.api.problems import ApiError, FieldError
from entrepot.desk.batches.choices import Choices
from entrepot.desk.batches.clear import start
from entrepot.desk.batches.models import Batch
from entrepot.desk.batches.uploads import take_file
from entrepot.desk.people.acting import Acting
from entrepot.goods.errors import InputError
from entrepot.goods.mapping import PLAIN
from entrepot.goods.schema import FIELDS, REQUIRED

__all__ = ["ARROW", "JSON_BODY", "LINES_MOST", "batch_of_lines"]

LINES_MOST = 10_000
ERRORS_SHOWN = 20
INTEGER_MOST = 10**30


def _schema() -> dict[str, Any]:
    number = ["string", "number", "null"]
    kinds = {"boolean": ["boolean", "string", "null"], "whole": ["integer", "string", "null"], "decimal": number, "mass": number}
    properties = {
        field.name: {"type": kinds.get(field.kind, ["string", "null"]), "description": field.en, "maxLength": 10_000}
        for field in FIELDS.values()
    }
    line = {"type": "object", "properties": properties, "additionalProperties": False, "required": list(REQUIRED)}
    return {"type": "object", "required": ["lines"], "properties": {
        "lines": {"type": "array", "minItems": 1, "maxItems": LINES_MOST, "items": line},
        "name": {"type": "string", "maxLength": 120, "description": "What the batch is called"},
    }}  # fmt: skip


JSON_BODY: dict[str, Any] = {
    "schema": _schema(),
    "example": {"name": "shop-2026-03-10", "lines": [{
        "order_id": "A-1001", "line_no": 1, "direction": "export", "declared_on": "2026-03-10", "seller_country": "CN",
        "buyer_country": "US", "description": "porcelain mug", "hs_code": "6911101900", "quantity": "2", "unit_price": "8.40",
        "currency": "USD", "platform_sale": True, "buyer_kind": "person",
    }]},
}  # fmt: skip
"""The JSON body of the call for OpenAPI, made from the schema of lines."""


def batch_of_lines(acting: Acting, content_type: str | None, body: bytes) -> Batch:
    """A batch of the lines in a request body. ApiError 415 for another type, 413 for too many lines, 422 for what is no lines."""
    if content_type == "application/json":
        name, content, fields = _json_lines(body)
    elif content_type == ARROW:
        name, content, fields = _arrow_lines(body)
    else:
        raise ApiError(415, "unsupported-media-type", f"send application/json or {ARROW}")
    upload = take_file(acting, name, [content], len(content))
    return start(acting, upload, Choices({field: field for field in fields}))


def _default_name(ending: str) -> str:
    return f"lines-{timezone.localtime():%Y%m%d-%H%M%S}.{ending}"


def _json_lines(body: bytes) -> tuple[str, bytes, list[str]]:
    try:
        sent = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise ApiError(400, "bad-request", f"the body is not JSON: {error}") from None
    lines = sent.get("lines") if isinstance(sent, dict) else None
    if not isinstance(lines, list) or not lines:
        raise ApiError(422, "invalid", "send {\"lines\": [{…}, …]} with at least one line")
    _check_count(len(lines))
    errors = [error for place, line in enumerate(lines) for error in _errors(place, line)][:ERRORS_SHOWN]
    if errors:
        raise ApiError(422, "invalid", f"{len(errors)} value(s) are not valid", errors)
    fields = [name for name in FIELDS if any(name in line for line in lines)]
    _check_fields(fields)
    name = sent.get("name")
    shown = f"{name[:120]}.jsonl" if isinstance(name, str) and name.strip() else _default_name("jsonl")
    return shown, b"".join(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n" for line in lines), fields


def _check_count(count: int) -> None:
    if count > LINES_MOST:
        raise ApiError(413, "too-large", f"{count} lines are too many for one call: send at most {LINES_MOST}, or upload a file")


def _errors(place: int, line: object) -> list[FieldError]:
    if not isinstance(line, dict):
        return [FieldError(path=f"lines[{place}]", code="not-an-object", message="a line is an object of fields")]
    none = "there is no such field"
    unknown = [name for name in line if name not in FIELDS]
    return [FieldError(path=f"lines[{place}].{name}"[:200], code="unknown-field", message=none) for name in unknown] + [
        FieldError(path=f"lines[{place}].{name}", code="not-a-value", message="give a text, a number, true, false or null")
        for name, value in line.items() if name in FIELDS and not _is_value(value)
    ]  # fmt: skip


def _is_value(value: object) -> bool:
    if isinstance(value, int) and abs(value) > INTEGER_MOST:
        return False
    return value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and "\0" not in value)


def _check_fields(fields: list[str]) -> None:
    try:
        PLAIN.resolve(fields)
    except InputError:
        absent = [name for name in REQUIRED if name not in fields] or ["description, hs_code or sku"]
        errors = [FieldError(path=f"lines[].{name}", code="missing", message="no line has this field") for name in absent]
        raise ApiError(422, "invalid", f"{len(errors)} required field(s) are in no line", errors) from None


def _arrow_lines(body: bytes) -> tuple[str, bytes, list[str]]:
    table = table_of(body, LINES_MOST)
    try:
        columns = pl.DataFrame(table).columns
        target = BytesIO()
        pq.write_table(table, target)
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise ApiError(422, "invalid", f"the table cannot be written as Parquet: {str(error)[:160]}") from None
    unknown = [name for name in columns if name not in FIELDS]
    if unknown:
        errors = [FieldError(path=name[:80], code="unknown-field", message="there is no such field") for name in unknown]
        raise ApiError(422, "invalid", f"{len(unknown)} column(s) are no fields", errors[:ERRORS_SHOWN])
    _check_fields(columns)
    return _default_name("parquet"), target.getvalue(), columns
