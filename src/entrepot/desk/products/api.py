"""Products over the API, in the words of the catalogue format."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from entrepot.desk.api.auth import acting, needs
from entrepot.desk.api.idempotency import idempotent
from entrepot.desk.api.pages import PageOf, PageQuery, page_of
from entrepot.desk.api.problems import ApiError, FieldError, answers
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Organisation
from entrepot.desk.products.catalogue import cells_of, import_rows
from entrepot.desk.products.codes import CHINA, FIRST_EDITION, decide_code, present_codes
from entrepot.desk.products.listing import found
from entrepot.desk.products.models import Code, Product
from entrepot.goods.catalogue_file import CellProblem

__all__ = ["router"]

router = Router(tags=["products"])
BULK = 10_000
ID = "7d0c9a52-6f0b-4c1e-9d55-0a5d4f2f8a11"


class ProductIn(Schema):
    """A product in the columns of a catalogue file; a column that is left out stays as it is, an empty one is emptied."""

    model_config = ConfigDict(extra="forbid")

    sku: str = Field(min_length=1, max_length=120, examples=["MUG-1"])
    hs_code: str | None = Field(
        None, max_length=20, description="Chinese code; empty never takes one away", examples=["6911101900"]
    )
    origin_country: str | None = Field(None, max_length=2, examples=["CN"])
    unit: str | None = Field(None, max_length=40, description="Customs unit by number or word", examples=["011"])
    net_mass_g: str | None = Field(None, max_length=12, description="Whole grams of one unit", examples=["380"])
    name_en: str | None = Field(None, max_length=300, examples=["glazed porcelain mug, 350 ml"])
    name_zh: str | None = Field(None, max_length=300, examples=["釉面瓷马克杯 350毫升"])
    on_positive_list: str | None = Field(None, max_length=5, examples=["yes"])
    needs_licence: str | None = Field(None, max_length=5, examples=["no"])
    content_quantity: str | None = Field(None, max_length=16, examples=[None])
    content_unit: str | None = Field(None, max_length=10, examples=[None])
    status: str | None = Field(
        None, max_length=12, description="Whether the code is confirmed or unconfirmed", examples=["confirmed"]
    )
    source: str | None = Field(None, max_length=300, examples=["broker's ruling of 2026-02-01"])
    brand: str | None = Field(None, max_length=120, examples=["Tide"])


class ProductsIn(Schema):
    """Products to make or change, all or none."""

    edition: int | None = Field(
        None, ge=FIRST_EDITION, le=9999, description="Tariff year; this year by default", examples=[2026]
    )
    products: list[ProductIn] = Field(min_length=1, max_length=BULK)


class CodeOut(Schema):
    """One decision on a code; one with `superseded_at` is history."""

    jurisdiction: str = Field(examples=["CN"])
    edition: int = Field(examples=[2026])
    code: str = Field(examples=["6911101900"])
    confirmed: bool = Field(examples=[True])
    reason: str = Field(examples=["porcelain, not bone china"])
    decided_by: str = Field(examples=[f"user:{ID}"])
    decided_at: datetime = Field(examples=["2026-03-01T08:00:00Z"])
    superseded_at: datetime | None = Field(None, examples=[None])


class ProductOut(Schema):
    """A product; `cells` are the columns of a catalogue file."""

    id: UUID = Field(examples=[ID])
    sku: str = Field(examples=["MUG-1"])
    state: str = Field(description="active or retired", examples=["active"])
    changed_at: datetime = Field(examples=["2026-03-01T08:00:00Z"])
    cells: dict[str, str] = Field(
        examples=[{"sku": "MUG-1", "hs_code": "6911101900", "name_en": "glazed porcelain mug, 350 ml"}]
    )


class ProductWhole(ProductOut):
    """A product with every decision on its codes."""

    codes: list[CodeOut]


class ProductsDone(Schema):
    """What a bulk call did."""

    made: int = Field(examples=[9000])
    changed: int = Field(examples=[20])
    same: int = Field(examples=[980])
    codes_decided: int = Field(examples=[9003])


class CodeIn(Schema):
    """A decision on a code; earlier ones stay as history."""

    jurisdiction: str = Field(
        min_length=2, max_length=2, description="Two letters; EU for the European Union", examples=["CN"]
    )
    edition: int = Field(ge=FIRST_EDITION, le=9999, examples=[2026])
    code: str = Field(min_length=6, max_length=20, examples=["6911.10.19.00"])
    reason: str = Field(min_length=3, max_length=2000, examples=["porcelain, not bone china"])
    confirmed: bool = Field(False, examples=[True])


class ProductQuery(Schema):
    """Which products."""

    q: str = Field(
        "", max_length=120, description="In sku, name or brand, or the beginning of a code", examples=["mug"]
    )
    wanted: Literal["", "missing", "unconfirmed", "expiring", "retired"] = Field(
        "",
        description="Without a Chinese code, with an unconfirmed one, with a certificate that ends within 30 days; or no longer traded",
    )


def _shown(product: Product, code: Code | None) -> dict[str, Any]:
    cells = cells_of(product, code)
    return {
        "id": product.id,
        "sku": product.sku,
        "state": product.status,
        "changed_at": product.changed_at,
        "cells": cells,
    }


def _listed(product: Any) -> dict[str, Any]:
    return _shown(product, product.present[0] if product.present else None)


def _whole(caller: Acting, product: Product) -> dict[str, Any]:
    present = present_codes(caller, [product]).get(product)
    return {**_shown(product, present), "codes": list(Code.objects.of(caller).filter(product=product))}


@router.get(
    "/products", auth=needs("products.view"), response=answers(PageOf[ProductOut]),
    operation_id="list_products", summary="List products"
)  # fmt: skip
def list_products(request: Any, page: Query[PageQuery], asked: Query[ProductQuery]) -> dict[str, Any]:
    """Products by sku."""
    caller = acting(request)
    present = Prefetch("codes", Code.objects.of(caller).filter(jurisdiction=CHINA, superseded_at=None), "present")
    rows = found(caller, asked.q, asked.wanted).prefetch_related(present)
    return page_of(rows, page, _listed, ("sku",), asked.model_dump_json())


@router.get(
    "/products/{uuid:product_id}",
    auth=needs("products.view"),
    response=answers(ProductWhole, 404),
    operation_id="get_product",
    summary="One product",
)
def get_product(request: Any, product_id: UUID) -> dict[str, Any]:
    """A product with every decision on its codes."""
    return _whole(acting(request), Product.objects.one(acting(request), id=product_id))


@router.post(
    "/products", auth=needs("products.edit"), response=answers(ProductWhole, 409, status=201),
    operation_id="make_product", summary="Make a product"
)  # fmt: skip
@idempotent
def make_product(request: Any, payload: ProductIn) -> dict[str, Any]:
    """Make a product; 409 when its sku is taken."""
    caller = acting(request)
    Organisation.objects.select_for_update().get(id=caller.organisation.id)
    if Product.objects.of(caller).filter(sku=payload.sku.strip()).exists():
        raise ApiError(409, "sku-taken", f"there is a product {payload.sku.strip()!r}: change it with PUT")
    return _put(caller, payload)


@router.put(
    "/products/{uuid:product_id}", auth=needs("products.edit"), response=answers(ProductWhole, 404, 409), operation_id="put_product",
    summary="Change a product",
)  # fmt: skip
@idempotent
def put_product(request: Any, product_id: UUID, payload: ProductIn) -> dict[str, Any]:
    """Change a product; its sku stays. A code that differs from the present one is a new decision."""
    caller = acting(request)
    product = Product.objects.one(caller, id=product_id)
    if product.sku != payload.sku.strip():
        raise ApiError(
            409, "sku-fixed", f"this product is {product.sku!r}; a sku does not change: make another product"
        )
    return _put(caller, payload)


def _put(caller: Acting, payload: ProductIn) -> dict[str, Any]:
    _import(caller, [payload], None, "{column}")
    return _whole(caller, Product.objects.of(caller).get(sku=payload.sku.strip()))


@router.post(
    "/products/bulk", auth=needs("products.edit"), response=answers(ProductsDone),
    operation_id="put_products", summary="Make or change many products"
)  # fmt: skip
@idempotent
def put_products(request: Any, payload: ProductsIn) -> dict[str, Any]:
    """Up to 10,000 products by sku, all or none: 422 names every cell that is not allowed."""
    return _import(acting(request), payload.products, payload.edition, "products[{index}].{column}")


def _import(caller: Acting, products: list[ProductIn], edition: int | None, path: str) -> dict[str, Any]:
    given = [one.model_dump(exclude_unset=True) for one in products]
    rows = [(number, {name: value or "" for name, value in one.items()}) for number, one in enumerate(given, 1)]
    this_year = timezone.localdate().year
    if edition is not None and edition > this_year:
        raise ApiError(422, "invalid", f"edition {edition} is not in force: {this_year} at most")
    with transaction.atomic():
        done = import_rows(caller, rows, edition or this_year)
    if done.problems:
        errors = [_error(one, path) for one in done.problems]
        raise ApiError(422, "invalid", f"{len(errors)} cell(s) are not allowed; nothing was changed", errors[:1000])
    return {"made": done.made, "changed": done.changed, "same": done.same, "codes_decided": done.codes}


def _error(problem: CellProblem, path: str) -> FieldError:
    place = path.format(index=problem.row - 1, column=problem.column)
    return FieldError(
        path=place, code="cell-not-allowed", message=f"{problem.given!r} is not allowed; allowed: {problem.allowed}"
    )


@router.post(
    "/products/{uuid:product_id}/codes", auth=needs("products.edit"), response=answers(CodeOut, 404, status=201),
    operation_id="decide_code", summary="Decide a product's code",
)  # fmt: skip
@idempotent
def decide(request: Any, product_id: UUID, payload: CodeIn) -> Code:
    """Decide a code; the decisions before it stay as history."""
    caller = acting(request)
    product = Product.objects.one(caller, id=product_id)
    return decide_code(
        caller, product, payload.jurisdiction.upper(), payload.edition, payload.code, payload.reason, payload.confirmed
    )
