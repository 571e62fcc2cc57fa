"""The walk of a file through the desk: sent, looked at, mapped, cleared, mended and fed back."""

import gzip
import io
import json
import re
import struct
import threading
import time
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pyarrow as pa
import pytest
import xlsxwriter  # type: ignore[import-untyped]
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import entrepot
from entrepot.desk.audit.models import AuditEntry
from entrepot.desk.batches import uploads
from entrepot.desk.batches.choices import Choices, document
from entrepot.desk.batches.clear import clear_batch, start
from entrepot.desk.batches.content import check_content
from entrepot.desk.batches.guess import guess
from entrepot.desk.batches.look import look
from entrepot.desk.batches.mend import row_of, rows_page, save_row
from entrepot.desk.batches.models import Batch, BuyerYear, Mend, Reservation, Upload
from entrepot.desk.batches.models import Mapping as SavedMapping
from entrepot.desk.batches.reservations import (
    OverLimit,
    buyer_key_of,
    end_expired,
    release_reservation,
    reserve,
    yearly_limit_fen,
)
from entrepot.desk.batches.sample import clear_sample_day, sample_orders
from entrepot.desk.consignments.persons import erase_person
from entrepot.desk.jobs.models import Job
from entrepot.desk.jobs.run import run_job
from entrepot.desk.told import Told
from entrepot.goods.errors import EntrepotError, InputError
from entrepot.goods.schema import FIELDS
from entrepot.goods.texts import all_texts, said
from tests.desk.conftest import Firm
from tests.run.days import Row, sample_rows

pytestmark = pytest.mark.django_db

CHINESE = """订单编号,品名,海关编码,数量,单价,币种,收货人姓名,收货人电话,目的国,净重(千克),毛重(克),下单时间
C-001,陶瓷马克杯,6911101900,2,8.40,美元,张三样例,13800000001,美国,0.76,800,2026-03-10 10:00
C-001,LED台灯,9405210090,1,15.00,美元,张三样例,13800000001,美国,0.72,800,2026-03-10 10:00
C-002,塑料饭盒,3924100000,-1,4.82,欧元,李四样例,13800000002,德国,0.14,190,2026-03-10 11:00
C-003,旅行背包,4202920000,1,18.43,美刀,王五样例,13800000003,澳大利亚,1.12,1270,2026-03-10 12:00
"""
SAID_ONCE = {"direction": "export", "declared_on": "2026-03-10", "seller_country": "CN", "platform_sale": "true", "buyer_kind": "person"}


