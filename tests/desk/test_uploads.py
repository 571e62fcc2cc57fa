"""Files come in: sent in pieces, looked at, their columns guessed."""

import gzip
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
import xlsxwriter  # type: ignore[import-untyped]
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from entrepot.desk.batches import uploads
from entrepot.desk.batches.choices import Choices, document
from entrepot.desk.batches.content import check_content
from entrepot.desk.batches.guess import guess
from entrepot.desk.batches.look import look
from entrepot.desk.batches.models import Upload
from entrepot.desk.batches.sample import sample_orders
from entrepot.desk.told import Told
from entrepot.goods.errors import EntrepotError, InputError
from entrepot.goods.schema import FIELDS
from entrepot.goods.texts import said
from tests.desk.batches import Api
from tests.desk.conftest import Firm

pytestmark = pytest.mark.django_db

# Pieces


def test_pieces_go_on_where_the_file_ends(firm: Firm) -> None:
    api, content = Api(firm), sample_orders()
    upload = api.send("POST", "/uploads", {"name": "day.csv", "bytes_total": len(content)}).json()
    place, half = f"/uploads/{upload['id']}", len(content) // 2

    def put(offset: int, data: bytes) -> Any:
        return api.send("PUT", f"{place}/pieces/{offset}", data, "application/octet-stream")

    assert put(0, content[:half]).json()["bytes_received"] == half
    assert put(0, content[:half]).json()["bytes_received"] == half, "a piece sent twice changes nothing"
    other = put(0, b"x" * half)
    assert other.status_code == 409, "another piece in its place is refused"
    ahead = put(half + 1, content[half + 1 :])
    assert (ahead.status_code, ahead.json()["code"], ahead.json()["errors"][0]["message"]) == (409, "wrong-offset", str(half))
    assert api.send("POST", f"{place}/finish").json()["code"] == "not-whole"
    assert put(half, content[half:] + b"more").status_code == 413
    assert api.get(place)["bytes_received"] == half
    put(half, content[half:])
    assert api.send("POST", f"{place}/finish", {"sha256": "0" * 64}).json()["code"] == "wrong-hash"
    finished = api.send("POST", f"{place}/finish", {"sha256": sha256(content).hexdigest()}).json()
    assert (finished["kind"], finished["sha256"]) == ("text", sha256(content).hexdigest())
    assert put(len(content), b"x").status_code in (413, 422)
    assert Upload.objects.get().path.stat().st_mode & 0o777 == 0o600
    assert api.send("DELETE", place).status_code == 204
    assert api.get(place)["removed"]


def test_what_is_too_large_is_told_at_once(firm: Firm) -> None:
    api = Api(firm)
    assert api.send("POST", "/uploads", {"name": "a", "bytes_total": (2 << 30) + 1}).status_code == 413
    upload = api.send("POST", "/uploads", {"name": "a", "bytes_total": 2 << 30}).json()
    piece = api.send("PUT", f"/uploads/{upload['id']}/pieces/0", b"x" * (uploads.PIECE_MOST + 1), "application/octet-stream")
    assert piece.status_code == 413
    assert api.send("POST", "/uploads", {"name": "a", "bytes_total": 0}).status_code == 422


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\orders\\day 1.xlsx", "day 1.xlsx"),
        ("..", "orders"),
        ("a\0b\n.csv", "ab.csv"),
        ("\u202egnp.csv", "gnp.csv"),
        (".hidden", "hidden"),
        ("订单" * 200 + ".csv", "订单" * 29 + ".csv"),
    ],
)
def test_a_name_never_leaves_its_folder(given: str, kept: str) -> None:
    name = uploads.plain_name(given)
    assert name == kept
    assert len(name.encode()) <= uploads.NAME_BYTES


def test_files_nobody_clears_go_after_a_day(firm: Firm) -> None:
    acting = firm.acting("trader")
    upload = uploads.begin(acting, "a.csv", 10)
    assert uploads.sweep() == 0
    Upload.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert uploads.sweep() == 1
    assert not upload.folder.exists()
    with pytest.raises(Told):
        uploads.put_piece(acting, upload.id, 0, b"x")


# What comes in


def xlsx(cells: Mapping[str, Any], sheets: Sequence[str] = ("orders",)) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target)
    for sheet in [book.add_worksheet(name) for name in sheets]:
        for place, value in cells.items():
            sheet.write(place, value)
    book.close()
    return target.getvalue()


def bombed(declared: int | None = None) -> bytes:
    """A workbook whose sheet unpacks to 40 MiB of spaces; it may declare another size."""
    target = io.BytesIO()
    plain = io.BytesIO(xlsx({"A1": "order_id", "A2": "1"}))
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for entry in source.infolist():
            if entry.filename != "xl/worksheets/sheet1.xml":
                out.writestr(entry, source.read(entry))
                continue
            with out.open(entry.filename, "w", force_zip64=True) as sheet:
                for _ in range(40):
                    sheet.write(b" " * (1 << 20))
        if declared is not None:
            out.infolist()[-1].file_size = declared
            next(entry for entry in out.infolist() if entry.filename.endswith("sheet1.xml")).file_size = declared
    return target.getvalue()


def parquet_of_many() -> bytes:
    target = io.BytesIO()
    rows = pl.select(order_id=pl.repeat("A", 3_000_000))
    rows.write_parquet(target, row_group_size=3_000_000, compression="zstd")
    return target.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda: gzip.compress(sample_orders()), id="gzip"),
        pytest.param(lambda: b"\x28\xb5\x2f\xfd" + b"x" * 40, id="zstandard"),
        pytest.param(bombed, id="a bomb"),
        pytest.param(lambda: bombed(1000), id="a bomb that lies"),
        pytest.param(lambda: xlsx({"A1": "order_id", "XFD1048576": "x"}), id="a sheet of 17 thousand million cells"),
        pytest.param(lambda: b"PK\x03\x04" + b"\0" * 50, id="a broken workbook"),
        pytest.param(lambda: xlsx({})[:-200], id="a workbook cut off"),
        pytest.param(lambda: b"%PDF-1.7\n" + bytes(range(256)) * 8, id="something else"),
        pytest.param(lambda: b"PAR1" + b"x" * 100, id="a broken parquet file"),
        pytest.param(lambda: b"order_id,quantity\n", id="no rows"),
        pytest.param(lambda: b"\0" * 5000, id="zeros"),
        pytest.param(lambda: b'[{"order_id": "A"}]', id="a JSON array"),
        pytest.param(lambda: b",".join(b"c%d" % n for n in range(2000)) + b"\n" + b"1," * 1999 + b"1\n", id="2000 columns"),
    ],
)
def test_what_is_no_file_of_orders_is_refused_and_not_kept(content: Any, firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrepot.desk.batches.content.UNPACKED_MOST", 20 << 20)
    data = content()
    with pytest.raises(EntrepotError) as told:
        uploads.take_file(firm.acting("trader"), "orders.bin", [data], len(data))
    assert "Traceback" not in str(told.value)
    assert not list((settings.DESK_FOLDER / "uploads" / str(firm.organisation.id)).glob("*"))


def test_a_file_that_is_no_orders_is_told_to_a_person_in_their_language_and_to_a_key_in_english(firm: Firm) -> None:
    def detail(client: Client) -> str:
        upload = client.post("/api/v1/uploads", {"name": "day.zip", "bytes_total": 4}, "application/json", headers=once()).json()
        place = f"/api/v1/uploads/{upload['id']}"
        client.put(f"{place}/pieces/0", b"PAR1", "application/octet-stream", headers=once())
        answer = client.post(f"{place}/finish", {}, "application/json", headers=once())
        assert (answer.status_code, answer.json()["code"]) == (422, "unusable-input")
        return str(answer.json()["detail"])

    def once() -> dict[str, str]:
        return {"Idempotency-Key": uuid4().hex, "Accept-Language": "zh-hans"}

    assert detail(firm.client("trader")) == "day.zip：Parquet 文件损坏或不完整"
    assert detail(Client(headers=firm.headers("trader"))) == "day.zip: the Parquet file is damaged or cut off"


def test_every_refusal_of_a_file_has_a_chinese_text(tmp_path: Path) -> None:
    wide = b",".join(b"c%d" % n for n in range(500)) + b"\n" + b"1," * 499 + b"1\n"
    for name, content in {"a.xlsx": b"PK\x03\x04", "b.parquet": b"PAR1", "c.csv": wide, "d.zip": zipped({"a.csv": b"x"})}.items():
        with pytest.raises(InputError) as refused:
            look(_written(tmp_path / name, content), check_content(tmp_path / name))
        assert re.search("[一-鿿]", said(refused.value, "zh")), name


def zipped(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def test_a_parquet_file_that_unpacks_too_large_is_refused(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrepot.desk.batches.content.PARQUET_ROWS_MOST", 1_000_000)
    data = parquet_of_many()
    assert len(data) < 100_000
    with pytest.raises(Told, match="too large"):
        uploads.take_file(firm.acting("trader"), "orders.parquet", [data], len(data))


def test_a_sheet_of_several_is_chosen(firm: Firm) -> None:
    cells = {"A1": "Order ID", "B1": "Qty", "A2": "A-1", "B2": 2}
    data = xlsx(cells, ("notes", "orders"))
    browser = firm.client("trader")
    upload = uploads.take_file(firm.acting("trader"), "book.xlsx", [data], len(data))
    page = browser.get(reverse("upload_detail", args=[upload.id]))
    assert page.context["sheets"] == ("notes", "orders")
    browser.post(reverse("upload_detail", args=[upload.id]), {"action": "sheet", "sheet": "orders"})
    upload.refresh_from_db()
    assert upload.choices["sheet"] == "orders"
    assert upload.choices["columns"] == {"order_id": "Order ID", "quantity": "Qty"}
    assert browser.post(reverse("upload_detail", args=[upload.id]), {"action": "sheet", "sheet": "none"}).status_code == 422


# The guess


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("ORDER-ID", "order_id"), ("Order Number", "order_id"), ("订单号", "order_id"), ("品名", "description"), ("收货人", "buyer_name"),
        ("hscode", "hs_code"), ("HS编码", "hs_code"), ("qty", "quantity"), ("price", "unit_price"), ("原产国(地区)", "origin_country"),
        ("净重(千克)", "net_mass"), ("Net Weight (kg)", "net_mass"), ("Telephne", "buyer_telephone"), ("运单编号", "waybill_no"),
        ("Ｑｔｙ", "quantity"), ("監管方式", None), ("Weight (g)", None), ("净重（克）", None), ("total", None), ("备注", None),
        ("name", None),
    ],
)  # fmt: skip
def test_columns_are_known_by_their_names(column: str, field: str | None) -> None:
    found = guess([column])
    assert [one.field for one in found] == ([field] if field else [])


def test_every_field_is_known_by_its_own_name_and_titles() -> None:
    for name, field in FIELDS.items():
        assert {one.field for title in (name, field.en, field.zh) for one in guess([title])} == {name}


def test_of_two_columns_the_one_that_says_more_is_taken() -> None:
    assert {one.field: one.column for one in guess(["Item", "Product Name", "Order", "Order ID"])} == {
        "description": "Product Name", "order_id": "Order ID"
    }  # fmt: skip


def test_words_of_both_languages_are_meant_as_codes() -> None:
    words = document(Choices({"buyer_country": "国家", "direction": "d", "currency": "c", "quantity": "q"}))["values"]
    assert {word: words["buyer_country"][word] for word in ("美国", "United States", "UNITED KINGDOM", "德国")} == {
        "美国": "US", "United States": "US", "UNITED KINGDOM": "GB", "德国": "DE"
    }  # fmt: skip
    assert (words["direction"]["出口"], words["currency"]["美元"]) == ("export", "USD")
    assert "quantity" not in words


def test_a_file_without_a_table_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        check_content(_written(tmp_path / "a.xlsx", b"PK\x03\x04"))


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
