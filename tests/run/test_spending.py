"""What a batch adds to yearly limits: moved between two batches, it decides as one batch of both would."""

import random
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from entrepot.goods.errors import InputError
from entrepot.run.clear import Request, clear
from entrepot.run.spending import SPENT, spending
from tests.run.days import CATALOGUE, Row, cleared, lines_of, sample_rows, write_day

DECIDED = ["order_id", "order_price_fen", "limit_rule", "mode", "tax_total", "verdict"]
ADMITTED = ("cn.cbec.within-order-and-yearly-limit", "cn.cbec.single-item-over-order-limit")
PRICES = ("120.00", "999.99", "3000.00", "4999.00", "5000.00", "5000.01", "7000.00", "25999.99", "26000.00", "26000.01")


def order(number: int, buyer: str, price: str, day: str, **more: str) -> Row:
    """A retail import of one article; in legal order when numbered so."""
    return sample_rows("LIM-01")[0] | {
        "order_id": f"O-{number:04d}", "waybill_no": f"W{number}", "buyer_id": buyer, "unit_price": price, "quantity": "1",
        "mode_wanted": "", "declared_on": day, **more,
    }  # fmt: skip


def moved(before: Iterable[pl.DataFrame], path: Path) -> Path:
    """Balances after these batches as a file."""
    summed = pl.concat(list(before)).group_by("buyer_key", "year").agg(pl.col("spent_fen").sum()).sort(pl.all())
    spent = pl.format("{}.{}", pl.col("spent_fen") // 100, (pl.col("spent_fen") % 100).cast(pl.String).str.zfill(2))
    summed.select("buyer_key", "year", spent=spent).write_csv(path)
    return path


@pytest.mark.parametrize("seed", range(3))
def test_two_halves_with_balances_moved_decide_as_the_whole(seed: int, tmp_path: Path, home: Path) -> None:
    """Ten buyers whose orders lie in both halves and in two years, at prices around every limit, some without their freight."""
    draw = random.Random(seed)
    days = ["2025-12-30", "2025-12-31", "2026-01-01", "2026-03-10"]
    rows = [order(number, f"buyer-{draw.randrange(10)}", draw.choice(PRICES), days[number // 30],
                  bonded=draw.choice(["yes", "yes", "no", ""]), buyer_kind=draw.choice(["person", "person", "business"]),
                  incoterm=draw.choice(["", "", "FOB"]), freight="", insurance="")
            for number in range(120)]  # fmt: skip
    whole, first, second = (tmp_path / name for name in ("whole", "first", "second"))
    cleared(whole, home, write_day(tmp_path / "whole.csv", rows))
    cleared(first, home, write_day(tmp_path / "first.csv", rows[:50]))
    balances = moved([spending(first)], tmp_path / "balances.csv")
    cleared(second, home, write_day(tmp_path / "second.csv", rows[50:]), balances=balances)
    certain = lines_of(whole).filter(~pl.col("reasons").list.contains("release.limit-uncertain"))
    halves = pl.concat([lines_of(first), lines_of(second)]).join(certain, on="order_id", how="semi")
    assert_frame_equal(halves.sort("order_id").select(DECIDED), certain.sort("order_id").select(DECIDED))
    admitted = [frame.filter(pl.col("limit_rule").is_in(ADMITTED)).sort("order_id") for frame in (halves, certain)]
    assert admitted[0].get_column("spent_fen").equals(admitted[1].get_column("spent_fen"))
    both = pl.concat([spending(first), spending(second)]).group_by("buyer_key", "year").agg(pl.col("spent_fen").sum())
    assert both.sort(pl.all()).equals(spending(whole).sort(pl.all()))
    assert certain.height > 40
    assert certain.get_column("limit_rule").n_unique() >= 4


def test_what_counts(tmp_path: Path, home: Path) -> None:
    """Admitted orders count, also when something else holds them; refused, incomplete and ordinary ones do not."""
    rows = [
        order(1, "a", "4000.00", "2026-03-10"), order(2, "a", "1000.00", "2025-03-10"),
        order(3, "b", "26000.01", "2026-03-10"), order(4, "c", "4000.00", "2026-03-10", buyer_verified="no"),
        order(5, "d", "4000.00", "2026-03-10"), order(5, "d", "", "2026-03-10", line_no="2"),
        order(6, "", "4000.00", "2026-03-10"), *sample_rows("REX-001"),
    ]  # fmt: skip
    cleared(tmp_path / "day", home, write_day(tmp_path / "orders.csv", rows))
    spent = spending(tmp_path / "day")
    assert spent.schema == SPENT
    keys = dict(lines_of(tmp_path / "day").select("order_id", "buyer_key").unique().rows())
    counted = [(keys["O-0001"], 2026, 400000), (keys["O-0002"], 2025, 100000), (keys["O-0004"], 2026, 400000)]
    assert spent.rows() == sorted(counted)


def test_a_day_without_retail_imports_spends_nothing(tmp_path: Path, home: Path) -> None:
    cleared(tmp_path / "day", home, write_day(tmp_path / "orders.csv", sample_rows("REX-00")))
    assert spending(tmp_path / "day").equals(SPENT.to_frame())


def test_an_unfinished_batch_has_spent_nothing_yet(tmp_path: Path, home: Path) -> None:
    def stop(stage: str, done: int, total: int | None) -> None:
        if stage == "finish":
            raise KeyboardInterrupt

    orders = write_day(tmp_path / "orders.csv", sample_rows("LIM"))
    with pytest.raises(KeyboardInterrupt):
        clear(Request((orders,), tmp_path / "day", home=home, catalogues=(CATALOGUE,)), stop)
    with pytest.raises(InputError, match="not finished"):
        spending(tmp_path / "day")
