"""Products: a catalogue that survives going out and coming in, codes that are decided and never rewritten, files by content."""

import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
import xlsxwriter  # type: ignore[import-untyped]
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from entrepot.desk.audit.models import AuditEntry
from entrepot.desk.people.models import Mandate, User
from entrepot.desk.products.catalogue import catalogue_files, import_rows, products_csv
from entrepot.desk.products.codes import decide_code, present_codes
from entrepot.desk.products.listing import found
from entrepot.desk.products.models import Certificate, Code, Image, Product
from entrepot.desk.told import Told
from entrepot.goods.catalogue_file import COLUMNS, read_articles
from tests.desk.conftest import Firm

THIS_YEAR = timezone.localdate().year
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
PDF = b"%PDF-1.7\n" + b"0" * 40
HARD = [
    {"sku": "=1+1", "name_en": "'=cmd", "name_zh": "瓷杯, \"白\"\n第二行", "brand": "+B", "source": "-s"},
    {"sku": "M 2", "hs_code": "6911101900", "origin_country": "CN", "unit": "011", "net_mass_g": "380", "status": "unconfirmed"},
    {"sku": "M3", "hs_code": "33049900", "on_positive_list": "yes", "needs_licence": "no", "content_quantity": "0.5", "content_unit": "ml"},
    {"sku": "M4", "name_en": "''@twice", "on_positive_list": "no", "content_quantity": "50", "content_unit": "piece"},
]  # fmt: skip


def put(firm: Firm, *rows: dict[str, str], edition: int = THIS_YEAR) -> Any:
    return import_rows(firm.acting("trader"), list(enumerate(rows, 1)), edition)


def exported(firm: Firm) -> bytes:
    return b"".join(products_csv(firm.acting("trader"), found(firm.acting("trader"))))


def product(firm: Firm, sku: str = "MUG") -> Product:
    if not Product.objects.of(firm.organisation).filter(sku=sku).exists():
        assert not put(firm, {"sku": sku}).problems
    one: Product = Product.objects.of(firm.organisation).get(sku=sku)
    return one


def send(firm: Firm, content: bytes, name: str = "catalogue.csv", role: str = "trader") -> Any:
    file = SimpleUploadedFile(name, content)
    return firm.client(role).post(reverse("products_import"), {"file": file, "edition": THIS_YEAR})


# --- out and in ----------------------------------------------------------------------------------------


def test_a_catalogue_goes_out_and_comes_in_exactly(firm: Firm, stranger: Firm) -> None:
    put(firm, *HARD)
    first = exported(firm)
    assert send(stranger, first).status_code == 302
    assert exported(stranger) == first
    again = firm.client("trader")
    again.post(reverse("products_import"), {"file": SimpleUploadedFile("again.csv", first), "edition": THIS_YEAR})
    assert "0 added, 0 changed, 4 the same, 0 codes" in again.get(reverse("products")).content.decode()


def test_no_cell_of_an_export_is_run_by_a_spreadsheet(firm: Firm) -> None:
    put(firm, *HARD)
    cells = [cell for row in pl.read_csv(io.BytesIO(exported(firm)), infer_schema=False).rows() for cell in row if cell]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_what_clearing_reads_is_what_is_kept(firm: Firm, tmp_path: Path) -> None:
    put(firm, *HARD)
    (path,) = catalogue_files(firm.organisation, tmp_path)
    articles = {row["sku"]: row for row in read_articles(path).to_dicts()}
    assert articles["=1+1"]["name_zh"] == '瓷杯, "白"\n第二行'
    assert (articles["M 2"]["hs_code"], articles["M 2"]["unconfirmed"], articles["M 2"]["unit_mass_g"]) == (
        "6911101900",
        True,
        380,
    )
    assert (
        articles["M3"]["content_quantity_e5"],
        articles["M3"]["on_positive_list"],
        articles["M4"]["content_unit"],
    ) == (50_000, True, "piece")
    Product.objects.of(firm.organisation).update(status=Product.Status.RETIRED)
    assert catalogue_files(firm.organisation, tmp_path) == ()


def test_the_sample_catalogue_comes_in(firm: Firm) -> None:
    sample = files("entrepot.samples").joinpath("catalogue.csv").read_bytes()
    assert send(firm, sample).status_code == 302
    assert Product.objects.of(firm.organisation).count() == len(sample.decode().strip().splitlines()) - 1


