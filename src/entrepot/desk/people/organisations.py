"""Organisations: how one is made, and the first entry of its audit chain."""

from typing import Any

from django.db import transaction

from entrepot.desk.audit.chain import record
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Membership, Organisation, User
from entrepot.desk.plug import Role

__all__ = ["make_organisation"]


def make_organisation(user: User | None = None, **fields: Any) -> Organisation:
    """Make an organisation with `user` as its administrator (nobody: the installation makes it).

    Its audit chain begins here, so that a chain that is gone can be told from one that never was.
    """
    with transaction.atomic():
        organisation = Organisation.objects.create(**fields)
        if user:
            Membership.objects.create(organisation=organisation, user=user, role=Role.ADMINISTRATOR)
        record(Acting(organisation, Role.ADMINISTRATOR, user), "organisation.made", "organisation", organisation.id)
    return organisation
