"""Every kind of bad value gives its own problem, all in one pass, in both languages."""

from pathlib import Path

import polars as pl
import pytest

from entrepot.goods.schema import PROBLEMS, REQUIRED
from entrepot.goods.texts import LANGUAGES, texts
from tests.goods.helpers import codes, parsed_rows

ONE_BAD_VALUE = [
    ({"order_id": ""}, "order_id", "goods.missing"),
    ({"description": ""}, "description", "goods.nothing-to-classify"),
    ({"quantity": "two"}, "quantity", "goods.not-a-number"),
    ({"unit_price": "NaN"}, "unit_price", "goods.not-finite"),
    ({"unit_price": "-inf"}, "unit_price", "goods.not-finite"),
    ({"quantity": "1e3"}, "quantity", "goods.exponent"),
    ({"unit_price": "1,000.50"}, "unit_price", "goods.thousands-separator"),
    ({"unit_price": "1 000"}, "unit_price", "goods.thousands-separator"),
    ({"unit_price": "12,5"}, "unit_price", "goods.decimal-comma"),
    ({"unit_price": "1.000,50"}, "unit_price", "goods.decimal-comma"),
    ({"quantity": "１２"}, "quantity", "goods.full-width-digits"),
    ({"quantity": "٣"}, "quantity", "goods.full-width-digits"),
    ({"quantity": "-1"}, "quantity", "goods.not-positive"),
    ({"quantity": "0"}, "quantity", "goods.not-positive"),
    ({"unit_price": "-0.00"}, "unit_price", "goods.not-positive"),
    ({"freight": "-0.01"}, "freight", "goods.negative"),
    ({"unit_price": "1.123456"}, "unit_price", "goods.too-many-decimals"),
    ({"net_mass": "0.0005"}, "net_mass", "goods.too-many-decimals"),
    ({"unit_price": "1000000000"}, "unit_price", "goods.too-large"),
    ({"quantity": "9" * 60}, "quantity", "goods.too-large"),
    ({"unit_price": "999999999", "quantity": "99999999"}, "unit_price", "goods.amount-too-large"),
    ({"packages": "1.5"}, "packages", "goods.not-whole"),
    ({"line_no": "0"}, "line_no", "goods.not-positive"),
    ({"declared_on": "yesterday"}, "declared_on", "goods.bad-date"),
    ({"declared_on": "2026-02-30"}, "declared_on", "goods.bad-date"),
    ({"declared_on": "25/03/2026"}, "declared_on", "goods.bad-date"),
    ({"placed_at": "2026-03-01 25:00:00"}, "placed_at", "goods.bad-date"),
    ({"declared_on": "03/04/2026"}, "declared_on", "goods.ambiguous-date"),
    ({"declared_on": "46082"}, "declared_on", "goods.serial-date"),
    ({"declared_on": "1900-01-01"}, "declared_on", "goods.date-out-of-range"),
    ({"declared_on": "2100-01-01"}, "declared_on", "goods.date-out-of-range"),
    ({"placed_at": "1900-01-01 00:00:00"}, "placed_at", "goods.date-out-of-range"),
    ({"buyer_country": "XN"}, "buyer_country", "goods.unknown-country"),
    ({"buyer_country": "United States"}, "buyer_country", "goods.unknown-country"),
    ({"currency": "RMB"}, "currency", "goods.unknown-currency"),
    ({"currency": "XAU"}, "currency", "goods.unknown-currency"),
    ({"unit": "handful"}, "unit", "goods.unknown-unit"),
    ({"customs_district": "9999"}, "customs_district", "goods.unknown-district"),
    ({"customs_district": "290"}, "customs_district", "goods.unknown-district"),
    ({"direction": "transit"}, "direction", "goods.not-allowed"),
    ({"mode_wanted": "0111"}, "mode_wanted", "goods.not-allowed"),
    ({"incoterm": "FREE"}, "incoterm", "goods.not-allowed"),
    ({"platform_sale": "maybe"}, "platform_sale", "goods.not-yes-no"),
    ({"hs_code": "6109100"}, "hs_code", "goods.code-length"),
    ({"hs_code": "61091"}, "hs_code", "goods.code-length"),
    ({"hs_code": "610910000"}, "hs_code", "goods.code-length"),
    ({"hs_code": "6109A0"}, "hs_code", "goods.code-characters"),
    ({"hs_code": "６１０９１０"}, "hs_code", "goods.code-characters"),
    ({"description": "lamp\x01"}, "description", "goods.control-character"),
    ({"description": "lamp\ufffe"}, "description", "goods.control-character"),
    ({"buyer_name": "A\x1b[31m"}, "buyer_name", "goods.control-character"),
    ({"description": "lamp \ufffd"}, "description", "goods.encoding"),
    ({"description": "x" * 10_001}, "description", "goods.too-long"),
    ({"order_id": "x" * 121}, "order_id", "goods.too-long"),
    ({"sku": "#N/A"}, "sku", "goods.spreadsheet-error"),
    ({"quantity": "#DIV/0!"}, "quantity", "goods.spreadsheet-error"),
    ({"net_mass": "2", "gross_mass": "1.999"}, "gross_mass", "goods.gross-below-net"),
    ({"content_quantity": "500"}, "content_quantity", "goods.incomplete-content"),
    ({"content_unit": "ml"}, "content_quantity", "goods.incomplete-content"),
]


