"""What follows from a law alone is made once and kept with it: rule tables, expressions, joined texts."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from entrepot.law.law import Law

__all__ = ["once_per_law"]

More = ParamSpec("More")
Made = TypeVar("Made")


def once_per_law(make: Callable[Concatenate[Law, More], Made]) -> Callable[Concatenate[Law, More], Made]:
    """Let a function of a law (and of further hashable arguments, given by position) run once for each law.

    Building thousands of small expressions takes longer than deciding a few lines with them. What is kept must not be
    changed by those who get it.
    """

    @wraps(make)
    def kept(law: Law, /, *more: More.args, **named: More.kwargs) -> Made:
        name = (make.__module__, make.__qualname__, *more, *named.items())
        return law.kept(name, lambda: make(law, *more, **named))

    return kept