class Api:
    """Another system with a key of a role."""

    def __init__(self, firm: Firm, role: str = "trader") -> None:
        self.client = Client(headers=firm.headers(role))

    def send(self, method: str, path: str, body: Any = None, content_type: str = "application/json", **more: Any) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body or {})
        return self.client.generic(method, f"/api/v1{path}", data, content_type, headers={"Idempotency-Key": uuid4().hex}, **more)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.client.get(f"/api/v1{path}", query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def whole(self, name: str, content: bytes) -> Any:
        """A file begun, sent in one piece and finished; the last answer."""
        upload = self.send("POST", "/uploads", {"name": name, "bytes_total": len(content)}).json()
        self.send("PUT", f"/uploads/{upload['id']}/pieces/0", content, "application/octet-stream")
        return self.send("POST", f"/uploads/{upload['id']}/finish")


def done(batch_id: str) -> Batch:
    """A batch after the worker has done its job."""
    run_job.func(str(Batch.objects.get(id=batch_id).job_id))
    batch: Batch = Batch.objects.select_related("job", "upload").get(id=batch_id)
    return batch


def job_of(batch: Batch) -> Job:
    assert batch.job is not None
    return batch.job


def sent_to(answer: Any) -> str:
    """Where a browser is sent."""
    assert answer.status_code == 302, answer.content
    return str(answer.url)


def csv_of(rows: Sequence[Row]) -> bytes:
    return pl.DataFrame(rows).write_csv().encode()


def cleared(firm: Firm, content: bytes, name: str = "orders.csv", **constants: str) -> Batch:
    """A file cleared under the guess."""
    acting = firm.acting("trader")
    upload = uploads.take_file(acting, name, [content], len(content))
    choices = Choices.of({**upload.choices, "constants": {**upload.choices["constants"], **constants}})
    batch = done(str(start(acting, upload, choices).id))
    assert batch.state == Batch.State.DONE, job_of(batch).problem
    return batch


# The walk


def test_another_system_sends_clears_mends_and_feeds_back(firm: Firm) -> None:
    api = Api(firm)
    upload = api.whole("我的订单.csv", CHINESE.encode("gb18030"))
    assert upload.status_code == 200
    place = f"/uploads/{upload.json()['id']}"
    seen = api.get(f"{place}/columns")
    given = {one["name"]: one["field"] for one in seen["columns"]}
    assert given["订单编号"] == "order_id"
    assert given["毛重(克)"] is None, "grams are not kilograms"
    assert seen["missing"] == ["line_no", "direction", "declared_on", "seller_country"]
    names = next(one for one in seen["columns"] if one["name"] == "收货人姓名")
    assert names["personal"]
    assert not set("三四五样例") & set("".join(names["samples"]))
    mapping = api.get(f"{place}/mapping")
    assert mapping["number_lines"]
    columns = {field: column for column, field in given.items() if field}
    assert api.send("PUT", f"{place}/mapping", {"columns": columns, "constants": SAID_ONCE, "number_lines": True}).json()["missing"] == []
    asked = api.send("POST", f"{place}/clear")
    assert asked.status_code == 202
    assert asked.json()["job"]["state"] == "queued"
    old = done(asked.json()["id"])
    told = api.get(f"/batches/{old.id}")
    assert told["job"]["state"] == "done"
    assert (told["summary"]["rows_in"], told["summary"]["rows_decided"], told["summary"]["rows_refused"]) == (4, 2, 2)
    rows = api.get(f"/batches/{old.id}/problems")["items"]
    assert [(row["order_id"], row["faults"][0]["code"]) for row in rows] == [
        ("C-002", "goods.not-positive"), ("C-003", "goods.unknown-currency")
    ]  # fmt: skip
    assert rows[0]["values"]["收货人姓名"] is None, "personal values stay here"
    mended = api.send("PUT", f"/batches/{old.id}/problems/{rows[0]['row_id']}", {"values": {"数量": "1"}}).json()
    assert (mended["changed"], mended["left"]) == (True, [])
    fed = api.send("POST", f"/batches/{old.id}/feed-back")
    assert fed.json()["mends"] == str(old.id)
    fresh = done(fed.json()["id"])
    lines = pl.read_parquet(fresh.folder / "lines.parquet")
    assert lines.select("order_id", "line_no", "quantity_e5", "verdict").rows() == [("C-002", 1, 100_000, "release")]
    assert api.send("POST", f"/batches/{old.id}/feed-back").status_code == 422, "nothing is fed back twice"


def test_a_person_walks_the_same_way_without_script(firm: Firm) -> None:
    browser = firm.client("trader")
    file = io.BytesIO(CHINESE.encode())
    file.name = "orders.csv"
    sent = sent_to(browser.post("/upload/", {"file": file}))
    page = browser.get(sent)
    assert page.context["missing"]
    upload = Upload.objects.get()
    form = {f"field-{place}": one.field for place, one in enumerate(page.context["columns"])}
    form |= {f"constant-{name}": value for name, value in SAID_ONCE.items()} | {"number_lines": "on"}
    assert browser.post(sent, form | {"action": "keep"}).status_code == 302
    assert browser.get(sent).context["missing"] == []
    browser.post(sent, form | {"action": "save", "name": "My shop"})
    assert SavedMapping.objects.get().constants["direction"] == "export"
    going = sent_to(browser.post(sent, form | {"action": "clear"}))
    assert "progress" in browser.get(going).content.decode()
    assert "HX-Refresh" not in browser.get(f"{going}progress/").headers
    batch = done(going.split("/")[-2])
    assert browser.get(f"{going}progress/").headers["HX-Refresh"] == "true"
    assert browser.get(going).context["held"] == batch.summary["by_verdict"]["hold"]
    assert not upload.folder.exists()
    problems = browser.get(f"{going}problems/")
    (first, second) = problems.context["rows"]
    assert "王五样例" not in problems.content.decode()
    saved = browser.post(f"{going}problems/{second.row_id}/", {"cell:币种": "USD", "next": f"{going}problems/"})
    assert sent_to(saved) == f"{going}problems/#row-{second.row_id}"
    half = browser.post(f"{going}problems/{first.row_id}/", {"cell:数量": "x"}, headers={"HX-Request": "true"})
    assert "is not a number: x" in half.content.decode()
    away = browser.post(f"{going}problems/{first.row_id}/", {"cell:数量": "y", "next": "https://elsewhere.example/"})
    assert sent_to(away) == f"{going}problems/#row-{first.row_id}"
    fresh = done(sent_to(browser.post(f"{going}feed-back/")).split("/")[-2])
    assert fresh.summary["rows_in"] == 2
    again = browser.post("/upload/", {"file": io.BytesIO(CHINESE.encode())})
    offered = Choices.of(Upload.objects.get(id=sent_to(again).split("/")[-2]).choices)
    assert offered.constants["direction"] == "export", "the saved mapping fits"
    assert offered.constants["declared_on"] == timezone.localdate().isoformat(), "but not the day of that other file"


def test_the_sample_day_is_cleared_whole(firm: Firm) -> None:
    batch = clear_sample_day(firm.acting("trader"))
    assert job_of(batch).problem == ""
    summary = batch.summary
    assert summary["rows_in"] == summary["rows_decided"] + summary["rows_refused"] == len(sample_rows())
    assert not Upload.objects.get().folder.exists()
    assert (batch.shelf / "shelf.json").exists()
    actions = list(AuditEntry.objects.filter(object_id=str(batch.id)).values_list("action", flat=True))
    assert actions[:2] == ["batch.asked", "batch.cleared"]


def test_every_refused_row_of_the_sample_can_be_looked_at(firm: Firm) -> None:
    batch = clear_sample_day(firm.acting("trader"))
    browser, url, seen = firm.client("trader"), reverse("batch_problems", args=[batch.id]), list[int]()
    while url:
        page = browser.get(url)
        seen += [row.row_id for row in page.context["rows"]]
        url = page.context["next"] and reverse("batch_problems", args=[batch.id]) + page.context["next"]
    lines = pl.read_parquet(batch.folder / "lines.parquet").filter(pl.col("verdict") == "invalid")
    assert seen == sorted(lines["row_id"].to_list())


def test_a_job_that_is_done_again_changes_nothing(firm: Firm) -> None:
    """As after a kill between any two steps."""
    batch = cleared(firm, csv_of(retail("O-1", "b")))
    spent = list(BuyerYear.objects.values_list("spent_fen", flat=True))
    before = (batch.folder / "manifest.json").read_bytes()
    clear_batch(job_of(batch), lambda *_: None)
    Batch.objects.filter(id=batch.id).update(state=Batch.State.CLEARING)
    job_of(batch).attempts = 1
    with pytest.raises(Told):  # its file is gone, and it says so instead of clearing nothing
        clear_batch(job_of(batch), lambda *_: None)
    assert (batch.folder / "manifest.json").read_bytes() == before
    assert list(BuyerYear.objects.values_list("spent_fen", flat=True)) == spent


def test_a_batch_that_cannot_be_cleared_says_why(firm: Firm) -> None:
    acting = firm.acting("trader")
    upload = uploads.take_file(acting, "a.csv", [b"order_id,quantity\nA,1\n"], 22)
    with pytest.raises(Told, match="direction"):
        start(acting, upload, Choices.of(upload.choices))
    upload = uploads.take_file(acting, "b.csv", [sample_orders()], len(sample_orders()))
    batch = start(acting, upload, Choices.of(upload.choices))
    upload.path.unlink()
    batch = done(str(batch.id))
    assert batch.state == Batch.State.FAILED
    assert "no longer here" in job_of(batch).problem
    page = firm.client("trader").get(reverse("batch", args=[batch.id])).content.decode()
    assert "no longer here" in page


def test_numbers_of_batches_run_up(firm: Firm, stranger: Firm) -> None:
    batches = [cleared(one, csv_of(retail(f"O-{number}", "b"))) for number, one in enumerate((firm, stranger, firm))]
    first = batches[0].ordinal
    assert [batch.ordinal for batch in batches] == [first, first + 1, first + 2]


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


# Mending


def test_one_mistake_of_many_rows_is_mended_once(firm: Firm) -> None:
    (plain,) = retail("x", "b")
    rows = [plain | {"order_id": f"M-{number}", "waybill_no": f"W-{number}", "currency": "bucks"} for number in range(30)]
    batch = cleared(firm, csv_of(rows))
    assert batch.summary["rows_refused"] == 30
    browser, place = firm.client("trader"), reverse("batch_problems", args=[batch.id])
    first = browser.get(place).context["rows"][0]
    assert first.same == {"currency": 29}
    assert first.bad[0].key == "currency"
    browser.post(f"{place}{first.row_id}/", {"same": "currency", "key-currency": "currency", "cell:currency": "USD"})
    assert Mend.objects.count() == 30
    fresh = done(sent_to(browser.post(reverse("batch_feed_back", args=[batch.id]))).split("/")[-2])
    assert (fresh.summary["rows_in"], fresh.summary["rows_refused"]) == (30, 0)
    assert browser.get(place).context["rows"][0].fed_to == fresh
    browser.post(f"{place}{first.row_id}/", {"cell:currency": "EUR"})
    assert "EUR" not in Mend.objects.get(row_id=first.row_id).values, "a row that was fed back stays as it was fed"


def test_a_value_for_all_rows_can_be_mended_in_one(firm: Firm) -> None:
    """What was said once for the file is wrong: the row gets a column for it."""
    rows = [{name: value for name, value in row.items() if name != "declared_on"} for row in retail("N-1", "b")]
    batch = cleared(firm, csv_of(rows), declared_on="2026-13-01")
    api = Api(firm)
    (row,) = api.get(f"/batches/{batch.id}/problems")["items"]
    mended = api.send("PUT", f"/batches/{batch.id}/problems/{row['row_id']}", {"values": {"field:declared_on": "2026-03-10"}}).json()
    assert mended["left"] == []
    fresh = done(api.send("POST", f"/batches/{batch.id}/feed-back").json()["id"])
    assert pl.read_parquet(fresh.folder / "lines.parquet")["declared_on"].to_list() == [date(2026, 3, 10)]


def test_what_was_changed_in_a_row_goes_with_its_person(firm: Firm) -> None:
    batch = cleared(firm, csv_of([retail("E-1", "b")[0] | {"quantity": "0"}, *retail("E-2", "b")]))
    (row,), _ = rows_page(batch)
    save_row(firm.acting("trader"), batch, row.row_id, {"buyer_id": "110101199003071234"})
    assert "110101199003071234" in Mend.objects.get().values
    assert erase_person(firm.acting("administrator"), batch, "E-2", "asked by the buyer") == 1
    assert Mend.objects.get().values == ""
    assert row_of(batch, row.row_id).erased


def test_an_order_is_fed_back_whole_and_personal_values_lie_sealed(firm: Firm) -> None:
    good, bad = retail("P-1", "b")[0], retail("P-1", "b")[0] | {"line_no": "2", "quantity": "0", "buyer_name": "=Specimen"}
    batch = cleared(firm, csv_of([good, bad]))
    assert batch.summary["rows_refused"] == 1
    api = Api(firm)
    (row,) = api.get(f"/batches/{batch.id}/problems")["items"]
    assert row["values"]["buyer_name"] is None
    api.send("PUT", f"/batches/{batch.id}/problems/{row['row_id']}", {"values": {"quantity": "1", "buyer_name": "New Specimen"}})
    with connection.cursor() as cursor:
        cursor.execute('SELECT "values" FROM batches_mend')
        assert "Specimen" not in cursor.fetchone()[0]
    fresh = done(api.send("POST", f"/batches/{batch.id}/feed-back").json()["id"])
    assert sorted(pl.read_parquet(fresh.folder / "lines.parquet")["line_no"].to_list()) == [1, 2]
    assert fresh.summary["rows_refused"] == 0
    assert set(Mend.objects.values_list("values", flat=True)) == {""}, "what was changed lies in the fresh batch now, and there alone"


def test_a_failed_feed_back_can_be_done_again(firm: Firm) -> None:
    batch = cleared(firm, csv_of([retail("F-1", "b")[0] | {"quantity": "0"}]))
    api = Api(firm)
    (row,) = api.get(f"/batches/{batch.id}/problems")["items"]
    first = api.send("POST", f"/batches/{batch.id}/feed-back", {"row_ids": [row["row_id"]]}).json()
    Batch.objects.filter(id=first["id"]).update(state=Batch.State.FAILED)
    assert api.send("POST", f"/batches/{batch.id}/feed-back", {"row_ids": [row["row_id"]]}).status_code == 202


# Lines in one call


ARROW = "application/vnd.apache.arrow.stream"


def arrow(table: pa.Table, compression: str | None = None) -> bytes:
    target = io.BytesIO()
    with pa.ipc.new_stream(target, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as stream:
        stream.write_table(table)
    return target.getvalue()


def one_text_for_all(rows: int, length: int) -> pa.Array:
    """A column whose rows all point to one long text: small to send, large once it is read."""
    text = b"x" * length
    view = struct.pack("<i4sii", length, text[:4], 0, 0)
    return pa.Array.from_buffers(pa.string_view(), rows, [None, pa.py_buffer(view * rows), pa.py_buffer(text)])


LINE = {
    "order_id": "L-1", "line_no": 1, "direction": "export", "declared_on": "2026-03-10", "seller_country": "CN", "buyer_country": "US",
    "description": "mug", "hs_code": "6911101900", "quantity": "2", "unit_price": 8.4, "currency": "USD", "platform_sale": True,
    "buyer_kind": "person",
}  # fmt: skip


def test_lines_are_cleared_as_json_and_as_arrow(firm: Firm) -> None:
    api = Api(firm)
    asked = api.send("POST", "/batches/lines", {"lines": [LINE, LINE | {"order_id": "L-2", "quantity": None}], "name": "shop"})
    assert asked.status_code == 202
    batch = done(asked.json()["id"])
    assert (batch.name, batch.summary["rows_in"], batch.summary["rows_refused"]) == ("shop.jsonl", 2, 1)
    table = pa.Table.from_pylist([LINE | {"order_id": "L-3", "declared_on": date(2026, 3, 10)}])
    asked = api.send("POST", "/batches/lines", arrow(table), ARROW)
    assert asked.status_code == 202, asked.content
    assert done(asked.json()["id"]).summary["rows_decided"] == 1


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ({"lines": []}, "application/json", 422),
        ({"lines": [LINE] * 10_001}, "application/json", 413),
        ({"lines": [LINE | {"colour": "red"}]}, "application/json", 422),
        ({"lines": [LINE | {"quantity": [1]}]}, "application/json", 422),
        ({"lines": [{"order_id": "A"}]}, "application/json", 422),
        (b"{", "application/json", 400),
        (b"x", "text/csv", 415),
        (b"ARROW1", ARROW, 400),
        (arrow(pa.table({"description": ["x" * 99] * 9}), compression="zstd"), ARROW, 422),
        (arrow(pa.table({"description": pa.array(["x" * 99] * 9).dictionary_encode()})), ARROW, 422),
        (arrow(pa.table({"description": [["nested"]]})), ARROW, 422),
        (arrow(pa.table({"description": one_text_for_all(70, 1 << 20)})), ARROW, 413),
    ],
)
def test_what_is_no_lines_is_told_where(body: Any, content_type: str, status: int, firm: Firm) -> None:
    answer = Api(firm).send("POST", "/batches/lines", body, content_type)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"


