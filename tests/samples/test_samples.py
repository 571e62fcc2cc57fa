"""The sample day keeps what its README promises: shape, stories, exact taxes, kinds of bad rows."""

import csv
from collections.abc import Mapping
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from stdnum.cn import ric, uscc

from entrepot.run.clear import Request, clear

SAMPLES = Path(str(files("entrepot"))) / "samples"
ORDERS, CATALOGUE = SAMPLES / "orders.csv", SAMPLES / "catalogue.csv"

Cleared = tuple[Mapping[str, Any], pl.DataFrame, pl.DataFrame]
"""Summary, lines and problems of the sample day."""

RELEASED = "release.nothing-to-check"
NOT_LAWFUL = "release.mode-not-lawful"

STORIES: dict[str, tuple[str, str, str, str]] = {
    # order: mode, rule for the mode, verdict, rule for the verdict
    "TAX-17": ("1210", "cn.1210.over-order-limit", "refuse", NOT_LAWFUL),
    "TAX-18": ("1210", "cn.1210.bonded-import", "release", RELEASED),
    "TAX-19": ("1210", "cn.1210.bonded-import", "hold", "release.tax-unknown"),
    "TAX-20": ("1210", "cn.1210.bonded-import", "release", RELEASED),
    "TAX-21": ("1210", "cn.1210.bonded-import", "hold", "release.tax-unknown"),
    "TAX-22": ("1210", "cn.1210.over-order-limit", "refuse", NOT_LAWFUL),
    "TAX-23": ("1210", "cn.1210.bonded-import", "hold", "release.tax-unknown"),
    "LIM-04": ("1210", "cn.1210.bonded-import", "release", RELEASED),
    "LIM-05": ("1210", "cn.1210.bonded-import", "release", RELEASED),
    "LIM-06": ("1210", "cn.1210.over-yearly-limit", "refuse", NOT_LAWFUL),
    "LIM-07": ("1210", "cn.1210.bonded-import", "release", RELEASED),
    "LIM-08": ("1210", "cn.1210.bonded-import", "release", RELEASED),
    "LIM-09": ("0110", "cn.0110.ordinary-trade", "hold", "release.tax-unknown"),
    "LIM-21": ("1210", "cn.1210.not-on-positive-list", "refuse", NOT_LAWFUL),
    "LIM-22": ("1210", "cn.1210.bonded-import", "hold", "release.tax-unknown"),
    "LIM-23": ("1210", "cn.1210.bonded-import", "release", RELEASED),
    "IMP-01": ("1210", "cn.1210.bonded-import", "hold", "release.positive-list-unknown"),
    "IMP-02": ("1210", "cn.1210.not-on-positive-list", "refuse", NOT_LAWFUL),
    "IMP-03": ("1210", "cn.1210.bonded-import", "hold", "release.buyer-not-verified"),
    "IMP-04": ("1210", "cn.1210.bonded-import", "hold", "release.buyer-identity-missing"),
    "IMP-05": ("1210", "cn.1210.bonded-import", "hold", "release.code-too-short"),
    "IMP-06": ("1210", "cn.1210.bonded-import", "hold", "release.no-code"),
    "IMP-08": ("1239", "cn.1239.excludes-pilot-zone", "refuse", NOT_LAWFUL),
    "IMP-09": ("0110", "cn.0110.ordinary-trade", "hold", "release.tax-unknown"),
    "IMP-10": ("1210", "cn.1210.bonded-import", "release", RELEASED),
    "IMP-11": ("1210", "cn.1210.bonded-import", "hold", "release.tax-unknown"),
    "MKT-01": ("1039", "cn.1039.within-cap", "release", RELEASED),
    "MKT-02": ("1039", "cn.1039.over-cap", "refuse", NOT_LAWFUL),
    "MKT-03": ("1039", "cn.1039.within-cap", "release", RELEASED),
    "MKT-04": ("1039", "cn.1039.within-cap", "release", RELEASED),
    "MKT-05": ("1039", "cn.1039.over-cap", "refuse", NOT_LAWFUL),
    "MKT-06": ("1039", "cn.1039.within-cap", "release", RELEASED),
    "B2B-01": ("9710", "cn.9710.business-direct", "release", RELEASED),
    "B2B-02": ("9710", "cn.9710.business-direct", "release", RELEASED),
    "B2B-05": ("9710", "cn.9710.business-direct", "release", RELEASED),
    "B2B-06": ("9710", "cn.9710.business-direct", "release", RELEASED),
    "B2B-07": ("9710", "cn.9710.business-direct", "release", RELEASED),
    "WHS-01": ("9810", "cn.9810.district-not-joined", "refuse", NOT_LAWFUL),
    "WHS-02": ("9810", "cn.9810.overseas-warehouse", "release", RELEASED),
    "WHS-03": ("9810", "cn.9810.warehouse-not-filed", "refuse", NOT_LAWFUL),
    "WHS-04": ("9810", "cn.9810.overseas-warehouse", "release", RELEASED),
    "WHS-05": ("9810", "cn.9810.overseas-warehouse", "release", RELEASED),
    "WHS-06": ("9810", "cn.9810.warehouse-filing-unknown", "hold", "release.mode-unknown"),
    "WHS-07": ("9810", "cn.9810.overseas-warehouse", "release", RELEASED),
    "GEN-01": ("0110", "cn.0110.ordinary-trade", "release", RELEASED),
    "GEN-04": ("0110", "cn.0110.ordinary-trade", "hold", "release.licence-needed"),
    "BON-01": ("1210", "cn.1210.bonded-export", "release", RELEASED),
    "EXP-01": ("9610", "cn.9610.retail-export", "hold", "release.no-code"),
    "EXP-02": ("9610", "cn.9610.retail-export", "hold", "release.code-too-short"),
    "EXP-03": ("9610", "cn.9610.retail-export", "hold", "release.licence-needed"),
    "EXP-04": ("9610", "cn.9610.goods-to-warehouse", "refuse", NOT_LAWFUL),
    "EXP-05": ("9610", "cn.9610.retail-export", "release", RELEASED),
    "EXP-06": ("9610", "cn.9610.retail-export", "release", RELEASED),
    "EXP-07": ("9610", "cn.9610.retail-export", "release", RELEASED),
    "EXP-10": ("9610", "cn.9610.retail-export", "release", RELEASED),
    "EXP-11": ("9610", "cn.9610.retail-export", "release", RELEASED),
    "EXP-13": ("9610", "cn.9610.retail-export", "hold", "release.message-incomplete"),
}

