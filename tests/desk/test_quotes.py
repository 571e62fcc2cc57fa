"""Quotes: without a login, by page and by API, alone and by the thousand, and the same behind a link for ever."""

import json
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import jsonschema_rs
import polars as pl
import pyarrow as pa
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from entrepot.desk.api import limits
from entrepot.desk.api.api import api
from entrepot.desk.audit.models import AuditEntry
from entrepot.desk.quotes.models import KeptQuote
from tests.desk.conftest import Firm
from tests.run.test_quote import other_law

ARROW = "application/vnd.apache.arrow.stream"
SHIRT = {
    "description": "cotton t-shirt", "hs_code": "6109100000", "seller_country": "CN", "buyer_country": "US", "quantity": "10",
    "value": "500.00", "currency": "CNY", "on": "2026-11-20", "buyer_kind": "person", "platform_sale": True,
}  # fmt: skip
MILK = {
    "description": "milk powder", "seller_country": "NZ", "buyer_country": "CN", "quantity": 1, "value": "100.00", "currency": "CNY",
    "on": "2026-11-20", "buyer_kind": "person", "platform_sale": True, "hs_code": "1901101000",
}  # fmt: skip
ASKED = {"product": "cotton t-shirt", "seller_country": "CN", "buyer_country": "US", "value": "500", "currency": "CNY", "quantity": "10",
         "on": "2026-11-20", "buyer_kind": "person"}  # fmt: skip


def post(client: Client, quotes: Any, path: str = "", **headers: str) -> Any:
    return client.post(f"/api/v1/quotes{path}", json.dumps({"quotes": quotes}), content_type="application/json", headers=headers)


@pytest.fixture(autouse=True)
def a_fresh_minute(db: None) -> None:
    limits._lots.clear()


# The API


def test_a_quote_ranks_every_way_and_says_what_is_unknown() -> None:
    answer = post(Client(), [SHIRT]).json()["quotes"][0]
    assert [one["rank"] for one in answer["options"]] == list(range(1, len(answer["options"]) + 1))
    assert {one["mode"] for one in answer["options"]}.isdisjoint(one["mode"] for one in answer["rejected"])
    destination = [charge for charge in answer["options"][0]["charges"] if charge["kind"] == "destination"]
    assert destination[0]["amount"] is None
    assert answer["options"][0]["total"] is None
    assert "quote.destination-unknown" in {one["id"] for one in answer["warnings"]}
    assert all(one["rule"]["text"] for one in answer["rejected"])


