"""What a shelf keeps of a line, under which names, and how a list may be sorted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

__all__ = ["GROUPS", "KEYS", "LISTED", "OVERLAID", "PAGE_COLUMNS", "SEARCHED", "SORTS", "Listed", "folded"]

Kind = Literal["text", "whole", "day", "list"]


@dataclass(frozen=True, slots=True)
class Listed:
    """One column of the list: its kind and how it comes from a result line; a `list` is kept as lines of one text."""

    kind: Kind
    source: pl.Expr


def _same(kind: Kind, *names: str) -> dict[str, Listed]:
    return {name: Listed(kind, pl.col(name)) for name in names}


PARTNER = pl.when(pl.col("direction") == "import").then(pl.col("seller_country")).otherwise(pl.col("buyer_country"))
TAX_FEN = (pl.col("tax_total") * 100).cast(pl.Int64)

LISTED: Mapping[str, Listed] = {
    **_same("text", "order_id"), **_same("whole", "line_no"),
    **_same("text", "waybill_no", "carrier"), **_same("day", "declared_on"),
    **_same("text", "direction", "mode", "list_form", "verdict", "lane", "release_rule"),
    "reasons": Listed("list", pl.col("reasons").list.join("\n")),
    "warnings": Listed("list", pl.col("warnings").list.join("\n")),
    **_same("text", "sku", "description", "name_zh", "hs_code", "origin_country", "seller_id", "seller_name",
            "seller_country", "buyer_country"),
    "partner_country": Listed("text", PARTNER),
    **_same("text", "buyer_kind", "buyer_key", "customs_district"), **_same("whole", "quantity_e5"),
    **_same("text", "unit", "currency"), **_same("whole", "price_fen"),
    "tax_total_fen": Listed("whole", TAX_FEN),
    **_same("text", "tax_rule", "line_kind"),
}  # fmt: skip
"""Columns of the list. `partner_country` is the buyer's country of exports and the seller's of imports."""

KEYS: Mapping[str, str] = {"order_id": "order", "waybill_no": "waybill", "buyer_key": ""}
"""Columns in which nearly every line may have a value of its own, and the sort that has them first."""
SEARCHED = ("description", "sku", "name_zh", "seller_id", "seller_name")
"""Columns that are searched for words; their values are kept folded too."""
OVERLAID = ("verdict", "lane", "state")
"""Columns that what happened after the batch may change; `state` is null where nothing happened."""
PAGE_COLUMNS = ("batch", "row_id", *LISTED, "state")
"""Columns of a row of a page."""

SORTS: Mapping[str, tuple[str, ...]] = {
    "default": (),
    "order": ("order_id", "line_no"),
    "waybill": ("waybill_no",),
    "value": ("price_fen",),
    "tax": ("tax_total_fen",),
    "day": ("declared_on",),
    "product": ("description",),
    "seller": ("seller_name",),
}
"""Sorts and the columns that lead them; after those come newest batch first and the order of the files. Null is last."""

GROUPS: Mapping[str, str] = {
    "day": "declared_on", "mode": "mode", "country": "partner_country", "verdict": "verdict", "lane": "lane",
    "direction": "direction", "district": "customs_district", "chapter": "hs_code", "tax_rule": "tax_rule",
    "release_rule": "release_rule", "state": "state",
}  # fmt: skip
"""What lines may be counted by, and the column that says it; a chapter is the first two digits of the code."""


def folded(text: pl.Expr) -> pl.Expr:
    """A text as it is compared in a search: without width, case or compatibility forms."""
    return text.str.normalize("NFKC").str.to_lowercase()
