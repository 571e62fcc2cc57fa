"""The cells of the list, made in one go: a page of fifty lines with ten columns each has no time for a template in every cell."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.text import Truncator

from entrepot.desk.consignments.listing import Row
from entrepot.desk.templatetags.desk import cny
from entrepot.goods.texts import text
from entrepot.run.wording import country_name, port_name, rule_text

__all__ = ["Cell", "ListRow", "list_rows"]

Cell = tuple[str, str, str]
"""Label of the column, CSS classes, content (escaped by the template unless it is safe already)."""
ListRow = dict[str, Any]
"""A row of the table: `href`, `key`, `order`, `line_no`, `cells`."""
NONE = "–"
CSS: Mapping[str, str] = {
    "goods": "wrap", "day": "nowrap", "mode": "mono", "waybill": "mono", "seller": "wrap", "code": "mono", "value": "num", "tax": "num",
    "rule": "wrap small", "batch": "wrap",
}  # fmt: skip
def _cut(value: str | None, most: int) -> str:
    if not value:
        return NONE
    return value if len(value) <= most else Truncator(value).chars(most)


@cache
def _rule(rule: str | None, lang: str) -> str:
    return rule_text(rule, lang) if rule else NONE


@cache
def _standing(verdict: str, lane: str | None, state: str | None, lang: str) -> str:
    """The badges of a line: few combinations, made by the same parts as everywhere."""
    said = text(f"consignments.state-{state}", lang) if state else ""
    return render_to_string("consignments/standing.html", {
        "verdict": verdict, "verdict_said": text(f"verdict.{verdict}", lang), "lane": lane if lane != "green" else "",
        "lane_said": text(f"lane.{lane}", lang) if lane else "", "state_said": said,
    })  # fmt: skip


Say = Callable[[Row, str], str]
SAYS: Mapping[str, Say] = {
    "goods": lambda row, _: _cut(row["description"] or row["name_zh"] or row["sku"], 80),
    "day": lambda row, _: str(row["declared_on"] or NONE),
    "direction": lambda row, lang: text(f"report.direction.{row['direction']}", lang) if row["direction"] else NONE,
    "mode": lambda row, _: row["mode"] or NONE,
    "country": lambda row, lang: country_name(row["partner_country"])[lang] if row["partner_country"] else NONE,
    "district": lambda row, lang: port_name(row["customs_district"])[lang] if row["customs_district"] else NONE,
    "waybill": lambda row, _: _cut(row["waybill_no"], 40),
    "seller": lambda row, _: _cut(row["seller_name"] or row["seller_id"], 60),
    "code": lambda row, _: row["hs_code"] or NONE,
    "value": lambda row, _: cny(row["price_fen"]),
    "tax": lambda row, _: cny(row["tax_total_fen"]),
    "rule": lambda row, lang: _rule(row["release_rule"], lang),
    "verdict": lambda row, lang: _standing(row["verdict"], row["lane"], row["state"], lang),
}


def list_rows(rows: Sequence[Row], columns: Sequence[str], batches: Mapping[str, str], lang: str) -> list[ListRow]:
    """Rows of the list as the table shows them; `batches` gives the name of each batch by id."""
    labels, start = {name: text(f"consignments.column-{name}", lang) for name in columns}, reverse("consignments")
    return [
        {
            "href": f"{start}{row['batch']}/{row['row_id']}/", "key": f"{row['batch']}:{row['row_id']}",
            "order": row["order_id"] if row["order_id"] is None else _cut(row["order_id"], 40), "line_no": row["line_no"],
            "cells": [
                (labels[name], CSS.get(name, ""), batches.get(row["batch"], "") if name == "batch" else SAYS[name](row, lang))
                for name in columns
            ],
        }
        for row in rows
    ]  # fmt: skip
