"""The audit chain: any entry altered, dropped or put elsewhere is found; an entry and its change stand or fall together."""

import ast
import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from entrepot.cli.audit import audit
from entrepot.desk.audit import chain as chain_module
from entrepot.desk.audit.append_only import TABLES, guard_tables, lift_guards
from entrepot.desk.audit.chain import INSTALLATION, record, verify
from entrepot.desk.audit.jobs import verify_job
from entrepot.desk.audit.models import AuditEntry, AuditHead
from entrepot.desk.audit.reading import actions, filtered
from entrepot.desk.audit.views import FilterForm
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.settle import note
from entrepot.desk.jobs.models import Job
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Organisation
from entrepot.goods.errors import CallError, InputError
from entrepot.goods.texts import all_texts
from tests.desk.conftest import Firm


@pytest.fixture
def chain(firm: Firm) -> str:
    with transaction.atomic():
        for number in range(5):
            record(firm.acting("trader"), "note.made", "note", number, text=f"note {number} 备注")
    return str(firm.organisation.id)


@pytest.fixture
def tampered(chain: str) -> str:
    """The same chain, for somebody who owns the database and took its guards away."""
    lift_guards()
    return chain


def test_an_untouched_chain_has_no_fault(chain: str) -> None:
    assert verify(chain) == (6, [])


@pytest.mark.parametrize("column", ["actor", "action", "object_kind", "object_id", "detail", "previous", "digest"])
def test_an_altered_entry_is_found(tampered: str, column: str) -> None:
    AuditEntry.objects.filter(chain=tampered, number=3).update(**{column: {"text": "x"} if column == "detail" else "x"})
    assert {fault.number for fault in verify(tampered)[1]} & {3}


def test_a_moment_altered_by_a_microsecond_is_found(tampered: str) -> None:
    entry = AuditEntry.objects.get(chain=tampered, number=2)
    entry.at = entry.at.replace(microsecond=(entry.at.microsecond + 1) % 1_000_000)
    entry.save()
    assert [(fault.number, fault.what) for fault in verify(tampered)[1]] == [(2, "altered")]


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_dropped_entry_is_found(tampered: str, number: int) -> None:
    AuditEntry.objects.filter(chain=tampered, number=number).delete()
    assert verify(tampered)[1]


def test_dropping_the_end_and_setting_the_head_back_is_found(tampered: str) -> None:
    AuditEntry.objects.filter(chain=tampered, number__gt=3).delete()
    last = AuditEntry.objects.get(chain=tampered, number=3)
    AuditHead.objects.filter(chain=tampered).update(number=3, digest=last.digest)
    assert [fault.what for fault in verify(tampered)[1]] == ["altered"]


def test_reordered_entries_are_found(tampered: str) -> None:
    AuditEntry.objects.filter(chain=tampered, number=2).update(number=99)
    AuditEntry.objects.filter(chain=tampered, number=3).update(number=2)
    AuditEntry.objects.filter(chain=tampered, number=99).update(number=3)
    assert {fault.number for fault in verify(tampered)[1]} >= {2, 3}


def test_a_chain_dropped_whole_is_found(tampered: str) -> None:
    AuditEntry.objects.filter(chain=tampered).delete()
    assert [fault.what for fault in verify(tampered)[1]] == ["cut"]


def record_then_fail(acting: Acting | None) -> None:
    with transaction.atomic():
        record(acting, "note.made")
        raise ZeroDivisionError


@pytest.mark.django_db(transaction=True)
def test_an_entry_goes_with_its_transaction(firm: Firm) -> None:
    with pytest.raises(ZeroDivisionError):
        record_then_fail(firm.acting("trader"))
    assert verify(str(firm.organisation.id)) == (1, [])
    assert not connection.in_atomic_block
    with pytest.raises(RuntimeError, match="outside a transaction"):
        record(firm.acting("trader"), "note.made")


