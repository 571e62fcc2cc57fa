"""The whole of Online Retail, replayed as exports: half a million real order lines through the main job."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from lxml import etree

from entrepot.messages.ceb import read_message
from entrepot.run.clear import Request, clear


@pytest.fixture(scope="module")
def replay(data_folder: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("replay")
    orders = data_folder("orders-online-retail") / "online_retail.parquet"
    clear(Request((orders,), place / "batch", "online-retail", home=place / "home", sample_ppm=0))
    return place / "batch"


def test_every_row_is_decided_or_refused(replay: Path) -> None:
    lines = pl.scan_parquet(replay / "lines.parquet")
    verdicts = dict(lines.group_by("verdict").len().collect().rows())
    problems = pl.read_csv(replay / "problems.csv", infer_schema=False)
    assert sum(verdicts.values()) == 541_909
    assert verdicts["invalid"] == problems.get_column("row_id").n_unique()
    assert dict(problems.get_column("code").value_counts().rows()) == {
        # no rate day in the starter for December 2026; price or quantity of zero or less; no country at all
        "goods.no-rate": 25_111, "goods.not-positive": 3_853, "goods.unknown-country": 507,
    }  # fmt: skip


def test_cancelled_invoices_are_cancellations_and_not_bad_rows(replay: Path) -> None:
    lines = pl.scan_parquet(replay / "lines.parquet")
    cancelled = lines.filter(pl.col("order_id").str.starts_with("C")).collect()
    settled = cancelled.filter(pl.col("verdict") != "invalid")
    assert cancelled.height == 9_288
    assert set(settled.get_column("release_rule")) == {"release.cancellation"}
    assert set(settled.get_column("mode")) == {None}
    matched = pl.read_csv(replay / "cancellations.csv", infer_schema=False)
    assert matched.height == settled.height
    assert matched.get_column("cancels_order_id").drop_nulls().str.starts_with("C").sum() == 0


def test_lines_without_a_code_are_held_for_it_and_their_orders_with_them(replay: Path) -> None:
    sales = pl.scan_parquet(replay / "lines.parquet").filter((pl.col("verdict") != "invalid") & (pl.col("line_kind") == "sale"))
    bare = sales.filter(pl.col("hs_code").is_null()).collect()
    assert bare.get_column("reasons").list.contains("release.no-code").all()
    with_bare = sales.group_by("order_id").agg(pl.col("hs_code").is_null().any().alias("bare"), pl.col("verdict").unique())
    assert with_bare.filter("bare").collect().get_column("verdict").explode().unique().to_list() == ["hold"]
    coded = sales.filter(pl.col("hs_code").is_not_null()).select(
        pl.len(), pl.col("code_unconfirmed").all(), pl.col("warnings").list.contains("goods.code-unconfirmed").all())
    assert coded.collect().row(0) == (504_487 - bare.height, True, True)


def test_dates_are_moved_by_exactly_fifteen_years(replay: Path) -> None:
    days = pl.scan_parquet(replay / "lines.parquet").select(
        pl.col("declared_on").min().alias("first"), pl.col("declared_on").max().alias("last")).collect()
    assert [str(day) for day in days.row(0)] == ["2025-12-01", "2026-12-09"]


def test_the_lists_of_released_orders_are_valid_and_complete(replay: Path, data_folder: Callable[[str], Path]) -> None:
    schema = next((data_folder("china-ceb-messages") / "xsd202205").glob("*出口业务*.xsd"))
    official = etree.XMLSchema(etree.parse(str(schema)))
    index = pl.read_parquet(replay / "messages" / "index.parquet")
    released = pl.scan_parquet(replay / "lines.parquet").filter(pl.col("verdict") == "release").select(
        pl.col("order_id").unique()).collect().get_column("order_id")
    for kind in ("303", "603"):
        documents = index.filter(pl.col("kind") == kind)
        assert documents.get_column("order_id").sort().to_list() == released.sort().to_list()
        messages = documents.select("file", "offset", "length").unique().sort("file", "offset")
        for file, offset, length in messages.rows()[::7]:
            official.assertValid(etree.fromstring(read_message(replay / "messages" / file, offset, length)))