TAXES: dict[str, tuple[str, ...]] = {
    # order: total tax of each line
    "TAX-01": ("230.59",), "TAX-02": ("27.30",), "TAX-03": ("12.60",), "TAX-04": ("276.70",), "TAX-05": ("27.30",),
    "TAX-06": ("69.18",), "TAX-07": ("27.30",), "TAX-08": ("17.29",), "TAX-09": ("53.66",), "TAX-10": ("116.13",),
    "TAX-11": ("10.01", "20.02"), "TAX-12": ("9.40", "9.40", "9.40"), "TAX-13": ("230.59", "27.30"),
    "TAX-14": ("119.00",), "TAX-15": ("112.00",), "TAX-16": ("91.00",), "TAX-18": ("336.00",), "TAX-20": ("455.00",),
    "TAX-24": ("14.75",), "TAX-25": ("9.64",), "LIM-05": ("273.00",), "LIM-07": ("272.91",), "LIM-08": ("0.09",),
    "LIM-23": ("455.00",), "IMP-10": ("6.01",), "EXP-11": ("0.00",) * 7,
}  # fmt: skip

FORMS = {
    "REX-001": "cn.form.retail-list-a-4-digits", "REB-01": "cn.form.retail-list-b", "OUT-01": "cn.form.retail-list-b",
    "BON-01": "cn.form.bonded-export-list-b", "B2B-01": "cn.form.business-list-a-6-digits",
    "B2B-02": "cn.form.business-declaration", "B2B-03": "cn.form.business-declaration",
    "B2B-04": "cn.form.business-list-b", "EXP-08": "cn.form.retail-list-a-4-digits", "EXP-09": "cn.form.retail-list-a",
    "TAX-01": "cn.form.import-list", "MKT-01": "cn.form.declaration", "WHS-07": "cn.form.business-declaration",
}  # fmt: skip

