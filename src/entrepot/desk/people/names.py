"""What people call an actor: the audit log and events know only ids."""

from collections.abc import Iterable
from uuid import UUID

from entrepot.desk.people.models import ApiKey, User

__all__ = ["id_of", "name_of", "names_of"]


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """Actors (`user:…`, `key:…`, `system`) to names, in two queries; one that is gone keeps its id."""
    wanted = set(actors)
    users = _by_id(wanted, "user")
    keys = _by_id(wanted, "key")
    found = {f"user:{user.id}": user.name or user.email for user in User.objects.filter(id__in=users)}
    found |= {f"key:{key.id}": f"{key.name} ({key.prefix}…)" for key in ApiKey.objects.filter(id__in=keys)}
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


def name_of(actor: str) -> str:
    """The name of one actor; empty for none."""
    return names_of([actor])[actor] if actor else ""