def test_an_answer_is_as_the_description_says() -> None:
    document = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/")))
    schema = document["paths"]["/api/v1/quotes"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    whole = {**schema, "components": {"schemas": document["components"]["schemas"]}}
    answer = post(Client(), [SHIRT, MILK, {**SHIRT, "currency": "XXX"}]).json()
    assert not [error.message for error in jsonschema_rs.validator_for(whole).iter_errors(answer)]


def test_texts_come_in_the_language_asked_for() -> None:
    english, chinese = (post(Client(), [SHIRT], **{"Accept-Language": spoken}).json() for spoken in ("en", "zh-CN"))
    assert english["quotes"][0]["options"][0]["answer_text"] != chinese["quotes"][0]["options"][0]["answer_text"]


def test_bad_quotes_of_a_call_do_not_keep_the_good_ones_back() -> None:
    answer = post(Client(), [SHIRT, {**SHIRT, "currency": "XXX", "quantity": "-1", "colour": "red"}]).json()
    assert answer["quotes"][0]["problems"] == []
    assert {one["field"] for one in answer["quotes"][1]["problems"]} == {"currency", "quantity", "colour"}


def test_a_call_with_only_bad_quotes_names_every_bad_field() -> None:
    refused = post(Client(), [{**SHIRT, "currency": "XXX"}, {**SHIRT, "buyer_country": "CN"}])
    assert refused.status_code == 422
    assert {one["path"] for one in refused.json()["errors"]} == {"quotes[0].currency", "quotes[1].buyer_country"}


@pytest.mark.parametrize("body", [[], {}, {"quotes": []}, {"quotes": "x"}, {"quotes": [1]}, {"quotes": [SHIRT], "more": 1}, "x", None, 1])
def test_a_body_of_another_form_is_refused(body: Any) -> None:
    refused = Client().post("/api/v1/quotes", json.dumps(body), content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize("field", ["seller_country", "buyer_country", "currency", "on", "value"])
def test_a_field_left_out_is_named(field: str) -> None:
    refused = post(Client(), [{name: value for name, value in SHIRT.items() if name != field}])
    assert refused.status_code == 422
    assert [one["path"] for one in refused.json()["errors"]] == ["quotes[0]." + {"value": "unit_price"}.get(field, field)]


def test_a_visitor_asks_for_few_and_a_key_for_many(firm: Firm) -> None:
    assert post(Client(), [SHIRT] * 11).status_code == 422
    assert len(post(Client(headers=firm.headers("trader")), [SHIRT] * 100).json()["quotes"]) == 100
    assert post(Client(), [SHIRT], "/bulk").status_code == 401


def test_quoting_changes_nothing(firm: Firm) -> None:
    client = Client(headers=firm.headers("trader"))
    post(client, [SHIRT])
    with CaptureQueriesContext(connection, ) as queries:
        assert post(client, [SHIRT]).status_code == 200
    assert not [one["sql"] for one in queries if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


# The link


def test_a_link_answers_the_same_when_the_law_has_changed(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(headers={**firm.headers("trader"), "Idempotency-Key": str(uuid4())})
    made = post(client, [MILK], "?store=true").json()["quotes"][0]
    told = Client().get(f"/api/v1/quotes/{made['slug']}").json()
    assert {name: made[name] for name in told["quote"]} == told["quote"]
    later = other_law()
    monkeypatch.setattr("entrepot.desk.quotes.api.book", lambda: later)
    monkeypatch.setattr("entrepot.desk.quotes.views.book", lambda: later)
    assert post(client, [MILK]).json()["law_hash"] == later.hash != made["law_hash"]
    assert Client().get(f"/api/v1/quotes/{made['slug']}").json() == told
    page = Client().get(f"/quote/{made['slug']}/").content.decode()
    assert made["law_hash"][:12] in page
    assert "has changed since" in page
    assert AuditEntry.objects.filter(action="quote.kept", object_id=made["slug"]).count() == 1


def test_the_same_question_has_one_link_and_another_organisation_another(firm: Firm, stranger: Firm) -> None:
    def slug(headers: dict[str, str]) -> str:
        client = Client(headers={**headers, "Idempotency-Key": str(uuid4())})
        kept: str = post(client, [SHIRT], "?store=true").json()["quotes"][0]["slug"]
        return kept

    own = firm.headers("trader")
    assert slug(own) == slug(own) != slug(stranger.headers("trader"))
    assert len(slug(own)) == 22


@pytest.mark.parametrize("slug", ["x", "A" * 22, "..%2F..", "x" * 5000])
def test_a_link_that_was_never_given_is_not_there(slug: str) -> None:
    assert Client().get(f"/quote/{slug}/").status_code == 404
    assert Client().get(f"/api/v1/quotes/{slug}").status_code == 404


# Bulk


def test_a_table_says_what_single_quotes_say(firm: Firm) -> None:
    client = Client(headers=firm.headers("trader"))
    asked = [SHIRT, {**SHIRT, "quantity": "x"}, MILK]
    single, rows = post(client, asked).json()["quotes"], post(client, asked, "/bulk").json()["rows"]
    for place, answer in enumerate(single):
        mine = [row for row in rows if row["quote"] == place]
        ways = [*answer["options"], *answer["rejected"]]
        assert [(row["mode"], row["rank"], row["rule"], row["total"]) for row in mine if row["mode"]] == [
            (way["mode"], way["rank"], way["rule"]["id"], way["total"]) for way in ways
        ]
        assert [row["code"] for row in mine if row["code"]] == [problem["code"] for problem in answer["problems"]]


def arrow(frame: pl.DataFrame | pa.Table, **options: Any) -> bytes:
    table = frame.to_arrow() if isinstance(frame, pl.DataFrame) else frame
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    sent: bytes = sink.getvalue().to_pybytes()
    return sent


def test_ten_thousand_lines_in_arrow_come_back_in_arrow(firm: Firm, proof_size: Any) -> None:
    size = proof_size(600, 10_000)
    frame = pl.DataFrame([{**MILK, "value": Decimal(f"{1 + number % 4000}.00"), "on": date(2026, 11, 20)} for number in range(size)])
    sent = Client(headers=firm.headers("trader")).post("/api/v1/quotes/bulk", arrow(frame), content_type=ARROW)
    assert sent["Content-Type"] == ARROW
    table = pl.DataFrame(pa.ipc.open_stream(sent.content).read_all())
    assert table.get_column("quote").n_unique() == size
    open_ways = table.filter(pl.col("answer") == "yes", pl.col("vat").is_not_null())
    assert (open_ways.get_column("price") + open_ways.get_column("duty") + open_ways.get_column("consumption_tax")
            + open_ways.get_column("vat") == open_ways.get_column("total")).all()  # fmt: skip
    assert open_ways.height


ONE = pl.DataFrame([SHIRT])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"not arrow", 400),
        (arrow(ONE)[:-40], 400),
        (arrow(ONE)[:200], 400),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f" + b"\0" * 50, 400),
        (arrow(pa.table({"quantity": pa.nulls(1_000_000)})), 422),
        (arrow(pl.DataFrame({"description": ["x"] * 10_001})), 422),
        (arrow(pl.DataFrame({"description": ["x" * 1_000_000]}), compression="zstd"), 422),
        (arrow(pl.DataFrame({"description": [["nested"]]})), 422),
        (arrow(ONE.clear()), 422),
    ],
    ids=["empty", "text", "cut", "cut early", "huge length", "a million nulls", "too many", "packed", "nested", "no rows"],
)
def test_an_arrow_body_that_is_none_or_too_much_is_refused(firm: Firm, body: bytes, status: int) -> None:
    refused = Client(headers=firm.headers("trader")).post("/api/v1/quotes/bulk", body, content_type=ARROW)
    assert (refused.status_code, refused["Content-Type"]) == (status, "application/problem+json"), refused.content


def test_any_byte_of_an_arrow_body_may_be_wrong(firm: Firm) -> None:
    client, good = Client(headers=firm.headers("trader")), arrow(ONE)
    for place in range(0, len(good), max(1, len(good) // 150)):
        for byte in (0, 0xFF, good[place] ^ 0x40):
            bad = good[:place] + bytes([byte]) + good[place + 1 :]
            assert client.post("/api/v1/quotes/bulk", bad, content_type=ARROW).status_code in (200, 400, 422, 429)


# The page


def test_a_visitor_asks_on_the_page_and_shares_the_answer() -> None:
    client = Client()
    page = client.get("/quote/", ASKED).content.decode()
    assert "cn.0110" not in page
    assert 'data-chart="waterfall"' in page
    assert "Charges at the destination are unknown" in page
    shared = client.post("/quote/store/", ASKED, follow=True)
    kept = KeptQuote.objects.get()
    assert kept.organisation is None
    assert shared.redirect_chain[-1][0] == f"/quote/{kept.slug}/"
    assert "cotton t-shirt" in shared.content.decode()


def test_a_script_gets_the_answer_alone() -> None:
    part = Client().get("/quote/", ASKED, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'data-chart="waterfall"' in part


def test_a_product_of_digits_is_a_code() -> None:
    Client().post("/quote/store/", {**ASKED, "product": "6109.10 0000"})
    assert KeptQuote.objects.get().frozen["request"]["hs_code"] == "6109100000"


@pytest.mark.parametrize(("spoken", "said"), [("en", "buyer"), ("zh-hans", "买")])
def test_what_is_wrong_is_said_at_its_field_in_the_readers_language(spoken: str, said: str) -> None:
    client = Client()
    client.cookies["django_language"] = spoken
    refused = client.get("/quote/", {**ASKED, "buyer_country": "CN"})
    assert refused.status_code == 422
    errors = refused.context["form"].errors
    assert list(errors) == ["buyer_country"]
    assert said in str(errors)


def test_an_address_that_asks_too_often_is_told_to_wait(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VISITOR_REQUESTS_PER_MINUTE = 2
    monkeypatch.setattr("entrepot.desk.api.limits.time.time", lambda: 1_900_000_010.0)
    assert [Client().get("/quote/", ASKED).status_code for _ in range(3)] == [200, 200, 429]


def test_what_an_organisation_kept_is_listed_for_it_alone(firm: Firm, stranger: Firm) -> None:
    firm.client("trader").post("/quote/store/", ASKED)
    address = f"/quote/{KeptQuote.objects.get().slug}/"
    assert address in firm.client("analyst").get("/quote/").content.decode()
    assert address not in stranger.client("trader").get("/quote/").content.decode()
    assert address not in Client().get("/quote/").content.decode()


@pytest.mark.parametrize("field", sorted(ASKED))
@pytest.mark.parametrize("value", ["", "x", "<script>alert(1)</script>", "9" * 400, "\u0000", "-1", "1e999"])
def test_the_page_takes_anything(field: str, value: str) -> None:
    page = Client().get("/quote/", {**ASKED, field: value})
    assert page.status_code in (200, 422)
    assert "<script>alert" not in page.content.decode()
