"""The same input and law give the same bytes; how a day is cut into pieces changes no decision."""

import random
from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from entrepot.run import clear
from tests.run.days import (
    ORDERS,
    Row,
    cleared,
    decisions,
    documents,
    hashes,
    make_home,
    many_days,
    sample_rows,
    write_day,
)
from tests.run.small_pieces import small_pieces


@pytest.fixture
def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seventy rows at a time are read, about 150 are decided together; put back afterwards."""
    for name in ("ROWS_PER_CHUNK", "Intake"):
        monkeypatch.setattr(clear, name, getattr(clear, name))
    small_pieces(batch_rows=70, chunk_rows=150)


def test_same_input_and_law_give_the_same_bytes(sample_day: Path, tmp_path: Path, home: Path) -> None:
    cleared(tmp_path / "elsewhere" / "day", home)
    first, again = hashes(sample_day), hashes(tmp_path / "elsewhere" / "day")
    assert {"lines.parquet", "summary.json", "report.html", "manifest.json", "messages/621-00000.xml.zst"} <= set(first)
    assert again == first


def test_size_of_pieces_changes_no_decision(
    sample_day: Path, tmp_path: Path, home: Path, in_small_pieces: None
) -> None:
    summary = cleared(tmp_path / "day", home)
    assert len(list((tmp_path / "day" / "messages").glob("303-*"))) == 4
    assert_frame_equal(decisions(tmp_path / "day"), decisions(sample_day))
    assert_frame_equal(persons(tmp_path / "day"), persons(sample_day))
    whole = cleared(sample_day, home)
    assert {name: value for name, value in summary.items() if name != "messages"} == {
        name: value for name, value in whole.items() if name != "messages"}
    assert counted(summary["messages"]) == counted(whole["messages"])


def test_order_of_rows_and_files_changes_no_decision(
    sample_day: Path, tmp_path: Path, home: Path, in_small_pieces: None
) -> None:
    """Only which of two rows with one key is the first is a matter of place, so BAD-61 is left out."""
    head, *rows = (row for row in ORDERS.read_text(encoding="utf-8").splitlines() if not row.startswith("BAD-61"))
    random.Random(2).shuffle(rows)
    for number, part in enumerate((rows[:200], rows[200:])):
        (tmp_path / f"{number}.csv").write_text("\n".join([head, *part]), encoding="utf-8")
    cleared(tmp_path / "day", home, tmp_path / "0.csv", tmp_path / "1.csv")
    kept = pl.col("order_id").ne_missing(pl.lit("BAD-61"))
    assert_frame_equal(decisions(tmp_path / "day"), decisions(sample_day).filter(kept))


def test_a_buyer_spread_over_a_long_day_has_one_limit(tmp_path: Path, home: Path, in_small_pieces: None) -> None:
    """Nine orders of 3,000 CNY lie far apart among other orders; the first eight fit into 26,000."""
    rows = list(many_days(2))
    asked = buying_orders(sample_rows("LIM-01")[0], 9)
    for number, row in enumerate(reversed(asked)):
        rows.insert(number * 90, row)
    cleared(tmp_path / "day", home, write_day(tmp_path / "orders.csv", rows))
    found = decisions(tmp_path / "day").filter(pl.col("order_id").str.starts_with("FAR-")).sort("order_id")
    assert found.get_column("limit_rule").to_list() == [
        *["cn.cbec.within-order-and-yearly-limit"] * 8, "cn.cbec.over-yearly-limit"]


def test_a_waybill_on_two_orders_far_apart_is_seen(tmp_path: Path, home: Path, in_small_pieces: None) -> None:
    rows = list(many_days(2))
    first, last = (next(row for row in rows if row["order_id"] == order) for order in ("REX-001-0", "REX-002-1"))
    last |= {"carrier": first["carrier"], "waybill_no": first["waybill_no"]}
    cleared(tmp_path / "day", home, write_day(tmp_path / "orders.csv", rows))
    reused = decisions(tmp_path / "day").filter(pl.col("reasons") == "release.waybill-reused")
    assert reused.select("order_id", "verdict").rows() == [("REX-001-0", "hold"), ("REX-002-1", "hold")]
    assert not {order for _, _, order in documents(tmp_path / "day")} & {"REX-001-0", "REX-002-1"}


def buying_orders(row: Row, count: int) -> list[Row]:
    """Orders of 3,000.00 CNY of one buyer nobody else is."""
    return [row | {"order_id": f"FAR-{number}", "buyer_id": "far-away", "quantity": "1", "unit_price": "3000",
                   "waybill_no": f"FAR{number}", "mode_wanted": ""} for number in range(count)]  # fmt: skip


def persons(folder: Path) -> pl.DataFrame:
    """Who is in the batch; one who is in two pieces of an input is there twice."""
    return pl.read_parquet(folder / "persons.parquet").unique().sort(pl.all())


def counted(messages: dict[str, dict[str, int]]) -> dict[str, int]:
    return {kind: written["documents"] for kind, written in messages.items()}


def test_another_installation_gives_other_keys_and_the_same_decisions(
    sample_day: Path, tmp_path: Path
) -> None:
    """All but the draw: the key of a buyer and the drawn parcels belong to the installation."""
    cleared(tmp_path / "day", make_home(tmp_path / "home", "77" * 32))
    mine, other = decisions(sample_day), decisions(tmp_path / "day")
    assert not set(mine.get_column("buyer_key").drop_nulls()) & set(other.get_column("buyer_key").drop_nulls())
    settled = ["order_id", "line_no", "mode", "mode_rule", "tax_rule", "duty", "consumption_tax", "vat", "tax_total"]
    assert_frame_equal(mine.select(settled).sort(pl.all()), other.select(settled).sort(pl.all()))


def lines_as(rows: Iterable[Row], suffix: str, folder: Path) -> Path:
    """The rows as a file of another kind."""
    frame = pl.DataFrame(list(rows)).select(pl.all().replace("", None))
    path = folder / f"orders.{suffix}"
    writers: dict[str, Callable[[Path], object]] = {
        "parquet": frame.write_parquet, "jsonl": frame.write_ndjson, "xlsx": frame.write_excel}
    writers[suffix](path)
    return path


def test_kind_of_file_changes_no_decision(tmp_path: Path, home: Path) -> None:
    rows = sample_rows("LIM", "TAX", "MKT", "EXP", "WHS", "IMP")
    cleared(tmp_path / "csv", home, write_day(tmp_path / "orders.csv", rows))
    for suffix in ("parquet", "jsonl", "xlsx"):
        cleared(tmp_path / suffix, home, lines_as(rows, suffix, tmp_path))
        assert_frame_equal(decisions(tmp_path / suffix), decisions(tmp_path / "csv"))