# Who may


def test_nobody_else_sees_or_touches_it(firm: Firm, stranger: Firm) -> None:
    batch = cleared(firm, csv_of([retail("S-1", "b")[0] | {"quantity": "0"}]))
    upload = uploads.take_file(firm.acting("trader"), "day.csv", [sample_orders()], len(sample_orders()))
    pages = [reverse(name, args=[batch.id]) for name in ("batch", "batch_problems", "batch_progress")]
    pages += [reverse("batch_file", args=[batch.id, name]) for name in ("lines.csv", "refused.csv")]
    pages.append(reverse("upload_detail", args=[upload.id]))
    pages.append(reverse("job", args=[batch.job_id]))
    assert {stranger.client("administrator").get(page).status_code for page in pages} == {404}
    theirs = Api(stranger, "administrator")
    for method, path in (
        ("GET", f"/batches/{batch.id}"), ("GET", f"/uploads/{upload.id}"), ("DELETE", f"/uploads/{upload.id}"),
        ("GET", f"/jobs/{batch.job_id}"), ("POST", f"/batches/{batch.id}/feed-back"), ("POST", f"/uploads/{upload.id}/clear"),
    ):  # fmt: skip
        assert theirs.send(method, path).status_code == 404, path
    assert firm.client("analyst").get(reverse("batch_problems", args=[batch.id])).status_code == 403
    assert Api(firm, "inspector").send("POST", "/uploads", {"name": "a", "bytes_total": 1}).status_code == 403