def test_a_workbook_comes_in(firm: Firm) -> None:
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["sku", "hs_code", "net_mass_g"])
        sheet.write_row(1, 0, ["X1", "6911101900", 380])
    assert send(firm, book.getvalue(), "c.xlsx").status_code == 302
    assert product(firm, "X1").mass_g == 380


def test_every_wrong_cell_is_shown_at_once_and_nothing_changes(firm: Firm) -> None:
    rows = "sku,hs_code,unit,net_mass_g,origin_country\nA,12,011,380,CN\nB,6911101900,nonsense,-1,XX\n,6911101900,,,\nA,,,,\n"
    page = send(firm, rows.encode())
    wrong = [(one.row, one.column) for one, _ in page.context["problems"]]
    assert wrong == [(1, "hs_code"), (2, "origin_country"), (2, "unit"), (2, "net_mass_g"), (3, "sku")]
    assert (page.status_code, Product.objects.of(firm.organisation).count()) == (422, 0)


def test_what_a_cell_may_hold_is_said_in_the_readers_language(firm: Firm) -> None:
    User.objects.update(language="zh-hans")
    long = "x" * 121
    rows = "sku,hs_code,unit,net_mass_g,origin_country,content_quantity,status\nA,12,nonsense,-1,XX,-1,maybe\n,6911101900,,,,,\n"
    said = [said for _, said in send(firm, rows.encode()).context["problems"]]
    said += [said for _, said in send(firm, f"sku\n{long}\n".encode()).context["problems"]]
    assert len(said) == 8
    assert "不超过 120 个字符" in said
    assert not [one for one in said if not re.search(r"[\u4e00-\u9fff]", one)]


