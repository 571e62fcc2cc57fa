"""The errors Entrepot raises; bad data is never one of them (see `problems`).

EntrepotError
├── CallError      the caller is wrong: says what came, what is allowed, how to mend it (exit code 2)
├── InputError     the input as a whole cannot be used: empty, truncated, not a table (exit code 3)
└── WorldError     the world is wrong: disk full, no permission; `retryable` says if trying again can help (exit code 3)
"""

from collections.abc import Mapping

__all__ = ["CallError", "EntrepotError", "InputError", "WorldError"]


class EntrepotError(Exception):
    """Base of everything Entrepot raises on purpose; the message is one line a person can act on."""

    exit_code = 3
    told: "tuple[str, Mapping[str, object]] | None" = None
    """The id of the text this is in other languages, with its numbers (`goods.texts.told`); None: the message alone."""


class CallError(EntrepotError):
    """The caller asked for something that is not allowed or not there."""

    exit_code = 2


class InputError(EntrepotError):
    """The input as a whole cannot be read; nothing was decided."""


class WorldError(EntrepotError):
    """Something outside failed; `retryable` tells whether the same call may succeed later."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable
