"""Personal and secret values in the database, sealed under a key of the installation.

AES-256-GCM; what a value is for is authenticated with it, so a sealed value moved to another column does not open.
"""

import base64
import os
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import models

from entrepot.goods.errors import WorldError
from entrepot.run.home import open_home

__all__ = ["SealedTextField", "open_sealed", "seal"]

NONCE_BYTES = 12


@cache
def _cipher() -> AESGCM:
    return AESGCM(open_home().key("desk values"))


def seal(value: str, purpose: str) -> str:
    """A text sealed for one purpose, as base64."""
    nonce = os.urandom(NONCE_BYTES)
    return base64.b64encode(nonce + _cipher().encrypt(nonce, value.encode(), purpose.encode())).decode()


def open_sealed(sealed: str, purpose: str) -> str:
    """The text that was sealed for a purpose; WorldError when the installation or the purpose is another."""
    data = base64.b64decode(sealed)
    try:
        return _cipher().decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], purpose.encode()).decode()
    except InvalidTag:
        raise WorldError(
            f"a sealed value ({purpose}) does not open: the secret in ENTREPOT_HOME is not the one it was sealed with",
            retryable=False,
        ) from None


class SealedTextField(models.TextField):  # type: ignore[type-arg]
    """A text that lies sealed in the database; it cannot be searched. Empty stays empty."""

    @property
    def _purpose(self) -> str:
        return f"{self.model._meta.label_lower}.{self.name}"

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        """What the program sees."""
        return open_sealed(value, self._purpose) if value else value

    def get_prep_value(self, value: Any) -> Any:
        """What the database sees."""
        return seal(str(value), self._purpose) if value else value