def test_a_sku_stays_on_the_page_as_over_the_api(firm: Firm) -> None:
    one, client = product(firm, "MUG"), firm.client("trader")
    place = reverse("product_edit", args=[one.id])
    given = {name: field.value() or "" for name, field in ((field.name, field) for field in client.get(place).context["form"])}
    assert client.post(place, {**given, "sku": "CUP", "brand": "Tide"}).status_code == 302
    one.refresh_from_db()
    assert (one.sku, one.brand) == ("MUG", "Tide")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name_en\nmug\n", "needs the column sku"), (b"sku,price\nA,1\n", "price"), (b"", "empty"), (b"\x1f\x8b1234", "packed"),
        (b"sku,unit\nA,011,extra\n", "row 1"), (b"PK\x03\x04nonsense", "workbook"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_catalogue_is_told_plainly(firm: Firm, content: bytes, said: str) -> None:
    page = send(firm, content)
    assert page.status_code in (200, 422)
    assert said in page.content.decode()
    assert not Product.objects.of(firm.organisation).exists()


def test_a_column_left_out_stays_and_an_empty_cell_empties_but_never_the_code(firm: Firm) -> None:
    put(firm, {"sku": "A", "hs_code": "6911101900", "brand": "Tide", "unit": "011"})
    put(firm, {"sku": "A", "name_en": "mug"})
    put(firm, {"sku": "A", "brand": "", "hs_code": ""})
    one = product(firm, "A")
    assert (one.name_en, one.brand, one.unit) == ("mug", "", "011")
    assert present_codes(firm.acting("trader"), [one])[one].code == "6911101900"


def test_organisations_may_use_the_same_sku(firm: Firm, stranger: Firm) -> None:
    put(firm, {"sku": "A", "name_en": "ours"})
    put(stranger, {"sku": "A", "name_en": "theirs"})
    assert (product(firm, "A").name_en, product(stranger, "A").name_en) == ("ours", "theirs")


# --- codes ---------------------------------------------------------------------------------------------


def test_a_new_decision_leaves_the_old_one_as_it_was(firm: Firm) -> None:
    one, acting = product(firm), firm.acting("broker")
    first = decide_code(acting, one, "CN", THIS_YEAR, "6911.10.19.00", "porcelain", confirmed=False)
    before = dict(Code.objects.of(acting).filter(id=first.id).values().get())
    second = decide_code(acting, one, "CN", THIS_YEAR, "6912001000", "ruling 12", confirmed=True)
    after = dict(Code.objects.of(acting).filter(id=first.id).values().get())
    assert after.pop("superseded_at")
    assert before.pop("superseded_at") is None
    assert before == after
    assert present_codes(acting, [one])[one].id == second.id
    assert [entry.action for entry in AuditEntry.objects.filter(object_id=str(one.id))] == ["product.code-decided"] * 2


def test_a_code_of_an_older_tariff_is_history_at_once_and_countries_stand_apart(firm: Firm) -> None:
    one, acting = product(firm), firm.acting("broker")
    decide_code(acting, one, "CN", THIS_YEAR, "6911101900", "this year", confirmed=True)
    decide_code(acting, one, "CN", THIS_YEAR - 1, "6911101100", "last year", confirmed=True)
    decide_code(acting, one, "EU", THIS_YEAR, "6911100000", "combined nomenclature", confirmed=True)
    present = {code.jurisdiction: code.code for code in Code.objects.of(acting).filter(product=one, superseded_at=None)}
    assert present == {"CN": "6911101900", "EU": "6911100000"}


@pytest.mark.parametrize(
    ("jurisdiction", "edition", "code", "reason"),
    [
        ("XX", THIS_YEAR, "691110", "why"), ("CN", THIS_YEAR + 1, "691110", "why"), ("CN", 1987, "691110", "why"),
        ("CN", THIS_YEAR, "69111", "why"), ("CN", THIS_YEAR, "691110190", "why"), ("CN", THIS_YEAR, "６９１１１０", "why"),
        ("US", THIS_YEAR, "6911101900123", "why"), ("CN", THIS_YEAR, "691110", " x "),
    ],
)  # fmt: skip
def test_a_decision_that_cannot_be_is_refused(
    firm: Firm, jurisdiction: str, edition: int, code: str, reason: str
) -> None:
    with pytest.raises(Told):
        decide_code(firm.acting("broker"), product(firm), jurisdiction, edition, code, reason, confirmed=True)
    assert not Code.objects.of(firm.organisation).exists()


def test_deciding_on_the_page_and_a_refusal_at_its_field(firm: Firm) -> None:
    one, client = product(firm), firm.client("trader")
    given = {
        "jurisdiction": "CN",
        "edition": THIS_YEAR,
        "code": "6911.10.19.00",
        "reason": "porcelain",
        "confirmed": "on",
    }
    assert client.post(reverse("product_code", args=[one.id]), given).status_code == 302
    page = client.get(reverse("product", args=[one.id])).content.decode()
    assert "6911101900" in page
    assert "trader of Tide" in page
    refused = client.post(reverse("product_code", args=[one.id]), {**given, "edition": THIS_YEAR + 1})
    assert list(refused.context["code_form"].errors) == ["edition"]


# --- pages ---------------------------------------------------------------------------------------------


def test_a_product_is_added_and_changed_by_hand(firm: Firm) -> None:
    client = firm.client("trader")
    given = {"sku": "HM-1", "name_zh": "杯", "origin": "cn", "unit": "011", "mass_g": "380", "content_quantity": "0.5",
             "content_unit": "ml", "on_positive_list": "", "needs_licence": "false", "status": "active"}  # fmt: skip
    assert client.post(reverse("product_new"), given).status_code == 302
    one = product(firm, "HM-1")
    assert (one.origin, one.content_quantity_e5, one.on_positive_list, one.needs_licence) == ("CN", 50_000, None, False)
    assert client.post(reverse("product_edit", args=[one.id]), {**given, "brand": "Tide"}).status_code == 302
    assert product(firm, "HM-1").brand == "Tide"
    taken = client.post(reverse("product_new"), given)
    assert list(taken.context["form"].errors) == ["sku"]
    for wrong in (
        {"origin": "XX"},
        {"mass_g": "0"},
        {"content_unit": ""},
        {"unit": "999"},
        {"content_quantity": "0.000001"},
    ):
        assert client.post(reverse("product_edit", args=[one.id]), {**given, **wrong}).status_code == 422


def test_the_list_finds_by_sku_name_brand_and_code_and_narrows(firm: Firm) -> None:
    put(firm, {"sku": "A1", "name_zh": "瓷杯", "hs_code": "6911101900"}, {"sku": "C3"})
    put(firm, {"sku": "B2", "brand": "Tide", "hs_code": "6302319900", "status": "unconfirmed"})
    certificate(firm, product(firm, "C3"), timezone.localdate() + timedelta(days=29))
    certificate(firm, product(firm, "A1"), timezone.localdate() + timedelta(days=31))
    acting = firm.acting("analyst")

    def skus(query: str = "", wanted: str = "") -> list[str]:
        return [one.sku for one in found(acting, query, wanted).order_by("sku")]

    assert (skus("瓷"), skus("tide"), skus("a1"), skus("6911.10"), skus("%")) == (["A1"], ["B2"], ["A1"], ["A1"], [])
    assert (skus(wanted="missing"), skus(wanted="unconfirmed"), skus(wanted="expiring")) == (["C3"], ["B2"], ["C3"])


def test_pages_of_the_list_neither_skip_nor_repeat(firm: Firm) -> None:
    put(firm, *({"sku": f"S{number:03}"} for number in range(120)))
    client, where, seen = firm.client("trader"), "", list[str]()
    while True:
        page = client.get(reverse("products") + where)
        seen += [one.sku for one, _ in page.context["rows"]]
        if not page.context["next"]:
            break
        where = page.context["next"]
    assert seen == [f"S{number:03}" for number in range(120)]
    back = client.get(reverse("products") + page.context["previous"])
    assert [one.sku for one, _ in back.context["rows"]] == seen[50:100]


def test_another_organisations_product_is_not_there(
    firm: Firm, stranger: Firm, mandated: Callable[[Firm], Mandate]
) -> None:
    theirs, client = product(stranger), firm.client("administrator")
    picture = image(stranger, theirs)
    for name in ("product", "product_edit"):
        assert client.get(reverse(name, args=[theirs.id])).status_code == 404
    for name in ("product_code", "product_image_add", "product_certificate_add"):
        assert client.post(reverse(name, args=[theirs.id]), {}).status_code == 404
    assert client.get(reverse("product_image", args=[picture.id])).status_code == 404
    assert client.post(reverse("product_image_remove", args=[picture.id])).status_code == 404
    assert "MUG" not in client.get(reverse("products")).content.decode()


def test_who_may_not_edit_sees_no_way_to(firm: Firm) -> None:
    one = product(firm)
    for role in ("inspector", "analyst"):
        client = firm.client(role)
        page = client.get(reverse("product", args=[one.id])).content.decode()
        assert "product_code" not in page
        assert f"{one.id}/edit/" not in page
        assert client.post(reverse("product_code", args=[one.id]), {}).status_code == 403
        assert send(firm, b"sku\nA\n", role=role).status_code == 403


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_pages_say_everything_in_both_languages(firm: Firm, language: str) -> None:
    one, client = product(firm), firm.client("trader")
    certificate(firm, one, timezone.localdate())
    image(firm, one)
    decide_code(firm.acting("trader"), one, "CN", THIS_YEAR, "691110", "why", confirmed=False)
    client.cookies["django_language"] = language
    for name, arguments in (
        ("products", []),
        ("product_new", []),
        ("products_import", []),
        ("product", [one.id]),
        ("product_edit", [one.id]),
    ):
        page = client.get(reverse(name, args=arguments)).content.decode()
        assert not re.findall(r">\s*((?:products|desk|people)\.[a-z.-]+)\s*<", page), name
        assert "style=" not in page


# --- pictures and certificates -------------------------------------------------------------------------


def image(firm: Firm, one: Product, content: bytes = PNG, name: str = "mug.png") -> Image:
    client = firm.client("trader")
    client.post(reverse("product_image_add", args=[one.id]), {"image": SimpleUploadedFile(name, content)})
    kept: Image = Image.objects.of(firm.organisation).get(product=one)
    return kept


def certificate(firm: Firm, one: Product, until: Any, content: bytes = PDF) -> Any:
    given = {"kind": "CE", "number": "12", "valid_until": str(until), "file": SimpleUploadedFile("ce.pdf", content)}
    return firm.client("trader").post(reverse("product_certificate_add", args=[one.id]), given)


def test_a_picture_is_kept_with_its_hash_and_sent_as_what_it_is(firm: Firm) -> None:
    kept = image(firm, product(firm), name="../../evil<script>.html")
    assert (kept.media_type, kept.bytes, kept.name) == ("image/png", len(PNG), "evil<script>.html")
    answer: Any = firm.client("analyst").get(reverse("product_image", args=[kept.id]))
    assert b"".join(answer.streaming_content) == PNG
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert kept.path.stat().st_mode & 0o077 == 0
    assert AuditEntry.objects.get(action="product.image-added").detail["sha256"] == kept.sha256


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", b"GIF89a", PDF, b"MZ\x90", b"x"]
)
def test_what_is_no_picture_is_refused_whatever_its_name(firm: Firm, content: bytes) -> None:
    one = product(firm)
    sent = {"image": SimpleUploadedFile("mug.png", content, content_type="image/png")}
    answer = firm.client("trader").post(reverse("product_image_add", args=[one.id]), sent)
    assert answer.status_code == 422
    assert not Image.objects.of(firm.organisation).exists()


