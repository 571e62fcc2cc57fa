"""Good values become typed columns exactly."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.goods.amounts import mass_g, number_e5, whole
from entrepot.goods.days import day, moment
from entrepot.goods.schema import INPUT_FIELDS, LINE, PERSONS
from tests.goods.helpers import GOOD, KEY, codes, parsed_rows


def test_a_bare_row_gets_every_column_and_the_documented_defaults(tmp_path: Path) -> None:
    found = parsed_rows(tmp_path, {})
    line = found.lines.row(0, named=True)
    assert found.lines.schema == LINE
    assert found.persons.schema == PERSONS
    assert codes(found.problems) == []
    assert (line["source_file"], line["row"], line["row_id"], line["valid"]) == ("orders.csv", 1, 0, True)
    assert (line["unit_price_e5"], line["quantity_e5"]) == (1_250_000, 200_000)
    assert (line["unit"], line["origin_country"], line["packages"], line["line_kind"]) == ("007", "CN", 1, "sale")
    assert (line["freight_e5"], line["insurance_e5"], line["net_mass_g"]) == (None, None, None)
    assert found.defaults_used == {"origin_country": 1, "unit": 1, "freight": 1, "insurance": 1, "packages": 1}


def test_defaults_are_counted_on_valid_lines_only(tmp_path: Path) -> None:
    found = parsed_rows(tmp_path, {"packages": "2"}, {"quantity": "0"}, {"net_mass": "0.5"})
    assert found.defaults_used["packages"] == 1
    assert found.defaults_used["gross_mass"] == 1
    assert found.lines["gross_mass_g"].to_list() == [None, None, 500]


@pytest.mark.parametrize(
    ("term", "counted"),
    [("FOB", set()), ("CFR", {"freight"}), ("CIF", {"freight", "insurance"}), ("", {"freight", "insurance"})],
)
def test_charges_taken_as_included_are_counted_but_filled_only_where_lines_are_valued(
    tmp_path: Path, term: str, counted: set[str]
) -> None:
    found = parsed_rows(tmp_path, {"incoterm": term}, {"incoterm": term, "freight": "1", "insurance": "0"})
    assert found.lines.select("freight_e5", "insurance_e5").rows() == [(None, None), (100_000, 0)]
    assert set(found.defaults_used) & {"freight", "insurance"} == counted
    assert all(found.defaults_used[name] == 1 for name in counted)


def test_origin_of_an_import_is_not_guessed(tmp_path: Path) -> None:
    line = parsed_rows(tmp_path, {"direction": "import", "seller_country": "JP", "buyer_country": "CN"}).lines
    assert line["origin_country"].to_list() == [None]


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"hs_code": "6109.10.00"}, "hs_code", "61091000"),
        ({"hs_code": "0101 21 0010"}, "hs_code", "0101210010"),
        ({"hs_code": "010121"}, "hs_code", "010121"),
        ({"buyer_country": "usa"}, "buyer_country", "US"),
        ({"currency": "eur"}, "currency", "EUR"),
        ({"unit": "千克"}, "unit", "035"),
        ({"unit": "Pcs"}, "unit", "011"),
        ({"unit": "035"}, "unit", "035"),
        ({"platform_sale": "是"}, "platform_sale", True),
        ({"platform_sale": "No"}, "platform_sale", False),
        ({"platform_sale": ""}, "platform_sale", None),
        ({"incoterm": "fob"}, "incoterm", "FOB"),
        ({"direction": "Export"}, "direction", "export"),
        ({"customs_district": "2233"}, "customs_district", "2233"),
        ({"net_mass": "1.2340"}, "net_mass_g", 1234),
        ({"unit_price": "+1.50000000"}, "unit_price_e5", 150_000),
        ({"unit_price": ".5"}, "unit_price_e5", 50_000),
        ({"unit_price": "999999999.99999"}, "unit_price_e5", 99_999_999_999_999),
        ({"packages": "3.0"}, "packages", 3),
        ({"description": "'=1+1"}, "description", "=1+1"),
        ({"description": "'tis"}, "description", "'tis"),
        ({"description": "  台灯\u3000"}, "description", "台灯"),
        ({"content_quantity": "500", "content_unit": "ml"}, "content_quantity_e5", 50_000_000),
        ({"line_kind": "cancellation"}, "line_kind", "cancellation"),
    ],
)
def test_a_good_value_is_read(tmp_path: Path, change: dict[str, str], column: str, value: object) -> None:
    found = parsed_rows(tmp_path, change)
    assert codes(found.problems) == []
    assert found.lines[column].to_list() == [value]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", date(2026, 3, 1)),
        ("2026/3/1", date(2026, 3, 1)),
        ("2026.03.01", date(2026, 3, 1)),
        ("2026年3月1日", date(2026, 3, 1)),
        ("20260301", date(2026, 3, 1)),
        ("20260301235959", date(2026, 3, 1)),
        ("2026-03-01 23:59:59", date(2026, 3, 1)),
        ("2026-03-01T23:59:59.123456789", date(2026, 3, 1)),
        ("2026-03-01T16:00:00Z", date(2026, 3, 2)),
        ("2026-03-01T15:59:59Z", date(2026, 3, 1)),
        ("2026-03-01T23:00:00-08:00", date(2026, 3, 2)),
        ("2026-02-29", None),
        ("26-03-01", None),
        ("2026-3-1x", None),
    ],
)
def test_days_are_legal_days_in_shanghai(text: str, expected: date | None) -> None:
    assert day(pl.Series([text, None])).to_list() == [expected, None]


def test_typed_days_and_moments_are_read() -> None:
    naive, aware = datetime(2026, 3, 1, 20), datetime(2026, 3, 1, 20, tzinfo=UTC)
    assert day(pl.Series([naive])).to_list() == [date(2026, 3, 1)]
    assert day(pl.Series([aware])).to_list() == [date(2026, 3, 2)]
    assert moment(pl.Series([naive]), "Asia/Shanghai")[0] == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert moment(pl.Series([date(2026, 3, 1)]), "UTC")[0] == datetime(2026, 3, 1, tzinfo=UTC)


def test_moments_know_their_zone_and_move_by_years() -> None:
    texts = pl.Series(["2011-07-01 12:00:00", "2011-07-01T12:00:00+02:00", "2011-07-01T12:00", "soon"])
    found = moment(texts, "Europe/London", shift_years=15).to_list()
    assert found[0] == found[2] == datetime(2026, 7, 1, 11, tzinfo=UTC)
    assert found[1] == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert found[3] is None


def test_an_hour_skipped_in_spring_is_still_a_moment() -> None:
    skipped = moment(pl.Series(["2026-03-29 01:30:00"]), "Europe/London")[0]
    assert skipped == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


NUMBERS = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.decimals(min_value=0, max_value=10**9, places=5).map(str),
    st.from_regex(r"[+-]?[0-9]{0,14}\.?[0-9]{0,8}", fullmatch=True),
    st.text(alphabet="0123456789.+-eE, ", max_size=20),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=30))
def test_a_number_is_read_exactly_or_not_at_all(texts: list[str]) -> None:
    frame = pl.DataFrame({"n": texts}, schema={"n": pl.String})
    for text, got in zip(texts, frame.select(number_e5("n", pl.String()))["n"], strict=True):
        if got is not None:
            assert Decimal(got) == Decimal(text).scaleb(5)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.decimals(min_value=0, max_value=10**9 - 1, places=5), min_size=1, max_size=30))
def test_every_number_of_five_decimals_is_read_from_text_and_from_floats(numbers: list[Decimal]) -> None:
    wanted = [int(number.scaleb(5)) for number in numbers]
    texts = pl.DataFrame({"n": [str(f"{number:f}") for number in numbers]})
    floats = pl.DataFrame({"n": [float(number) for number in numbers]})
    decimals = pl.DataFrame({"n": pl.Series(numbers, dtype=pl.Decimal(38, 7))})
    for frame in (texts, floats, decimals):
        assert frame.select(number_e5("n", frame.schema["n"]))["n"].to_list() == wanted


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_float_is_what_its_shortest_decimal_says(number: float) -> None:
    got = pl.DataFrame({"n": [number]}).select(number_e5("n", pl.Float64()))["n"][0]
    exact = Decimal(repr(number)).scaleb(5) if number == number and abs(number) < 1e9 else None
    if exact is not None and exact == exact.to_integral_value():
        assert got == int(exact)
    elif exact is not None:
        assert got is None


def test_other_numeric_types() -> None:
    narrow = pl.DataFrame({"n": pl.Series([0.1, 2.55], dtype=pl.Float32)})
    assert narrow.select(number_e5("n", pl.Float32()))["n"].to_list() == [10_000, 255_000]
    assert narrow.select(mass_g("n", pl.Float32()))["n"].to_list() == [100, 2550]
    counts = pl.DataFrame({"n": [3, 2**62]})
    assert counts.select(number_e5("n", pl.Int64()))["n"].to_list() == [300_000, None]
    assert counts.select(mass_g("n", pl.Int64()))["n"].to_list()[0] == 3000
    floats = pl.DataFrame({"n": [3.0, 3.5, float("nan")]})
    assert floats.select(whole("n", pl.Float64()))["n"].to_list() == [3, None, None]


def test_buyers_are_keyed_and_their_data_stay_apart(tmp_path: Path) -> None:
    person = {"buyer_id": "11010519491231002x", "buyer_name": "Li", "buyer_telephone": "138"}
    found = parsed_rows(tmp_path, person, {**person, "buyer_id": "11010519491231002X"}, {**person, "order_id": "A2"})
    keys = found.lines["buyer_key"].to_list()
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
    personal = {field.name for field in INPUT_FIELDS if field.kind == "personal"}
    assert not personal & set(found.lines.columns)
    assert found.persons.select("order_id", "buyer_name").unique().sort("order_id").rows() == [
        ("A1", "Li"),
        ("A2", "Li"),
    ]
    assert "Li" not in str(found.lines.rows())


def test_the_key_decides_the_hash() -> None:
    from entrepot.goods.parse import buyer_keys

    ids = pl.Series(["a", None, "b"])
    one, other = buyer_keys(ids, KEY).to_list(), buyer_keys(ids, b"another key of 32 bytes length..").to_list()
    assert one[1] is None
    assert not set(one) & set(other) - {None}


def test_one_number_written_in_several_ways_is_one_buyer() -> None:
    from entrepot.goods.parse import buyer_keys

    ways = ["11010519491231002X", "11010519491231002x", "１１０１０５１９４９１２３１００２Ｘ", " 11010519491231002ｘ　"]
    keys = buyer_keys(pl.Series([*ways, "110105194912310021"]), KEY)
    assert keys.null_count() == 0
    assert len(set(keys[:4])) == 1
    assert keys[4] != keys[0]


def test_a_float_id_and_code_mean_their_whole_number(tmp_path: Path) -> None:
    from tests.goods.helpers import parsed

    path = tmp_path / "orders.parquet"
    pl.DataFrame([GOOD]).with_columns(hs_code=pl.lit(6109100000.0), buyer_id=pl.lit(17850.0)).write_parquet(path)
    found = parsed(path)
    assert found.lines["hs_code"].to_list() == ["6109100000"]
    assert found.persons["buyer_id"].to_list() == ["17850"]
