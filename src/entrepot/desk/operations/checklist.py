"""What has to be right before strangers' trade data go in: the list behind `entrepot check`."""

import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files

from django.conf import settings
from django.core import checks
from django.db import DatabaseError

from entrepot.desk.audit.chain import verify
from entrepot.desk.operations.backup import last_backup
from entrepot.desk.operations.health import READY
from entrepot.desk.operations.worker import last_round

__all__ = ["Item", "checklist"]

LEAST_FREE_BYTES = 10 << 30
SEEN_WITHIN = timedelta(minutes=3)
BACKUP_WITHIN = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Item:
    """One line: a text id, whether it holds, whether it must, and what was found."""

    name: str
    good: bool
    required: bool
    found: str = ""


def checklist() -> list[Item]:
    """Every item, required ones first failing in `entrepot check`."""
    return [*_settings(), *_ready(), *_places(), *_running(), *_audit()]


def _settings() -> Iterator[Item]:
    yield Item("operations.check-https", settings.SECURE, True, settings.ORIGIN)
    yield Item("operations.check-no-development", not settings.DEBUG, True)
    yield Item("operations.check-email", "smtp" in settings.EMAIL_BACKEND, True, settings.EMAIL_BACKEND.split(".")[-2])
    yield Item("operations.check-postgresql", "postgresql" in str(settings.DATABASES["default"]["ENGINE"]), False)
    yield Item("operations.check-signup", not settings.SIGNUP_OPEN, False)
    yield Item("operations.check-webhooks", not settings.WEBHOOK_PRIVATE, True)
    found = [f"{one.id} {one.msg}" for one in checks.run_checks(include_deployment_checks=True) if one.level >= checks.WARNING]
    yield Item("operations.check-django", not found, True, "; ".join(found)[:300])


def _ready() -> Iterator[Item]:
    for name, check in READY.items():
        try:
            good, found = check(), ""
        except Exception as error:
            good, found = False, type(error).__name__
        yield Item(f"operations.check-{name}", good, True, found)


def _places() -> Iterator[Item]:
    home, secret = settings.HOME.folder, settings.HOME.folder / "secret"
    for name, path, mode in (("home", home, 0o700), ("secret", secret, 0o600)):
        found = stat.S_IMODE(path.stat().st_mode)
        yield Item(f"operations.check-{name}-private", found & 0o077 == 0, True, oct(found if found & 0o077 else mode))
    free = shutil.disk_usage(home).free
    yield Item("operations.check-disk", free >= LEAST_FREE_BYTES, True, f"{free >> 30} GiB")
    vendor = files("entrepot.desk").joinpath("static", "vendor", "VERSIONS.json")
    yield Item("operations.check-front-end", vendor.is_file(), True)


def _running() -> Iterator[Item]:
    now, seen, saved = datetime.now(UTC), last_round(), last_backup()
    yield Item("operations.check-worker", bool(seen and now - seen < SEEN_WITHIN), True, str(seen or "never"))
    yield Item("operations.check-backup", bool(saved and now - saved < BACKUP_WITHIN), True, str(saved or "never"))


def _audit() -> Iterator[Item]:
    try:
        read, faults = verify()
        yield Item("operations.check-audit", not faults, True, f"{read} entries, {len(faults)} faults")
    except DatabaseError as error:
        yield Item("operations.check-audit", False, True, type(error).__name__)