BAD: dict[str, str] = {
    # order of a bad row: the code of its problem
    "BAD-02": "goods.missing", "BAD-10": "goods.nothing-to-classify", "BAD-11": "goods.not-allowed",
    "BAD-12": "goods.not-a-number", "BAD-13": "goods.not-positive", "BAD-15": "goods.not-finite",
    "BAD-16": "goods.thousands-separator", "BAD-17": "goods.full-width-digits", "BAD-18": "goods.too-many-decimals",
    "BAD-19": "goods.exponent", "BAD-20": "goods.decimal-comma", "BAD-21": "goods.too-large",
    "BAD-22": "goods.amount-too-large", "BAD-23": "goods.date-out-of-range", "BAD-25": "goods.ambiguous-date",
    "BAD-26": "goods.bad-date", "BAD-27": "goods.serial-date", "BAD-28": "goods.unknown-country",
    "BAD-29": "goods.unknown-currency", "BAD-30": "goods.no-rate", "BAD-31": "goods.code-length",
    "BAD-32": "goods.code-characters", "BAD-34": "goods.unknown-unit", "BAD-35": "goods.control-character",
    "BAD-36": "goods.negative", "BAD-39": "goods.not-yes-no", "BAD-42": "goods.not-whole",
    "BAD-43": "goods.gross-below-net", "BAD-44": "goods.unknown-district", "BAD-45": "goods.incomplete-content",
    "BAD-46": "goods.spreadsheet-error", "BAD-61": "goods.duplicate-key", "BAD-62": "goods.order-differs",
    "BAD-63": "goods.order-differs",
}  # fmt: skip


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


@pytest.fixture(scope="module")
def cleared(tmp_path_factory: pytest.TempPathFactory) -> Cleared:
    """The day cleared with its catalogue, nothing drawn for a check."""
    place = tmp_path_factory.mktemp("samples")
    out = place / "out"
    summary = clear(Request(inputs=(ORDERS,), catalogues=(CATALOGUE,), out=out, home=place / "home", sample_ppm=0,
                            message_time="20260310120000"))
    return summary, pl.read_parquet(out / "lines.parquet"), pl.read_csv(out / "problems.csv", infer_schema=False)


@pytest.fixture(scope="module")
def lines(cleared: Cleared) -> pl.DataFrame:
    return cleared[1].sort("order_id", "line_no", "row_id")


def of(lines: pl.DataFrame, order: str) -> list[dict[str, Any]]:
    return lines.filter(pl.col("order_id") == order).to_dicts()


def test_the_file_shows_every_mode_both_directions_and_every_verdict(lines: pl.DataFrame) -> None:
    assert lines.height >= 400
    assert set(lines["direction"].drop_nulls()) == {"export", "import"}
    shown = set(lines.filter(pl.col("mode").is_not_null()).select("direction", "mode").unique().rows())
    assert shown == {("export", mode) for mode in ("0110", "1039", "1210", "9610", "9710", "9810")} | {
        ("import", mode) for mode in ("0110", "1210", "1239", "9610")}
    assert set(lines["verdict"]) == {"release", "hold", "refuse", "invalid"}
    assert {"CNY", "USD", "EUR", "GBP", "JPY"} <= set(lines["currency"])
    sizes = lines.filter(pl.col("verdict") != "invalid").group_by("order_id").len()["len"]
    assert {1, 2, 3, 7} <= set(sizes)


@pytest.mark.parametrize("order", STORIES)
def test_stories_end_as_the_readme_says(lines: pl.DataFrame, order: str) -> None:
    got = {(row["mode"], row["mode_rule"], row["verdict"], row["release_rule"]) for row in of(lines, order)}
    assert got == {STORIES[order]}


@pytest.mark.parametrize("order", TAXES)
def test_taxes_are_exact(lines: pl.DataFrame, order: str) -> None:
    assert [row["tax_total"] for row in of(lines, order)] == [Decimal(tax) for tax in TAXES[order]]


def test_each_tax_is_rounded_on_its_own(lines: pl.DataFrame) -> None:
    row = of(lines, "TAX-01")[0]
    assert (row["duty"], row["consumption_tax"], row["vat"]) == (Decimal("0.00"), Decimal("123.53"), Decimal("107.06"))


def test_tax_is_unknown_and_never_zero_where_a_rate_is_missing(lines: pl.DataFrame) -> None:
    for order in ("TAX-19", "TAX-21", "TAX-23", "LIM-09", "LIM-22", "IMP-09", "IMP-11"):
        assert [row["tax_total"] for row in of(lines, order)] == [None], order


@pytest.mark.parametrize("order", FORMS)
def test_forms(lines: pl.DataFrame, order: str) -> None:
    assert {row["form_rule"] for row in of(lines, order)} == {FORMS[order]}


def test_the_bulk_of_the_day_goes_without_paper(
    cleared: Cleared, lines: pl.DataFrame
) -> None:
    bulk = lines.filter(pl.col("order_id").str.contains("^(REX|REB|OUT|BON|RIM)-"))
    assert bulk.height > 280
    assert set(bulk["verdict"]) == {"release"}
    assert cleared[0]["paperless_ratio"] >= 0.9


