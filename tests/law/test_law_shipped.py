"""What is shipped: every leaf well told, uncertain ones marked, the numbers of the worked facts in place."""

import datetime as dt

import pytest

from entrepot.law import Law, ScalarLeaf, TableLeaf

DAY = dt.date
NUMBERS = [
    ("cn/cbec/order_limit", "2018-12-31", "2000.00"),
    ("cn/cbec/order_limit", "2019-01-01", "5000.00"),
    ("cn/cbec/tax_share", "2020-01-01", "0.7"),
    ("cn/cbec/duty_rate", "2020-01-01", "0"),
    ("cn/cbec/single_item_over_order_limit", "2018-12-31", "general_trade"),
    ("cn/cbec/single_item_over_order_limit", "2019-01-01", "full_tax"),
    ("cn/cbec/small_tax_exemption", "2016-04-08", "false"),
    ("cn/vat/standard", "2018-04-30", "0.17"),
    ("cn/vat/standard", "2018-05-01", "0.16"),
    ("cn/vat/standard", "2019-04-01", "0.13"),
    ("cn/vat/reduced", "2017-06-30", "0.13"),
    ("cn/vat/reduced", "2017-07-01", "0.11"),
    ("cn/vat/reduced", "2018-05-01", "0.1"),
    ("cn/vat/reduced", "2026-01-01", "0.09"),
    ("cn/ct/cosmetics_price_per_piece", "2026-01-01", "15"),
    ("cn/mode/9810_warehouse_filing", "2024-12-14", "true"),
    ("cn/mode/9810_warehouse_filing", "2024-12-15", "false"),
    ("cn/mode/b2b_nationwide", "2021-06-30", "false"),
    ("cn/mode/b2b_nationwide", "2021-07-01", "true"),
    ("cn/mode/1039/cap", "2026-01-01", "150000.00"),
    ("cn/pilot_zones/count", "2026-01-01", "178"),
    ("cn/cbec/positive_list_size", "2022-03-01", "1476"),
    ("cn/returns/cross_district_nationwide", "2026-03-31", "false"),
    ("cn/returns/relief", "2027-12-31", "true"),
    ("cn/mode/9610/list_code_digits_limit", "2026-06-01", "5000.00"),
]


@pytest.mark.parametrize(("path", "day", "text"), NUMBERS)
def test_the_numbers_of_the_facts(law: Law, path: str, day: str, text: str) -> None:
    held = law.value(path, DAY.fromisoformat(day))
    assert held is not None
    assert held.text == text


def test_relief_for_returns_ends_after_its_last_day(law: Law) -> None:
    assert law.value("cn/returns/relief", DAY(2028, 1, 1)) is None


def test_every_leaf_is_titled_in_both_languages_and_sourced(law: Law) -> None:
    for path in law.paths():
        leaf = law.leaf(path)
        assert set(leaf.title) == {"en", "zh"}
        assert all(leaf.title.values())
        for one in leaf.values if isinstance(leaf, ScalarLeaf) else leaf.rows if isinstance(leaf, TableLeaf) else ():
            assert one.source.doc, path
            assert one.checked_on, path


def test_what_is_marked_uncertain_is_unconfirmed(law: Law) -> None:
    for path in law.paths():
        leaf = law.leaf(path)
        for one in leaf.values if isinstance(leaf, ScalarLeaf) else leaf.rows if isinstance(leaf, TableLeaf) else ():
            assert (one.mark == "?") == (one.status == "unconfirmed"), path
    for path in ("cn/cbec/rounding_mode", "cn/cbec/exact_yearly_limit_single_item", "cn/returns/last_day_inside"):
        assert all(one.unconfirmed for one in law.history(path))


def test_no_raised_list_limit_is_loaded_from_a_rumour(law: Law) -> None:
    assert [one.text for one in law.history("cn/mode/9610/list_code_digits_limit")] == ["5000.00"]
    assert "10,000" in str(law.leaf("cn/mode/9610/list_code_digits_limit").note)
    assert [one.value for one in law.history("cn/cbec/yearly_limit")] == [2_000_000, 2_600_000]


def test_a_heading_is_never_both_subject_and_free(law: Law) -> None:
    day = DAY(2026, 1, 1)
    subject = law.table("cn/ct/class_by_code").on(day).get_column("hs_prefix")
    free = law.table("cn/ct/not_subject_by_code").on(day).get_column("hs_prefix")
    assert not [(one, other) for one in subject for other in free if one.startswith(other) or other.startswith(one)]


@pytest.mark.parametrize(
    ("code", "vat", "ct"),
    [
        ("33030000", "standard", "cosmetics"),
        ("3304990099", "standard", "cosmetics"),
        ("1901101000", "standard", None),
        ("49019900", "reduced", None),
        ("42022200", "standard", None),
        ("22042100", "standard", "wine_and_other_alcohol"),
        ("22083000", "standard", "spirits"),
        ("91021100", "standard", "watches"),
        ("95063100", "standard", "golf"),
        ("07020000", None, None),
        ("84329000", None, None),
        ("30049000", None, None),
    ],
)
def test_classes_of_codes(law: Law, code: str, vat: str | None, ct: str | None) -> None:
    rows = {path: longest(law, path, code) for path in ("cn/vat/class_by_code", "cn/ct/class_by_code")}
    assert rows == {"cn/vat/class_by_code": vat, "cn/ct/class_by_code": ct}


def longest(law: Law, path: str, code: str) -> str | None:
    """The class of the longest prefix."""
    rows = law.table(path).on(DAY(2026, 1, 1)).rows(named=True)
    found = [row for row in rows if code.startswith(row["hs_prefix"])]
    column = list(law.table(path).columns)[1]
    return max(found, key=lambda row: len(row["hs_prefix"]))[column] if found else None


@pytest.mark.parametrize(
    ("district", "day", "joined"),
    [
        ("2200", "2020-08-31", False),
        ("2200", "2020-09-01", True),
        ("5300", "2020-06-30", False),
        ("5300", "2020-07-01", True),
        ("9400", "2021-06-30", False),
    ],
)
def test_roll_out_by_district(law: Law, district: str, day: str, joined: bool) -> None:
    for mode in ("9710", "9810"):
        row = law.table(f"cn/mode/{mode}_districts").row(DAY.fromisoformat(day), district=district)
        assert (row is not None) == joined


@pytest.mark.parametrize(
    ("mode", "created"),
    [
        ("9610", "2014-02-10"),
        ("1039", "2014-07-01"),
        ("1210", "2014-08-01"),
        ("1239", "2016-12-01"),
        ("9710", "2020-07-01"),
        ("9810", "2020-07-01"),
    ],
)
def test_modes_exist_from_the_day_they_were_created(law: Law, mode: str, created: str) -> None:
    day, table = DAY.fromisoformat(created), law.table("cn/mode/codes")
    assert table.row(day - dt.timedelta(days=1), mode=mode) is None
    assert table.row(day, mode=mode) is not None