@pytest.mark.parametrize("table", ["audit_auditentry", "consignments_lineevent"])
@pytest.mark.parametrize("change", ["UPDATE {} SET detail = '{{}}'", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_what_only_grows(batch_with_event: str, table: str, change: str) -> None:
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(table))
    assert verify(batch_with_event)[1] == []


@pytest.fixture
def batch_with_event(firm: Firm) -> str:
    batch = Batch.objects.create(organisation=firm.organisation, name="day")
    with transaction.atomic():
        note(firm.acting("broker"), batch, "A1", "note", {"text": "seen"})
        record(firm.acting("broker"), "note.made")
    return str(firm.organisation.id)


@pytest.mark.parametrize("table", TABLES)
def test_each_table_that_only_grows_is_guarded(db: None, table: str) -> None:
    where = {"sqlite": ("sqlite_master", "tbl_name"), "postgresql": ("information_schema.triggers", "event_object_table")}
    view, column = where[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {view} WHERE {column} = %s", [table])
        with_guards = cursor.fetchone()[0]
        lift_guards()
        cursor.execute(f"SELECT count(*) FROM {view} WHERE {column} = %s", [table])
        assert with_guards == cursor.fetchone()[0] + 2


def test_guards_can_be_set_again(tampered: str) -> None:
    guard_tables()
    guard_tables()
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
        AuditEntry.objects.filter(chain=tampered).delete()


def anchored() -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(settings.AUDIT_ANCHORS).read_text(encoding="utf-8").splitlines()]


def test_a_chain_dropped_together_with_its_head_is_found(tampered: str) -> None:
    AuditEntry.objects.filter(chain=tampered).delete()
    AuditHead.objects.filter(chain=tampered).delete()
    assert [(fault.chain, fault.what) for fault in verify()[1]] == [(tampered, "no-chain")]


def test_a_chain_dropped_with_its_head_and_organisation_is_found_by_its_anchor(tampered: str) -> None:
    assert verify(tampered)[1] == []
    AuditEntry.objects.filter(chain=tampered).delete()
    AuditHead.objects.filter(chain=tampered).delete()
    assert {(fault.number, fault.what) for fault in verify(tampered)[1]} == {(6, "anchor"), (0, "no-chain")}


def test_a_chain_set_back_to_an_earlier_end_with_its_true_seal_is_found_by_its_anchor(firm: Firm, tampered: str) -> None:
    earlier = AuditHead.objects.filter(chain=tampered).values().get()
    with transaction.atomic():
        record(firm.acting("trader"), "note.made")
    assert verify(tampered) == (7, [])
    AuditEntry.objects.filter(chain=tampered, number=7).delete()
    AuditHead.objects.filter(chain=tampered).update(**earlier)
    assert [(fault.number, fault.what) for fault in verify(tampered)[1]] == [(7, "anchor")]


def test_an_anchor_that_was_rewritten_is_found(chain: str) -> None:
    verify(chain)
    file = Path(settings.AUDIT_ANCHORS)
    file.write_text(file.read_text(encoding="utf-8").replace('"number": 6', '"number": 5'), encoding="utf-8")
    assert [(fault.number, fault.what) for fault in verify(chain)[1]] == [(5, "anchor-altered")]


def test_an_entry_past_the_head_is_found(chain: str) -> None:
    AuditEntry.objects.create(chain=chain, number=7, at="2026-01-01T00:00:00Z", actor="x", action="x", previous="x", digest="x")
    assert [(fault.number, fault.what) for fault in verify(chain)[1]] == [(7, "cut")]


def test_an_organisation_that_never_had_a_chain_is_named(chain: str) -> None:
    quiet = Organisation.objects.create(name="Quiet")
    assert [(fault.chain, fault.what) for fault in verify()[1]] == [(str(quiet.id), "no-chain")]


@pytest.mark.django_db(transaction=True)
def test_each_entry_is_anchored_after_its_commit_and_only_then() -> None:
    for _ in range(3):
        with transaction.atomic():
            record(None, "note.made")
    with pytest.raises(ZeroDivisionError):
        record_then_fail(None)
    assert [(line["chain"], line["number"]) for line in anchored()] == [(INSTALLATION, number) for number in (1, 2, 3)]
    assert verify(INSTALLATION) == (3, [])
    assert len(anchored()) == 3


@pytest.mark.django_db(transaction=True)
def test_a_chain_set_back_within_the_minute_is_found_though_nobody_verified_it_before() -> None:
    for number in range(3):
        with transaction.atomic():
            record(None, "note.made", "note", number)
        if number == 0:
            earlier = AuditHead.objects.filter(chain=INSTALLATION).values().get()
    lift_guards()
    AuditEntry.objects.filter(chain=INSTALLATION, number__gt=1).delete()
    AuditHead.objects.filter(chain=INSTALLATION).update(**earlier)
    assert [(fault.number, fault.what) for fault in verify(INSTALLATION)[1]] == [(2, "anchor"), (3, "anchor")]
    with transaction.atomic():  # written on as if nothing had been there
        record(None, "note.made", "note", 9)
    assert {fault.number for fault in verify(INSTALLATION)[1]} == {2, 3}


# --- the pages, the files, the command ----------------------------------------------------------------


def sent(response: Any) -> bytes:
    """The whole file of an answer that is sent in blocks."""
    return b"".join(response.streaming_content)


def test_the_log_is_read_with_names_and_words(firm: Firm) -> None:
    with transaction.atomic():
        record(firm.acting("administrator"), "member.role-changed", "user", firm.users["trader"].id, role="analyst")
    page = firm.client("inspector").get(reverse("audit")).content.decode()
    for words in ("Changed a member", "administrator of Tide", "trader of Tide", "analyst"):
        assert words in page


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({"action": "note.made"}, [6, 5, 4, 3, 2]), ({"object": "4"}, [6]), ({"object": "organisation"}, [1]),
        ({"since": "2999-01-01"}, []),
        ({"since": "0001-01-01", "until": "9999-12-31"}, [6, 5, 4, 3, 2, 1]),
        ({"until": "2000-01-01"}, []), ({"since": "2000-01-01", "until": "2999-01-01"}, [6, 5, 4, 3, 2, 1]),
    ],
)  # fmt: skip
def test_filters(firm: Firm, chain: str, asked: dict[str, str], numbers: list[int]) -> None:
    form = FilterForm({}, asked | {"action": ""})
    assert form.is_valid()
    rows = filtered(firm.acting("administrator"), form.cleaned_data | {"action": asked.get("action")})
    assert [entry.number for entry in rows.order_by("-number")] == numbers