def test_a_file_that_is_too_large_is_refused(firm: Firm) -> None:
    one = product(firm)
    sent = {"image": SimpleUploadedFile("mug.png", PNG + b"\0" * (10 << 20))}
    assert firm.client("trader").post(reverse("product_image_add", args=[one.id]), sent).status_code == 422


def test_a_removed_picture_is_gone_and_the_log_keeps_its_hash(
    firm: Firm, django_capture_on_commit_callbacks: Any
) -> None:
    kept = image(firm, product(firm))
    with django_capture_on_commit_callbacks(execute=True):
        firm.client("trader").post(reverse("product_image_remove", args=[kept.id]))
    assert not kept.path.exists()
    assert AuditEntry.objects.get(action="product.file-removed").detail["sha256"] == kept.sha256


def test_a_certificate_says_when_it_ends(firm: Firm) -> None:
    one, today = product(firm), timezone.localdate()
    for days in (-1, 0, 31):
        assert certificate(firm, one, today + timedelta(days=days)).status_code == 302
    page = firm.client("analyst").get(reverse("product", args=[one.id]))
    assert [validity for _, validity in page.context["certificates"]] == ["ended", "ending", "valid"]
    assert certificate(firm, one, today, b"<html>").status_code == 422
    assert Certificate.objects.of(firm.organisation).count() == 3


