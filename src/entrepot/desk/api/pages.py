"""Long lists in pages: a page ends with an opaque, signed cursor that names the last row, so that pages neither skip
nor repeat rows while others are added."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from ninja import Schema
from pydantic import Field

from entrepot.desk.api.problems import ApiError, FieldError

__all__ = ["LIMIT", "PageOf", "PageQuery", "cursor_after", "page_of", "place_of"]

LIMIT = 200
Item = TypeVar("Item")
Row = TypeVar("Row", bound=Model)


class PageQuery(Schema):
    """Which page of a list: `def list_things(request, page: Query[PageQuery])`."""

    limit: int = Field(50, ge=1, le=LIMIT, description="How many at most", examples=[50])
    cursor: str | None = Field(
        None, max_length=2000, description="`next` of the page before; leave it out for the first page", examples=[None]
    )


class PageOf(Schema, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(None, description="Cursor of the next page; null on the last one", examples=[None])


def cursor_after(name: str, place: Sequence[object]) -> str:
    """A cursor that ends a page of the list `name` at `place` (JSON values)."""
    return signing.dumps(list(place), salt=f"cursor:{name}")


def place_of(name: str, cursor: str) -> list[Any]:
    """The place a cursor names; ApiError 422 `cursor-invalid` for one this list did not give."""
    try:
        place: list[Any] = signing.loads(cursor, salt=f"cursor:{name}")
    except (signing.BadSignature, ValueError):
        raise _invalid() from None
    return place


def _invalid() -> ApiError:
    error = FieldError(path="cursor", code="cursor-invalid", message="not a cursor of this list")
    return ApiError(422, "cursor-invalid", "the cursor is none this list gave: start with the first page", [error])


def page_of(
    rows: "QuerySet[Row]", page: PageQuery, shown: Callable[[Row], Any], order: Sequence[str] = ("-created_at", "-id"), name: str = ""
) -> dict[str, Any]:
    """One page of `rows` as `PageOf` shows it, each row through `shown`.

    `order` names columns without nulls that together are unique, with `-` for falling ones; `name` tells lists of one
    model apart (put filters into it).
    """
    label = f"{rows.model._meta.label_lower}:{name}:{','.join(order)}"
    chosen = rows.order_by(*order)
    if page.cursor:
        chosen = chosen.filter(_beyond(rows.model, order, place_of(label, page.cursor)))
    found = list(chosen[: page.limit + 1])
    more = len(found) > page.limit
    last = found[page.limit - 1] if more else None
    place = [rows.model._meta.get_field(one.lstrip("-")).value_to_string(last) for one in order] if last is not None else []  # type: ignore[union-attr]
    return {"items": [shown(row) for row in found[: page.limit]], "next": cursor_after(label, place) if more else None}


def _beyond(model: type[Model], order: Sequence[str], place: Sequence[Any]) -> Q:
    """Rows after a place: equal in the first columns and beyond it in the next one, for each column."""
    if len(place) != len(order):
        raise _invalid()
    beyond, same = Q(), Q()
    for column, text in zip(order, place, strict=True):
        field = column.lstrip("-")
        try:
            value = model._meta.get_field(field).to_python(text)  # type: ignore[union-attr]
        except ValidationError:
            raise _invalid() from None
        beyond |= same & Q(**{f"{field}__{'lt' if column.startswith('-') else 'gt'}": value})
        same &= Q(**{field: value})
    return beyond
