"""Bad rows through the command line: each is told, none stops the others, none gets out as something else."""

import csv
from pathlib import Path

import polars as pl
import pytest
from lxml import etree

from entrepot.goods.problems import FORMULA_STARTS
from tests.cli.conftest import Run
from tests.run.days import CATALOGUE, Row, lines_of, messages_in, rows_of, sample_rows, summary_of, write_day

GOOD = sample_rows("REX-001")[0]
IMPORT = sample_rows("TAX-02")[0]
HOSTILE = """<b a="1">&amp; ]]> 'x' <!-- > 茶 𠮷 ؀ </b>"""


def order(number: int, row: Row = GOOD, /, **changes: str) -> Row:
    """An order of its own, changed as told."""
    return row | {"order_id": f"A-{number}", "waybill_no": f"W-{number}", **changes}


def clear(run: Run, tmp_path: Path, *options: str) -> int:
    return run("clear", tmp_path / "orders.csv", "--catalogue", CATALOGUE, "--out", tmp_path / "out", *options).code


def problems(tmp_path: Path) -> list[tuple[str, str]]:
    return [(row["field"], row["code"]) for row in rows_of(tmp_path / "out" / "problems.csv")]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("declared_on", "1900-01-01", "goods.date-out-of-range"),
        ("declared_on", "2100-01-01", "goods.date-out-of-range"),
        ("unit_price", "NaN", "goods.not-finite"),
        ("unit_price", "-1", "goods.not-positive"),
        ("unit_price", "0", "goods.not-positive"),
        ("quantity", "-1", "goods.not-positive"),
        ("quantity", "two", "goods.not-a-number"),
        ("description", "a\x01b", "goods.control-character"),
        ("description", "x" * 10_485_760, "goods.field-too-big"),
    ],
    ids=lambda value: value[:20],
)
def test_a_bad_row_is_told_and_the_others_go_on(
    field: str, value: str, code: str, run: Run, tmp_path: Path
) -> None:
    write_day(tmp_path / "orders.csv", [order(1), order(2, **{field: value}), order(3)])
    assert clear(run, tmp_path, "--strict", "--sample-share", "0") == 1
    assert [found for _, found in problems(tmp_path)] == [code]
    assert summary_of(tmp_path / "out")["by_verdict"] == {"release": 2, "hold": 0, "refuse": 0, "invalid": 1}
    assert (tmp_path / "out" / "problems.csv").stat().st_size < 2_000


def test_strict_is_content_with_good_rows_and_says_nothing_without(run: Run, tmp_path: Path) -> None:
    write_day(tmp_path / "orders.csv", [order(1)])
    assert clear(run, tmp_path, "--strict") == 0
    write_day(tmp_path / "orders.csv", [order(1, quantity="0")])
    said = run("clear", tmp_path / "orders.csv", "--out", tmp_path / "bad")
    assert (said.code, said.err) == (0, "")
    assert run("clear", tmp_path / "orders.csv", "--out", tmp_path / "bad", "--strict").code == 1


def test_a_key_twice_and_an_order_that_does_not_agree(run: Run, tmp_path: Path) -> None:
    rows = [order(1), order(1), order(2), order(2, line_no="2", currency="USD" if GOOD["currency"] != "USD" else "EUR")]
    write_day(tmp_path / "orders.csv", rows)
    assert clear(run, tmp_path) == 0
    assert problems(tmp_path) == [
        ("line_no", "goods.duplicate-key"), ("order_id", "goods.order-differs"), ("order_id", "goods.order-differs")]
    held = lines_of(tmp_path / "out").filter(verdict="hold")
    assert held.get_column("order_id").to_list() == ["A-1"], "the first stays, its parcel is not complete"


def test_mixed_encodings_cost_only_the_rows_they_spoil(run: Run, tmp_path: Path) -> None:
    rows = [order(number, description=f"保温杯 {number}") for number in range(6)]
    lines = write_day(tmp_path / "orders.csv", rows).read_text(encoding="utf-8").splitlines()
    mixed = [line.encode("gb18030" if number == 4 else "utf-8") for number, line in enumerate(lines)]
    (tmp_path / "orders.csv").write_bytes(b"\n".join(mixed))
    assert clear(run, tmp_path) == 0
    assert {code for _, code in problems(tmp_path)} == {"goods.encoding"}
    told = lines_of(tmp_path / "out").filter(pl.col("verdict") != "invalid").get_column("description").to_list()
    assert told == [f"保温杯 {number}" for number in range(6) if number != 3]


def test_no_csv_we_write_runs_in_a_spreadsheet(run: Run, tmp_path: Path) -> None:
    """Formulas in every text of good rows, bad rows, cancellations, waiting messages and merged lines."""
    evil = {"sku": "=cmd|'/c calc'!A1", "description": "+HYPERLINK(1)", "carrier": "@SUM(1)", "seller_name": "-2+3"}
    rows = [order(1, **evil, order_id="=1+1"), order(2, **evil, order_id="@A", quantity="-2"),
            order(3, **evil, order_id="-B", net_mass="", gross_mass="", hs_code="4202920000"),
            order(4, **evil, order_id="+C", line_kind="cancellation", buyer_id=GOOD["buyer_id"]),
            *(row | evil for row in sample_rows("MKT-03"))]  # fmt: skip
    write_day(tmp_path / "orders.csv", rows)
    assert clear(run, tmp_path) == 0
    written = sorted((tmp_path / "out").glob("*.csv"))
    assert {"cancellations.csv", "problems.csv", "refused.csv"} <= {path.name for path in written}
    for path in written:
        with path.open(encoding="utf-8-sig", newline="") as source:
            cells = [cell for row in csv.reader(source) for cell in row]
        assert not [cell for cell in cells if cell.startswith(FORMULA_STARTS)], path.name


@pytest.mark.parametrize("row", [GOOD, IMPORT], ids=["export", "import"])
def test_hostile_texts_reach_the_messages_as_texts(row: Row, run: Run, tmp_path: Path) -> None:
    write_day(tmp_path / "orders.csv", [order(1, row, description=HOSTILE, sku="<&>")])
    assert clear(run, tmp_path, "--sample-share", "0") == 0
    archives = sorted((tmp_path / "out" / "messages").glob("*.zst"))
    assert archives
    for archive in archives:
        for message in messages_in(archive):
            texts = {text for element in etree.fromstring(message).iter() if (text := element.text)}
            assert {HOSTILE, "<&>"} <= texts, archive.name
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert HOSTILE not in page


def test_a_hostile_file_name_is_only_a_name(run: Run, tmp_path: Path) -> None:
    name = "=1+1 <script>alert('x')<&\n.csv"
    write_day(tmp_path / name, [order(1), order(2, quantity="0")])
    assert run("clear", tmp_path / name, "--out", tmp_path / "out").code == 0
    assert summary_of(tmp_path / "out")["inputs"][0]["name"] == name
    assert rows_of(tmp_path / "out" / "problems.csv")[0]["source_file"] == f"'{name}"
    assert "<script>alert" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
