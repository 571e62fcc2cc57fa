"""Fixtures of the desk's tests: two organisations with a person and a key for each role, and cleared batches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test import Client, TransactionTestCase
from django.utils import timezone

from entrepot.desk.audit.append_only import lift_guards
from entrepot.desk.audit.models import AuditEntry
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.keys import issue
from entrepot.desk.people.models import Mandate, Membership, Organisation, User
from entrepot.desk.people.organisations import make_organisation
from entrepot.desk.plug import Role, permissions

PASSWORD = "a long enough passphrase"


@dataclass
class Firm:
    """An organisation with one member of each role."""

    organisation: Organisation
    users: dict[str, User] = field(default_factory=dict)

    def acting(self, role: str) -> Acting:
        return Acting(self.organisation, Role(role), self.users[role])

    def client(self, role: str) -> Client:
        """A browser in which the member of a role has signed in."""
        client = Client()
        client.force_login(self.users[role], backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    def token(self, role: str) -> str:
        """A fresh API key with everything a role may do."""
        scopes = sorted(name for name, roles in permissions().items() if role in roles)
        return issue(self.acting("administrator"), role, scopes, timezone.now() + timedelta(days=1), 600)[1]

    def headers(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(role)}"}


@pytest.fixture(autouse=True)
def _own_anchors(settings: Any, tmp_path: Path) -> None:
    """Each test begins with an empty database, so with no anchors either."""
    settings.AUDIT_ANCHORS = tmp_path / "anchors.jsonl"


@pytest.fixture(autouse=True, scope="session")
def _tables_that_only_grow_can_be_emptied() -> Iterator[None]:
    """A test that commits has its tables emptied at its end; the `migrate` after it puts the guards back."""
    case: Any = TransactionTestCase
    emptied = case._fixture_teardown

    def lifted(test: TransactionTestCase) -> None:
        lift_guards()
        emptied(test)

    case._fixture_teardown = lifted
    yield
    case._fixture_teardown = emptied


@cache
def hashed_password() -> str:
    """Hashed once for all: the hash is slow on purpose."""
    return make_password(PASSWORD)


def make_firm(name: str) -> Firm:
    firm = Firm(make_organisation(name=name))
    for role in Role:
        email = f"{role}@{name.lower()}.example"
        user = User.objects.create(email=email, name=f"{role} of {name}", password=hashed_password())
        Membership.objects.create(organisation=firm.organisation, user=user, role=role)
        firm.users[role] = user
    return firm


@pytest.fixture
def firm(db: None) -> Firm:
    """The own organisation."""
    return make_firm("Tide")


@pytest.fixture
def stranger(db: None) -> Firm:
    """Another organisation, whose things nobody of `firm` may see."""
    return make_firm("Reef")


@pytest.fixture
def mandated(firm: Firm) -> Callable[[Firm], Mandate]:
    """Lets a firm's brokers act for `firm`."""

    def give(broker: Firm) -> Mandate:
        mandate: Mandate = Mandate.objects.create(
            organisation=firm.organisation, broker=broker.organisation, begins_on=timezone.localdate() - timedelta(days=1)
        )
        return mandate

    return give


def actions(firm: Firm) -> list[str]:
    """What the organisation's audit log tells, in order, without how it was made."""
    entries = AuditEntry.objects.filter(chain=str(firm.organisation.id)).order_by("number")
    return [entry.action for entry in entries if entry.action != "organisation.made" and not entry.action.startswith("log")]


def rows_of(table: str) -> list[bytes]:
    """Every row of a table as the database holds it, sealed where it is sealed."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        return [repr(row).encode() for row in cursor.fetchall()]
