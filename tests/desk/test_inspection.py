"""Inspection: which parcels come to the table and in which order, who has them, what is kept, how they end."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from time import sleep
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import AsyncRequestFactory, Client
from django.utils import timezone

from entrepot.desk.audit.append_only import lift_guards
from entrepot.desk.audit.chain import verify
from entrepot.desk.audit.models import AuditEntry
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.listing import lines_of_order
from entrepot.desk.consignments.models import LineEvent, Proposal
from entrepot.desk.consignments.settle import decide_proposal, settle
from entrepot.desk.inspection import cases, views
from entrepot.desk.inspection.evidence import media_type_of
from entrepot.desk.inspection.models import Answer, Case, Evidence, OnlineSession
from entrepot.desk.inspection.opening import PURPOSE, open_cases, parcels_to_inspect
from entrepot.desk.inspection.queue import Queue, queue_page
from entrepot.desk.inspection.risk import Parcel, risk_of, weights
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.keys import issue, revoke_key
from entrepot.desk.people.members import change_role, remove_member
from entrepot.desk.people.models import Membership, User
from entrepot.desk.plug import Role
from entrepot.desk.told import Told
from entrepot.goods.texts import LANGUAGES, all_texts
from entrepot.run.day import drawn
from entrepot.run.home import open_home
from tests.desk.batches import batch_of_day, sealed_day
from tests.desk.conftest import PASSWORD, Firm

__all__ = ["sealed_day"]

HELD, MIXED = "LIM-09", "EXP-12"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
MP4 = b"\0\0\0\x18ftypisom" + bytes(64)


def nothing(stage: str, done: int, total: int | None) -> None:
    """Progress nobody looks at."""


@pytest.fixture
def batch(firm: Firm, sealed_day: Path) -> Batch:
    batch = batch_of_day(firm.organisation, sealed_day)
    open_cases(batch, nothing)
    return batch


@pytest.fixture
def case(batch: Batch) -> Case:
    found: Case = Case.objects.get(batch=batch, order_id=HELD)
    return found


@pytest.fixture
def second(firm: Firm) -> User:
    """Another inspector of the firm."""
    user = User.objects.create_user("second@tide.example", PASSWORD, name="Second inspector")
    Membership.objects.create(organisation=firm.organisation, user=user, role=Role.INSPECTOR)
    return user


def lines_of(batch: Batch) -> pl.DataFrame:
    return pl.read_parquet(batch.folder / "lines.parquet")


# What comes to the table


def test_every_held_parcel_has_one_case(batch: Batch) -> None:
    held = lines_of(batch).filter(pl.col("verdict") == "hold", ~pl.col("reasons").list.contains("release.order-incomplete"))
    found = {one.order_id: one for one in Case.objects.filter(batch=batch, kind="exception")}
    assert found.keys() == set(held.get_column("order_id"))
    assert MIXED not in found, "it waits to be mended and comes back whole in another batch"
    for one in found.values():
        mine = held.filter(order_id=one.order_id)
        assert one.lane == ("red" if "red" in mine.get_column("lane") else "yellow")
        assert set(one.rules) == set(mine.get_column("release_rule"))
        assert one.row_id in mine.get_column("row_id")


def test_opening_again_changes_nothing(firm: Firm, batch: Batch) -> None:
    before = list(Case.objects.order_by("id").values())
    cases.take(firm.acting("inspector"), Case.objects.get(order_id=HELD))
    open_cases(batch, nothing)
    after = list(Case.objects.order_by("id").values())
    assert [one["id"] for one in after] == [one["id"] for one in before]
    assert Case.objects.get(order_id=HELD).state == "taken"
    assert AuditEntry.objects.filter(action="inspection.opened").count() == 1


def test_green_parcels_are_drawn_by_the_lot_and_by_nothing_else(batch: Batch) -> None:
    green = lines_of(batch).filter(verdict="release").get_column("order_id").unique().sort()
    for share in (0, 50_000, 1_000_000):
        sampled = parcels_to_inspect(batch, share).filter(kind="sample").get_column("order_id").sort()
        assert sampled.to_list() == green.filter(drawn(green, open_home().key(PURPOSE), share)).to_list()
    again = parcels_to_inspect(batch, 50_000).filter(kind="sample").get_column("order_id")
    assert set(again) != set(green.filter(drawn(green, open_home().key("sample"), 50_000))), "another lot than the draw for checks"


POINTS = [
    (Parcel("yellow", ["release.tax-unknown"], 50, True, False), 40, ["lane", "rule", "tax-unknown"]),
    (Parcel("yellow", ["release.order-held", "release.licence-needed"], 100_000, False, False), 55, ["rule", "lane", "value"]),
    (Parcel("red", ["release.random-sample"], 99_999, False, False), 40, ["lane"]),
    (Parcel("green", ["release.nothing-to-check"], None, False, True), 25, ["value-unknown", "seller-new", "lane"]),
    (Parcel("red", ["release.licence-needed", "release.waybill-reused"], 500_000, True, True), 100, None),
    (Parcel("yellow", ["a.rule-of-tomorrow"], 0, False, False), 25, ["lane", "rule"]),
]


@pytest.mark.parametrize(("parcel", "risk", "reasons"), POINTS)
def test_risk_is_the_sum_of_its_reasons(parcel: Parcel, risk: int, reasons: list[str] | None) -> None:
    found, why = risk_of(parcel, weights())
    assert found == risk == min(100, sum(one["points"] for one in why))
    assert [one["points"] for one in why] == sorted((one["points"] for one in why), reverse=True)
    assert reasons is None or [one["reason"] for one in why] == reasons


def test_a_seller_is_new_once(firm: Firm, batch: Batch, sealed_day: Path) -> None:
    later = batch_of_day(firm.organisation, sealed_day, 2)
    open_cases(later, nothing)
    new = {one.batch_id for one in Case.objects.all() for part in one.reasons if part["reason"] == "seller-new"}
    assert new == {batch.id}


def test_every_check_and_weight_names_a_rule_and_a_text(batch: Batch) -> None:
    known = all_texts()
    assert not [rule for rule in weights()["rule"] if rule not in known]
    for one in Case.objects.filter(batch=batch):
        assert len(cases.checklist_of(one)) >= 2
        assert not [item for item in cases.checklist_of(one) if f"inspection.check.{item}" not in known]


# The queue


def test_the_queue_is_by_risk_then_age_and_pages_lose_nobody(firm: Firm, batch: Batch) -> None:
    acting, found, place = firm.acting("inspector"), list[Case](), ""
    while True:
        page = queue_page(acting, Queue(), place, 7)
        found += page.cases
        place = page.next
        if not place:
            break
    assert [one.risk for one in found] == sorted((one.risk for one in found), reverse=True)
    assert len({one.id for one in found}) == len(found) == Case.objects.count()
    assert queue_page(acting, Queue(), "not a place", 7).cases == queue_page(acting, Queue(), "", 7).cases


@pytest.mark.parametrize(
    "query", ["", "state=open", "lane=red", "kind=exception", "holder=me", "state=decided", "order=LIM-09", "state=bogus"]
)
def test_the_queue_shows_what_is_asked(firm: Firm, stranger: Firm, batch: Batch, query: str) -> None:
    page = firm.client("inspector").get(f"/inspection/?{query}")
    assert page.status_code == 200
    assert ("LIM-09" in page.content.decode()) == (query in ("", "state=open", "kind=exception", "order=LIM-09", "state=bogus"))
    assert b"LIM-09</a>" not in stranger.client("inspector").get(f"/inspection/?{query}").content


# Who has it


def tried(change: Callable[[], object]) -> None:
    """Make a change; the database of tests in memory cannot wait for its lock, so it is asked again."""
    for _ in range(1000):
        try:
            change()
            return
        except OperationalError:
            if connection.vendor != "sqlite":
                raise
            sleep(0.005)
    raise TimeoutError


@pytest.mark.django_db(transaction=True)
def test_of_many_who_take_at_once_one_has_it(firm: Firm, case: Case) -> None:
    gate, won, lost = Barrier(6), list[str](), list[str]()
    roles = [*firm.users, Role.INSPECTOR]

    def run(number: int) -> None:
        acting = firm.acting(roles[number])
        gate.wait()
        try:
            tried(lambda: cases.take(acting, case))
            won.append(acting.actor)
        except Told:
            lost.append(acting.actor)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 5)
    assert AuditEntry.objects.filter(action="inspection.taken").count() == 1


def test_a_case_is_handed_over_and_given_back(firm: Firm, case: Case, second: User) -> None:
    inspector = firm.client("inspector")
    inspector.post(f"/inspection/{case.id}/take/")
    other = Membership.objects.get(user=second)
    inspector.post(f"/inspection/{case.id}/hand-over/", {"member": str(other.id)})
    case.refresh_from_db()
    assert (case.state, case.holder) == ("taken", f"user:{second.id}")
    inspector.post(f"/inspection/{case.id}/give-back/")
    case.refresh_from_db()
    assert case.holder == f"user:{second.id}", "only who holds it gives it back"
    client = Client()
    client.force_login(second, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.post(f"/inspection/{case.id}/give-back/")
    case.refresh_from_db()
    assert (case.state, case.holder) == ("open", "")


def test_cases_of_who_no_longer_inspects_go_back_to_the_queue(firm: Firm, case: Case, second: User) -> None:
    administrator, member = firm.acting("administrator"), Membership.objects.get(user=second)
    for role in (Role.ANALYST, None):
        Membership.objects.filter(id=member.id).update(role=Role.INSPECTOR)
        cases.take(Acting(firm.organisation, Role.INSPECTOR, second), case)
        change_role(administrator, member.id, Role.INSPECTOR)
        assert Case.objects.get(id=case.id).state == "taken", "still an inspector"
        if role:
            change_role(administrator, member.id, role)
        else:
            remove_member(administrator, member.id)
        case.refresh_from_db()
        assert (case.state, case.holder, case.taken_at) == ("open", "", None)
    assert AuditEntry.objects.filter(action="inspection.released", object_id=str(case.id)).count() == 2


def test_cases_of_a_key_that_is_revoked_go_back_to_the_queue(firm: Firm, case: Case) -> None:
    administrator = firm.acting("administrator")
    key, _ = issue(administrator, "scanner", ["inspection.work"], timezone.now() + timedelta(days=1), 60)
    cases.take(Acting(firm.organisation, None, key=key), case)
    revoke_key(administrator, key.id)
    case.refresh_from_db()
    assert (case.state, case.holder) == ("open", "")


def test_a_case_of_a_colleague_who_is_away_is_taken_over_with_a_reason(firm: Firm, taken: Case, second: User) -> None:
    client, path = Client(), f"/inspection/{taken.id}/take-over/"
    client.force_login(second, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.post(path, {"reason": "no"})
    taken.refresh_from_db()
    assert taken.holder == firm.acting("inspector").actor
    assert path in client.get(f"/inspection/{taken.id}/").content.decode()
    client.post(path, {"reason": "away until Monday"})
    taken.refresh_from_db()
    assert taken.holder == f"user:{second.id}"
    entry = AuditEntry.objects.get(action="inspection.taken-over")
    assert entry.detail == {"held_by": firm.acting("inspector").actor, "reason": "away until Monday"}
    headers = firm.headers("inspector") | {"Idempotency-Key": "over"}
    address, body = f"/api/v1/inspection/cases/{taken.id}/take-over", {"reason": "both are away"}
    over = Client().post(address, body, "application/json", headers=headers)
    assert (over.status_code, over.json()["holder"][:4]) == (200, "key:")
    client.post(f"/inspection/{taken.id}/decide/", {"choice": "release", "reason": "goods seen, tax paid"})
    taken.refresh_from_db()
    assert taken.state == "taken", "who lost it decides it no more"


def test_a_proposal_turned_down_leaves_the_case_to_nobody_but_an_inspector(firm: Firm, batch: Batch, case: Case, second: User) -> None:
    firm.organisation.four_eyes = True
    firm.organisation.save()
    broker, administrator = firm.acting("broker"), firm.acting("administrator")

    def proposed_and_turned_down() -> tuple[str, str]:
        lines = lines_of_order(broker, batch, HELD)
        settle(broker, batch, HELD, lines, "release", "the seller explained it")
        decide_proposal(administrator, Proposal.objects.get(accepted=None), False, lines)
        case.refresh_from_db()
        return case.state, case.holder

    assert proposed_and_turned_down() == ("open", "")
    cases.take(Acting(firm.organisation, Role.INSPECTOR, second), case)
    assert proposed_and_turned_down() == ("taken", f"user:{second.id}")
    settle(broker, batch, HELD, lines_of_order(broker, batch, HELD), "release", "the seller explained it")
    remove_member(administrator, Membership.objects.get(user=second).id)
    decide_proposal(administrator, Proposal.objects.get(accepted=None), False, lines_of_order(broker, batch, HELD))
    assert cases.take(firm.acting("inspector"), case).state == "taken"


def test_nothing_is_handed_to_who_is_no_inspector_here(firm: Firm, stranger: Firm, case: Case) -> None:
    client = firm.client("inspector")
    theirs = Membership.objects.of(stranger.organisation).get(role=Role.INSPECTOR)
    assert client.post(f"/inspection/{case.id}/hand-over/", {"member": str(theirs.id)}).status_code == 404
    trader = Membership.objects.of(firm.organisation).get(role=Role.TRADER)
    client.post(f"/inspection/{case.id}/hand-over/", {"member": str(trader.id)})
    case.refresh_from_db()
    assert case.state == "open"


# What is kept


def keep(firm: Firm, case: Case, name: str, content: bytes, role: str = "inspector") -> Any:
    return firm.client(role).post(f"/inspection/{case.id}/evidence/", {"file": SimpleUploadedFile(name, content), "note": "the label"})


@pytest.fixture
def taken(firm: Firm, case: Case) -> Case:
    return cases.take(firm.acting("inspector"), case)


def test_evidence_is_kept_as_it_came_with_its_hash(firm: Firm, stranger: Firm, taken: Case) -> None:
    assert keep(firm, taken, "photo of parcel.png", PNG).status_code == 302
    kept = Evidence.objects.get()
    assert (kept.sha256, kept.bytes, kept.media_type) == (hashlib.sha256(PNG).hexdigest(), len(PNG), "image/png")
    assert kept.path.read_bytes() == PNG
    assert kept.path.stat().st_mode & 0o077 == 0
    assert AuditEntry.objects.get(action="inspection.evidence-kept").detail["sha256"] == kept.sha256
    address = f"/inspection/{taken.id}/evidence/{kept.id}/"
    answer = firm.client("analyst").get(address)
    assert b"".join(answer.streaming_content) == PNG  # type: ignore[attr-defined]
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert stranger.client("inspector").get(address).status_code == 404
    assert firm.client("trader").get(address).status_code == 403
    under_asgi: Any = AsyncRequestFactory().get(address)
    under_asgi.acting = firm.acting("analyst")
    assert views.evidence_file(under_asgi, taken.id, kept.id).is_async, "not read whole into memory"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "content"), [
    ("photo.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"), ("photo.jpg", b"GIF89a" + bytes(50)),
    ("paper.pdf", b"<html><script>alert(1)</script></html>"), ("film.mp4", b"MZ" + bytes(80)), ("empty.png", b""),
    ("page.webp", b"RIFF0000WAVE"),
])  # fmt: skip
def test_a_file_of_another_kind_is_not_kept_whatever_its_name(firm: Firm, taken: Case, name: str, content: bytes) -> None:
    answer = keep(firm, taken, name, content)
    assert answer.status_code == 422
    assert b"errorlist" in answer.content
    assert not Evidence.objects.exists()


def test_a_file_that_is_too_large_is_not_kept(firm: Firm, taken: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrepot.desk.inspection.evidence.KINDS", {"image/png": (lambda head: head.startswith(b"\x89PNG"), 40)})
    assert keep(firm, taken, "photo.png", PNG).status_code == 422
    assert not Evidence.objects.exists()


def test_kinds_are_told_by_their_first_bytes() -> None:
    assert media_type_of(PNG) == "image/png"
    assert media_type_of(MP4) == "video/mp4"
    assert media_type_of(b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm") == "video/webm"
    assert media_type_of(b"\0\0\0\x18ftypheic") is None


def test_only_who_holds_a_case_works_on_it(firm: Firm, taken: Case, second: User) -> None:
    client = Client()
    client.force_login(second, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.post(f"/inspection/{taken.id}/answers/", {"item": "goods-as-declared", "found": "yes"})
    client.post(f"/inspection/{taken.id}/decide/", {"choice": "release", "reason": "seen by nobody"})
    client.post(f"/inspection/{taken.id}/evidence/", {"file": SimpleUploadedFile("a.png", PNG)})
    taken.refresh_from_db()
    assert taken.state == "taken"
    assert not Answer.objects.exists()
    assert not Evidence.objects.exists()
    assert not LineEvent.objects.exists()


def test_answers_stand_and_later_ones_are_shown(firm: Firm, taken: Case) -> None:
    client = firm.client("inspector")
    for found in ("no", "yes"):
        client.post(f"/inspection/{taken.id}/answers/", {"item": "tax-settled", "found": found, "note": f"it is {found}"})
    client.post(f"/inspection/{taken.id}/answers/", {"item": "not-on-the-list", "found": "yes"})
    assert [one.found for one in Answer.objects.all()] == ["no", "yes"]
    page = client.get(f"/inspection/{taken.id}/").content.decode()
    assert "it is yes" in page
    assert "it is no" not in page


def test_a_session_is_recorded_sealed_and_any_change_is_seen(firm: Firm, taken: Case) -> None:
    begin = timezone.localtime().replace(microsecond=0)
    form = {
        "participants": "Inspector Lin, seller's clerk", "started_at": f"{begin:%Y-%m-%dT%H:%M}", "notes": "label read out",
        "ended_at": f"{begin + timedelta(minutes=20):%Y-%m-%dT%H:%M}", "link": "https://video.example/1",
    }  # fmt: skip
    early = form | {"ended_at": f"{begin - timedelta(hours=1):%Y-%m-%dT%H:%M}"}
    assert firm.client("inspector").post(f"/inspection/{taken.id}/sessions/", early).status_code == 422
    assert firm.client("inspector").post(f"/inspection/{taken.id}/sessions/", form).status_code == 302
    session = OnlineSession.objects.get()
    assert session.intact
    with connection.cursor() as cursor:
        cursor.execute("SELECT participants, notes FROM inspection_onlinesession")
        assert not [text for text in cursor.fetchone() if "Lin" in text or "label" in text]
    session.notes = "label not read out"
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
        session.save()
    lift_guards()
    session.save()
    assert not OnlineSession.objects.get().intact


# How it ends


def test_a_decision_ends_the_case_and_settles_the_parcel(firm: Firm, batch: Batch, taken: Case) -> None:
    firm.client("inspector").post(f"/inspection/{taken.id}/decide/", {"choice": "release", "reason": "goods seen, tax paid"})
    taken.refresh_from_db()
    assert (taken.state, taken.verdict, taken.decided_by) == ("decided", "release", firm.acting("inspector").actor)
    assert {line["verdict"] for line in lines_of_order(firm.acting("trader"), batch, HELD)} == {"release"}
    assert LineEvent.objects.get().kind == "inspected"
    assert verify(str(firm.organisation.id))[1] == []


def test_a_decision_elsewhere_ends_the_case_too(firm: Firm, batch: Batch, case: Case) -> None:
    settle(firm.acting("broker"), batch, HELD, lines_of_order(firm.acting("broker"), batch, HELD), "refuse", "sender takes it back")
    case.refresh_from_db()
    assert (case.state, case.verdict) == ("decided", "refuse")


def test_a_parcel_that_is_stopped_comes_to_the_table(firm: Firm, batch: Batch) -> None:
    broker = firm.acting("broker")
    settle(broker, batch, "REX-002", lines_of_order(broker, batch, "REX-002"), "hold", "the seller asks for it back")
    stopped = Case.objects.get(batch=batch, order_id="REX-002")
    assert (stopped.kind, stopped.state, stopped.lane, stopped.risk) == ("exception", "open", "red", 80)
    settle(broker, batch, "REX-002", lines_of_order(broker, batch, "REX-002"), "release", "it may go after all")
    stopped.refresh_from_db()
    assert (stopped.state, stopped.verdict) == ("decided", "release")


def test_four_eyes_wait_for_another_person(firm: Firm, batch: Batch, taken: Case) -> None:
    firm.organisation.four_eyes = True
    firm.organisation.save()
    inspector = firm.client("inspector")
    inspector.post(f"/inspection/{taken.id}/decide/", {"choice": "release", "reason": "goods seen, tax paid"})
    taken.refresh_from_db()
    assert taken.state == "proposed"
    accept = f"/consignments/{batch.id}/{taken.row_id}/proposals/{Proposal.objects.get().id}/"
    inspector.post(accept, {"answer": "accept"})
    taken.refresh_from_db()
    assert taken.state == "proposed"
    firm.client("administrator").post(accept, {"answer": "turn-down"})
    taken.refresh_from_db()
    assert taken.state == "taken"
    inspector.post(f"/inspection/{taken.id}/decide/", {"choice": "release", "reason": "now with the tax receipt"})
    firm.client("broker").post(accept.replace(accept.split("/")[-2], str(Proposal.objects.get(accepted=None).id)), {"answer": "accept"})
    taken.refresh_from_db()
    assert (taken.state, taken.verdict) == ("decided", "release")


def test_where_the_law_leaves_nothing_the_parcel_stays(firm: Firm, batch: Batch) -> None:
    opened = Case(organisation=firm.organisation, batch=batch, order_id=MIXED, row_id=0, kind="exception", lane="yellow", risk=1, lines=1)
    opened.save()
    mixed = cases.take(firm.acting("inspector"), opened)
    lines = lines_of_order(firm.acting("inspector"), batch, MIXED)
    assert cases.choices_of(mixed, lines) == ("stays",)
    with pytest.raises(Told):
        cases.decide(firm.acting("inspector"), mixed, lines, "release", "looks good to me")
    done = cases.decide(firm.acting("inspector"), mixed, lines, "stays", "data must be mended first")
    assert (done.state, done.verdict) == ("decided", "stays")
    assert lines_of_order(firm.acting("inspector"), batch, MIXED) == lines


@pytest.mark.parametrize(("choice", "leads_to"), [("conforms", "release"), ("hold", "hold")])
def test_an_audited_parcel_conforms_or_is_stopped(firm: Firm, batch: Batch, choice: str, leads_to: str) -> None:
    green = lines_of(batch).filter(order_id="REX-001").row(0, named=True)
    sample, _ = Case.objects.get_or_create(
        organisation=firm.organisation, batch=batch, order_id="REX-001",
        defaults={"row_id": green["row_id"], "kind": "sample", "lane": "green", "risk": 5, "lines": 1},
    )  # fmt: skip
    sample = cases.take(firm.acting("inspector"), sample)
    lines = lines_of_order(firm.acting("inspector"), batch, "REX-001")
    assert cases.choices_of(sample, lines) == ("conforms", "hold")
    done = cases.decide(firm.acting("inspector"), sample, lines, choice, "opened and counted")
    expected = ("decided", "conforms", "sample") if choice == "conforms" else ("taken", "", "exception")
    assert (done.state, done.verdict, done.kind) == expected, "a parcel that is stopped waits for a person again"
    assert {line["verdict"] for line in lines_of_order(firm.acting("inspector"), batch, "REX-001")} == {leads_to}


# Pages and API


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_case_shows_everything_side_by_side(firm: Firm, taken: Case, language: str) -> None:
    client = firm.client("inspector")
    client.cookies["django_language"] = "zh-hans" if language == "zh" else "en"
    page = client.get(f"/inspection/{taken.id}/").content.decode()
    for id_ in ("reasons", "why", "checklist", "evidence", "sessions", "decide", "facts", "persons"):
        assert f'id="{id_}"' in page
    assert "cn.cbec.over-yearly-limit" in page
    assert "样**" in page


def test_the_api_takes_once_and_decides(firm: Firm, stranger: Firm, case: Case) -> None:
    headers = firm.headers("inspector")

    def post(path: str, body: Any, key: str, who: dict[str, str] = headers) -> Any:
        full = f"/api/v1/inspection/cases/{case.id}/{path}"
        return Client().post(full, json.dumps(body), "application/json", headers=who | {"Idempotency-Key": key})

    assert post("take", {}, "1", stranger.headers("inspector")).status_code == 404
    assert post("take", {}, "2", firm.headers("broker")).status_code == 403
    assert post("take", {}, "3").json()["state"] == "taken"
    assert post("take", {}, "3").status_code == 200, "the same key again"
    assert post("take", {}, "4").status_code == 409
    assert post("answers", {"item": "tax-settled", "found": "yes"}, "5").json() == {"item": "tax-settled", "found": "yes", "note": ""}
    detail = Client().get(f"/api/v1/inspection/cases/{case.id}", headers=headers).json()
    assert detail["choices"] == ["release", "refuse"]
    assert {one["item"]: one["found"] for one in detail["checklist"]}["tax-settled"] == "yes"
    done = post("decide", {"choice": "refuse", "reason": "goods are not as declared"}, "6").json()
    assert (done["state"], done["verdict"]) == ("decided", "refuse")
    listed = Client().get("/api/v1/inspection/cases?state=decided", headers=headers).json()["items"]
    assert [UUID(one["id"]) for one in listed] == [case.id]
