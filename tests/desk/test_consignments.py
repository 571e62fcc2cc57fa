"""The list of consignments, the walk of a line, a person's decision, personal data: on the sample day cleared for real."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from django.test import AsyncRequestFactory, Client
from django.urls import reverse
from django.utils import timezone

from entrepot.desk.audit.chain import verify
from entrepot.desk.audit.models import AuditEntry
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.listing import lines_of_order, overlay_of
from entrepot.desk.consignments.many import export_job, export_path, export_response, settle_job
from entrepot.desk.consignments.models import LineEvent, LineState, Proposal
from entrepot.desk.consignments.settle import decide_proposal, settle
from entrepot.desk.jobs.models import Job
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import ApiKey, Mandate, User
from entrepot.desk.people.names import names_of
from entrepot.desk.plug import Role
from entrepot.desk.told import Told
from entrepot.goods.texts import LANGUAGES
from entrepot.run.batch import file_hash, read_manifest
from entrepot.run.explain import explain
from entrepot.run.shelf import Entry, Filters, Shelf
from tests.desk.batches import batch_of_day, sealed_day
from tests.desk.conftest import Firm

__all__ = ["sealed_day"]

Row = dict[str, Any]
HELD, REFUSED, INVALID, GREEN = "LIM-09", "MKT-05", "BAD-09", "REX-001"
PERSONAL = ("110101187001013007", "19000000300", "样例洪", "虚构路300号")
BUYER = "LIM-01"


@pytest.fixture
def batch(firm: Firm, sealed_day: Path) -> Batch:
    return batch_of_day(firm.organisation, sealed_day)


@pytest.fixture
def lines(batch: Batch) -> pl.DataFrame:
    return pl.read_parquet(batch.folder / "lines.parquet")


def row_of(lines: pl.DataFrame, **of: Any) -> Row:
    """The first line in which these columns say so."""
    return lines.sort("row_id").filter(**of).row(0, named=True)


def address(name: str, batch: Batch, row: Row, *more: object) -> str:
    return reverse(name, args=[batch.id, row["row_id"], *more])


def listed(client: Client, headers: dict[str, str], query: str) -> Iterator[Row]:
    """Every line of the list, page after page."""
    after = ""
    while True:
        answer = client.get(f"/api/v1/consignments?limit=37&{query}{after}", headers=headers)
        assert answer.status_code == 200, answer.content
        yield from answer.json()["items"]
        if not answer.json()["next"]:
            return
        after = f"&after={quote(answer.json()['next'])}"


def write(firm: Firm, role: str, path: str, body: Row, key: str = "a-key") -> Any:
    return Client().post(path, json.dumps(body), "application/json", headers=firm.headers(role) | {"Idempotency-Key": key})


# The list


def test_the_list_is_the_result_line_by_line(firm: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    found = list(listed(Client(), firm.headers("trader"), ""))
    assert [one["row_id"] for one in found] == list(range(lines.height))
    stored = {row["row_id"]: row for row in lines.iter_rows(named=True)}
    for one in found:
        row = stored[one["row_id"]]
        same = ("order_id", "line_no", "waybill_no", "direction", "mode", "verdict", "lane", "release_rule", "hs_code", "seller_id")
        assert {name: one[name] for name in same} == {name: row[name] for name in same}
        assert one["reasons"] == (row["reasons"] or [])
        assert one["tax_cny"] == (None if row["tax_total"] is None else str(row["tax_total"]))


FILTERS = {
    "verdict=hold": pl.col("verdict") == "hold",
    "verdict=hold,refuse": pl.col("verdict").is_in(["hold", "refuse"]),
    "lane=red": pl.col("lane") == "red",
    "mode=9610": pl.col("mode") == "9610",
    "mode=unknown": pl.col("mode").is_null(),
    "direction=import": pl.col("direction") == "import",
    "district=5300": pl.col("customs_district") == "5300",
    "reason=release.tax-unknown": pl.col("reasons").list.contains("release.tax-unknown"),
    "tax_rule=cn.export.no-duty-by-trader": pl.col("tax_rule") == "cn.export.no-duty-by-trader",
    "day_from=2026-03-11": pl.col("declared_on").cast(pl.String) >= "2026-03-11",
    "min_value=1000&max_value=5000": pl.col("price_fen").is_between(100_000, 500_000),
    "order=REX-016": pl.col("order_id") == "REX-016",
    "order_prefix=TAX-": pl.col("order_id").str.starts_with("TAX-"),
    "waybill=SMP20260000002": pl.col("waybill_no") == "SMP20260000002",
    "search=REX-0": pl.col("order_id").str.starts_with("REX-0"),
    "party=潮汐": pl.col("seller_name").str.contains("潮汐"),
    "country=US&direction=export": (pl.col("buyer_country") == "US") & (pl.col("direction") == "export"),
}


@pytest.mark.parametrize("query", FILTERS)
def test_every_filter_finds_what_the_result_has(firm: Firm, batch: Batch, lines: pl.DataFrame, query: str) -> None:
    wanted = set(lines.filter(FILTERS[query]).get_column("row_id").to_list())
    assert {one["row_id"] for one in listed(Client(), firm.headers("trader"), query)} == wanted != set()
    page = firm.client("trader").get(f"/consignments/?{query}")
    assert page.status_code == 200
    counted = firm.client("trader").get(f"/consignments/count/?{query}").content.decode()
    assert str(len(wanted)) in counted


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("day_from=soon", "请写成 2026-03-10 这样的日期"), ("min_value=1e3", "人民币金额"), ("country=usa", "两个大写字母"),
        ("sort=luck", "没有排序方式"), ("day_from=2026-03-11&day_until=2026-03-10", "请对调"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_filter_is_said_in_the_readers_language(firm: Firm, batch: Batch, asked: str, said: str) -> None:
    client = firm.client("trader")
    client.cookies["django_language"] = "zh-hans"
    assert said in client.get(f"/consignments/?{asked}").content.decode()


def test_a_page_names_its_filters_and_can_take_each_away(firm: Firm, batch: Batch) -> None:
    page = firm.client("trader").get("/consignments/?verdict=hold&country=US").content.decode()
    assert 'class="chip" href="?verdict=hold"' in page
    assert 'class="chip" href="?country=US"' in page


def test_pages_go_there_and_back(firm: Firm, batch: Batch) -> None:
    client = firm.client("trader")
    first = client.get("/consignments/?sort=-value").content.decode()
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    second = client.get("/consignments/" + following[1].replace("&amp;", "&")).content.decode()
    back = re.search(r'rel="prev" href="([^"]+)"', second)
    assert back
    rows = re.compile(r'name="line" value="([^"]+)"|<tr data-href="([^"]+)"')
    again = client.get("/consignments/" + back[1].replace("&amp;", "&")).content.decode()
    assert rows.findall(again) == rows.findall(first) != rows.findall(second)


@pytest.mark.parametrize("query", ["verdict=bogus", "sort=colour", "day_from=yesterday", "after=nothing", "country=usa"])
def test_what_a_list_does_not_know_is_told_and_nothing_is_shown(firm: Firm, batch: Batch, query: str) -> None:
    page = firm.client("trader").get(f"/consignments/?{query}")
    assert page.status_code == 422
    assert b'role="alert"' in page.content
    assert b"data-href" not in page.content
    assert Client().get(f"/api/v1/consignments?{query}", headers=firm.headers("trader")).status_code == 422


def test_nobody_sees_another_organisations_lines(firm: Firm, stranger: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    line = row_of(lines, order_id=GREEN)
    assert list(listed(Client(), stranger.headers("administrator"), "")) == []
    assert list(listed(Client(), stranger.headers("administrator"), f"batch={batch.id}")) == []
    for name in ("line", "line_persons", "line_messages"):
        assert stranger.client("administrator").get(address(name, batch, line)).status_code == 404
    theirs = {"verdict": "hold", "reason": "mine now"}
    assert stranger.client("administrator").post(address("line_decide", batch, line), theirs).status_code == 404
    assert Client().get(f"/api/v1/consignments/{batch.id}/0/why", headers=stranger.headers("inspector")).status_code == 404
    assert not LineEvent.objects.exists()


@pytest.mark.parametrize("row_id", [10**6, 2**32, 10**25])
def test_a_row_that_is_not_there_is_missing(firm: Firm, batch: Batch, row_id: int) -> None:
    assert firm.client("trader").get(f"/consignments/{batch.id}/{row_id}/").status_code == 404
    assert Client().get(f"/api/v1/consignments/{batch.id}/{row_id}", headers=firm.headers("trader")).status_code == 404


# One line


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("order", [HELD, REFUSED, INVALID, GREEN, "CXL-02"])
def test_a_line_shows_why_in_both_languages(firm: Firm, batch: Batch, lines: pl.DataFrame, order: str, language: str) -> None:
    client = firm.client("inspector")
    client.cookies["django_language"] = "zh-hans" if language == "zh" else "en"
    line = row_of(lines, order_id=order)
    page = client.get(address("line", batch, line)).content.decode()
    assert order in page
    assert not re.search(r">\s*(consignments|explain|verdict|release)\.[a-z-]+\s*<(?!/code)", page), "a text is missing"
    for explained in explain(batch.folder, order, line["line_no"]):
        for step in explained["steps"]:
            for check in step["checks"]:
                if check["decides"]:
                    assert check["rule"] in page
                    assert all(f"/law/values/{law['path']}/" in page or law["path"] in page for law in check["law"])
    assert explain(batch.folder, order, line["line_no"]) == explain(
        batch.folder, order, line["line_no"], row_ids=lines.get_column("row_id").to_list()
    )


def test_the_api_explains_as_the_command_line_does(firm: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    line = row_of(lines, order_id=HELD)
    told = Client().get(f"/api/v1/consignments/{batch.id}/{line['row_id']}/why", headers=firm.headers("trader")).json()
    (explained,) = explain(batch.folder, HELD, line["line_no"])
    assert [step["step"] for step in told["steps"]] == [step["step"] for step in explained["steps"]]
    assert [[check["rule"] for check in step["checks"]] for step in told["steps"]] == [
        [check["rule"] for check in step["checks"]] for step in explained["steps"]
    ]
    checks = {check["rule"]: check for step in told["steps"] for check in step["checks"]}
    assert checks["cn.cbec.over-yearly-limit"]["figures"]["spent"] == {"value": 2_600_000, "unit": "fen"}


def test_a_batch_that_was_changed_says_so(firm: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    line = row_of(lines, order_id=GREEN)
    lines.with_columns(price_fen=pl.col("price_fen") + 1).write_parquet(batch.folder / "lines.parquet")
    page = firm.client("trader").get(address("line", batch, line))
    assert page.status_code == 200
    assert b'role="alert"' in page.content
    assert Client().get(f"/api/v1/consignments/{batch.id}/{line['row_id']}/why", headers=firm.headers("trader")).status_code == 409


# A person's decision


def decide(firm: Firm, role: str, batch: Batch, line: Row, verdict: str, reason: str = "papers seen") -> None:
    answer = firm.client(role).post(address("line_decide", batch, line), {"verdict": verdict, "reason": reason})
    assert answer.status_code == 302


def now(firm: Firm, batch: Batch, order: str) -> set[str]:
    return {line["verdict"] for line in lines_of_order(firm.acting("trader"), batch, order)}


def test_a_held_parcel_is_released_with_a_reason_and_listed_so(firm: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    line = row_of(lines, order_id=HELD)
    decide(firm, "broker", batch, line, "release")
    assert now(firm, batch, HELD) == {"release"}
    (shown,) = listed(Client(), firm.headers("trader"), "state=released")
    assert (shown["order_id"], shown["verdict"], shown["lane"]) == (HELD, "release", "green")
    assert HELD not in {one["order_id"] for one in listed(Client(), firm.headers("trader"), "verdict=hold")}
    assert b"papers seen" in firm.client("trader").get(address("line", batch, line)).content
    entry = AuditEntry.objects.get(action="parcel.release")
    assert entry.actor == firm.acting("broker").actor
    assert verify(str(firm.organisation.id))[1] == []


LEFT_TO_NOBODY = [
    (REFUSED, "release"), (REFUSED, "hold"), (INVALID, "release"), (HELD, "hold"), (GREEN, "refuse"), (HELD, "nonsense"),
]  # fmt: skip


@pytest.mark.parametrize(("order", "verdict"), LEFT_TO_NOBODY)
def test_what_the_law_leaves_to_nobody_nobody_can_do(firm: Firm, batch: Batch, lines: pl.DataFrame, order: str, verdict: str) -> None:
    before = now(firm, batch, order)
    decide(firm, "administrator", batch, row_of(lines, order_id=order), verdict)
    assert now(firm, batch, order) == before
    assert not LineEvent.objects.exists()
    assert not LineState.objects.exists()


def test_without_a_reason_nothing_is_decided(firm: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    decide(firm, "broker", batch, row_of(lines, order_id=HELD), "release", "   ok  ")
    assert not LineEvent.objects.exists()


def test_a_trader_decides_nothing(firm: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    line = row_of(lines, order_id=HELD)
    assert firm.client("trader").post(address("line_decide", batch, line), {"verdict": "release", "reason": "please"}).status_code == 403


def test_a_decision_on_what_changed_meanwhile_is_refused(firm: Firm, batch: Batch) -> None:
    seen = lines_of_order(firm.acting("broker"), batch, HELD)
    settle(firm.acting("inspector"), batch, HELD, seen, "refuse", "not as declared")
    with pytest.raises(Told, match="meanwhile"):
        settle(firm.acting("broker"), batch, HELD, seen, "release", "papers seen")
    assert now(firm, batch, HELD) == {"refuse"}


@pytest.fixture
def four_eyes(firm: Firm) -> None:
    firm.organisation.four_eyes = True
    firm.organisation.save()


@pytest.mark.usefixtures("four_eyes")
def test_with_four_eyes_who_proposed_cannot_accept(firm: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    line = row_of(lines, order_id=HELD)
    decide(firm, "broker", batch, line, "release")
    proposal = Proposal.objects.get()
    assert now(firm, batch, HELD) == {"hold"}
    accept = address("line_proposal", batch, line, proposal.id)
    firm.client("broker").post(accept, {"answer": "accept"})
    assert now(firm, batch, HELD) == {"hold"}
    firm.client("inspector").post(accept, {"answer": "accept"})
    assert now(firm, batch, HELD) == {"release"}
    assert [event.kind for event in LineEvent.objects.all()] == ["proposed", "settled"]


@pytest.mark.usefixtures("four_eyes")
def test_ones_own_key_is_no_second_person(firm: Firm, batch: Batch) -> None:
    broker = firm.acting("broker")
    proposal = settle(broker, batch, HELD, lines_of_order(broker, batch, HELD), "release", "papers seen")
    token = firm.token("broker")
    ApiKey.objects.update(created_by=broker.user)
    answer = Client().post(
        f"/api/v1/consignments/proposals/{proposal.id}", json.dumps({"accept": True}), "application/json",
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "x"},
    )  # fmt: skip
    assert answer.status_code == 422
    assert now(firm, batch, HELD) == {"hold"}


@pytest.mark.usefixtures("four_eyes")
def test_a_proposal_that_is_turned_down_leaves_the_parcel(firm: Firm, batch: Batch) -> None:
    lines = lines_of_order(firm.acting("broker"), batch, HELD)
    proposal = settle(firm.acting("broker"), batch, HELD, lines, "release", "papers seen")
    assert isinstance(proposal, Proposal)
    with pytest.raises(Told, match="second person"):
        settle(firm.acting("inspector"), batch, HELD, lines, "refuse", "not as declared")
    assert decide_proposal(firm.acting("inspector"), proposal, False, lines) is None
    assert now(firm, batch, HELD) == {"hold"}
    with pytest.raises(Told, match="already decided"):
        decide_proposal(firm.acting("administrator"), proposal, True, lines)


# Many at once


def test_many_are_decided_each_by_itself(firm: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    ticked = [f"{batch.id}:{row_of(lines, order_id=order)['row_id']}" for order in (HELD, "TAX-19", REFUSED)]
    form = {"which": "ticked", "line": ticked, "verdict": "release", "reason": "papers seen", "query": ""}
    page = firm.client("broker").post("/consignments/decide/", form, follow=True).content.decode()
    assert [now(firm, batch, order) for order in (HELD, "TAX-19", REFUSED)] == [{"release"}, {"release"}, {"refuse"}]
    assert "Decided: 2 parcels" in page
    assert "Not possible for 1" in page


def test_all_that_match_are_decided_and_many_by_the_worker(firm: Firm, batch: Batch) -> None:
    form = {"which": "all", "verdict": "refuse", "reason": "not as declared", "query": "reason=release.tax-unknown"}
    firm.client("broker").post("/consignments/decide/", form)
    assert list(listed(Client(), firm.headers("trader"), "reason=release.tax-unknown&verdict=hold")) == []
    asked = {"filters": {"verdict": "release"}, "verdict": "hold", "reason": "stop them"}
    answer = write(firm, "broker", "/api/v1/consignments/decisions", asked)
    assert answer.status_code == 202
    job = Job.objects.get(id=answer.json()["job"])
    told = settle_job(job, lambda *_: None)
    assert told["failed"] == 0 < told["settled"]
    assert settle_job(job, lambda *_: None) == told, "done again it finds the same"
    assert list(listed(Client(), firm.headers("trader"), "verdict=release")) == []


def test_an_export_is_the_list_and_opens_safely(firm: Firm, stranger: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    client = firm.client("analyst")
    answer = client.post("/consignments/export/", {"query": "verdict=hold", "kind": "csv"})
    job = Job.objects.get(kind="consignments.export")
    assert answer.status_code == 302
    job.result, job.state = export_job(job, lambda *_: None), Job.State.DONE
    job.save()
    written = pl.read_csv(export_path(job), infer_schema=False)
    assert set(written.get_column("order_id")) == set(lines.filter(verdict="hold").get_column("order_id"))
    assert "buyer_key" not in written.columns
    assert not [cell for row in written.iter_rows() for cell in row if cell and cell[0] in "=+@"]
    page = client.get(f"/jobs/{job.id}/").content.decode()
    assert f'href="/consignments/exports/{job.id}/"' in page
    assert "/api/v1/" not in page
    assert client.get(f"/consignments/exports/{job.id}/").headers["Content-Disposition"].startswith("attachment")
    assert stranger.client("analyst").get(f"/consignments/exports/{job.id}/").status_code == 404
    assert AuditEntry.objects.filter(action="consignments.exported").count() == 1
    place = client.get(f"/api/v1/jobs/{job.id}").json()["result"]["api"]
    taken = Client(headers=firm.headers("analyst")).get(place)
    assert b"".join(taken.streaming_content) == export_path(job).read_bytes()  # type: ignore[attr-defined]
    assert Client(headers=stranger.headers("analyst")).get(place).status_code == 404
    under_asgi: Any = AsyncRequestFactory().get("/")
    assert export_response(under_asgi, firm.acting("analyst"), job.id).is_async, "not read whole into memory"  # type: ignore[attr-defined]


def test_what_was_not_possible_is_said_in_the_language_of_the_reader(firm: Firm, batch: Batch) -> None:
    """The worker that decides has another language than who looks at the job later."""
    asked = {"parcels": [[str(batch.id), REFUSED]], "verdict": "release", "reason": "papers seen"}
    acting = firm.acting("broker")
    job = Job.objects.create(organisation=firm.organisation, kind="consignments.settle", actor=acting.actor, arguments=asked)
    job.result, job.state = settle_job(job, lambda *_: None), Job.State.DONE
    job.save()
    place, browser = f"/jobs/{job.id}/", firm.client("broker")
    english, chinese = (browser.get(place, headers={"Accept-Language": one}).content.decode() for one in ("en", "zh-hans"))
    assert "The parcel stands at: refuse. The law leaves no decision" in english
    assert "该包裹当前状态：依法不予放行。依法不能由人工改判" in chinese
    assert "The parcel stands at" not in chinese
    assert "problems_zh" not in english + chinese


def test_a_stored_batch_that_was_changed_says_so_in_chinese(firm: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    (batch.folder / "law.json").write_bytes(b"{}")
    (batch.folder / "persons.parquet").unlink()
    line, chinese = row_of(lines, order_id=BUYER), {"Accept-Language": "zh-hans"}
    assert "所存法规不是该批次判定时所用的法规" in firm.client("trader").get(address("line", batch, line), headers=chinese).content.decode()
    assert "请从副本恢复该批次" in firm.client("trader").get(address("line_persons", batch, line), headers=chinese).content.decode()


def test_a_client_sees_the_broker_where_one_of_its_people_decided(
    firm: Firm, stranger: Firm, mandated: Callable[[Firm], Mandate], batch: Batch, lines: pl.DataFrame
) -> None:
    line = row_of(lines, order_id=HELD)
    User.objects.filter(id=stranger.users["broker"].id).update(name="")
    mandate = mandated(stranger)
    by_broker = Acting(firm.organisation, Role.BROKER, User.objects.get(id=stranger.users["broker"].id), mandate=mandate)
    settle(by_broker, batch, HELD, lines_of_order(by_broker, batch, HELD), "release", "papers seen")
    page = firm.client("trader").get(address("line", batch, line)).content.decode()
    assert "Reef" in page
    assert "broker@reef.example" not in page
    assert by_broker.actor not in page
    assert names_of(by_broker, [by_broker.actor]) == {by_broker.actor: "broker@reef.example"}, "its own people know each other"


# Personal data


def test_personal_data_are_covered_until_a_reason_is_given(firm: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    line, client = row_of(lines, order_id=BUYER), firm.client("inspector")
    for name, more in (("line", ()), ("line_persons", ()), ("line_messages", ()), ("line_message", ("621",))):
        page = client.get(address(name, batch, line, *more))
        assert page.status_code == 200
        assert not [value for value in PERSONAL if value in page.content.decode()], name
    refused = client.post(address("line_reveal", batch, line), {"reason": " "})
    assert refused.status_code == 302
    assert not LineEvent.objects.exists()
    shown = client.post(address("line_reveal", batch, line), {"reason": "the parcel came back"})
    assert "样例洪" in shown.content.decode()
    assert shown.headers["Cache-Control"] == "no-store"
    event = LineEvent.objects.get(kind="revealed")
    assert event.detail == {"reason": "the parcel came back"}
    entry = AuditEntry.objects.get(action="person.revealed")
    assert (entry.actor, entry.detail) == (firm.acting("inspector").actor, {"reason": "the parcel came back"})


@pytest.mark.parametrize("role", ["trader", "analyst"])
def test_who_may_not_reveal_sees_them_covered(firm: Firm, batch: Batch, lines: pl.DataFrame, role: str) -> None:
    line = row_of(lines, order_id=BUYER)
    assert firm.client(role).post(address("line_reveal", batch, line), {"reason": "curious"}).status_code == 403
    assert firm.client(role).post(address("line_message_file", batch, line, "621"), {"reason": "curious"}).status_code == 403
    assert "样**" in firm.client(role).get(address("line_persons", batch, line)).content.decode()


def test_a_whole_message_is_handed_out_with_a_reason_only(firm: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    line, client = row_of(lines, order_id=BUYER), firm.client("broker")
    assert client.post(address("line_message_file", batch, line, "621"), {}).status_code == 302
    answer = client.post(address("line_message_file", batch, line, "621"), {"reason": "asked by customs"})
    assert "样例洪" in answer.content.decode()
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert AuditEntry.objects.get(action="message.downloaded").detail == {"reason": "asked by customs", "message": "621"}
    assert client.get(address("line_message", batch, line, "999")).status_code == 404


def test_erasing_a_person_leaves_decisions_hashes_and_chain(firm: Firm, batch: Batch, sealed_day: Path, lines: pl.DataFrame) -> None:
    other = batch_of_day(firm.organisation, sealed_day, 2)
    line = row_of(lines, order_id=BUYER)
    client = firm.client("administrator")
    client.post(address("line_erase", batch, line), {"reason": "asked by the buyer", "typed": "LIM-02"})
    assert "样**" in client.get(address("line_persons", batch, line)).content.decode(), "typed otherwise: nothing happens"
    client.post(address("line_erase", batch, line), {"reason": "asked by the buyer", "typed": BUYER})
    for place in (batch, other):
        shown = client.post(address("line_reveal", place, line), {"reason": "to see it gone"}).content.decode()
        assert "erased" in shown
        assert not [value for value in PERSONAL if value in shown]
        assert "[erased]" in client.get(address("line_message", place, line, "621")).content.decode()
        written = read_manifest(place.folder)["files"]
        assert not [name for name, digest in written.items() if file_hash(place.folder / name) != digest]
        assert explain(place.folder, BUYER)[0]["verdict"] == line["verdict"]
    assert LineEvent.objects.filter(kind="erased", order_id=BUYER).count() == 2
    assert verify(str(firm.organisation.id))[1] == []


def test_the_longest_order_number_is_decided_over(firm: Firm, batch: Batch) -> None:
    """PostgreSQL keeps columns to their length."""
    order = "单" * 120
    settle(firm.acting("trader"), batch, order, [{"row_id": 0, "line_no": 1, "verdict": "hold"}], "release", "papers came")
    assert LineEvent.objects.get(order_id=order).kind == "settled"


def verdicts_since(acting: Acting) -> dict[int, str]:
    """What the list lays over the batches: row to verdict."""
    overlay = overlay_of(acting)
    return {} if overlay is None else dict(overlay.select("row_id", "verdict").rows())


def test_a_list_is_never_older_than_what_is_committed(firm: Firm, batch: Batch) -> None:
    """A change with an earlier time may be committed after a later one."""
    acting = firm.acting("trader")
    first, second = Shelf([Entry(str(batch.id), batch.shelf, 1)]).page("order", Filters(verdict=("hold",)), limit=2).rows
    for line in (first, second):
        settle(acting, batch, line["order_id"], [line], "release", "papers came")
    assert verdicts_since(acting) == {first["row_id"]: "release", second["row_id"]: "release"}
    settle(acting, batch, first["order_id"], [first | {"verdict": "release"}], "hold", "stop it again")
    LineState.objects.filter(order_id=first["order_id"]).update(changed_at=timezone.now() - timedelta(hours=1))
    assert verdicts_since(acting) == {first["row_id"]: "hold", second["row_id"]: "release"}


def test_only_an_administrator_erases(firm: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    line = row_of(lines, order_id=BUYER)
    assert firm.client("inspector").post(address("line_erase", batch, line), {"reason": "because", "typed": BUYER}).status_code == 403
    assert write(firm, "inspector", f"/api/v1/consignments/{batch.id}/{line['row_id']}/erase", {"reason": "because"}).status_code == 403


# The API


def test_a_decision_over_the_api_is_made_once(firm: Firm, batch: Batch, lines: pl.DataFrame) -> None:
    line = row_of(lines, order_id=HELD)
    path, body = f"/api/v1/consignments/{batch.id}/{line['row_id']}/decision", {"verdict": "refuse", "reason": "not as declared"}
    token = firm.headers("broker")
    once = token | {"Idempotency-Key": "once"}
    first, again = (Client().post(path, json.dumps(body), "application/json", headers=once) for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json()) == (200, first.json())
    assert LineEvent.objects.count() == 1
    detail = Client().get(f"/api/v1/consignments/{batch.id}/{line['row_id']}", headers=token).json()
    assert (detail["line"]["verdict"], detail["allowed"]) == ("refuse", [])
    assert [event["verdict"] for event in detail["events"]] == ["refuse"]
    released = write(firm, "broker", path, {"verdict": "release", "reason": "after all"}, "twice")
    assert released.status_code == 422
    assert released.json()["code"] == "invalid"