def test_the_day_ends_with_the_counts_of_the_readme(cleared: Cleared) -> None:
    summary = cleared[0]
    assert (summary["parcels_released"], summary["parcels"]) == (359, 392)
    assert summary["by_verdict"] == {"release": 401, "hold": 25, "refuse": 13, "invalid": 57}


def test_a_parcel_waits_as_a_whole(lines: pl.DataFrame) -> None:
    assert [row["release_rule"] for row in of(lines, "IMP-07")] == ["release.order-held", "release.tax-unknown"]
    assert [row["verdict"] for row in of(lines, "EXP-12")] == ["hold", "invalid"]
    assert of(lines, "EXP-12")[0]["release_rule"] == "release.order-incomplete"
    assert [row["verdict"] for row in of(lines, "BAD-61")] == ["hold", "invalid"]


def test_a_cancellation_is_held_for_a_person(lines: pl.DataFrame) -> None:
    assert sorted(row["release_rule"] for row in of(lines, "CXL-01")) == ["release.cancelled", "release.order-held"]
    assert [(row["line_kind"], row["release_rule"]) for row in of(lines, "CXL-02")] == [
        ("cancellation", "release.cancellation")]


@pytest.mark.parametrize("order", BAD)
def test_bad_rows_name_their_fault(
    cleared: Cleared, lines: pl.DataFrame, order: str
) -> None:
    rows = lines.filter((pl.col("order_id") == order) & (pl.col("verdict") == "invalid"))["row"].cast(pl.String)
    assert rows.len()
    problems = cleared[2].filter(pl.col("row").is_in(rows.implode()))
    assert problems["code"].unique().to_list() == [BAD[order]]


def test_bad_rows_are_many_and_of_many_kinds(
    cleared: Cleared, lines: pl.DataFrame
) -> None:
    summary, _, problems = cleared
    assert problems["code"].n_unique() >= 25
    assert lines.filter(pl.col("verdict") == "invalid").height == summary["rows_refused"] == 57
    assert summary["rows_in"] == summary["rows_decided"] + summary["rows_refused"] == lines.height == 496
    four = problems.filter(pl.col("row") == str(of(lines, "BAD-51")[0]["row"]))
    assert set(four["field"]) == {"quantity", "unit_price", "currency", "declared_on"}


def test_hostile_texts_reach_the_result_unchanged(lines: pl.DataFrame) -> None:
    given = {row["order_id"]: row["description"] for row in _rows(ORDERS)}
    for order in ("EXP-05", "EXP-06", "EXP-07"):
        assert of(lines, order)[0]["description"] == given[order]


def test_seven_kinds_are_declared_on_six_lines(lines: pl.DataFrame) -> None:
    from entrepot.decide.simplified import simplified_declaration
    from entrepot.law import Law

    declared = simplified_declaration(lines.filter(pl.col("order_id") == "MKT-03"), Law.load())
    assert declared["hs_code"].to_list() == [
        "4202220000", "8513101000", "6214900010", "8301100000", "9503008900", "3926400000"]
    assert declared["kinds"].to_list() == [1, 1, 1, 1, 1, 2]


def test_numbers_have_a_right_check_digit_and_are_nobodys() -> None:
    decided = [row for row in _rows(ORDERS) if not row["order_id"].startswith("BAD")]
    sellers = {row["seller_id"] for row in decided if row["seller_country"] == "CN"}
    assert all(uscc.is_valid(number) and number[2:8] == "990000" for number in sellers)
    people = [row for row in decided if row["buyer_country"] == "CN" and row["buyer_kind"] == "person"]
    buyers = {row["buyer_id"] for row in people} - {""}
    assert all(ric.is_valid(number) and number[6:8] == "18" for number in buyers)


def test_the_catalogue_holds_whole_codes_and_names_in_both_languages() -> None:
    products = _rows(CATALOGUE)
    assert len(products) >= 60
    assert len({row["sku"] for row in products}) == len(products)
    assert all(len(row["hs_code"]) == 10 and row["hs_code"].isdigit() for row in products)
    assert all(row["name_en"].isascii() and not row["name_zh"].isascii() for row in products)
    assert {row["status"] for row in products} == {"confirmed", "unconfirmed"}


def test_codes_left_to_the_catalogue_are_filled(lines: pl.DataFrame) -> None:
    filled = lines.filter(pl.col("hs_code_source") == "catalogue")
    assert filled.height >= 5
    assert filled["hs_code"].null_count() == 0
