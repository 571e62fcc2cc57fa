"""A refused row is mended and fed back with its whole order, so that the order is decided as one."""

from pathlib import Path

import polars as pl

from entrepot.run.clear import Request, clear

ORDERS = """order_id,line_no,direction,declared_on,seller_country,buyer_country,buyer_kind,platform_sale,pilot_zone,needs_licence,\
currency,unit_price,quantity,hs_code,net_mass,customs_district,description,carrier,waybill_no
A-1,1,export,2026-03-10,CN,US,person,yes,yes,no,CNY,100.00,1,610910,0.2,2900,T-shirt,YunExpress,W-1
A-1,2,export,2026-03-10,CN,US,person,yes,yes,no,CNY,10.00,-3,610910,0.2,2900,T-shirt,YunExpress,W-1
A-2,1,export,2026-03-10,CN,US,person,yes,yes,no,CNY,100.00,1,610910,0.2,2900,T-shirt,YunExpress,W-2
"""


def cleared(place: Path, name: str, orders: Path) -> pl.DataFrame:
    clear(Request((orders,), place / name, home=place / "home", sample_ppm=0))
    return pl.read_parquet(place / name / "lines.parquet").sort("row_id")


def test_an_order_is_fed_back_whole(tmp_path: Path) -> None:
    orders, mended = tmp_path / "orders.csv", tmp_path / "mended.csv"
    orders.write_text(ORDERS, encoding="utf-8")
    first = cleared(tmp_path, "first", orders)
    assert first.get_column("verdict").to_list() == ["hold", "invalid", "release"]
    assert first.get_column("reasons").to_list() == [["release.order-incomplete"], ["release.invalid"], []]
    refused = (tmp_path / "first" / "refused.csv").read_text(encoding="utf-8-sig")
    assert refused.count("A-1") == 2
    assert "A-2" not in refused
    assert "This row is good" in refused
    mended.write_text(refused.replace("'-3", "3"), encoding="utf-8")
    second = cleared(tmp_path, "second", mended)
    assert second.select("order_id", "line_no", "verdict").rows() == [("A-1", 1, "release"), ("A-1", 2, "release")]
    index = pl.read_parquet(tmp_path / "second" / "messages" / "index.parquet")
    assert index.filter(pl.col("kind") == "603").height == 1