def body_of(answer: Any) -> bytes:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def test_files_leave_the_desk_safely(firm: Firm) -> None:
    rows = [*retail("D-1", "b"), retail("D-2", "c")[0] | {"quantity": "0"}]
    batch = cleared(firm, csv_of([row | {"description": "=HYPERLINK(1)"} for row in rows]))
    browser = firm.client("broker")

    def get(name: str) -> Any:
        return browser.get(reverse("batch_file", args=[batch.id, name]))

    assert b",'=HYPERLINK(1)," in body_of(get("lines.csv"))
    report = get("report.html")
    assert report["Content-Security-Policy"].startswith("sandbox")
    assert pl.read_parquet(io.BytesIO(body_of(get("lines.parquet")))).height == 2
    assert {get(name).status_code for name in ("messages.zip", "persons.parquet", "manifest.json")} == {404}
    assert firm.client("analyst").get(reverse("batch_file", args=[batch.id, "refused.csv"])).status_code == 403


def test_files_that_name_persons_leave_with_a_reason_that_is_kept(firm: Firm) -> None:
    rows = [*retail("D-1", "b"), retail("D-2", "c")[0] | {"quantity": "0", "buyer_name": "Casey Specimen"}]
    batch, why = cleared(firm, csv_of(rows)), "asked by customs"
    browser, place = firm.client("broker"), reverse("batch_personal", args=[batch.id])
    assert reverse("batch_personal", args=[batch.id]) in browser.get(reverse("batch", args=[batch.id])).content.decode()
    assert "Casey" not in body_of(firm.client("trader").get(reverse("batch_file", args=[batch.id, "refused.csv"]))).decode()
    assert browser.get(place).status_code == 405
    assert firm.client("trader").post(place, {"file": "refused.csv", "reason": why}).status_code == 403
    for form in ({"file": "refused.csv", "reason": " so "}, {"file": "refused.csv"}, {"file": "lines.csv", "reason": why}):
        assert sent_to(browser.post(place, form)) == reverse("batch", args=[batch.id])
    assert not AuditEntry.objects.filter(action__endswith="s.exported").exists()
    assert "Casey Specimen" in body_of(browser.post(place, {"file": "refused.csv", "reason": why})).decode()
    assert AuditEntry.objects.get(action="refused.exported").detail == {"reason": why}
    with zipfile.ZipFile(io.BytesIO(body_of(browser.post(place, {"file": "messages.zip", "reason": why})))) as archive:
        assert len(archive.namelist()) == sum(one["messages"] for one in batch.summary["messages"].values())
    assert AuditEntry.objects.get(action="messages.exported").detail == {"reason": why}


