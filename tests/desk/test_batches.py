"""The walk of a file through the desk: sent, looked at, mapped, cleared, taken away; and lines sent in one call."""

import io
import re
import struct
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from django.urls import reverse
from django.utils import timezone

import entrepot
from entrepot.desk.audit.models import AuditEntry
from entrepot.desk.batches import uploads
from entrepot.desk.batches.choices import Choices
from entrepot.desk.batches.clear import clear_batch, start
from entrepot.desk.batches.models import Batch, BuyerYear, Upload
from entrepot.desk.batches.models import Mapping as SavedMapping
from entrepot.desk.batches.sample import clear_sample_day, sample_orders
from entrepot.desk.told import Told
from entrepot.goods.texts import all_texts
from tests.desk.batches import Api, body_of, cleared, csv_of, done, job_of, retail, sent_to
from tests.desk.conftest import Firm
from tests.run.days import sample_rows

pytestmark = pytest.mark.django_db

CHINESE = """订单编号,品名,海关编码,数量,单价,币种,收货人姓名,收货人电话,目的国,净重(千克),毛重(克),下单时间
C-001,陶瓷马克杯,6911101900,2,8.40,美元,张三样例,13800000001,美国,0.76,800,2026-03-10 10:00
C-001,LED台灯,9405210090,1,15.00,美元,张三样例,13800000001,美国,0.72,800,2026-03-10 10:00
C-002,塑料饭盒,3924100000,-1,4.82,欧元,李四样例,13800000002,德国,0.14,190,2026-03-10 11:00
C-003,旅行背包,4202920000,1,18.43,美刀,王五样例,13800000003,澳大利亚,1.12,1270,2026-03-10 12:00
"""
SAID_ONCE = {"direction": "export", "declared_on": "2026-03-10", "seller_country": "CN", "platform_sale": "true", "buyer_kind": "person"}


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
