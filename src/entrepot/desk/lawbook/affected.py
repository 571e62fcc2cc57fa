"""Which products of an organisation a change of the law bears on."""

from collections.abc import Iterable, Sequence
from typing import Any

from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Organisation
from entrepot.desk.products.models import Code

__all__ = ["products_of", "with_products"]


def products_of(owner: Organisation | Acting, prefixes: Iterable[str]) -> list[dict[str, Any]]:
    """Products whose present Chinese code begins with one of the prefixes: id, sku, name, code."""
    wanted = tuple(prefixes)
    if not wanted:
        return []
    return [product for product in _coded(owner) if product["code"].startswith(wanted)]


def _coded(owner: Organisation | Acting) -> list[dict[str, Any]]:
    rows = (
        Code.objects.of(owner)
        .filter(jurisdiction="CN", superseded_at=None)
        .select_related("product")
        .order_by("product__sku")
    )
    return [
        {"id": str(row.product_id), "sku": row.product.sku, "name": str(row.product), "code": row.code} for row in rows
    ]


def with_products(owner: Organisation | Acting | None, changes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Changes with the `products` each bears on; empty for visitors and for changes not bound to goods."""
    coded = _coded(owner) if owner and any(change["codes"] for change in changes) else []
    return [
        {
            **change,
            "products": [product for product in coded if product["code"].startswith(change["codes"])]
            if change["codes"]
            else [],
        }
        for change in changes
    ]