def test_covered_rows_can_be_mended_elsewhere_and_declare_no_covered_person(firm: Firm) -> None:
    own = {"quantity": "0", "buyer_name": "Casey Specimen", "buyer_telephone": "13800000009", "Remark": "13800000008", "Shelf": "=A1"}
    batch = cleared(firm, csv_of([retail("D-2", "buyer-of-d2")[0] | own]))
    given = body_of(firm.client("trader").get(reverse("batch_file", args=[batch.id, "refused.csv"])))
    assert not [value for value in ("Casey", "13800000009", "13800000008", "buyer-of-d2") if value in given.decode()]
    covered = pl.read_csv(io.BytesIO(given), infer_schema=False)
    assert (covered["_buyer_name"][0], covered["Shelf"][0]) == ("C•••n", "'=A1")
    again = cleared(firm, covered.with_columns(quantity=pl.lit("1")).write_csv().encode(), "again.csv")
    assert pl.read_parquet(again.folder / "lines.parquet")["buyer_key"].to_list() == [None]


def test_the_text_of_a_row_that_cannot_be_read_is_not_shown(firm: Firm) -> None:
    """Where a value stands in it nobody can tell, so nobody can cover it."""
    batch = cleared(firm, csv_of(retail("D-1", "b")) + b"D-2,Casey Specimen,13800000009\n")
    page = firm.client("trader").get(reverse("batch_problems", args=[batch.id]))
    assert [row.unreadable for row in page.context["rows"]] == [True]
    assert "3 fields" in page.content.decode()
    place = reverse("batch_file", args=[batch.id, "refused.csv"])
    for shown in (page.content, body_of(firm.client("trader").get(place))):
        assert b"Casey" not in shown
        assert b"13800000009" not in shown


