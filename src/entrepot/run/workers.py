"""Pieces of a day worked on two at a time, their results taken in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["WORKERS", "in_order"]

WORKERS = 2
"""The kernel uses all cores by itself; a second worker fills the gaps where one formats, hashes or waits for the disk."""

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def in_order(
    pieces: Iterable[Piece], work: Callable[[Piece], Result], workers: int = WORKERS
) -> Iterator[tuple[Piece, Result]]:
    """Each piece with its result, in the order of the pieces.

    At most `workers` pieces are under way and none is made before there is room for it, so memory stays bounded.
    The first failure stops everything and is raised here.
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[tuple[Piece, Future[Result]]] = deque()
        for piece in pieces:
            waiting.append((piece, pool.submit(work, piece)))
            if len(waiting) >= workers:
                yield _taken(waiting)
        while waiting:
            yield _taken(waiting)


def _taken(waiting: "deque[tuple[Piece, Future[Result]]]") -> tuple[Piece, Result]:
    piece, future = waiting.popleft()
    return piece, future.result()
