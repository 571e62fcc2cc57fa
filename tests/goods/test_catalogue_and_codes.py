"""The catalogue fills only what is lacking; the nomenclature refuses only what it can know."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

from entrepot.goods import reference
from entrepot.goods.catalogue import Catalogue
from entrepot.goods.catalogue_file import bundled_catalogues
from entrepot.goods.errors import CallError
from entrepot.goods.identifiers import is_resident_id, is_social_credit_code, normal_ids
from entrepot.goods.mapping import load_mapping
from entrepot.goods.nomenclature import Nomenclature, chapter_names
from entrepot.goods.schema import LINE
from tests.goods.helpers import codes, parsed_rows

HEAD = "sku,hs_code,origin_country,unit,net_mass_g,name_en,name_zh,needs_licence,content_quantity,content_unit,status\n"


def _catalogue(folder: Path, *rows: str, head: str = HEAD) -> Catalogue:
    path = folder / "catalogue.csv"
    path.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    return Catalogue.load([path])


LAMP = "L1,9405.21.00,JP,011,250,lamp,台灯,no,,,unconfirmed"


def test_a_catalogue_fills_what_a_line_lacks_and_says_so(tmp_path: Path) -> None:
    found = _catalogue(tmp_path, LAMP).fill(parsed_rows(tmp_path, {"sku": "L1", "quantity": "3", "description": ""}))
    line = found.lines.row(0, named=True)
    assert found.lines.schema == LINE
    assert (line["hs_code"], line["hs_code_source"], line["code_unconfirmed"]) == ("94052100", "catalogue", True)
    assert (line["origin_country"], line["unit"], line["description"], line["name_zh"]) == ("JP", "011", "lamp", "台灯")
    assert (line["net_mass_g"], line["gross_mass_g"], line["needs_licence"]) == (750, 750, False)
    assert found.defaults_used == {"freight": 1, "insurance": 1, "packages": 1, "gross_mass": 1}
    assert found.catalogue_used["hs_code"] == 1


def test_what_the_line_says_stays(tmp_path: Path) -> None:
    given = {
        "sku": "L1",
        "hs_code": "940521",
        "origin_country": "CN",
        "unit": "007",
        "net_mass": "9",
        "needs_licence": "yes",
    }
    line = _catalogue(tmp_path, LAMP).fill(parsed_rows(tmp_path, given)).lines.row(0, named=True)
    assert (line["hs_code"], line["hs_code_source"], line["code_unconfirmed"]) == ("940521", "line", False)
    assert (line["origin_country"], line["unit"], line["net_mass_g"], line["needs_licence"]) == (
        "CN",
        "007",
        9000,
        True,
    )


def test_mass_is_not_filled_over_another_unit_or_a_lighter_gross_mass(tmp_path: Path) -> None:
    catalogue = _catalogue(tmp_path, LAMP)
    other_unit = {"sku": "L1", "unit": "120"}
    lighter = {"sku": "L1", "gross_mass": "0.1"}
    lines = catalogue.fill(parsed_rows(tmp_path, other_unit, lighter)).lines
    assert lines["net_mass_g"].to_list() == [None, None]


def test_mass_is_rounded_half_up_and_never_nothing(tmp_path: Path) -> None:
    catalogue = _catalogue(tmp_path, "S,,,,3,,,,,,")
    lines = catalogue.fill(
        parsed_rows(tmp_path, {"sku": "S", "quantity": "0.5"}, {"sku": "S", "quantity": "0.00001"})
    ).lines
    assert lines["net_mass_g"].to_list() == [2, 1]


def test_bad_lines_and_unknown_articles_are_left_alone(tmp_path: Path) -> None:
    before = parsed_rows(tmp_path, {"sku": "L1", "quantity": "0"}, {"sku": "none"}, {})
    after = _catalogue(tmp_path, LAMP).fill(before)
    assert after.lines["hs_code"].to_list() == [None, None, None]
    assert after.catalogue_used == {}
    assert Catalogue.load().fill(before) is before


def test_the_first_catalogue_wins_and_the_mapping_comes_last(tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("sku,hs_code\n85123A,70139900\n", encoding="utf-8")
    merged = Catalogue.load([mine], load_mapping("online-retail")).frame
    assert merged.filter(pl.col("sku") == "85123A").select("hs_code", "unconfirmed").row(0) == ("70139900", False)
    assert merged.height > 500
    assert merged["sku"].is_unique().all()
    bundled = Catalogue.load(["online-retail"]).frame
    assert bundled["unconfirmed"].all()
    assert bundled_catalogues() == ("online-retail",)


WRONG = [
    (HEAD, "L1,94052,,,,,,,,,", "6, 8 or 10 digits"),
    (HEAD, "L1,,XX,,,,,,,,", "'origin_country': 'XX'"),
    (HEAD, "L1,,,foo,,,,,,,", "'unit': 'foo'"),
    (HEAD, "L1,,,,0.5,,,,,,", "whole grams"),
    (HEAD, "L1,,,,,,,perhaps,,,", "是"),
    (HEAD, "L1,,,,,,,,5,,", "together with content_unit"),
    (HEAD, "L1,,,,,,,,x,ml,", "at most 5 decimals"),
    (HEAD, "L1,,,,,,,,5,litre,", "ml, g, piece"),
    (HEAD, "L1,,,,,,,,,,sure", "confirmed or unconfirmed"),
    (HEAD, ",940521,,,,,,,,,", "'sku'"),
    ("article,hs_code\n", "L1,940521", "no column sku"),
    ("sku,colour\n", "L1,red", "'colour' is not known"),
    ("sku,hs_code\n", "L1,940521\nL1,940529", "two differing rows"),
]


@pytest.mark.parametrize(("head", "rows", "says"), WRONG)
def test_a_wrong_catalogue_names_file_article_and_column(tmp_path: Path, head: str, rows: str, says: str) -> None:
    with pytest.raises(CallError) as caught:
        _catalogue(tmp_path, rows, head=head)
    assert says in str(caught.value)
    assert "catalogue.csv" in str(caught.value)


def test_a_catalogue_that_is_not_there_names_the_bundled_ones() -> None:
    with pytest.raises(CallError, match="one of: online-retail"):
        Catalogue.load(["nowhere.csv"])


def _content(folder: Path, quantity: str) -> int:
    frame = _catalogue(folder, f"L1,,,,,,,,{quantity},ml,").frame
    return int(frame["content_quantity_e5"][0])


def test_content_is_exact(tmp_path: Path) -> None:
    assert _content(tmp_path, "500") == 50_000_000
    assert _content(tmp_path, "0.00001") == 1
    assert _content(tmp_path, "1.5") == 150_000


def test_the_starter_checks_nothing_and_says_so(tmp_path: Path) -> None:
    starter = Nomenclature.load()
    assert starter.complete_digits == frozenset()
    lines = starter.check(parsed_rows(tmp_path, {"hs_code": "99999999"}, {})).lines
    assert lines["code_status"].to_list() == ["not-checked", None]
    assert lines["valid"].all()
    assert set(chapter_names()) == {f"{number:02d}" for number in range(1, 98)}
    assert all(name["en"] and name["zh"] for name in chapter_names().values())


def test_a_complete_list_refuses_what_it_lacks(data_folder: Callable[[str], Path], tmp_path: Path) -> None:
    known = Nomenclature.load([data_folder("hs-nomenclature") / "harmonized_system_hs2022.csv"])
    assert known.complete_digits == {2, 4, 6}
    cells = ["010121", "01012199", "010199", "01019900"]
    found = known.check(parsed_rows(tmp_path, *({"hs_code": code} for code in cells)))
    assert found.lines["code_status"].to_list() == ["listed", "not-checked", "unknown-code", "unknown-code"]
    assert found.lines["valid"].to_list() == [True, True, False, False]
    assert codes(found.problems) == [("hs_code", "goods.code-unknown")] * 2
    assert "harmonized_system_hs2022.csv" in found.problems["message_zh"][0]


def test_eight_digits_are_a_node_of_a_ten_digit_list(data_folder: Callable[[str], Path], tmp_path: Path) -> None:
    known = Nomenclature.load([data_folder("hs-nomenclature-cn-2025") / "nomenclature_cn_2025.csv"])
    assert known.complete_digits == {2, 4, 6, 8, 10}
    ten = next(code for code in known.frame["code"] if len(code) == 10)
    found = known.check(parsed_rows(tmp_path, {"hs_code": ten}, {"hs_code": ten[:8]}, {"hs_code": ten[:8] + "97"}))
    assert found.lines["code_status"].to_list() == ["listed", "listed", "unknown-code"]


@pytest.mark.parametrize(
    ("content", "says"), [("a,b\n1,2\n", "columns found are a, b"), ("code,name_zh\n12A,x\n", "'12A' is no code")]
)
def test_a_wrong_nomenclature_says_why(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CallError, match=says):
        Nomenclature.load([path])
    with pytest.raises(CallError, match="not a readable"):
        Nomenclature.load([tmp_path / "none.csv"])


def test_customs_numbers_are_not_iso_numbers() -> None:
    assert reference.country_number("CN") == "142"
    assert reference.country_of_number("502") == "US"
    assert reference.country_of_number("349") is None
    assert reference.country_number("GG") is None
    assert reference.currency_number("CNY") == "142"
    assert reference.currency_of_number("300") == "EUR"
    assert reference.currency_of_number("999") is None


def test_every_listed_code_is_known_to_iso() -> None:
    known = set(reference.countries().values())
    numbers = [reference.country_number(code) for code in known]
    assert sum(number is not None for number in numbers) > 210
    assert all(reference.currency_number(code) is None or code in reference.currencies() for code in ("USD", "CNY"))


def test_units_convert_only_inside_their_dimension() -> None:
    kilogram, gram, hundred = reference.unit("035"), reference.unit("036"), reference.unit("043")
    assert kilogram is not None
    assert gram is not None
    assert hundred is not None
    assert (kilogram.dimension, kilogram.factor) == ("g", Fraction(1000))
    assert (hundred.dimension, hundred.factor) == ("piece", Fraction(100))
    assert gram.rec20 == "GRM"
    assert reference.unit("999") is None
    assert set(reference.units().values()) <= {code for code in reference.units() if code.isdigit()}


def test_districts_and_offices() -> None:
    assert len([code for code in reference.districts() if code.endswith("00")]) == 42
    assert reference.district_name("2900", "zh") == "杭州海关"
    assert reference.district_name("2901") == "Hangzhou Customs"
    assert reference.district_name("9900") is None
    assert reference.is_district("2233")
    assert not reference.is_district("0300")


def test_units_of_single_articles() -> None:
    """A piece, a set and a pair are one article; dozens, masses, lengths, packings and unknown codes are not."""
    codes_of_one = ["001", "006", "007", "011", "025", "026", "163"]
    assert [code for code in codes_of_one if not reference.is_single_piece(code)] == []
    of_many = ["127", "043", "129", "144", "040", "057", "035", "030", "095", "120", "140", "121", "999", "", "个"]
    assert [code for code in of_many if reference.is_single_piece(code)] == []
    listed = reference.single_piece_units()
    assert listed == tuple(sorted(set(listed)))
    assert all(reference.is_single_piece(code) for code in listed)
    assert set(codes_of_one) < set(listed)


def test_resident_ids_have_a_birth_date_and_a_check_character() -> None:
    ids = ["11010519491231002X", "110105194912310021", "11010519491331002X", "11010519491231002x", "１" * 18, "", None]
    assert is_resident_id(pl.Series(ids)).to_list() == [True, False, False, False, False, False, False]
    assert normal_ids(pl.Series([" １１０１０５１９４９１２３１００２ｘ　", None])).to_list() == ["11010519491231002X", None]


def test_social_credit_codes_are_taken_as_customs_write_them() -> None:
    for code, right in (("91110000600037341L", True), ("91110000600037341M", False), ("91110000600037341l", False),
                        ("９1110000600037341L", False), ("911100006000 7341L", False), ("", False)):  # fmt: skip
        assert is_social_credit_code(code) is right
