"""Documents and messages are valid, canonical, complete and the same every time."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from lxml import etree

from entrepot.goods.errors import CallError
from entrepot.messages.ceb import (
    NoSigner,
    RsaSigner,
    Sender,
    build,
    compose,
    document_texts,
    elements,
    messages,
    read,
    read_message,
    with_guids,
    write_lists,
)
from tests.messages.orders import APP_TIME, IMPORT, LINE, lines, orders, persons

HOSTILE = "<b>&amp; \"quoted\" 'single' ]]> 🚢 女式\t\r\n末"
Valid = Callable[[str, bytes], None]
KIND_BASE = [("303", LINE), ("603", LINE), ("621", IMPORT)]


def written(kind: str, frame: pl.DataFrame, sender: Sender, signer: RsaSigner | NoSigner) -> list[bytes]:
    documents = with_guids(build(kind, frame, persons(frame), sender, APP_TIME))
    return [message.content for message in messages(documents, sender, signer)]


def values(content: bytes, name: str) -> list[str]:
    return [node.text or "" for node in etree.fromstring(content).iter(f"{{http://www.chinaport.gov.cn/ceb}}{name}")]


@pytest.mark.parametrize(("kind", "base"), KIND_BASE)
def test_messages_are_valid_against_the_official_schema(
    kind: str, base: dict[str, Any], valid: Valid, sender: Sender, signer: RsaSigner
) -> None:
    variety = lines(
        {"order_id": "A-1", "waybill_no": "1"}, {"order_id": "A-1", "line_no": 2, "waybill_no": "1", "sku": None},
        {"order_id": "A-2", "waybill_no": "2", "description": HOSTILE, "freight_e5": 123, "freight_fen": 5},
        {"order_id": "A-3", "waybill_no": "3", "quantity_e5": 1, "unit_price_e5": 99_999_999_999_999, "packages": 3},
        {"order_id": "A-4", "waybill_no": "4", "mode": "1210", "currency": "EUR", "list_form": "B"},
        base=base,
    )  # fmt: skip
    for content in written(kind, variety, sender, signer):
        valid(kind, content)


@pytest.mark.parametrize(("kind", "base"), KIND_BASE)
def test_message_bytes_are_canonical(kind: str, base: dict[str, Any], sender: Sender, signer: RsaSigner) -> None:
    frame = lines({"description": HOSTILE}, base=base)
    content = written(kind, frame, sender, signer)[0]
    declaration, body = content.split(b"\n", 1)
    assert declaration == b'<?xml version="1.0" encoding="UTF-8"?>'
    assert etree.tostring(etree.fromstring(content), method="c14n") == body


def test_hostile_text_arrives_unchanged(sender: Sender) -> None:
    content = written("603", lines({"description": HOSTILE, "sku": "A&B<C>"}), sender, NoSigner())[0]
    assert values(content, "gname") == [HOSTILE]
    assert values(content, "itemNo") == ["A&B<C>"]


def test_numbers_are_exact_and_plain(sender: Sender) -> None:
    frame = lines(
        {"order_id": "A-1", "unit_price_e5": 1_299_000, "goods_value_e5": 1, "gross_mass_g": 420},
        {"order_id": "A-2", "unit_price_e5": 9_007_199_254_740_993, "goods_value_e5": 0, "gross_mass_g": 1_000_000},
        {"order_id": "A-3", "unit_price_e5": 100_000, "goods_value_e5": 10_000_000_000, "gross_mass_g": 1},
    )
    content = written("603", frame, sender, NoSigner())[0]
    assert values(content, "price") == ["12.99", "90071992547.40993", "1"]
    assert values(content, "totalPrice") == ["0.00001", "0", "100000"]
    assert values(content, "grossWeight") == ["0.42", "1000", "0.001"]


@pytest.mark.parametrize(
    ("mode", "form", "given", "gcode"),
    [
        ("9610", "A", "6109100022", "6109000000"), ("9610", "A", "610910", "6109000000"),
        ("9710", "A", "610910", "6109100000"), ("9810", "A", "6109100022", "6109100000"),
        ("9710", "B", "6109100022", "6109100022"), ("9610", "B", "6109100022", "6109100022"),
    ],
)  # fmt: skip
def test_list_code_by_form_and_mode(mode: str, form: str, given: str, gcode: str, sender: Sender) -> None:
    frame = lines({"mode": mode, "list_form": form, "hs_code": given})
    assert values(written("603", frame, sender, NoSigner())[0], "gcode") == [gcode]


@pytest.mark.parametrize(("digits", "gcode"), [(4, "6109000000"), (6, "6109100000"), (10, "6109100022")])
def test_list_code_has_the_digits_the_form_asks_for(digits: int, gcode: str, sender: Sender) -> None:
    frame = lines({"order_id": "A-1", "code_digits": digits}, {"order_id": "A-2", "code_digits": 10})
    assert values(written("603", frame, sender, NoSigner())[0], "gcode") == [gcode, "6109100022"]


@pytest.mark.parametrize(("mode", "order_type"), [("9610", "E"), ("9710", "B"), ("9810", "W")])
def test_order_type_by_mode(mode: str, order_type: str, sender: Sender) -> None:
    content = written("303", lines({"mode": mode}), sender, NoSigner())[0]
    assert values(content, "orderType") == [order_type]


def test_list_says_what_the_lines_say(sender: Sender) -> None:
    frame = lines(
        {"order_id": "A-1", "gross_mass_g": 100, "net_mass_g": 90, "freight_e5": 150_000},
        {"order_id": "A-1", "line_no": 2, "gross_mass_g": 50, "net_mass_g": 40, "freight_e5": 50_000},
        {"order_id": "A-2", "waybill_no": "YT2", "buyer_country": "GB", "currency": "GBP"},
    )
    content = written("603", frame, sender, NoSigner())[0]
    expected = {
        "orderNo": ["A-1", "A-2"], "gnum": ["1", "2", "1"], "grossWeight": ["0.15", "0.42"], "freight": ["2", "0"],
        "POD": ["502", "303"], "fCurrency": ["502", "303"], "country": ["502", "502", "502", "303", "303"],
        "ieDate": ["20260301"] * 2, "ebpCode": ["无"] * 2, "logisticsNo": ["YT0001", "YT2"], "packNo": ["1", "1"],
    }  # fmt: skip
    assert {name: values(content, name) for name in expected} == expected


def test_import_list_is_in_yuan(sender: Sender, signer: RsaSigner) -> None:
    frame = lines(
        {"order_id": "A-1", "currency": "CNY"},
        {"order_id": "A-2", "waybill_no": "2", "currency": "USD", "quantity_e5": 300_000, "goods_fen": 10_000,
         "freight_fen": 1_234},
        base=IMPORT,
    )  # fmt: skip
    content = written("621", frame, sender, signer)[0]
    assert values(content, "currency") == ["142"] * 4
    assert values(content, "price") == ["12.99", "33.33333"]
    assert values(content, "totalPrice") == ["25.98", "100"]
    assert values(content, "freight") == ["0", "12.34"]
    assert values(content, "buyerName") == ["李小宝"] * 2


def test_bonded_and_direct_imports_differ(sender: Sender, signer: RsaSigner) -> None:
    frame = lines({"order_id": "A-1"}, {"order_id": "A-2", "mode": "1210"}, base=IMPORT)
    direct, bonded = list(etree.fromstring(written("621", frame, sender, signer)[0]))[:2]
    named = [{etree.QName(node).localname: node.text for node in document[0]} for document in (direct, bonded)]
    assert named[0]["country"] == "116"
    assert named[1]["country"] == "142"
    assert "billNo" in named[0]
    assert "billNo" not in named[1]
    assert "emsNo" in named[1]
    assert "emsNo" not in named[0]


def test_valid_seller_wins_over_the_sender(sender: Sender) -> None:
    frame = lines(
        {"order_id": "A-1", "seller_id": "91110000600037341L", "seller_name": "北京某公司"},
        {"order_id": "A-2", "seller_id": "91110000600037341A", "seller_name": "错误代码"},
        {"order_id": "A-3", "seller_id": "3301960XXX", "seller_name": None},
    )
    content = written("603", frame, sender, NoSigner())[0]
    assert values(content, "ebcCode") == ["91110000600037341L", "0000000000", "0000000000"]
    assert values(content, "ebcName")[0] == "北京某公司"


def test_long_order_number_gets_a_short_document_number(sender: Sender, signer: RsaSigner) -> None:
    frame = lines({"order_id": "A-1"}, {"order_id": "B" * 40, "waybill_no": "2"}, base=IMPORT)
    first, second = values(written("621", frame, sender, signer)[0], "copNo")
    assert first == "A-1"
    assert re.fullmatch(r"[0-9A-F]{20}", second)


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (100, [100]), (101, [100, 1]), (1_050, [100] * 10 + [50])])
def test_at_most_hundred_documents_in_a_message(count: int, sizes: list[int], sender: Sender) -> None:
    contents = written("603", orders(count), sender, NoSigner())
    assert [len(values(content, "orderNo")) for content in contents] == sizes
    assert [name for content in contents for name in values(content, "orderNo")] == [
        f"A-{place:06d}" for place in range(count)
    ]


def test_items_follow_their_heads_across_blocks(sender: Sender) -> None:
    frame = pl.concat([orders(2_345), orders(2_345).with_columns(line_no=pl.lit(2, pl.Int64), sku=pl.col("order_id"))])
    texts = document_texts(with_guids(build("603", frame.sort("order_id", "line_no"), None, sender, APP_TIME)))
    for place, text in enumerate(texts.to_list()):
        assert text.count("<ceb:InventoryList>") == 2
        assert f"<ceb:itemNo>A-{place:06d}</ceb:itemNo>" in text


def test_guid_depends_on_the_document_key_alone(sender: Sender) -> None:
    def guids(frame: pl.DataFrame, kind: str = "603") -> list[str]:
        return with_guids(build(kind, frame, None, sender, APP_TIME)).heads.get_column("guid").to_list()

    first = guids(orders(3))
    assert guids(orders(5, description="other", unit_price_e5=1))[:3] == first
    assert len({*first, *guids(orders(3), "303")}) == 6
    assert all(re.fullmatch(r"[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-A[0-9A-F]{3}-[0-9A-F]{12}", guid) for guid in first)


def test_same_call_gives_the_same_bytes(tmp_path: Path, sender: Sender, signer: RsaSigner) -> None:
    frame = pl.concat([orders(250), orders(250, IMPORT).with_columns(order_id="I" + pl.col("order_id"))])
    for name in ("one", "two"):
        write_lists(frame, persons(frame), sender, ["303", "603", "621"], signer, tmp_path / name, "1", APP_TIME)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_index_leads_to_the_document(tmp_path: Path, sender: Sender, signer: RsaSigner) -> None:
    frame = orders(315)
    found = write_lists(frame, None, sender, ["303", "603"], None, tmp_path, "0001", APP_TIME)
    assert found.index.height == 630
    assert found.counts["documents-603"] == 315
    assert found.counts["messages-603"] == 4
    for row in found.index.gather_every(37).iter_rows(named=True):
        message = read(read_message(tmp_path / row["file"], row["offset"], row["length"]))
        head = message.documents.heads.row(row["document_no"] - 1, named=True)
        assert (head["orderNo"], head["guid"], message.documents.kind) == (row["order_id"], row["guid"], row["kind"])


def test_nothing_is_left_when_writing_fails(tmp_path: Path, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("stop")

    monkeypatch.setattr("entrepot.messages.ceb.archive.messages", fail)
    with pytest.raises(RuntimeError, match="stop"):
        write_lists(orders(3), None, sender, ["603"], None, tmp_path, "1", APP_TIME)
    assert not list(tmp_path.iterdir())


def test_orders_with_a_problem_in_one_kind_are_written_in_none(tmp_path: Path, sender: Sender) -> None:
    frame = lines({"order_id": "A-1"}, {"order_id": "A-2", "waybill_no": "2", "sku": "S" * 25})
    found = write_lists(frame, None, sender, ["303", "603"], None, tmp_path, "1", APP_TIME)
    assert found.index.get_column("order_id").to_list() == ["A-1", "A-1"]
    assert found.problems.select("order_id", "kind", "element").rows() == [("A-2", "603", "itemNo")]


def test_empty_lines_write_nothing(tmp_path: Path, sender: Sender) -> None:
    found = write_lists(orders(0), None, sender, ["303", "603"], None, tmp_path, "1", APP_TIME)
    assert found.index.is_empty()
    assert not list(tmp_path.iterdir())


def test_only_the_lines_of_a_kind_are_taken(sender: Sender) -> None:
    frame = lines(
        {"order_id": "1"}, {"order_id": "2", "mode": "0110"}, {"order_id": "3", "direction": "import"},
        {"order_id": "4", "list_form": None, "mode": "9710"}, {"order_id": "5", "line_kind": "cancellation"},
    )  # fmt: skip
    found = {kind: build(kind, frame, None, sender, APP_TIME).heads.get_column("order_id").to_list()
             for kind in ("303", "603", "621")}  # fmt: skip
    assert found == {"303": ["1", "4"], "603": ["1"], "621": ["3"]}


@pytest.mark.parametrize(
    ("kinds", "app_time", "said"),
    [(["999"], APP_TIME, "999"), (["603"], "2026-03-01", "14 digits"), (["621"], APP_TIME, "must be signed")],
)
def test_wrong_calls_say_what_to_do(kinds: list[str], app_time: str, said: str, tmp_path: Path, sender: Sender) -> None:
    with pytest.raises(CallError, match=said):
        write_lists(orders(1), None, sender, kinds, None, tmp_path, "1", app_time)


def test_written_message_reads_back_and_composes_to_the_same_bytes(sender: Sender, signer: RsaSigner) -> None:
    for kind, base in KIND_BASE:
        content = written(kind, orders(3, base, description=HOSTILE), sender, signer)[0]
        assert compose(read(content)) == content


@pytest.mark.parametrize(("kind", "part", "node"), [
    ("303", "head", "OrderHead"), ("303", "item", "OrderList"), ("603", "head", "InventoryHead"),
    ("603", "item", "InventoryList"), ("621", "head", "InventoryHead"), ("621", "item", "InventoryList"),
])  # fmt: skip
def test_element_tables_agree_with_the_schema(kind: str, part: Any, node: str, ceb_folder: Path) -> None:
    side = "进口" if kind == "621" else "出口"
    schema = etree.parse(ceb_folder / "xsd202205" / f"海关跨境{side}业务节点报文定义202205.xsd").getroot()
    xs = "{http://www.w3.org/2001/XMLSchema}"
    declared = next(child for child in schema if child.get("name") == node and child.tag == f"{xs}element")
    inner = [element for element in declared.iter(f"{xs}element") if element is not declared]
    table = elements(kind, part)
    assert [element.get("name") for element in inner] == [element.name for element in table]
    assert [element.get("minOccurs") != "0" for element in inner] == [element.required for element in table]
    for element, known in zip(inner, table, strict=True):
        for facet in element.iter(f"{xs}maxLength", f"{xs}length"):
            assert int(facet.get("value", "0")) == known.most, known.name
