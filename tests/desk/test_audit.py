"""The audit chain: any entry altered, dropped or put elsewhere is found; an entry and its change stand or fall together."""

import pytest
from django.db import connection, transaction

from entrepot.desk.audit.chain import record, verify
from entrepot.desk.audit.models import AuditEntry, AuditHead
from tests.desk.conftest import Firm


@pytest.fixture
def chain(firm: Firm) -> str:
    with transaction.atomic():
        for number in range(5):
            record(firm.acting("trader"), "note.made", "note", number, text=f"note {number} 备注")
    return str(firm.organisation.id)


def test_an_untouched_chain_has_no_fault(chain: str) -> None:
    assert verify(chain) == (5, [])


@pytest.mark.parametrize("column", ["actor", "action", "object_kind", "object_id", "detail", "previous", "digest"])
def test_an_altered_entry_is_found(chain: str, column: str) -> None:
    AuditEntry.objects.filter(chain=chain, number=3).update(**{column: {"text": "x"} if column == "detail" else "x"})
    assert {fault.number for fault in verify(chain)[1]} & {3}


def test_a_moment_altered_by_a_microsecond_is_found(chain: str) -> None:
    entry = AuditEntry.objects.get(chain=chain, number=2)
    entry.at = entry.at.replace(microsecond=(entry.at.microsecond + 1) % 1_000_000)
    entry.save()
    assert [(fault.number, fault.what) for fault in verify(chain)[1]] == [(2, "altered")]


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_dropped_entry_is_found(chain: str, number: int) -> None:
    AuditEntry.objects.filter(chain=chain, number=number).delete()
    assert verify(chain)[1]


def test_dropping_the_end_and_setting_the_head_back_is_found(chain: str) -> None:
    AuditEntry.objects.filter(chain=chain, number__gt=3).delete()
    last = AuditEntry.objects.get(chain=chain, number=3)
    AuditHead.objects.filter(chain=chain).update(number=3, digest=last.digest)
    assert [fault.what for fault in verify(chain)[1]] == ["altered"]


def test_reordered_entries_are_found(chain: str) -> None:
    AuditEntry.objects.filter(chain=chain, number=2).update(number=99)
    AuditEntry.objects.filter(chain=chain, number=3).update(number=2)
    AuditEntry.objects.filter(chain=chain, number=99).update(number=3)
    assert {fault.number for fault in verify(chain)[1]} >= {2, 3}


def test_a_chain_dropped_whole_is_found(chain: str) -> None:
    AuditEntry.objects.filter(chain=chain).delete()
    assert [fault.what for fault in verify(chain)[1]] == ["cut"]


@pytest.mark.django_db(transaction=True)
def test_an_entry_goes_with_its_transaction(firm: Firm) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record(firm.acting("trader"), "note.made")
        1 / 0  # noqa: B018
    assert verify(str(firm.organisation.id)) == (0, [])
    assert not connection.in_atomic_block
    with pytest.raises(RuntimeError, match="outside a transaction"):
        record(firm.acting("trader"), "note.made")
