"""Mappings: ready, from a file, and wrong in every way."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from entrepot.goods.errors import CallError, InputError
from entrepot.goods.mapping import PLAIN, load_mapping, ready_mappings
from entrepot.goods.parse import Parsed, parse
from entrepot.goods.read import read_batches
from tests.goods.helpers import KEY, codes, parsed, write_csv

SHOP = {
    "InvoiceNo": "536365", "StockCode": "85123A", "Description": "HOLDER", "Quantity": "6",
    "InvoiceDate": "2010-12-01 08:26:00", "UnitPrice": "2.55", "CustomerID": "17850", "Country": "EIRE",
}  # fmt: skip


def _shop(folder: Path, *changes: dict[str, str]) -> Path:
    return write_csv(folder / "shop.csv", [{**SHOP, **change} for change in changes])


def test_no_mapping_is_the_plain_one() -> None:
    assert load_mapping(None) is PLAIN
    assert ready_mappings() == ("online-retail",)


def test_the_shop_is_replayed_as_exports_from_china(tmp_path: Path) -> None:
    found = parsed(_shop(tmp_path, {}), load_mapping("online-retail"))
    line = found.lines.row(0, named=True)
    assert codes(found.problems) == []
    assert (line["direction"], line["seller_country"], line["buyer_country"], line["currency"]) == (
        "export",
        "CN",
        "IE",
        "GBP",
    )
    assert (line["declared_on"], line["placed_at"]) == (date(2025, 12, 1), datetime(2025, 12, 1, 8, 26, tzinfo=UTC))
    assert (line["platform_sale"], line["pilot_zone"], line["buyer_kind"], line["customs_district"]) == (
        True,
        True,
        "person",
        "2900",
    )
    assert found.persons["buyer_id"].to_list() == ["17850"]


def test_invoices_with_c_cancel_earlier_lines(tmp_path: Path) -> None:
    path = _shop(
        tmp_path,
        {},
        {"InvoiceNo": "C536379", "Quantity": "-1"},
        {"Quantity": "-2"},
        {"InvoiceNo": "C1", "Quantity": "0"},
    )
    found = parsed(path, load_mapping("online-retail"))
    assert found.lines["line_kind"].to_list() == ["sale", "cancellation", "sale", "cancellation"]
    assert found.lines["quantity_e5"].to_list() == [600_000, 100_000, None, None]
    assert found.problems.select("row", "code").rows() == [(3, "goods.not-positive"), (4, "goods.not-positive")]


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 100])
def test_lines_are_numbered_within_each_invoice_across_batches(tmp_path: Path, batch_rows: int) -> None:
    orders = ["A", "A", "B", "A", "B", "C", "A"]
    path = _shop(tmp_path, *({"InvoiceNo": order} for order in orders))
    mapping = load_mapping("online-retail")
    numbers = [
        number
        for raw in read_batches(path, mapping, batch_rows=batch_rows)
        for number in parse(raw, mapping, key=KEY, first_row_id=0).lines["line_no"]
    ]
    assert numbers == [1, 2, 1, 3, 2, 1, 4]


def test_what_is_no_country_stays_a_problem(tmp_path: Path) -> None:
    found = parsed(_shop(tmp_path, {"Country": "Unspecified"}, {"Country": "RSA"}), load_mapping("online-retail"))
    assert codes(found.problems) == [("buyer_country", "goods.unknown-country")]
    assert found.lines["buyer_country"].to_list() == [None, "ZA"]


def test_the_notes_are_there_in_both_languages() -> None:
    notes = load_mapping("online-retail").notes
    assert len(notes) >= 6
    assert all(set(note) == {"en", "zh"} and all(note.values()) for note in notes)


def test_the_real_shop_file(data_folder: Callable[[str], Path]) -> None:
    mapping = load_mapping("online-retail")
    path = data_folder("orders-online-retail") / "online_retail.parquet"
    raw = next(read_batches(path, mapping, batch_rows=60_000))
    found = parse(raw, mapping, key=KEY, first_row_id=0)
    assert found.lines.height == 60_000
    assert set(found.problems["code"]) <= {"goods.not-positive", "goods.unknown-country"}
    assert (found.lines["line_kind"] == "cancellation").sum() == raw.frame["InvoiceNo"].str.starts_with("C").sum()
    assert found.lines.select(pl.struct("order_id", "line_no").is_duplicated().any()).item() is False
    whole = found.lines.filter(pl.col("valid") & (pl.col("line_kind") == "sale"))
    amount = whole.select((pl.col("quantity_e5").cast(pl.Int128) * pl.col("unit_price_e5")).sum()).item()
    raw_amount = raw.frame.filter(
        (pl.col("Quantity") > 0) & (pl.col("UnitPrice") > 0) & ~pl.col("InvoiceNo").str.starts_with("C")
    )
    known = raw_amount.filter(~pl.col("Country").is_in(["Unspecified", "European Community"]))
    assert abs(amount / 10**10 - known.select((pl.col("Quantity") * pl.col("UnitPrice")).sum()).item()) < 0.01


WRONG = [
    ("columns: {order_no: X}", "did you mean order_id?"),
    ("colums: {}", "allowed: title, columns, constants"),
    ("constants: {currency: [EUR]}", "text values"),
    ("columns: {currency: C}\nconstants: {currency: EUR}", "either in columns or in constants"),
    ("shift_years: many", "from -100 to 100"),
    ("time_zone: Mars/Base", "IANA time zone"),
    ("number_lines_within: sku", "order_id"),
    ("number_lines_within: order_id\ncolumns: {line_no: L}", "only without line_no"),
    ("cancellation: C", "column: <column of the file>"),
    ("values: [1]", "value in the file"),
    ("values: {colour: {red: rot}}", "fields are order_id"),
    ("notes: [{en: only}]", "a list of {en: sentence, zh: sentence}"),
    ("sheet: 3", "a text"),
    ("[1, 2]", "must be a YAML mapping"),
    ("a: [", "not valid YAML"),
]


@pytest.mark.parametrize(("source", "says"), WRONG)
def test_a_wrong_mapping_names_the_key_and_what_is_allowed(tmp_path: Path, source: str, says: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(source, encoding="utf-8")
    with pytest.raises(CallError) as caught:
        load_mapping(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_mapping_names_the_ready_ones() -> None:
    with pytest.raises(CallError, match="one of: online-retail"):
        load_mapping("offline-retail")


def _own(folder: Path, source: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(source, encoding="utf-8")
    return path


def test_a_mapping_of_ones_own(tmp_path: Path) -> None:
    source = """
