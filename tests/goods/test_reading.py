"""The same rows come out of every format, delimiter and encoding, whatever the batch size."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.goods.errors import CallError, InputError
from entrepot.goods.mapping import PLAIN, Mapping
from entrepot.goods.parse import parse
from entrepot.goods.read import read_batches
from entrepot.goods.readers import text as text_reader
from entrepot.goods.readers.frames import own_columns
from tests.goods.helpers import GOOD, KEY, codes, parsed, rows_of, write_csv

CHINESE = rows_of(
    {"description": "白色台灯,大号"}, {"description": 'the "big" one\nsecond line'}, {"description": "plain"}
)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"])
def test_csv_of_any_sane_delimiter_and_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = write_csv(tmp_path / "orders.csv", CHINESE, encoding=encoding, delimiter=delimiter)
    found = parsed(path)
    assert codes(found.problems) == []
    assert found.lines["description"].to_list() == [row["description"] for row in CHINESE]


def test_chinese_late_in_a_long_ascii_file_is_still_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_reader, "SAMPLE", 2000)
    rows = rows_of(*[{}] * 200, {"description": "白色台灯"})
    found = parsed(write_csv(tmp_path / "orders.csv", rows, encoding="gb18030"))
    assert found.lines["description"].to_list()[-1] == "白色台灯"


def test_an_encoding_named_in_the_mapping_is_used(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "orders.csv", rows_of({"description": "café"}), encoding="cp1252")
    assert parsed(path, Mapping(encoding="cp1252")).lines["description"].to_list() == ["café"]
    with pytest.raises(InputError, match="encoding 'klingon' is not known"):
        parsed(path, Mapping(encoding="klingon"))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_and_blank_lines(tmp_path: Path, ending: str) -> None:
    lines = [
        ",".join(GOOD),
        "",
        ",".join(GOOD.values()),
        "," * (len(GOOD) - 1),
        ",".join({**GOOD, "line_no": "2"}.values()),
        "",
    ]
    path = tmp_path / "orders.csv"
    path.write_bytes(ending.join(lines).encode())
    found = parsed(path)
    assert codes(found.problems) == []
    assert found.lines["line_no"].to_list() == [1, 2]


def test_column_names_match_without_case_spaces_and_hyphens(tmp_path: Path) -> None:
    rows = [{name.replace("_", " ").title(): value for name, value in GOOD.items()}]
    assert codes(parsed(write_csv(tmp_path / "orders.csv", rows)).problems) == []


def _workbook(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("orders")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, (date, datetime)):
                sheet.write_datetime(number, column, cell, day)
            else:
                sheet.write(number, column, cell)
    book.add_worksheet("other")
    book.close()
    return path


def test_a_workbook_with_texts_numbers_and_dates(tmp_path: Path) -> None:
    header: list[object] = [*GOOD, "hs_code", "buyer_id", "platform_sale"]
    values: list[object] = list(GOOD.values())
    typed: list[object] = ["A2", 1, "export", date(2026, 3, 1), "CN", "US", "USD", 0.1 + 0.2, 3, "lamp"]
    rows: list[list[object]] = [
        header,
        [*values, "0101210010", "", True],
        [*typed, 6109100000, 123456789012345, False],
        [],
        [*typed[:1], 2, *typed[2:], 101210010, 123456789012345678, ""],
    ]
    found = parsed(_workbook(tmp_path / "orders.xlsx", rows))
    assert found.lines["hs_code"].to_list() == ["0101210010", "6109100000", None]
    assert found.lines["unit_price_e5"].to_list()[1] == 30_000
    assert found.lines["declared_on"].to_list() == [date(2026, 3, 1)] * 3
    assert found.lines["platform_sale"].to_list() == [True, False, None]
    assert found.problems.select("row", "field", "code").rows() == [
        (4, "buyer_id", "goods.digits-lost"), (4, "hs_code", "goods.code-length"),
    ]  # fmt: skip


def test_a_sheet_can_be_named(tmp_path: Path) -> None:
    path = _workbook(tmp_path / "orders.xlsx", [[*GOOD], [*GOOD.values()]])
    assert parsed(path, Mapping(sheet="orders")).lines.height == 1
    with pytest.raises(InputError, match="no header"):
        parsed(path, Mapping(sheet="other"))
    with pytest.raises(InputError, match="sheets found: orders, other"):
        parsed(path, Mapping(sheet="third"))


def test_json_lines_keep_numbers_and_truths(tmp_path: Path) -> None:
    rows = [
        {**GOOD, "unit_price": 0.1, "quantity": 3, "platform_sale": True, "hs_code": None},
        {**GOOD, "line_no": 2, "unit_price": 12345678.12345, "buyer_id": 12345678901234567890, "sku": "台灯"},
    ]
    path = tmp_path / "orders.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    found = parsed(path)
    assert codes(found.problems) == []
    assert found.lines["unit_price_e5"].to_list() == [10_000, 1_234_567_812_345]
    assert found.lines["platform_sale"].to_list() == [True, None]
    assert found.persons["buyer_id"].to_list() == ["12345678901234567890"]


def test_parquet_keeps_its_types_and_leaves_nested_columns_out(tmp_path: Path) -> None:
    frame = pl.DataFrame(rows_of({}, {})).with_columns(
        declared_on=pl.lit(date(2026, 3, 1)), unit_price=pl.lit("2.50").cast(pl.Decimal(18, 4)),
        buyer_kind=pl.lit("person").cast(pl.Categorical), extra=pl.lit([1]), _note=pl.lit("ours"),
    )  # fmt: skip
    frame.write_parquet(tmp_path / "orders.parquet")
    (raw,) = read_batches(tmp_path / "orders.parquet")
    assert own_columns(raw.frame) == [*GOOD, "buyer_kind"]
    lines = parse(raw, PLAIN, key=KEY, first_row_id=5).lines
    assert lines["unit_price_e5"].to_list() == [250_000] * 2
    assert lines["row_id"].to_list() == [5, 6]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "xlsx"])
def test_batches_have_the_size_asked_for_and_number_their_rows(tmp_path: Path, suffix: str) -> None:
    rows = rows_of(*[{}] * 23)
    path = tmp_path / f"orders.{suffix}"
    if suffix == "csv":
        write_csv(path, rows)
    elif suffix == "jsonl":
        pl.DataFrame(rows).write_ndjson(path)
    elif suffix == "parquet":
        pl.DataFrame(rows).write_parquet(path, row_group_size=4)
    else:
        _workbook(path, [list(GOOD), *[list(row.values()) for row in rows]])
    batches = list(read_batches(path, batch_rows=10))
    assert [batch.frame.height for batch in batches] == [10, 10, 3]
    assert [batch.first_row for batch in batches] == [1, 11, 21]
    assert pl.concat([batch.frame for batch in batches])["_row"].to_list() == list(range(1, 24))


def test_batches_must_have_rows(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="at least 1"):
        list(read_batches(tmp_path / "x.csv", batch_rows=0))


FIELD = st.text(alphabet=st.sampled_from('ab"\n\r,; 台é'), max_size=8)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=12), block=st.integers(30, 400))
def test_what_a_csv_writer_writes_is_read_back_whatever_the_block_size(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], block: int
) -> None:
    path = tmp_path_factory.mktemp("csv") / "orders.csv"
    written = rows_of(*({"description": f"x{one}x", "seller_name": f"y{two}y"} for one, two in rows))
    write_csv(path, written)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_reader, "BLOCK", block)
        frames = [batch.frame for batch in read_batches(path, Mapping(encoding="utf-8"))]
    found = pl.concat(frames)
    assert found["_fault"].null_count() == found.height
    assert found["description"].to_list() == [row["description"] for row in written]
    assert found["seller_name"].to_list() == [row["seller_name"] for row in written]


@settings(max_examples=100, deadline=None)
@given(lines=st.lists(st.text(alphabet=st.sampled_from('a",\n\0é'), max_size=30), min_size=1, max_size=10))
def test_no_text_breaks_the_reader_and_good_rows_around_survive(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "orders.csv"
    good = ",".join(GOOD.values())
    path.write_text("\n".join([",".join(GOOD), good, *lines, good]), encoding="utf-8")
    (raw,) = read_batches(path, Mapping(encoding="utf-8"))
    assert raw.frame.row(0, named=True)["description"] == GOOD["description"]
    rows = raw.frame["_row"].to_list()
    assert rows == sorted(set(rows))


def test_stray_quotes_in_every_row_do_not_swallow_rows(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    bodies = [",".join({**GOOD, "line_no": str(n), "description": f'{n}" pipe'}.values()) for n in range(1, 50)]
    path.write_text("\n".join([",".join(GOOD), *bodies]), encoding="utf-8")
    assert parsed(path).lines["description"].to_list() == [f'{n}" pipe' for n in range(1, 50)]
