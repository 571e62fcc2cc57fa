"""The keyed hash of the audit log: HMAC-SHA256 over canonical JSON under a key of the installation."""

import hmac
import json
from datetime import UTC, datetime
from functools import cache

from entrepot.run.home import open_home

__all__ = ["keyed_hash", "moment"]


@cache
def _key() -> bytes:
    return open_home().key("audit")


def keyed_hash(value: object) -> str:
    """The hash of a JSON value, 64 hexadecimal digits; who lacks the installation's secret cannot make it."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hmac.new(_key(), text.encode(), "sha256").hexdigest()


def moment(at: datetime) -> str:
    """A moment as it is hashed: UTC to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
