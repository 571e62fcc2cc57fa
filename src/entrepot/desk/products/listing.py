"""Finding products: search, what is missing, what ends soon, in pages by article number."""

from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from entrepot.desk.people.acting import Acting
from entrepot.desk.products.codes import CHINA
from entrepot.desk.products.models import Certificate, Code, Product

__all__ = ["ENDS_SOON", "WANTED", "found", "page"]

ENDS_SOON = timedelta(days=30)
ROWS = 50
WANTED = ("", "missing", "unconfirmed", "expiring", "retired")
"""What the list may be narrowed to."""


def found(acting: Acting, query: str = "", wanted: str = "") -> "QuerySet[Product]":
    """Products that are traded (with `retired`: that no longer are): by sku, name, brand or present code; narrowed to those
    without a Chinese code, with an unconfirmed one, or with a certificate that ends within 30 days or has ended."""
    status = Product.Status.RETIRED if wanted == "retired" else Product.Status.ACTIVE
    rows: QuerySet[Product] = Product.objects.of(acting).filter(status=status)
    present = Code.objects.of(acting).filter(product=OuterRef("pk"), superseded_at=None)
    if query:
        named = (
            Q(sku__icontains=query)
            | Q(name_en__icontains=query)
            | Q(name_zh__icontains=query)
            | Q(brand__icontains=query)
        )
        digits = query.replace(".", "")
        rows = (
            rows.filter(named | Q(Exists(present.filter(code__startswith=digits))))
            if digits.isdigit()
            else rows.filter(named)
        )
    if wanted == "missing":
        rows = rows.filter(~Exists(present.filter(jurisdiction=CHINA)))
    if wanted == "unconfirmed":
        rows = rows.filter(Exists(present.filter(confirmed=False)))
    if wanted == "expiring":
        soon = timezone.localdate() + ENDS_SOON
        rows = rows.filter(Exists(Certificate.objects.of(acting).filter(product=OuterRef("pk"), valid_until__lte=soon)))
    return rows


def page(rows: "QuerySet[Product]", asked: dict[str, Any]) -> tuple[list[Product], str, str]:
    """One page by sku; then the sku before which the page before ends and after which the next begins (empty: none)."""
    before, after = str(asked.get("before") or ""), str(asked.get("after") or "")
    if before:
        taken = list(rows.filter(sku__lt=before).order_by("-sku")[: ROWS + 1])
        more, shown = len(taken) > ROWS, taken[:ROWS][::-1]
        return shown, (shown[0].sku if more else ""), (shown[-1].sku if shown else "")
    taken = list((rows.filter(sku__gt=after) if after else rows).order_by("sku")[: ROWS + 1])
    shown = taken[:ROWS]
    return shown, (shown[0].sku if after and shown else ""), (shown[-1].sku if len(taken) > ROWS else "")
