"""The day whose rate a month uses, and the readers of rate files."""

import datetime as dt
import os
from pathlib import Path

import polars as pl
import pytest

from entrepot.goods.errors import InputError
from entrepot.law import Law, LawError
from entrepot.law.customs_rate import MONTHLY, rate_day, read_customs, read_ecb, read_rates

DAY = dt.date
DATA = Path(os.environ.get("ENTREPOT_DATA", Path(__file__).parents[3] / "shared" / "data"))
ECB = DATA / "fx-rates" / "ecb_eurofxref_daily.parquet"
ECB_CSV = "Date,USD,CNY,BGN,\n2026-09-16,1.1537,7.738,N/A,\n2026-09-15,1.15,7.7,N/A,\n2004-01-02,1.2,N/A,1,\n"


@pytest.mark.parametrize(
    ("month", "day"),
    [
        ("2018-03-01", "2018-02-28"),
        ("2021-03-31", "2021-02-24"),
        ("2026-03-01", "2026-02-24"),
        ("2026-10-15", "2026-09-16"),
        ("2025-01-01", "2024-12-18"),
        ("2024-11-30", "2024-10-16"),
        ("2026-05-01", "2026-04-15"),
    ],
)
def test_the_day_of_the_rate(law: Law, month: str, day: str) -> None:
    assert rate_day(DAY.fromisoformat(month), law) == DAY.fromisoformat(day)


def test_a_month_without_a_rule_is_refused(law: Law) -> None:
    with pytest.raises(LawError, match="no rule is loaded for the customs rate of 1999-01"):
        rate_day(DAY(1999, 1, 1), law)


def test_the_ecb_csv_gives_cross_rates_that_are_unconfirmed(law: Law, tmp_path: Path) -> None:
    file = tmp_path / "eurofxref-hist.csv"
    file.write_text(ECB_CSV, encoding="utf-8")
    rows = read_ecb(file, law)
    assert [(row["currency"], row["cny"], row["units"], row["from"], row["rate_day"]) for row in rows] == [
        ("EUR", "7.738", "1", DAY(2026, 10, 1), DAY(2026, 9, 16)),
        ("USD", "7.738", "1.1537", DAY(2026, 10, 1), DAY(2026, 9, 16)),
    ]
    row = law.with_table_rows(MONTHLY, rows).table(MONTHLY).row(DAY(2026, 10, 31), currency="USD")
    assert row is not None
    assert (row["cny"], row["units"], row["kind"], row["unconfirmed"]) == (7_738_000, 1_153_700, "ecb_cross", True)


def test_the_shipped_rates_are_those_of_the_ecb_file(law: Law) -> None:
    if not ECB.exists():
        pytest.skip(f"needs {ECB.relative_to(DATA)} below ENTREPOT_DATA")
    rows = read_ecb(ECB, law, first_month=DAY(2025, 12, 1), last_month=DAY(2026, 11, 30))
    fresh = law.with_table_rows(MONTHLY, rows).table(MONTHLY).frame
    kept = ["currency", "from", "until", "cny", "units", "kind", "rate_day"]
    shipped = law.table(MONTHLY).frame.select(kept)
    assert shipped.height == 96
    assert shipped.join(fresh.select(kept), on=kept, how="anti").is_empty()


def test_a_published_customs_rate_takes_the_place_of_the_stand_in(law: Law, tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(
        "currency,month,cny,units,source\nUSD,2026-10,7.0123,1,notice\nJPY,2026-10,4.5,100,notice\n", encoding="utf-8"
    )
    own = read_rates(file, law)
    days = pl.DataFrame(
        {"declared_on": [DAY(2026, 9, 30), DAY(2026, 10, 1), DAY(2026, 11, 1)], "currency": ["USD"] * 3}
    )
    found = own.lookup(days, MONTHLY, {"currency": "currency"}, take={"kind": "kind", "cny": "cny", "rate_day": "day"})
    assert found.get_column("kind").to_list() == ["ecb_cross", "customs", "ecb_cross"]
    assert found.get_column("kind_unconfirmed").to_list() == [True, False, True]
    assert found.get_column("cny").to_list()[1] == 7_012_300
    assert found.get_column("day").to_list()[1] == DAY(2026, 9, 16)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("currency,month\n", "column cny, units, source is missing"),
        (
            "currency,month,cny,units,source\nusd,2026-10,7,1,x\nUSD,October,7,1,x\nUSD,2026-10,7,1,\nUSD,2026-10,7,0,x\nUSD,2026-10,,1,x\n",
            "line 2: currency 'usd'.*line 3: .*line 4: source is empty.*line 5: units is 0.*line 6: ",
        ),
        ("", "column currency, month, cny, units, source is missing"),
    ],
)
def test_bad_rate_files_are_named_line_by_line(law: Law, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_customs(file, law)


def test_files_that_are_no_tables_are_refused(law: Law, tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    with pytest.raises(InputError, match="cannot be read"):
        read_customs(file, law)
    with pytest.raises(InputError, match="not the ECB's table"):
        read_ecb(file, law)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        read_customs(file, law)
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="not the ECB's table"):
        read_ecb(file, law)
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="not the ECB's table"):
        read_ecb(tmp_path / "x.parquet", law)


def test_rates_of_either_kind_of_file_go_into_the_law(law: Law, tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    file.write_text(ECB_CSV, encoding="utf-8")
    row = read_rates(file, law).table(MONTHLY).row(DAY(2026, 10, 1), currency="USD")
    assert row is not None
    assert (row["cny"], row["kind"]) == (7_738_000, "ecb_cross")
    file.write_text("currency,month,cny,units,source\nUSD,2026-10,7,1,a\nUSD,2026-10,8,1,a\n", encoding="utf-8")
    with pytest.raises(LawError, match="two rows for USD hold on 2026-10-01"):
        read_rates(file, law)
    with pytest.raises(InputError, match="cannot be read"):
        read_rates(tmp_path / "nothing.csv", law)
