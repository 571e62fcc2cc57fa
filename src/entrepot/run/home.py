"""What an installation keeps for itself: its secret, and what is derived from it.

The folder is `ENTREPOT_HOME`, by default `~/.local/share/entrepot`. The secret is made once and never leaves
it; buyers' keys and the draw for checks are derived from it, so a trader can predict neither.
"""

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from entrepot.goods.errors import WorldError

__all__ = ["Home", "open_home"]

HOME_VARIABLE = "ENTREPOT_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """An opened installation folder with its secret (32 bytes)."""

    folder: Path
    secret: bytes

    def key(self, purpose: str) -> bytes:
        """A key for one purpose; keys of different purposes tell nothing of each other."""
        return hmac.digest(self.secret, purpose.encode(), "sha256")

    @property
    def fingerprint(self) -> str:
        """Tells two installations apart without telling the secret."""
        return hashlib.sha256(self.key("fingerprint")).hexdigest()[:16]


def open_home(folder: Path | None = None) -> Home:
    """Open the installation folder, making it and its secret on first use.

    Raises WorldError when the folder cannot be written or the secret in it is damaged.
    """
    place = folder or Path(os.environ.get(HOME_VARIABLE) or Path.home() / ".local" / "share" / "entrepot")
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Home(place, _secret(place / "secret"))
    except OSError as error:
        raise WorldError(
            f"{place}: {error.strerror}; set {HOME_VARIABLE} to a folder you may write", retryable=False
        ) from None


def _secret(file: Path) -> bytes:
    if not file.exists():
        fresh = file.with_suffix(f".{secrets.token_hex(8)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(32), encoding="ascii")
        try:
            os.link(fresh, file)  # the first of two callers wins; the other reads its secret
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    text = file.read_text(encoding="ascii", errors="replace").strip()
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise WorldError(
            f"{file} is damaged: put back its copy; a new secret would change every buyer's key", retryable=False
        )
    return bytes.fromhex(text)