columns:
  {order_id: Bestellung, quantity: Menge, unit_price: Preis, description: Ware, declared_on: Tag, buyer_country: Land}
constants: {direction: export, seller_country: CN, currency: EUR}
values: {buyer_country: {Deutschland: DE}}
number_lines_within: order_id
delimiter: ";"
"""
    path = tmp_path / "bestellungen.csv"
    path.write_text("Bestellung;Menge;Preis;Ware;Tag;Land\nB1;1;2.5;Lampe;2026-03-01;Deutschland\n", encoding="utf-8")
    line: Parsed = parsed(path, load_mapping(_own(tmp_path, source)))
    assert codes(line.problems) == []
    assert line.lines.select("buyer_country", "line_no", "currency").row(0) == ("DE", 1, "EUR")


def test_a_mapping_that_names_absent_columns_says_what_was_found(tmp_path: Path) -> None:
    mapping = load_mapping(_own(tmp_path, "columns: {order_id: Auftrag}"))
    with pytest.raises(InputError, match=r"order_id: Auftrag.*columns found: InvoiceNo, StockCode"):
        parsed(_shop(tmp_path, {}), mapping)


def test_a_cancellation_column_must_be_there(tmp_path: Path) -> None:
    from tests.goods.helpers import rows_of

    mapping = load_mapping(_own(tmp_path, "cancellation: {column: kind, prefix: C}"))
    with pytest.raises(InputError, match="cancellation column 'kind'"):
        parsed(write_csv(tmp_path / "orders.csv", rows_of({})), mapping)
