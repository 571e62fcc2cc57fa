"""What the law room raises.

CallError
└── LawError        unknown leaf, bad date, law files that cannot be loaded (all their problems in one message)
"""

from collections.abc import Sequence

from entrepot.goods.errors import CallError

__all__ = ["LawError"]


class LawError(CallError):
    """The law files, or the question asked of them, are wrong.

    `problems` holds one line per fault when files could not be loaded, each as `file:line: what is wrong`.
    """

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)