def test_another_system_takes_the_files_of_a_batch(firm: Firm) -> None:
    batch = cleared(firm, csv_of([*retail("D-1", "b"), retail("D-2", "c")[0] | {"quantity": "0", "buyer_name": "Casey Specimen"}]))
    api, why = Api(firm, "broker"), {"file": "refused.csv", "reason": "asked by customs"}
    answer = api.client.get(f"/api/v1/batches/{batch.id}/files/lines.parquet")
    assert answer["Content-Type"] == "application/vnd.apache.parquet"
    assert pl.read_parquet(io.BytesIO(body_of(answer))).height == 2
    assert b"Casey" not in body_of(api.client.get(f"/api/v1/batches/{batch.id}/files/refused.csv"))
    assert api.client.get(f"/api/v1/batches/{batch.id}/files/declarations_1039.csv").status_code == 404
    assert b"Casey" in body_of(api.send("POST", f"/batches/{batch.id}/personal-files", why))
    assert AuditEntry.objects.get(action="refused.exported").detail == {"reason": "asked by customs"}
    assert api.send("POST", f"/batches/{batch.id}/personal-files", {"file": "refused.csv", "reason": ""}).status_code == 422
    assert Api(firm).send("POST", f"/batches/{batch.id}/personal-files", why).status_code == 403
    assert Api(firm, "analyst").client.get(f"/api/v1/batches/{batch.id}/files/refused.csv").status_code == 403


