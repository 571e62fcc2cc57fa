"""The benchmark's day is the same for everyone, goes through the whole chain, and its figures have their stable names."""

import json
from hashlib import blake2b
from pathlib import Path

import polars as pl
import pytest
from bench.day import main
from bench.draw import Draws, shares, zipf
from bench.make_day import FAULTS, distinct, lines, make_day, parcels
from bench.table import table

from entrepot.goods.identifiers import is_resident_id
from entrepot.goods.schema import FIELDS, REQUIRED
from entrepot.messages.ceb.sender import is_company_code

SIZE, DAY = 3000, 100_000
STABLE = {"lines", "seconds", "lines_per_s", "peak_rss_bytes", "copy_seconds", "stages"}


def splitmix(number: int, salt: int) -> int:
    """The published algorithm, in Python's whole numbers."""
    mask = (1 << 64) - 1
    z = (number * 0x9E3779B97F4A7C15 + salt) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def test_the_draw_is_splitmix_in_wrapping_integers() -> None:
    draws = Draws(7, pl.int_range(1000, dtype=pl.UInt64))
    drawn = pl.select(bits=draws.bits("x"), again=draws.bits("x"), other=draws.bits("y"))
    salt = int.from_bytes(blake2b(b"7/x", digest_size=8).digest())
    assert drawn["bits"].to_list() == [splitmix(number, salt) for number in range(1000)]
    assert drawn["again"].to_list() == drawn["bits"].to_list() != drawn["other"].to_list()


def test_tables_hold_what_their_weights_say() -> None:
    assert shares([3, 1], bits=2).to_list() == [0, 0, 0, 1]
    assert zipf(50_000).n_unique() == 50_000


def test_a_day_does_not_depend_on_its_chunks() -> None:
    whole = lines(1, SIZE, 0, SIZE)
    pieces = pl.concat(lines(1, SIZE, first, 700) for first in range(0, 2800, 700))
    assert whole.head(2800).equals(pieces)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one", "same", "other")]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        make_day(path, SIZE, seed)
    one, same, other = (path.read_bytes() for path in paths)
    assert one == same
    assert one != other


@pytest.fixture(scope="module")
def day() -> pl.DataFrame:
    return lines(1, DAY, 0, DAY)


def test_a_day_has_the_columns_of_the_schema(day: pl.DataFrame) -> None:
    assert set(day.columns) <= FIELDS.keys()
    assert set(REQUIRED) <= set(day.columns)
    assert day.schema["unit_price"] == pl.Decimal(12, 2)


def test_orders_are_whole_and_unique(day: pl.DataFrame, tmp_path: Path) -> None:
    known = day.filter(pl.col("order_id").is_not_null())
    keys = known.select("order_id", "line_no")
    assert parcels(DAY) == DAY * 8 // 10
    assert not keys.is_duplicated().any()
    day.write_parquet(tmp_path / "day.parquet")
    assert 0 <= parcels(DAY) - distinct(tmp_path / "day.parquet")["order_id"] < DAY // 1000


def test_buyers_and_sellers_carry_numbers_that_check(day: pl.DataFrame) -> None:
    residents = day.filter(direction="import")["buyer_id"]
    assert is_resident_id(residents).all()
    assert all(is_company_code(code) for code in day["seller_id"].unique())


def test_some_buyers_meet_their_yearly_limit(day: pl.DataFrame) -> None:
    paid = day.filter(direction="import", currency="CNY").group_by("buyer_id").agg(
        spent=(pl.col("unit_price") * pl.col("quantity")).sum())
    assert (paid["spent"] > 26_000).any()


def test_two_rows_in_a_thousand_are_bad(day: pl.DataFrame) -> None:
    bad = day.filter((pl.col("quantity") == 0) | (pl.col("currency") == "XBT") | (pl.col("buyer_country") == "ZZ"))
    assert 0.5 < bad.height / (DAY * 0.002 * 3 / len(FAULTS)) < 1.5


def test_a_small_day_gives_one_line_of_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["day", "--lines", str(SIZE), "--json", "--keep", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    facts = json.loads(out)
    assert list(facts)[:6] == ["lines", "seconds", "lines_per_s", "peak_rss_bytes", "copy_seconds", "stages"]
    assert facts.keys() >= STABLE
    assert facts["rows_in"] == facts["lines"] == facts["rows_decided"] + facts["rows_refused"] == SIZE
    assert facts["parcels"] == parcels(SIZE)
    assert 0.8 < facts["paperless_ratio"] < 1
    assert facts["lists"] > 0.8 * facts["parcels"]
    assert facts["peak_rss_bytes"] > 50_000_000
    assert {"take-in", "check-orders", "decide", "finish", "decide.tax"} <= facts["stages"].keys()
    assert facts["openfisca"] is None or facts["openfisca"]["disagreements"] == 0
    assert "whole chain" in table(facts)
    assert {path.suffix for path in tmp_path.iterdir()} == {".parquet", ".json"}


@pytest.mark.parametrize("arguments", [[], ["day", "--lines", "10"], ["week"]])
def test_a_wrong_call_ends_with_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
