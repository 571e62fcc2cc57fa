"""A demonstration: one organisation with a person of each role, its broker, and the sample day cleared by the real chain."""

import json
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.models import Batch
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Mandate, Membership, Organisation, User
from entrepot.desk.plug import Role
from entrepot.goods.errors import WorldError

__all__ = ["DEMO_NAME", "make_demo"]

DEMO_NAME = "Sample Trading 样例贸易"
BROKER_NAME = "Sample Brokers 样例报关"


def make_demo() -> dict[str, Any]:
    """Make the demonstration once; returns its logins (`email`, `role`), their password, and the batch of the sample day.

    The password is made anew per installation and kept in a file only its owner may read.
    """
    password = _password()
    with transaction.atomic():
        organisation, made = _organisation(DEMO_NAME, [role for role in Role if role != Role.BROKER], password)
        broker, _ = _organisation(BROKER_NAME, [Role.BROKER], password)
        if made:
            Mandate.objects.create(organisation=organisation, broker=broker, begins_on=timezone.localdate())
            record(Acting(organisation, Role.ADMINISTRATOR), "mandate.granted", "organisation", broker.id)
    logins = [{"role": role.value, "email": _email(role)} for role in Role]
    trader = Acting(organisation, Role.TRADER, User.objects.get(email=_email(Role.TRADER)))
    return {"logins": logins, "password": password, "organisation": organisation, "batch": _sample_day(trader)}


def _password() -> str:
    place: Path = settings.DESK_FOLDER / "demo.json"
    if not place.exists():
        place.touch(mode=0o600)
        place.write_text(json.dumps({"password": secrets.token_urlsafe(9)}), encoding="utf-8")
    password: str = json.loads(place.read_text(encoding="utf-8"))["password"]
    return password


def _email(role: Role) -> str:
    return f"{role.value}@demo.example"


def _organisation(name: str, roles: list[Role], password: str) -> tuple[Organisation, bool]:
    found = Organisation.objects.filter(name=name).first()
    if found:
        return found, False
    organisation = Organisation.objects.create(name=name)
    record(Acting(organisation, Role.ADMINISTRATOR), "organisation.made", "organisation", organisation.id)
    for role in roles:
        user = User.objects.create_user(_email(role), password, name=f"Demo {role.value}")
        Membership.objects.create(organisation=organisation, user=user, role=role)
    return organisation, True


def _sample_day(trader: Acting) -> Batch:
    """The batch of the sample day: uploaded and cleared as a trader would, done here and now."""
    from entrepot.desk.batches.sample import clear_sample_day

    done = Batch.objects.of(trader).filter(state=Batch.State.DONE).order_by("ordinal").first()
    made = done or clear_sample_day(trader)
    if made.state != Batch.State.DONE:
        raise WorldError(f"the sample day could not be cleared: {made.job.problem if made.job else 'no job'}", retryable=True)
    return made