# Jobs


def test_jobs_are_listed_and_told(firm: Firm) -> None:
    batch = cleared(firm, csv_of(retail("J-1", "b")))
    api, browser = Api(firm, "analyst"), firm.client("analyst")
    (listed,) = api.get("/jobs", state="done")["items"]
    assert (listed["id"], listed["kind"], listed["result"]["batch"]) == (str(batch.job_id), "batches.clear", str(batch.id))
    assert api.get(f"/jobs/{batch.job_id}")["state"] == "done"
    assert api.get("/jobs", state="failed")["items"] == []
    assert str(batch.job_id) in browser.get("/jobs/").content.decode()
    assert reverse("batch", args=[batch.id]) in browser.get(reverse("job", args=[batch.job_id])).content.decode()
    assert browser.get(reverse("job_progress", args=[batch.job_id])).headers["HX-Refresh"] == "true"


def test_every_stage_a_job_tells_has_a_text() -> None:
    source = Path(entrepot.__file__).parent
    modules = [*source.glob("run/*.py"), *source.glob("desk/*/*.py")]
    stages = {stage for path in modules for stage in re.findall(r'progress\(\s*"([a-z]+)"', path.read_text(encoding="utf-8"))}
    assert {"read", "verify", "export"} <= stages
    assert not [stage for stage in stages if f"batches.stage-{stage}" not in all_texts()]


# The yearly limit


def retail(order: str, buyer: str, price: str = "3000.00") -> list[Row]:
    """A retail import of one line."""
    plain = sample_rows("LIM-01")[0]
    own = {"order_id": order, "waybill_no": f"W-{order}", "buyer_id": buyer, "unit_price": price}
    return [plain | own | {"quantity": "1", "mode_wanted": "1210"}]


YEAR = 2026
DAY = date(YEAR, 3, 10)


def test_the_limit_is_inclusive_and_never_passed(firm: Firm) -> None:
    acting, key, limit = firm.acting("trader"), buyer_key_of("b"), yearly_limit_fen(DAY)
    assert limit == 2_600_000
    kept = reserve(acting, key, YEAR, "O-1", limit, day=DAY)
    assert reserve(acting, key, YEAR, "O-1", limit, day=DAY) == kept, "asking twice changes nothing"
    with pytest.raises(OverLimit) as refused:
        reserve(acting, key, YEAR, "O-2", 1, day=DAY)
    assert refused.value.left_fen == 0
    with pytest.raises(Told, match="another open reservation"):
        reserve(acting, key, YEAR, "O-1", 1, day=DAY)
    assert release_reservation(acting, kept)
    assert not release_reservation(acting, kept)
    assert reserve(acting, key, YEAR, "O-2", 1, day=DAY)
    assert BuyerYear.objects.get().reserved_fen == 1


def test_a_reservation_ends_by_itself(firm: Firm) -> None:
    acting, key = firm.acting("trader"), buyer_key_of("b")
    reserve(acting, key, YEAR, "O-1", 2_600_000, day=DAY)
    Reservation.objects.update(expires_at=timezone.now())
    assert reserve(acting, key, YEAR, "O-2", 2_600_000, day=DAY)
    assert end_expired() == 0
    assert BuyerYear.objects.get().reserved_fen == 2_600_000


def test_reservations_through_the_api(firm: Firm, stranger: Firm) -> None:
    api = Api(firm)
    asked = {"buyer_id": "b", "order_id": "O-1", "amount_cny": "26000.00", "day": str(DAY)}
    made = api.send("POST", "/reservations", asked)
    assert made.status_code == 201
    assert api.send("POST", "/reservations", asked | {"order_id": "O-2", "amount_cny": "0.01"}).json()["code"] == "over-limit"
    balance = api.send("POST", "/reservations/balance", {"buyer_id": "b", "year": YEAR}).json()
    assert (balance["reserved_cny"], balance["left_cny"]) == ("26000.00", "0.00")
    assert Api(stranger).send("DELETE", f"/reservations/{made.json()['id']}").status_code == 404
    assert api.send("DELETE", f"/reservations/{made.json()['id']}").json()["ended_at"]
    assert api.get("/reservations", order_id="O-1")["items"][0]["order_id"] == "O-1"
    assert api.send("POST", "/reservations", asked | {"buyer_key": "0" * 32}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_stay_within_the_limit(firm: Firm) -> None:
    acting, key, kept = firm.acting("trader"), buyer_key_of("b"), list[str]()

    def ask(number: int) -> None:
        order = f"O-{number % 40}"  # ten orders are asked for twice
        while True:
            try:
                reserve(acting, key, YEAR, order, 100_000, day=DAY)
                kept.append(order)
            except OverLimit:
                pass
            except OperationalError:  # SQLite in memory does not wait for another writer
                time.sleep(0.02)
                continue
            finally:
                connection.close()
            return

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row, held = BuyerYear.objects.get(), Reservation.objects.filter(ended_at=None)
    assert row.reserved_fen == sum(one.amount_fen for one in held) == yearly_limit_fen(DAY)
    assert {one.order_id for one in held} == set(kept)


def limits_of(batch: Batch) -> list[str]:
    lines = pl.read_parquet(batch.folder / "lines.parquet").sort("row_id")
    return [rule.removeprefix("cn.cbec.") for rule in lines["limit_rule"].to_list()]


def test_each_batch_opens_with_what_earlier_ones_used(firm: Firm) -> None:
    within, over = "within-order-and-yearly-limit", "over-yearly-limit"
    nine = [row for number in range(5) for row in retail(f"A-{number}", "b", "5000.00")]
    assert limits_of(cleared(firm, csv_of(nine))) == [within] * 5
    assert BuyerYear.objects.get().spent_fen == 2_500_000
    assert limits_of(cleared(firm, csv_of(retail("B-1", "b", "1000.01")))) == [over]
    assert limits_of(cleared(firm, csv_of(retail("B-2", "b", "1000.00")))) == [within]
    assert BuyerYear.objects.get().spent_fen == 2_600_000


def test_a_reservation_is_kept_for_its_own_order(firm: Firm) -> None:
    within, over = "within-order-and-yearly-limit", "over-yearly-limit"
    reserve(firm.acting("trader"), buyer_key_of("b"), YEAR, "R-1", 2_400_000, day=DAY)
    assert limits_of(cleared(firm, csv_of(retail("other", "b", "3000.00")))) == [over]
    assert limits_of(cleared(firm, csv_of(retail("R-1", "b", "3000.00")))) == [within]
    row = BuyerYear.objects.get()
    assert (row.spent_fen, row.reserved_fen) == (300_000, 0), "the reservation of a decided order ends"


def test_a_buyer_key_of_a_reservation_is_that_of_lines(firm: Firm, tmp_path: Path) -> None:
    batch = cleared(firm, csv_of(retail("K-1", "b")))
    assert pl.read_parquet(batch.folder / "lines.parquet")["buyer_key"].to_list() == [buyer_key_of(" B ")]


def test_a_file_without_a_table_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        check_content(_written(tmp_path / "a.xlsx", b"PK\x03\x04"))


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
