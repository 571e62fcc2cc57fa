"""A question to a table of the law that is asked in several places: of a frame of lines, or of one line by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import polars as pl

from entrepot.law.law import Law

__all__ = ["Lookup"]

Lines = TypeVar("Lines", pl.DataFrame, pl.LazyFrame)


@dataclass(frozen=True, slots=True)
class Lookup:
    """The arguments of `Law.lookup`: table, its keys to the lines' columns, what is taken under which names, the key that
    is matched by its longest beginning, the name of the mark, the column of days."""

    path: str
    keys: Mapping[str, str]
    take: Mapping[str, str]
    prefix: str | None = None
    mark: str | None = None
    date: str = "declared_on"

    def added(self, lines: Lines, law: Law) -> Lines:
        """The lines with what was taken and the mark."""
        return law.lookup(lines, self.path, self.keys, self.date, take=self.take, prefix=self.prefix, mark=self.mark)

    def told(self, line: dict[str, Any], law: Law) -> None:
        """Write the same into one line, a mapping of columns to values."""
        table = law.table(self.path)
        key = tuple(line[self.keys[name]] for name in table.key)
        place = table.longest(key, line[self.date], self.prefix)
        for name, new in self.take.items():
            line[new] = None if place is None else table.cells(name)[place]
        mark = self.mark or f"{next(iter(self.take.values()))}_unconfirmed"
        line[mark] = False if place is None else table.cells("unconfirmed")[place]