def test_pages_by_number_neither_skip_nor_repeat(firm: Firm) -> None:
    with transaction.atomic():
        for number in range(130):
            record(firm.acting("trader"), "batch.asked", "batch", number)
    client = firm.client("administrator")
    total = AuditHead.objects.get(chain=str(firm.organisation.id)).number
    seen: list[int] = []
    where: str | None = ""
    while where is not None:
        page = client.get(reverse("audit") + where)
        seen += [row.entry.number for row in page.context["rows"]]
        where = page.context["older"] or None
    assert seen == list(range(total, 0, -1))
    back = client.get(f"{reverse('audit')}?after=50").context["rows"]
    assert [row.entry.number for row in back] == list(range(100, 50, -1))


def test_another_organisations_entries_are_not_there(firm: Firm, stranger: Firm, chain: str) -> None:
    page = stranger.client("administrator").get(f"{reverse('audit')}?object=note")
    assert page.context["rows"] == []
    lines = sent(stranger.client("administrator").post(reverse("audit_export", args=["jsonl"])))
    assert {json.loads(line)["chain"] for line in lines.splitlines()} == {str(stranger.organisation.id)}


def test_verifying_on_the_page_says_whole_or_what_is_wrong(firm: Firm, tampered: str) -> None:
    client = firm.client("inspector")
    assert "The chain is whole" in client.post(reverse("audit_verify")).content.decode()
    AuditEntry.objects.filter(chain=tampered, number=3).update(actor="user:somebody else")
    page = client.post(reverse("audit_verify")).content.decode()
    assert "Entry 3 is not as it was written" in page


def test_a_long_chain_is_verified_by_a_job_that_fails_with_the_faults(firm: Firm, tampered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrepot.desk.audit.views.VERIFIED_AT_ONCE", 3)
    answer = firm.client("inspector").post(reverse("audit_verify"))
    job = Job.objects.of(firm.organisation).get(kind="audit.verify")
    assert answer.headers["Location"] == reverse("job", args=[job.id])
    assert verify_job(job, lambda *_: None)["faults"] == 0
    AuditEntry.objects.filter(chain=tampered, number=2).update(detail={})
    with pytest.raises(InputError, match="altered at 2"):
        verify_job(job, lambda *_: None)


def test_the_csv_runs_nothing_and_the_export_is_an_entry(firm: Firm) -> None:
    with transaction.atomic():
        record(firm.acting("trader"), "batch.asked", "=cmd|' /C calc'!A0", "+1")
    file = sent(firm.client("administrator").post(reverse("audit_export", args=["csv"])))
    rows = list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))
    asked = next(row for row in rows if row["action"] == "batch.asked")
    assert (asked["object_kind"], asked["object_id"]) == ("'=cmd|' /C calc'!A0", "'+1")
    assert rows[-1]["action"] == "audit.exported"
    assert firm.client("inspector").post(reverse("audit_export", args=["csv"])).status_code == 403


