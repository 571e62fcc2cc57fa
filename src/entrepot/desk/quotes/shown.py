"""A quote as its page shows it: the description of `run.quote` with the numbers of its charts."""

import json
from typing import Any

from entrepot.desk.context import language
from entrepot.goods.texts import text
from entrepot.run.quote import Quote, describe

__all__ = ["shown"]

ADDED = ("goods", "freight", "insurance")


def shown(quote: Quote) -> dict[str, Any]:
    """The description in the reader's language; each open way with `chart` and the same numbers as `rows`."""
    whole = describe(quote, language())
    common = {one["id"] for one in whole["warnings"]}
    for option in whole["options"]:
        parts = _parts(whole["value"], option)
        option["chart"] = {"unit": "CNY", "decimals": 2, "steps": parts}
        option["chart_text"] = json.dumps(option["chart"], ensure_ascii=False)
        option["rows"] = [[part["name"], part["value"]] for part in parts]
        option["own_warnings"] = [one for one in option["warnings"] if one["id"] not in common]
        option["cheapest"] = option["mode"] == whole["cheapest"]
    return whole


def _parts(value: dict[str, Any], option: dict[str, Any]) -> list[dict[str, Any]]:
    spoken = language()
    price = [{"name": text(f"quote.value.{name}", spoken), "value": value[name]} for name in ADDED if value[name] != "0.00"]
    charges = [{"name": charge["title"], "value": charge["amount"]} for charge in option["charges"]]
    return [*price, *charges, {"name": text("quotes.total", spoken), "value": option["total"], "total": True}]
