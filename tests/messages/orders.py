"""Lines and persons for the message tests, small and readable; every test changes only what it is about."""

from datetime import date
from typing import Any

import polars as pl

from entrepot.messages.ceb import LINE_COLUMNS

LINE: dict[str, Any] = {
    "order_id": "A-1", "line_no": 1, "direction": "export", "declared_on": date(2026, 3, 1), "mode": "9610",
    "list_form": "A", "seller_country": "CN", "buyer_country": "US", "customs_district": "2900", "sku": "TEE-01",
    "description": "女式棉制针织T恤衫", "hs_code": "6109100022", "origin_country": "CN", "quantity_e5": 200_000,
    "unit": "011", "unit_price_e5": 1_299_000, "currency": "USD", "goods_value_e5": 2_598_000, "goods_fen": 18_500,
    "freight_e5": 0, "insurance_e5": 0, "freight_fen": 0, "insurance_fen": 0, "net_mass_g": 360,
    "gross_mass_g": 420, "packages": 1, "carrier": "YTO", "waybill_no": "YT0001",
}  # fmt: skip
IMPORT: dict[str, Any] = LINE | {
    "direction": "import", "list_form": None, "seller_country": "JP", "buyer_country": "CN", "origin_country": "JP",
    "currency": "CNY",
}  # fmt: skip
PERSON = {
    "order_id": "A-1", "buyer_id": "11010519491231002X", "buyer_name": "李小宝", "buyer_telephone": "13200000000",
    "consignee_address": "北京市海淀区",
}  # fmt: skip
APP_TIME = "20260301093000"
COLUMNS = pl.Schema(LINE_COLUMNS)


def lines(*changes: dict[str, Any], base: dict[str, Any] = LINE) -> pl.DataFrame:
    """One line per change, each `base` with that change."""
    return pl.DataFrame([base | change for change in changes], schema=dict(COLUMNS))


def orders(count: int, base: dict[str, Any] = LINE, **change: Any) -> pl.DataFrame:
    """So many one-line orders, each with its own number and waybill."""
    numbers = ({"order_id": f"A-{place:06d}", "waybill_no": f"YT{place:06d}"} for place in range(count))
    return lines(*(number | change for number in numbers), base=base)


def persons(frame: pl.DataFrame, **change: Any) -> pl.DataFrame:
    """One valid buyer for each order of the lines."""
    ids = frame.get_column("order_id").unique(maintain_order=True).to_list()
    return pl.DataFrame([PERSON | change | {"order_id": order_id} for order_id in ids])
