"""Opening balances: what a buyer has already used of this year's limit when the day begins."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from entrepot.goods.errors import CallError
from entrepot.run.balances import read_balances
from entrepot.run.home import open_home
from tests.run.days import Row, cleared, lines_of, sample_rows, write_day

WITHIN, OVER = "cn.cbec.within-order-and-yearly-limit", "cn.cbec.over-yearly-limit"
KEY = bytes(32)


def orders_of(buyers: Sequence[str], price: str = "5000.00") -> list[Row]:
    """One retail import order for each buyer named, in this order."""
    plain = sample_rows("LIM-01")[0]
    return [plain | {"order_id": f"O-{number}", "waybill_no": f"W{number}", "buyer_id": buyer, "unit_price": price,
                     "quantity": "1", "mode_wanted": "1210"} for number, buyer in enumerate(buyers)]  # fmt: skip


def rules(tmp_path: Path, home: Path, rows: Sequence[Row], balances: str | None = None) -> list[str]:
    """The rule of the limits for each order of a day with these balances."""
    more = {}
    if balances is not None:
        (tmp_path / "balances.csv").write_text(f"buyer_id,year,spent\n{balances}", encoding="utf-8")
        more = {"balances": tmp_path / "balances.csv"}
    cleared(tmp_path / "day", home, write_day(tmp_path / "orders.csv", rows), **more)
    found: list[str] = lines_of(tmp_path / "day").get_column("limit_rule").to_list()
    return found


@pytest.mark.parametrize(
    ("balances", "expected"),
    [
        (None, WITHIN),
        ("b,2026,21000.00\n", WITHIN),
        ("b,2026,21000.01\n", OVER),
        ("b,2025,26000\n", WITHIN),
        ("other,2026,26000\n", WITHIN),
        ("b,2026,0\nother,2026,26000\nb,2025,26000\n", WITHIN),
    ],
)
def test_a_balance_moves_the_decision(balances: str | None, expected: str, tmp_path: Path, home: Path) -> None:
    assert rules(tmp_path, home, orders_of(["b"]), balances) == [expected]


def test_one_buyer_in_lower_and_upper_case(tmp_path: Path, home: Path) -> None:
    """Six times 5,000 is over 26,000, however the letters of the number are written."""
    assert rules(tmp_path, home, orders_of(["id-7x", "ID-7X"] * 3)) == [*[WITHIN] * 5, OVER]


def test_a_balance_finds_its_buyer_whatever_the_case(tmp_path: Path, home: Path) -> None:
    assert rules(tmp_path, home, orders_of(["id-7X"]), "ID-7x,2026,22000\n") == [OVER]


def test_buyers_without_a_number_share_nothing(tmp_path: Path, home: Path) -> None:
    assert rules(tmp_path, home, orders_of([""] * 6), "b,2026,26000\n") == [WITHIN] * 6


def test_balances_are_kept_without_names(tmp_path: Path, home: Path) -> None:
    rules(tmp_path, home, orders_of(["b"]), "b,2026,12.30\n")
    stored = pl.read_parquet(tmp_path / "day" / "balances.parquet")
    key = lines_of(tmp_path / "day").item(0, "buyer_key")
    assert stored.rows() == [(key, 2026, 1230)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("buyer_id,year\na,2026\n", "no column 'spent'"),
        ("buyer_id;year;spent\na;2026;1\n", "no column 'buyer_id'"),
        ("buyer_id,year,spent\na,2026,1\nb,26,1\n", "line 3:"),
        ("buyer_id,year,spent\na,2026,-1\n", "line 2:"),
        ("buyer_id,year,spent\na,2026,1.005\n", "line 2:"),
        ("buyer_id,year,spent\na,2026,1e3\n", "line 2:"),
        ("buyer_id,year,spent\na,2026,NaN\n", "line 2:"),
        ("buyer_id,year,spent\na,2026,\n", "line 2:"),
        ('buyer_id,year,spent\na,2026,"1,000.00"\n', "line 2:"),
        ("buyer_id,year,spent\n,2026,1\n", "line 2:"),
        ("buyer_id,year,spent\n  ,2026,1\n", "line 2:"),
        ("buyer_id,year,spent\na,2026,１\n", "line 2:"),
        ("buyer_id,year,spent\na,2026,1\nA,2026,2\n", "two balances for one year"),
        ("buyer_id,year,spent\na,2026,1\n a ,2026,2\n", "two balances for one year"),
        ("buyer_key,buyer_id,year,spent\n" + "a" * 32 + ",a,2026,1\n", "both buyer_id and buyer_key"),
        ("buyer_key,year,spent\n110101187001013007,2026,1\n", "line 2: give a buyer_key"),
        ("buyer_key,year,spent\n" + "A" * 32 + ",2026,1\n", "line 2: give a buyer_key"),
        ("buyer_key,year\n" + "a" * 32 + ",2026\n", "no column 'spent'"),
    ],
)
def test_a_bad_file_is_named_with_the_line(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "balances.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CallError) as refused:
        read_balances(path, KEY)
    assert str(refused.value).startswith(str(path))
    assert said in str(refused.value)


def test_a_balance_by_key_is_the_balance_by_number(tmp_path: Path, home: Path) -> None:
    """Who keeps balances by key needs no identity number."""
    key = open_home(home).key("buyer")
    (tmp_path / "by-id.csv").write_text("buyer_id,year,spent\nb,2026,21000.01\n", encoding="utf-8")
    by_id = read_balances(tmp_path / "by-id.csv", key)
    (tmp_path / "by-key.csv").write_text(f"buyer_key,year,spent\n{by_id.item(0, 0)},2026,21000.01\n", encoding="utf-8")
    assert read_balances(tmp_path / "by-key.csv", bytes(32)).equals(by_id)
    cleared(tmp_path / "day", home, write_day(tmp_path / "orders.csv", orders_of(["b"])), balances=tmp_path / "by-key.csv")
    assert lines_of(tmp_path / "day").get_column("limit_rule").to_list() == [OVER]


def test_other_bytes_are_no_balances(tmp_path: Path) -> None:
    for name, content in (("a", b"PAR1\0\0"), ("b", "买家".encode("gb18030") * 9), ("c", bytes(range(256)))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CallError, match=name):
            read_balances(tmp_path / name, KEY)
    with pytest.raises(CallError, match="cannot be read"):
        read_balances(tmp_path, KEY)
