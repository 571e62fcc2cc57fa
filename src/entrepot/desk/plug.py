"""The plug: how a room brings its pages, API, jobs and permissions to the desk.

A room is a Django app with a module `area` that holds one `AREA`. The desk finds the apps named in `BUILT_IN` and those
that installed packages offer under the entry point group `entrepot.areas`. Nothing can be reached that does not name the
permission it needs, and each permission names the roles that have it. `docs/howto/area.md` walks through one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

__all__ = [
    "BUILT_IN", "EVERYBODY", "FORM_BYTES", "PUBLIC", "SIGNED_IN", "Area", "Entry", "Page", "Role", "areas", "event_kinds", "imported",
    "permissions", "plugged", "roles_of",
]  # fmt: skip

BUILT_IN = (
    "entrepot.desk.people",
    "entrepot.desk.audit",
    "entrepot.desk.jobs",
    "entrepot.desk.batches",
    "entrepot.desk.consignments",
    "entrepot.desk.inspection",
    "entrepot.desk.quotes",
    "entrepot.desk.lawbook",
    "entrepot.desk.products",
    "entrepot.desk.webhooks",
    "entrepot.desk.api",
    "entrepot.desk.operations",
    "entrepot.desk.home",
)
PUBLIC = "public"
"""Needs nobody: a visitor may open it."""
SIGNED_IN = "signed-in"
"""Needs a person or a key, but no organisation and no role."""
FORM_BYTES = 4 << 20
"""What a form without files may send."""


class Role(StrEnum):
    """What a member is in an organisation."""

    TRADER = "trader"
    BROKER = "broker"
    INSPECTOR = "inspector"
    ANALYST = "analyst"
    ADMINISTRATOR = "administrator"


EVERYBODY = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Page:
    """One address: `route` in Django's form, the view, its unique name, the permission it needs.

    `permission` is one of the area's permissions, PUBLIC or SIGNED_IN. `body_bytes_most` is how much may be sent to it: a page
    that takes files says how large.
    """

    route: str
    view: Callable[..., Any]
    name: str
    permission: str
    body_bytes_most: int = FORM_BYTES


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation, shown to those who have the permission; `place` orders them.

    `name` names a page without arguments, `title` a text, `icon` a symbol of `icons.svg`; `group` is main or more.
    """

    name: str
    title: str
    icon: str
    permission: str
    place: int
    group: str = "main"


@dataclass(frozen=True, slots=True)
class Area:
    """What one room brings.

    `permissions` maps a permission to the roles that have it; `api` maps a prefix to a `ninja.Router` named as
    `package.module:router`; `jobs` maps a kind of job to the function that does it (`jobs.run` says how it is called) and
    `given_up` to one that is called with a job whose workers died too often to begin it again;
    `events` are the kinds of events that webhooks may ask for; `batch_done` is called in the worker with each batch that
    was cleared and a progress function; `actor_changed` is called with who changed it and `user:…` or `key:…` in the transaction
    in which a member left, got another role, or a key was revoked; `periodic` names functions the worker calls about once a minute.
    """

    app: str
    permissions: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    pages: Sequence[Page] = ()
    navigation: Sequence[Entry] = ()
    api: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, str] = field(default_factory=dict)
    given_up: Mapping[str, str] = field(default_factory=dict)
    events: Sequence[str] = ()
    batch_done: str | None = None
    actor_changed: str | None = None
    periodic: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _App:
    """An app by its name, before its `area` is imported (which needs Django's apps)."""

    app: str


@cache
def areas() -> tuple[_App, ...]:
    """The apps that bring an area, built-in ones first; usable while Django's settings are made."""
    found = sorted(entry.value for entry in entry_points(group="entrepot.areas"))
    return tuple(_App(name) for name in (*BUILT_IN, *found))


@cache
def plugged() -> tuple[Area, ...]:
    """Every area, imported; only after Django's apps are ready."""
    return tuple(import_module(f"{one.app}.area").AREA for one in areas())


@cache
def permissions() -> Mapping[str, frozenset[Role]]:
    """Every permission with the roles that have it."""
    return {name: roles for area in plugged() for name, roles in area.permissions.items()}


def roles_of(permission: str) -> frozenset[Role]:
    """The roles that have a permission; KeyError for one that no area declares."""
    return permissions()[permission]


@cache
def event_kinds() -> tuple[str, ...]:
    """Every kind of event a webhook may ask for."""
    return tuple(sorted(kind for area in plugged() for kind in area.events))


def imported(dotted: str) -> Any:
    """What `package.module:name` names."""
    module, _, name = dotted.partition(":")
    return getattr(import_module(module), name)
