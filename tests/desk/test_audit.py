"""The audit chain: any entry altered, dropped or put elsewhere is found; an entry and its change stand or fall together."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from entrepot.desk.audit.append_only import TABLES, guard_tables, lift_guards
from entrepot.desk.audit.chain import INSTALLATION, record, verify
from entrepot.desk.audit.models import AuditEntry, AuditHead
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.settle import note
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Organisation
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


@pytest.mark.parametrize("table", TABLES)
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
def test_the_end_of_a_chain_is_anchored_after_commit_at_most_once_a_minute() -> None:
    for _ in range(3):
        with transaction.atomic():
            record(None, "note.made")
    assert [(line["chain"], line["number"]) for line in anchored()] == [(INSTALLATION, 1)]
    AuditHead.objects.filter(chain=INSTALLATION).update(anchored_at=None)
    with pytest.raises(ZeroDivisionError):
        record_then_fail(None)
    assert len(anchored()) == 1
    verify(INSTALLATION)
    assert [line["number"] for line in anchored()] == [1, 3]
