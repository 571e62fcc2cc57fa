"""Every pre-send rule: an order that keeps it passes, one that breaks it is named with rule and element."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from entrepot.goods.texts import all_texts
from entrepot.messages.ceb import RULES, Documents, Sender, build, check, message_problems, with_guids, write_lists
from tests.messages.orders import APP_TIME, IMPORT, LINE, lines, orders, persons

USCC = "91110000600037341L"
BAD_LINE: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = [
    ("603", "ceb.R1-missing", "gname", LINE, {"description": None}),
    ("603", "ceb.R1-missing", "gcode", LINE, {"hs_code": None}),
    ("603", "ceb.R1-missing", "grossWeight", LINE, {"gross_mass_g": None}),
    ("603", "ceb.R1-missing", "unit", LINE, {"unit": None}),
    ("303", "ceb.R1-missing", "itemName", LINE, {"description": ""}),
    ("621", "ceb.R1-missing", "gcode", IMPORT, {"hs_code": None}),
    ("603", "ceb.R1-unknown-code", "country", LINE, {"buyer_country": "AQ"}),
    ("603", "ceb.R1-unknown-code", "fCurrency", LINE, {"currency": "XOF"}),
    ("621", "ceb.R1-unknown-code", "country", IMPORT, {"origin_country": "AQ"}),
    ("603", "ceb.R1-length", "gcode", LINE, {"list_form": "B", "hs_code": "610910"}),
    ("621", "ceb.R1-length", "gcode", IMPORT, {"hs_code": "610910"}),
    ("603", "ceb.R1-length", "itemNo", LINE, {"sku": "S" * 21}),
    ("603", "ceb.R1-length", "gname", LINE, {"description": "长" * 251}),
    ("603", "ceb.R1-length", "orderNo", LINE, {"order_id": "B" * 61}),
    ("603", "ceb.R1-character", "gname", LINE, {"description": "tea\x07"}),
    ("603", "ceb.R1-character", "gname", LINE, {"description": "tea\uffff"}),
    ("603", "ceb.R4-total", "totalPrice", LINE, {"goods_value_e5": 2_599_001}),
    ("603", "ceb.R7-no-weight", "netWeight", LINE, {"net_mass_g": 0}),
    ("603", "ceb.R7-net-over-gross", "netWeight", LINE, {"net_mass_g": 421}),
    ("621", "ceb.R7-one-package", "packNo", IMPORT, {"packages": 2}),
    ("603", "ceb.R8-second-unit", "qty2", LINE, {"unit2": "035"}),
    ("603", "ceb.R8-first-quantity", "qty1", LINE, {"unit1": "011", "quantity1_e5": 100_000}),
    ("621", "ceb.R9-bonded", "itemRecordNo", IMPORT, {"mode": "1210", "sku": None}),
    ("603", "ceb.R10-zone", "itemRecordNo", LINE, {"mode": "1210", "sku": None}),
]


def found(kind: str, frame: pl.DataFrame, sender: Sender) -> list[tuple[str, str, str]]:
    documents = build(kind, frame, persons(frame), sender, APP_TIME)
    return check(documents, sender).select("order_id", "rule", "element").rows()


@pytest.mark.parametrize(("kind", "rule", "element", "base", "change"), BAD_LINE)
def test_broken_rule_is_named(
    kind: str, rule: str, element: str, base: dict[str, Any], change: dict[str, Any], sender: Sender
) -> None:
    frame = lines({"order_id": "A-1"}, {"order_id": "B-2", "waybill_no": "2"} | change, base=base)
    assert found(kind, frame, sender) == [(frame["order_id"][1], rule, element)]


@pytest.mark.parametrize(("kind", "base"), [("303", LINE), ("603", LINE), ("621", IMPORT)])
@pytest.mark.parametrize("change", [
    {}, {"goods_value_e5": 2_599_000}, {"net_mass_g": 420}, {"sku": "S" * 20}, {"description": "长" * 250},
    {"sku": None}, {"unit1": "035", "quantity1_e5": 36_000}, {"unit2": "035", "quantity2_e5": 36_000},
    {"unit1": "011", "quantity1_e5": 200_000}, {"description": "tea\t\n<&>"}, {"mode": "1210"},
])  # fmt: skip
def test_kept_rules_pass(kind: str, base: dict[str, Any], change: dict[str, Any], sender: Sender) -> None:
    assert found(kind, lines(change, base=base), sender) == []


@pytest.mark.parametrize(("kind", "base", "most"), [("303", LINE, 100), ("603", LINE, 100), ("621", IMPORT, 99)])
def test_number_of_items_is_bounded(kind: str, base: dict[str, Any], most: int, sender: Sender) -> None:
    def of(count: int) -> list[tuple[str, str, str]]:
        return found(kind, lines(*({"line_no": place + 1} for place in range(count)), base=base), sender)

    assert of(most) == []
    assert of(most + 1) == [("A-1", "ceb.R12-items", "")]


def test_waybill_number_is_used_once_per_carrier(sender: Sender) -> None:
    frame = lines({"order_id": "A-1"}, {"order_id": "A-2"}, {"order_id": "A-3", "waybill_no": "other"})
    assert found("603", frame, sender) == [(f"A-{n}", "ceb.R14-waybill", "logisticsNo") for n in (1, 2)]
    assert [row[0] for row in found("603", frame.head(2), sender)] == ["A-1", "A-2"]


def test_waybill_used_again_in_another_slice_is_found(
    sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entrepot.messages.ceb.lists.ORDERS_AT_ONCE", 3)
    frame = pl.concat([orders(7), lines({"order_id": "B-1", "waybill_no": "YT000001"})])
    twice = ["A-000001", "B-1"]
    assert message_problems(frame, None, sender, ["603"])["order_id"].to_list() == twice
    found = write_lists(frame, None, sender, ["303", "603"], None, tmp_path, "1", APP_TIME)
    assert found.problems.select("order_id", "rule").rows() == [(order, "ceb.R14-waybill") for order in twice]
    assert not set(twice) & set(found.index["order_id"])
    assert found.counts["orders-refused"] == 2


def test_persons_are_found_for_each_slice(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrepot.messages.ceb.lists.ORDERS_AT_ONCE", 3)
    frame = orders(10, IMPORT)
    known = persons(frame).filter(pl.col("order_id") != "A-000004").sort("order_id", descending=True)
    twice = pl.concat([known, known])
    assert message_problems(frame, twice, sender, ["621"]).rows() == [("A-000004", "ceb.R1-missing")]


def test_sum_too_large_for_the_element_is_refused(sender: Sender) -> None:
    huge = {"unit_price_e5": 9 * 10**16, "quantity_e5": 100_000, "goods_value_e5": 9 * 10**16 + 1}
    frame = lines(*({"line_no": place + 1} | huge for place in range(100)))
    assert found("303", frame.head(90), sender) == []
    assert ("A-1", "ceb.R1-missing", "goodsValue") in found("303", pl.concat([frame, frame]), sender)


def test_order_whose_lines_disagree_is_named(sender: Sender) -> None:
    frame = lines({"order_id": "A-1"}, {"order_id": "A-1", "line_no": 2, "currency": "EUR"},
                  {"order_id": "A-2", "waybill_no": "2"})  # fmt: skip
    documents = build("303", frame, None, sender, APP_TIME)
    assert check(documents, sender).select("order_id", "rule", "given").rows() == [
        ("A-1", "ceb.R6-mixed-order", "currency")
    ]


@pytest.mark.parametrize(
    "number",
    ["110105194912310021", "11010519491331002X", "1101051949123100", "E12345678", "0" * 18],
)
def test_impossible_identity_number_is_refused_and_not_shown(number: str, sender: Sender) -> None:
    frame = lines({}, base=IMPORT)
    problems = check(build("621", frame, persons(frame, buyer_id=number), sender, APP_TIME), sender)
    assert problems.select("rule", "given").rows() == [("ceb.R15-identity", "***")]


@pytest.mark.parametrize("number", ["11010519491231002x", "１１０１０５１９４９１２３１００２Ｘ", "11010519491231002ｘ"])
def test_identity_number_is_written_in_upper_case_plain_characters(number: str, sender: Sender) -> None:
    frame = lines({}, base=IMPORT)
    documents = build("621", frame, persons(frame, buyer_id=number), sender, APP_TIME)
    assert check(documents, sender).is_empty()
    assert documents.fixed_head["buyerIdNumber"] == "11010519491231002X"


@pytest.mark.parametrize(("total_fen", "broken"), [(314_925, False), (314_931, False), (314_932, True)])
def test_import_total_may_differ_by_the_rounding_of_the_converted_price(
    total_fen: int, broken: bool, sender: Sender
) -> None:
    """20000 pieces at a price rounded to 0.00001: 0.10 may come of rounding, 0.01 is allowed anyhow."""
    change = {"currency": "JPY", "quantity_e5": 20_000 * 100_000, "unit_price_e5": 333_000,
              "goods_value_e5": 6_660_000_000, "goods_fen": 314_925}  # fmt: skip
    frame = lines(change, base=IMPORT)
    documents = build("621", frame, persons(frame), sender, APP_TIME)
    assert documents.items.get_column("price").to_list() == [15_746]
    other = replace(documents, items=documents.items.with_columns(totalPrice=pl.lit(total_fen * 1000, pl.Int64)))
    assert check(other, sender).get_column("rule").to_list() == (["ceb.R4-total"] if broken else [])


def test_export_total_keeps_to_the_hundredth_however_many_pieces(sender: Sender) -> None:
    many = {"quantity_e5": 20_000 * 100_000, "unit_price_e5": 333_000}
    for total, rules in ((6_660_001_000, []), (6_660_001_001, ["ceb.R4-total"])):
        documents = build("603", lines(many | {"goods_value_e5": total}), None, sender, APP_TIME)
        assert check(documents, sender).get_column("rule").to_list() == rules


def test_a_sellers_own_number_is_not_a_company_code(sender: Sender) -> None:
    frame = lines({"seller_id": "SELLER0001", "seller_name": "Shop"})
    assert build("603", frame, None, sender, APP_TIME).fixed_head["ebcCode"] == sender.company.code


def test_import_without_a_person_is_refused(sender: Sender) -> None:
    frame = lines({}, base=IMPORT)
    documents = build("621", frame, None, sender, APP_TIME)
    assert check(documents, sender).get_column("element").to_list() == [
        "buyerIdNumber", "buyerName", "buyerTelephone", "consigneeAddress",
    ]  # fmt: skip


def test_sender_gaps_are_named(sender: Sender) -> None:
    bare = replace(sender, area=None, ems_no=None, traf_no=None)
    frame = lines({"order_id": "A-1"}, {"order_id": "A-2", "mode": "1210", "waybill_no": "2"}, base=IMPORT)
    assert found("621", frame, bare) == [
        ("A-2", "ceb.R9-bonded", "emsNo"), ("A-2", "ceb.R9-bonded", "areaCode"),
        ("A-2", "ceb.R9-bonded", "areaName"), ("A-1", "ceb.R9-direct", "trafNo"),
    ]  # fmt: skip
    assert found("603", lines({"mode": "1210"}), bare) == [
        ("A-1", "ceb.R10-zone", name) for name in ("iacCode", "iacName", "emsNo")
    ]


def changed(documents: Documents, **columns: pl.Expr) -> Documents:
    return replace(documents, heads=documents.heads.with_columns(**columns))


def test_rules_on_finished_documents(sender: Sender) -> None:
    documents = with_guids(build("603", orders(3), None, sender, APP_TIME))
    assert check(documents, sender).is_empty()
    repeated = changed(documents, guid=pl.col("guid").first())
    assert check(repeated, sender).get_column("rule").to_list() == ["ceb.R2-guid"] * 3
    lower = changed(documents, guid=pl.col("guid").str.to_lowercase())
    assert check(lower, sender).height == 3
    gap = replace(documents, items=documents.items.with_columns(gnum=pl.col("gnum") + 1))
    assert check(gap, sender).get_column("rule").to_list() == ["ceb.R3-item-number"] * 3


def test_goods_value_is_the_sum_of_the_items(sender: Sender) -> None:
    documents = build("303", orders(2), None, sender, APP_TIME)
    off = changed(documents, goodsValue=pl.col("goodsValue") + 1)
    assert check(off, sender).select("rule", "given").rows() == [("ceb.R4-goods-value", "25.98001")] * 2


def test_import_list_in_other_money_is_refused(sender: Sender) -> None:
    frame = lines({}, base=IMPORT)
    documents = build("621", frame, persons(frame), sender, APP_TIME)
    dollars = replace(documents, fixed_item={**documents.fixed_item, "currency": "502"})
    assert check(dollars, sender).get_column("rule").to_list() == ["ceb.R5-currency"]


def test_company_code_must_be_possible(sender: Sender) -> None:
    documents = build("603", orders(1), None, sender, APP_TIME)
    for code, rules in ((USCC, []), ("91110000600037341M", ["ceb.R15-company"])):
        other = replace(documents, fixed_head={**documents.fixed_head, "ebcCode": code})
        assert check(other, sender).get_column("rule").to_list() == rules


def test_all_problems_come_at_once_in_both_languages(sender: Sender) -> None:
    frame = lines({"sku": "S" * 21, "net_mass_g": 500, "description": None})
    problems = check(build("603", frame, None, sender, APP_TIME), sender)
    assert set(problems["rule"]) == {"ceb.R1-missing", "ceb.R1-length", "ceb.R7-net-over-gross"}
    assert problems.filter(rule="ceb.R7-net-over-gross").select("given", "allowed").row(0) == ("0.5", "≤ grossWeight")
    assert problems.filter(pl.col("message_en") == pl.col("message_zh")).is_empty()


def test_every_rule_has_its_texts() -> None:
    assert set(RULES) <= set(all_texts())


def test_first_failing_rule_of_each_order_before_release(sender: Sender) -> None:
    frame = pl.concat([
        orders(3), lines({"order_id": "B-1", "waybill_no": "x", "sku": "S" * 21, "net_mass_g": 500}),
        lines({"order_id": "B-2", "waybill_no": "y", "net_mass_g": 500}),
    ])  # fmt: skip
    assert message_problems(frame, None, sender, ["303", "603"]).rows() == [
        ("B-1", "ceb.R1-length"), ("B-2", "ceb.R7-net-over-gross"),
    ]  # fmt: skip


def test_first_rules_agree_with_the_full_check(sender: Sender) -> None:
    changes = [change for kind, _, _, _, change in BAD_LINE if kind == "603" and "order_id" not in change]
    frame = lines(*({"order_id": f"A-{place:03d}", "waybill_no": str(place)} | change
                    for place, change in enumerate(changes)))  # fmt: skip
    documents = build("603", frame, None, sender, APP_TIME)
    assert set(check(documents, sender)["order_id"]) == set(message_problems(frame, None, sender, ["603"])["order_id"])