# --- over the API --------------------------------------------------------------------------------------


def call(firm: Firm, method: str, path: str, body: Any = None, role: str = "trader") -> Any:
    headers = {**firm.headers(role), "Idempotency-Key": str(uuid4())}
    send = getattr(Client(), method)
    return (
        send(f"/api/v1{path}", json.dumps(body), content_type="application/json", headers=headers)
        if body
        else send(f"/api/v1{path}", headers=headers)
    )


def test_products_over_the_api(firm: Firm, stranger: Firm) -> None:
    made = call(firm, "post", "/products", {"sku": "A", "hs_code": "6911101900", "unit": "pieces"})
    assert (made.status_code, made.json()["cells"]["hs_code"]) == (201, "6911101900")
    where = f"/products/{made.json()['id']}"
    assert call(firm, "post", "/products", {"sku": "A"}).status_code == 409
    changed = call(firm, "put", where, {"sku": "A", "brand": "Tide"}).json()
    assert (changed["cells"]["brand"], changed["cells"]["hs_code"]) == ("Tide", "6911101900")
    assert call(firm, "put", where, {"sku": "B"}).status_code == 409
    decided = call(
        firm,
        "post",
        f"{where}/codes",
        {"jurisdiction": "US", "edition": THIS_YEAR, "code": "6911.10.37", "reason": "ruling"},
    )
    assert (decided.status_code, decided.json()["code"]) == (201, "69111037")
    assert {one["jurisdiction"] for one in call(firm, "get", where).json()["codes"]} == {"CN", "US"}
    assert [one["sku"] for one in call(firm, "get", "/products?q=tide").json()["items"]] == ["A"]
    assert call(stranger, "get", where).status_code == 404
    assert call(firm, "post", "/products", {"sku": "Z"}, role="analyst").status_code == 403


def test_many_products_in_one_call_all_or_none(firm: Firm) -> None:
    many = [{"sku": f"S{number}", "hs_code": "6911101900"} for number in range(2000)]
    done = call(firm, "post", "/products/bulk", {"products": many}).json()
    assert done == {"made": 2000, "changed": 0, "same": 0, "codes_decided": 2000}
    many[3]["unit"], many[9]["hs_code"] = "nonsense", "1"
    refused = call(firm, "post", "/products/bulk", {"products": [*many, {"sku": "new"}]})
    assert (refused.status_code, [one["path"] for one in refused.json()["errors"]]) == (
        422,
        ["products[3].unit", "products[9].hs_code"],
    )
    assert Product.objects.of(firm.organisation).count() == 2000


def test_the_columns_of_the_api_are_those_of_the_file(firm: Firm) -> None:
    shown = call(firm, "get", f"/products/{product(firm).id}").json()["cells"]
    assert tuple(shown) == COLUMNS
