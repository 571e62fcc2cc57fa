"""What people call an actor: the audit log and events know only ids.

An organisation sees its own people and keys by name and those of a broker as the broker's, as on the page of the audit log.
"""

from collections.abc import Iterable
from uuid import UUID

from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import ApiKey, Mandate, Membership

__all__ = ["id_of", "names_of"]


def names_of(acting: Acting, actors: Iterable[str]) -> dict[str, str]:
    """Actors (`user:…`, `key:…`, `system`) to what the organisation calls them; one that is gone keeps its id.

    Under a mandate the broker's people see each other by name.
    """
    wanted = set(actors)
    own = {acting.organisation.id} | ({acting.mandate.broker_id} if acting.mandate else set())
    brokers = set(Mandate.objects.of(acting).values_list("broker", flat=True))
    members = Membership.objects.filter(user__in=_by_id(wanted, "user"), organisation__in=own | brokers)
    found: dict[str, str] = {}
    for member in members.select_related("user", "organisation"):
        if member.organisation_id in own:
            found[f"user:{member.user_id}"] = member.user.name or member.user.email
        else:
            found.setdefault(f"user:{member.user_id}", member.organisation.name)
    keys = ApiKey.objects.of(acting).filter(id__in=_by_id(wanted, "key"))
    found |= {f"key:{key.id}": f"{key.name} ({key.prefix}…)" for key in keys}
    return {actor: found.get(actor, actor) for actor in wanted}


def _by_id(actors: set[str], kind: str) -> list[UUID]:
    return [key for actor in actors if (key := id_of(actor, kind))]


def id_of(actor: str, kind: str) -> UUID | None:
    """The id in an actor of a kind (`user` or `key`); None for another kind, or what is no id."""
    named, _, key = actor.partition(":")
    try:
        return UUID(key) if named == kind else None
    except ValueError:
        return None
