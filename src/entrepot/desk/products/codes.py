"""Deciding a product's code: each decision is kept, the present one is the latest of the newest edition."""

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.people.acting import Acting
from entrepot.desk.products.models import Code, Product
from entrepot.desk.told import Told
from entrepot.goods.reference import countries

__all__ = ["CHINA", "FIRST_EDITION", "add_decisions", "checked_code", "decide_code", "present_codes"]

FIRST_EDITION = 1988
"""The Harmonized System came into force in 1988."""
CHINA = "CN"
SHAPES = {CHINA: re.compile(r"[0-9]{6}|[0-9]{8}|[0-9]{10}")}
SHAPE = re.compile(r"[0-9]{6,12}")


def checked_code(jurisdiction: str, edition: int, code: str) -> str:
    """The code as digits. Told for an unknown jurisdiction, an edition that is not in force yet, or another form."""
    digits = code.replace(".", "").replace(" ", "").replace("-", "")
    if jurisdiction != "EU" and countries().get(jurisdiction) != jurisdiction:
        raise Told("products.jurisdiction-unknown")
    if not FIRST_EDITION <= edition <= timezone.localdate().year:
        raise Told("products.edition-out", first=FIRST_EDITION, last=timezone.localdate().year)
    if not (digits.isascii() and SHAPES.get(jurisdiction, SHAPE).fullmatch(digits)):
        raise Told("products.code-form-cn" if jurisdiction == CHINA else "products.code-form")
    return digits


def decide_code(
    acting: Acting, product: Product, jurisdiction: str, edition: int, code: str, reason: str, confirmed: bool
) -> Code:
    """Decide a code anew; the earlier decisions stay. Told for what is not allowed."""
    digits = checked_code(jurisdiction, edition, code)
    if len(reason.strip()) < 3:
        raise Told("products.reason-missing")
    with transaction.atomic():
        locked: Product = Product.objects.of(acting).select_for_update().get(id=product.id)
        decision = Code(
            organisation=acting.organisation, product=locked, jurisdiction=jurisdiction, edition=edition, code=digits, confirmed=confirmed,
            reason=reason.strip(), decided_by=acting.actor, decided_at=timezone.now(),
        )  # fmt: skip
        add_decisions(acting, [decision])
        record(acting, "product.code-decided", "product", product.id, jurisdiction=jurisdiction, edition=edition, code=digits,
               confirmed=confirmed)  # fmt: skip
    return decision


def add_decisions(acting: Acting, decisions: Sequence[Code]) -> None:
    """Add decisions of one jurisdiction, at most one a product. One of an older edition than the present is history at once."""
    now = timezone.now()
    if not decisions:
        return
    present = present_codes(acting, [one.product for one in decisions], decisions[0].jurisdiction)
    replaced = []
    for one in decisions:
        before = present.get(one.product)
        if before and before.edition > one.edition:
            one.superseded_at = now
        elif before:
            replaced.append(before.id)
    _supersede(acting, replaced, now)
    Code.objects.bulk_create(decisions, batch_size=500)


def _supersede(acting: Acting, ids: Sequence[UUID], now: datetime) -> None:
    for start in range(0, len(ids), 500):
        Code.objects.of(acting).filter(id__in=ids[start : start + 500]).update(superseded_at=now)


def present_codes(acting: Acting, products: Sequence[Product], jurisdiction: str = CHINA) -> dict[Product, Code]:
    """The present code of each product that has one in a jurisdiction."""
    found: dict[Product, Code] = {}
    named = {product.id: product for product in products}
    ids = list(named)
    for start in range(0, len(ids), 500):
        rows = Code.objects.of(acting).filter(
            product__in=ids[start : start + 500], jurisdiction=jurisdiction, superseded_at=None
        )
        found |= {named[row.product_id]: row for row in rows}
    return found