def test_the_json_lines_hold_the_chain(firm: Firm, chain: str) -> None:
    file = sent(firm.client("administrator").post(reverse("audit_export", args=["jsonl"])))
    told = [json.loads(line) for line in file.splitlines()]
    assert [one["previous"] for one in told[1:]] == [one["digest"] for one in told[:-1]]
    assert told[0]["previous"] == "0" * 64


def test_the_log_over_the_api_in_pages(firm: Firm, chain: str) -> None:
    headers = firm.headers("administrator")
    first = Client().get("/api/v1/audit?limit=4", headers=headers).json()
    rest = Client().get(f"/api/v1/audit?limit=4&cursor={first['next']}", headers=headers).json()
    assert [one["number"] for one in first["items"] + rest["items"]] == [7, 6, 5, 4, 3, 2, 1]
    assert Client().get("/api/v1/audit?action=note.made", headers=headers).json()["items"][0]["detail"]["text"] == "note 4 备注"
    assert Client().get("/api/v1/audit", headers=firm.headers("trader")).status_code == 403


def test_the_command_says_it_with_its_exit_code(tampered: str, tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert run(audit, ["verify", "--chain", tampered], standalone_mode=False).return_value == 0
    out = tmp_path / "log.csv"
    assert run(audit, ["export", "--chain", tampered, "--format", "csv", "--out", str(out)], standalone_mode=False).return_value == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == 7
    assert isinstance(run(audit, ["export", "--chain", tampered, "--out", str(out)], standalone_mode=False).exception, CallError)
    assert isinstance(run(audit, ["export", "--chain", "x", "--out", str(out)], standalone_mode=False).exception, CallError)
    AuditEntry.objects.filter(chain=tampered, number=4).delete()
    told = run(audit, ["verify", "--json"], standalone_mode=False)
    assert (told.return_value, json.loads(told.stdout)["faults"]) == (1, [{"chain": tampered, "number": 4, "what": "missing"}])
    assert "第 4 条记录缺失" in run(audit, ["verify", "--lang", "zh"], standalone_mode=False).stdout


# --- words for every action ----------------------------------------------------------------------------

ACTION = re.compile(r"[a-z]+\.[a-z]+(-[a-z]+)*")


def recorded() -> Iterator[tuple[str, ast.expr, list[str]]]:
    """Each call of `record` in the desk: where, what is given as the action, and the texts quoted in that module."""
    for path in sorted(Path(chain_module.__file__).parents[1].rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        quoted = [one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "record" and len(call.args) > 1:
                yield path.name, call.args[1], quoted


def test_every_action_recorded_anywhere_has_its_words() -> None:
    """An action that is put together (`f"parcel.{verdict}"`) needs the words of its beginning; one in a variable those of
    every text of its module that looks like one."""
    calls, known = list(recorded()), set(actions())
    nouns = {str(given.value).split(".")[0] for _, given, _ in calls if isinstance(given, ast.Constant)}
    nouns |= {one.split(".")[0] for one in known}
    for name, given, quoted in calls:
        if isinstance(given, ast.Constant):
            assert str(given.value) in known, f"{name}: no text audit.do.{given.value!s}"
        elif isinstance(given, ast.JoinedStr):
            beginning = str(given.values[0].value) if isinstance(given.values[0], ast.Constant) else ""
            assert beginning.endswith("."), f"{name}: {ast.unparse(given)}"
            assert [one for one in known if one.startswith(beginning)], f"{name}: {ast.unparse(given)}"
        else:
            like = [one for one in quoted if ACTION.fullmatch(one) and one.split(".")[0] in nouns]
            found = [one for one in like if one not in all_texts() and not one.endswith((".csv", ".zip"))]
            assert found, f"{name}: {ast.unparse(given)}"
            assert set(found) <= known, name
    assert len(calls) > 30
