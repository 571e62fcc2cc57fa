"""Files that cannot be used give one line that says why; bad rows in a usable file give problems."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from entrepot.goods.errors import CallError, EntrepotError, InputError, WorldError
from entrepot.goods.read import read_batches
from entrepot.goods.texts import said
from tests.goods.helpers import GOOD, codes, parsed, rows_of, write_csv

HEADER = ",".join(GOOD)
ROW = ",".join(GOOD.values())


def _parquet(path: Path) -> Path:
    pl.DataFrame(rows_of(*[{}] * 1000)).write_parquet(path)
    return path


def _cut(path: Path, keep: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def _bytes(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


def _directory(folder: Path) -> Path:
    return folder


UNUSABLE: list[tuple[str, Callable[[Path], Path], type[EntrepotError], str]] = [
    ("empty", _bytes("a.csv", b""), InputError, "is empty"),
    ("blank", _bytes("a.csv", b"\n \n"), InputError, "no header"),
    ("only a header", _bytes("a.csv", HEADER.encode() + b"\n"), InputError, "no rows"),
    ("header without line end", _bytes("a.csv", HEADER.encode()), InputError, "no rows"),
    ("wrong delimiter", _bytes("a.csv", (HEADER + "\n" + ROW).replace(",", "^").encode()), InputError, "columns found"),
    ("missing column", _bytes("a.csv", b"order_id,price\nA,1\n"), InputError, "missing columns: line_no, direction"),
    ("two columns of one name", _bytes("a.csv", b"order_id,order_id\nA,1\n"), InputError, "two columns"),
    (
        "western encoding",
        _bytes("a.csv", "order_id,name\nA,Müller café\n".encode("cp1252")),
        InputError,
        "byte offset 17",
    ),
    ("gzip", _bytes("a.csv", b"\x1f\x8b\x08\x00"), InputError, "gzip"),
    ("json array", _bytes("a.json", b'[{"order_id": 1}]'), InputError, "JSON array"),
    ("no json object", _bytes("a.jsonl", b"hello\n"), InputError, "no line is a JSON object"),
    ("not a workbook", _bytes("a.xlsx", b"PK\x03\x04rubbish"), InputError, "not a readable workbook"),
    ("truncated parquet", lambda folder: _cut(_parquet(folder / "a.parquet"), 0.6), InputError, "damaged or cut off"),
    ("only the mark of parquet", _bytes("a.parquet", b"PAR1"), InputError, "damaged or cut off"),
    ("a directory", _directory, InputError, "is a directory"),
    ("no such file", lambda folder: folder / "none.csv", CallError, "no such file"),
]


@pytest.mark.parametrize(
    ("make", "error", "says"), [entry[1:] for entry in UNUSABLE], ids=[entry[0] for entry in UNUSABLE]
)
def test_an_unusable_file_says_why_in_one_line(
    tmp_path: Path, make: Callable[[Path], Path], error: type[EntrepotError], says: str
) -> None:
    with pytest.raises(error) as caught:
        list(read_batches(make(tmp_path)))
    message = str(caught.value)
    assert says in message
    assert "\n" not in message
    if error is InputError and says != "is a directory":  # a folder is never uploaded
        assert re.search("[一-鿿]", said(caught.value, "zh"))
        assert said(caught.value, "en") == message


def test_a_file_nobody_may_open_is_the_worlds_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_csv(tmp_path / "orders.csv", rows_of({}))
    if os.geteuid() == 0:  # root may open anything: let the system call refuse

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
    else:
        path.chmod(0)
    with pytest.raises(WorldError, match="Permission denied") as caught:
        list(read_batches(path))
    assert not caught.value.retryable


def test_damage_inside_a_parquet_file_is_found(tmp_path: Path) -> None:
    path = _parquet(tmp_path / "orders.parquet")
    data = bytearray(path.read_bytes())
    data[8 : len(data) // 2] = b"\xff" * (len(data) // 2 - 8)
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged or cut off"):
        list(read_batches(path))


def test_the_missing_column_message_offers_a_mapping(tmp_path: Path) -> None:
    rows = [{("Unit-Prices" if name == "unit_price" else name): value for name, value in GOOD.items()}]
    with pytest.raises(InputError, match=r"missing columns: unit_price; .*columns: \{unit_price: Unit-Prices\}"):
        parsed(write_csv(tmp_path / "orders.csv", rows))


def _problems(folder: Path, body: bytes) -> pl.DataFrame:
    path = folder / "orders.csv"
    path.write_bytes(HEADER.encode() + b"\n" + body)
    return parsed(path).problems


def test_rows_of_the_wrong_shape_are_problems_and_shift_nothing(tmp_path: Path) -> None:
    body = "\n".join([ROW, ROW + ",more", ROW.replace(",USD", ""), "x", ROW]).encode()
    problems = _problems(tmp_path, body)
    assert problems.select("row", "code", "given", "allowed").rows() == [
        (2, "goods.row-shape", "11", "10"), (3, "goods.row-shape", "9", "10"), (4, "goods.row-shape", "1", "10"),
    ]  # fmt: skip


def test_quotes_newlines_and_stray_marks(tmp_path: Path) -> None:
    start = ROW.removesuffix("desk lamp")
    texts = ['"a ""big"" lamp,\ntwo lines"', '5" pipe', '"open', '"x"y', '""', "plain"]
    path = tmp_path / "orders.csv"
    path.write_text(HEADER + "\n" + "\n".join(start + text for text in texts), encoding="utf-8")
    found = parsed(path)
    assert found.lines["description"].to_list() == ['a "big" lamp,\ntwo lines', '5" pipe', None, None, None, "plain"]
    assert found.problems.select("row", "code").rows() == [
        (3, "goods.quote"), (4, "goods.quote"), (5, "goods.nothing-to-classify"),
    ]  # fmt: skip


def test_a_ten_megabyte_field_is_one_problem(tmp_path: Path) -> None:
    huge = b"x" * 10_000_000
    problems = _problems(tmp_path, ROW.encode() + huge + b"\n" + ROW.encode())
    assert problems.select("row", "code").rows() == [(1, "goods.field-too-big")]
    assert len(problems["message_en"][0]) < 300


def test_a_line_that_never_ends_does_not_fill_the_memory(tmp_path: Path) -> None:
    endless = b"y" * 60_000_000
    problems = _problems(tmp_path, ROW.encode() + endless + b"\n" + ROW.encode() + b"\n")
    assert problems.select("row", "code").rows() == [(1, "goods.field-too-big")]


def test_a_field_below_the_limit_of_rows_but_too_long_is_a_problem(tmp_path: Path) -> None:
    problems = _problems(tmp_path, ROW.encode() + b"x" * 500_000)
    assert codes(problems) == [("description", "goods.too-long")]


def test_nul_bytes_are_a_problem(tmp_path: Path) -> None:
    assert codes(_problems(tmp_path, ROW.encode() + b"\0\n" + ROW.encode())) == [("", "goods.nul-byte")]


def test_mixed_encodings_are_a_problem_of_their_rows(tmp_path: Path) -> None:
    good, bad = ROW.replace("desk lamp", "台灯"), ROW.replace("desk lamp", "台灯").encode("gb18030")
    body = b"\n".join([good.encode()] * 5 + [bad] + [good.encode()] * 3)
    found = _problems(tmp_path, body)
    assert found.select("row", "field", "code").rows() == [(6, "description", "goods.encoding")]


def test_bad_json_lines_are_problems_of_their_lines(tmp_path: Path) -> None:
    import json

    path = tmp_path / "orders.jsonl"
    lines = [json.dumps(row) for row in rows_of({}, {}, {})]
    nested = json.dumps({**GOOD, "line_no": 9, "description": ["a"], "quantity": {"n": 1}})
    path.write_text("\n".join([lines[0], "{not json", "[1]", lines[1], "", "5", nested, lines[2]]), encoding="utf-8")
    found = parsed(path)
    assert found.problems.select("row", "field", "code").rows() == [
        (2, "", "goods.not-json"), (3, "", "goods.not-json"), (5, "", "goods.not-json"),
        (6, "description", "goods.nested-value"), (6, "quantity", "goods.nested-value"),
    ]  # fmt: skip
    assert found.lines["valid"].sum() == 3


def test_a_huge_json_line_is_a_problem(tmp_path: Path) -> None:
    import json

    path = tmp_path / "orders.jsonl"
    path.write_text(json.dumps({**GOOD, "description": "x" * 2_000_000}) + "\nnot json\n" + json.dumps(GOOD))
    assert codes(parsed(path).problems) == [("", "goods.field-too-big"), ("", "goods.not-json")]


def test_any_bytes_never_end_in_a_traceback(tmp_path: Path) -> None:
    import random

    source = random.Random(7)
    for number in range(60):
        path = tmp_path / f"{number}.csv"
        start = source.choice([b"", HEADER.encode() + b"\n", b"PAR1", b"PK\x03\x04", b"{", b"\xff\xfe", b'"'])
        path.write_bytes(start + source.randbytes(source.choice([10, 1000, 5000])))
        with suppress(EntrepotError):
            parsed(path)