@pytest.mark.parametrize(("change", "field", "code"), ONE_BAD_VALUE)
def test_a_bad_value_is_one_problem_and_refuses_its_line_alone(
    tmp_path: Path, change: dict[str, str], field: str, code: str
) -> None:
    found = parsed_rows(tmp_path, {}, change, {})
    assert codes(found.problems) == [(field, code)]
    assert found.problems["row"].to_list() == [2]
    assert found.lines["valid"].to_list() == [True, False, True]


@pytest.mark.parametrize("field", REQUIRED)
def test_each_required_field_is_asked_for(tmp_path: Path, field: str) -> None:
    assert codes(parsed_rows(tmp_path, {field: "  "}, {}).problems) == [(field, "goods.missing")]


def test_all_bad_fields_of_all_rows_come_back_at_once(tmp_path: Path) -> None:
    found = parsed_rows(tmp_path, {"quantity": "0", "currency": "XX", "declared_on": "x"}, {"unit_price": ""})
    assert sorted(codes(found.problems)) == [
        ("currency", "goods.unknown-currency"), ("declared_on", "goods.bad-date"),
        ("quantity", "goods.not-positive"), ("unit_price", "goods.missing"),
    ]  # fmt: skip
    assert found.problems.schema == PROBLEMS


def test_messages_name_field_value_and_what_is_allowed(tmp_path: Path) -> None:
    problem = parsed_rows(tmp_path, {"direction": "{given} $1 transit"}).problems.row(0, named=True)
    assert problem["message_en"] == "direction (direction) is {given} $1 transit; allowed is export | import."
    assert "进出口方向(direction)" in problem["message_zh"]
    assert (problem["given"], problem["allowed"]) == ("{given} $1 transit", "export | import")


def test_personal_values_are_not_repeated(tmp_path: Path) -> None:
    problem = parsed_rows(tmp_path, {"buyer_name": "Wang\x01"}).problems.row(0, named=True)
    assert problem["given"] == "(personal)"
    assert "Wang" not in problem["message_en"] + problem["message_zh"]


def test_a_long_bad_value_is_cut(tmp_path: Path) -> None:
    given = parsed_rows(tmp_path, {"direction": "x" * 5000}).problems["given"][0]
    assert len(given) == 201


def test_an_order_number_of_just_the_allowed_length_is_taken(tmp_path: Path) -> None:
    assert parsed_rows(tmp_path, {"order_id": "单" * 120}).problems.is_empty()


def test_every_problem_has_both_languages_and_a_test() -> None:
    known = texts("goods")
    assert all(entry[language].strip() for entry in known.values() for language in LANGUAGES)
    tested = {code for _, _, code in ONE_BAD_VALUE}
    assert len(tested) >= 25
    elsewhere = {
        "goods.row-shape", "goods.quote", "goods.field-too-big", "goods.nul-byte", "goods.not-json",
        "goods.nested-value", "goods.digits-lost", "goods.code-unknown",
    }  # fmt: skip
    of_other_rooms = {
        "goods.duplicate-key", "goods.order-differs", "goods.no-rate", "goods.code-unconfirmed",
        "goods.code-not-checked", "goods.row-is-good",
    }  # fmt: skip
    assert {code for code in known if code.startswith("goods.")} - of_other_rooms == tested | elsewhere


def test_a_refused_value_is_not_replaced_by_a_default(tmp_path: Path) -> None:
    line = parsed_rows(tmp_path, {"unit": "handful", "packages": "0", "freight": "-1"}).lines
    assert line.select("unit", "packages", "freight_e5").row(0) == (None, None, None)


def test_a_row_of_a_typed_file_is_judged_like_a_text(tmp_path: Path) -> None:
    from tests.goods.helpers import parsed, rows_of

    path = tmp_path / "orders.parquet"
    pl.DataFrame(rows_of({}, {}, {}, {})).with_columns(
        unit_price=pl.Series([2.55, float("nan"), 0.1 + 0.2, -1.0]), quantity=pl.Series([1, 2, 0, 4])
    ).write_parquet(path)
    found = parsed(path)
    assert codes(found.problems) == [
        ("unit_price", "goods.not-finite"), ("quantity", "goods.not-positive"),
        ("unit_price", "goods.too-many-decimals"), ("unit_price", "goods.not-positive"),
    ]  # fmt: skip
    assert found.lines["unit_price_e5"].to_list()[0] == 255_000
