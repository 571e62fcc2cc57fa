"""The shapes of dated law: a leaf holds dated values or dated rows, each with its source.

Intervals are half-open: a value holds from `from_` up to, not including, `until`; no `until` means open.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from entrepot.law.units import Exact, show

__all__ = ["COMPUTABLE", "MARKS", "SELECTORS", "STATUSES", "DatedValue", "Jurisdiction", "Leaf", "Row", "ScalarLeaf",
           "Source", "TableLeaf"]

STATUSES = ("in_force", "suspended", "announced", "unconfirmed")
COMPUTABLE = ("in_force", "unconfirmed")
MARKS = ("S", "K", "?")
SELECTORS = ("declaration", "export", "application", "import")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from: instrument, article, address, and a remark."""

    doc: str
    article: str | None = None
    url: str | None = None
    note: str | None = None

    def __str__(self) -> str:
        return " ".join(part for part in (self.doc, self.article) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dated:
    """What values and rows share: when they hold, how sure we are, where it is written."""

    from_: dt.date
    until: dt.date | None = None
    status: str
    mark: str
    source: Source
    checked_on: dt.date | None = None
    """The day someone last compared the value with its source; none for rows a user gave."""
    note: str | None = None

    @property
    def computable(self) -> bool:
        """True when results may use it: in force or unconfirmed, never suspended or announced."""
        return self.status in COMPUTABLE

    @property
    def unconfirmed(self) -> bool:
        """True when every result that uses it must say so."""
        return self.status == "unconfirmed" or self.mark == "?"

    def holds(self, day: dt.date) -> bool:
        """True on the days of the half-open interval."""
        return self.from_ <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedValue(_Dated):
    """One value of a scalar leaf. `value` is exact in `unit` (see `law.units`)."""

    path: str
    unit: str
    value: Exact

    @property
    def text(self) -> str:
        """The value as a person writes it, without its unit."""
        return show(self.value, self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(_Dated):
    """One row of a table leaf; `cells` stand in the order of the leaf's columns, None for "not stated"."""

    cells: tuple[Exact | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """What every leaf says of itself. `selected_by` names the date that selects the value."""

    path: str
    title: Mapping[str, str]
    selected_by: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarLeaf(Leaf):
    """One number, code or text over time, in date order without overlaps."""

    unit: str
    values: tuple[DatedValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLeaf(Leaf):
    """A list or table over time; rows of one key never overlap.

    `complete` says that a key without a row is really not in the list; otherwise its answer is unknown.
    """

    key: tuple[str, ...]
    columns: Mapping[str, str]
    complete: bool
    rows: tuple[Row, ...]
    why_empty: str | None = None

    def key_of(self, row: Row) -> tuple[Exact | None, ...]:
        """The key cells of a row."""
        return tuple(cell for name, cell in zip(self.columns, row.cells, strict=True) if name in self.key)


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """Whose law it is: the top folder, its name in each language, the time zone of its legal day."""

    code: str
    title: Mapping[str, str]
    time_zone: str
