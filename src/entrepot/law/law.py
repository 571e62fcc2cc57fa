"""The law on any day: an immutable book of dated leaves.

Every question names its day; nothing here reads a clock. A day without a value gives None (null in columns),
never the nearest value. Suspended and announced values are shown in history and never computed with.
"""

import datetime as dt
import difflib
import hashlib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import polars as pl

from entrepot.law import snapshot as _snapshot
from entrepot.law.changes import Change, changes
from entrepot.law.errors import LawError
from entrepot.law.extra import with_rows
from entrepot.law.leaves import DatedValue, Jurisdiction, Leaf, ScalarLeaf, TableLeaf
from entrepot.law.loading import VALUES, marks_of, read_folders
from entrepot.law.tables import LawTable, frame_of, lookup
from entrepot.law.units import Exact, unit

__all__ = ["Law"]

Lines = TypeVar("Lines", pl.DataFrame, pl.LazyFrame)
Kept = TypeVar("Kept")
NOTHING = object()


@dataclass(frozen=True, eq=False)
class Law:
    """All leaves that are loaded, read only. Two laws are equal when their hash is."""

    leaves: Mapping[str, Leaf]
    jurisdictions: Mapping[str, Jurisdiction]
    _kept: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "leaves", MappingProxyType(dict(sorted(self.leaves.items()))))
        object.__setattr__(self, "jurisdictions", MappingProxyType(dict(sorted(self.jurisdictions.items()))))

    @classmethod
    def load(cls, *extra_folders: Path | str) -> "Law":
        """The law shipped with Entrepot and that of further folders of the same layout.

        A leaf of a later folder replaces the leaf of the same path as a whole.
        Raises LawError listing every fault of every file as `file:line: what is wrong`. The shipped law alone is read once
        in a process, and again when a file of it was changed: reading takes longer than clearing a small day.
        """
        return cls.read(VALUES, *extra_folders) if extra_folders else _shipped(marks_of(VALUES))

    @classmethod
    def read(cls, *folders: Path | str) -> "Law":
        """The law of these folders alone, without what is shipped; raises as `load`."""
        return cls(*read_folders([Path(folder) for folder in folders]))

    @classmethod
    def from_snapshot(cls, data: bytes) -> "Law":
        """The law a `snapshot` holds, with the same hash; LawError when the bytes are none."""
        return cls(*_snapshot.from_bytes(data))

    def snapshot(self) -> bytes:
        """Canonical bytes of the whole law, to be stored with what was decided by it."""
        return _snapshot.to_bytes(self.leaves, self.jurisdictions)

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of the canonical bytes; independent of file order, layout and comments."""
        return hashlib.sha256(self.snapshot()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Law) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __reduce__(self) -> tuple[Any, ...]:
        return Law.from_snapshot, (self.snapshot(),)

    def kept(self, name: Hashable, make: Callable[[], Kept]) -> Kept:
        """What `make` gives, made once for this law and kept as long as it lives: the law never changes.

        `name` says what it is and with which arguments; what is kept must not be changed by those who get it.
        """
        found = self._kept.get(name, NOTHING)
        if found is NOTHING:
            found = self._kept.setdefault(name, make())
        kept: Kept = found
        return kept

    def paths(self) -> tuple[str, ...]:
        """The path of every leaf, sorted."""
        return tuple(self.leaves)

    @cached_property
    def _scalars(self) -> frozenset[str]:
        return frozenset(path for path, leaf in self.leaves.items() if isinstance(leaf, ScalarLeaf))

    def scalar_paths(self) -> frozenset[str]:
        """The paths of single values; the others are tables."""
        return self._scalars

    def leaf(self, path: str) -> Leaf:
        """The leaf of a path; LawError names the nearest paths when there is none."""
        try:
            return self.leaves[path]
        except (KeyError, TypeError):
            raise LawError(f"no law at {path!r}; {_nearest(str(path), self.paths())}") from None

    def _scalar(self, path: str) -> ScalarLeaf:
        leaf = self.leaf(path)
        if not isinstance(leaf, ScalarLeaf):
            raise LawError(f"{path} is a table: ask Law.table or Law.lookup")
        return leaf

    def _table(self, path: str) -> TableLeaf:
        leaf = self.leaf(path)
        if not isinstance(leaf, TableLeaf):
            raise LawError(f"{path} is a single value: ask Law.value or Law.on")
        return leaf

    @cached_property
    def checked_until(self) -> dt.date | None:
        """The day up to which every leaf was compared with its source: the earliest of their latest checks."""
        latest = []
        for leaf in self.leaves.values():
            dated = leaf.values if isinstance(leaf, ScalarLeaf) else _rows(leaf)
            checks = [one.checked_on for one in dated if one.checked_on is not None]
            latest += [max(checks)] if checks else []
        return min(latest, default=None)

    def history(self, path: str) -> tuple[DatedValue, ...]:
        """Every dated value of a leaf in date order, suspended and announced ones too."""
        return self._scalar(path).values

    def value(self, path: str, day: dt.date) -> DatedValue | None:
        """The value results may use on a legal day, or None; `day` must be a date."""
        _require_day(day)
        return next((one for one in self.history(path) if one.holds(day) and one.computable), None)

    def on(self, path: str, date_column: str | pl.Expr) -> pl.Expr:
        """The value on each line's own day, as an expression; null where no value may be used.

        The column must be Date (see `legal_day`). Exact integers: money in minor units, rates in ppm, ...
        (`law.units`); null dates give null.
        """
        leaf = self._scalar(path)
        if not isinstance(date_column, str):
            return self._on(leaf, date_column)
        return self.kept(("on", path, date_column), lambda: self._on(leaf, date_column))

    @staticmethod
    def _on(leaf: ScalarLeaf, date_column: str | pl.Expr) -> pl.Expr:
        dtype = unit(leaf.unit).dtype
        spans = [(one.from_, one.until, one.value) for one in leaf.values if one.computable]
        return _by_day(spans, date_column, pl.lit(None, dtype), dtype).alias(leaf.path.rsplit("/", 1)[-1])

    def unconfirmed(self, path: str, date_column: str | pl.Expr) -> pl.Expr:
        """True where the value of each line's day is unconfirmed, False elsewhere; never null."""
        leaf = self._scalar(path)
        if not isinstance(date_column, str):
            return self._unconfirmed(leaf, date_column)
        return self.kept(("unconfirmed", path, date_column), lambda: self._unconfirmed(leaf, date_column))

    @staticmethod
    def _unconfirmed(leaf: ScalarLeaf, date_column: str | pl.Expr) -> pl.Expr:
        spans = [(one.from_, one.until, True) for one in leaf.values if one.computable and one.unconfirmed]
        made = _by_day(spans, date_column, pl.lit(value=False), pl.Boolean)
        return made.alias(f"{leaf.path.rsplit('/', 1)[-1]}_unconfirmed")

    def table(self, path: str) -> LawTable:
        """A table leaf as a frame with exact columns."""
        return self.kept(("table", path), lambda: _table_of(self._table(path)))

    def lookup(
        self,
        lines: Lines,
        path: str,
        keys: Mapping[str, str],
        date: str = "declared_on",
        *,
        take: Mapping[str, str],
        prefix: str | None = None,
        mark: str | None = None,
    ) -> Lines:
        """Join the row in force on each line's day.

        Args:
            lines: frame with the key columns and a Date column; their order is kept.
            path: the table.
            keys: the table's key columns to the lines' columns.
            date: the column of legal days that selects the row.
            take: the table's columns (also `source`, `from`, ...) to the names they get.
            prefix: the key column matched by its longest beginning, as tariff codes are; None for exact keys.
            mark: the name of the column that says the row is unconfirmed; `<first new column>_unconfirmed` by default.

        Returns:
            the lines with the new columns and the mark; null means no row.
            In a table that is not complete no row is unknown, not no.
        """
        return lookup(lines, self.table(path), keys, date, take, prefix, mark)

    def with_table_rows(self, path: str, rows: Iterable[Mapping[str, Any]]) -> "Law":
        """A new law with further rows in one table: a user's tariff, rates of a file, the givens of a case.

        Each row maps the table's columns (as text in the column's unit, or exact values) and `from`, `source`
        (text or mapping), and where known `until`, `status` (default in_force), `mark` (default K), `checked_on`,
        `note`. Given rows win over rows of the same key on the days they hold. LawError lists every bad row.
        """
        return Law({**self.leaves, path: with_rows(self._table(path), rows)}, self.jurisdictions)

    def legal_day(self, jurisdiction: str, moment: pl.Expr) -> pl.Expr:
        """The legal day in a jurisdiction of moments in UTC."""
        if jurisdiction not in self.jurisdictions:
            raise LawError(f"no jurisdiction {jurisdiction!r}; loaded are {', '.join(self.jurisdictions)}")
        return moment.dt.convert_time_zone(self.jurisdictions[jurisdiction].time_zone).dt.date()

    def changes(self, before: dt.date, after: dt.date) -> list[Change]:
        """What differs between two days: values and rows that began, ended or changed, of any status."""
        _require_day(before)
        _require_day(after)
        return changes(self.leaves, before, after)


def _table_of(leaf: TableLeaf) -> LawTable:
    return LawTable(leaf.path, frame_of(leaf), leaf.key, leaf.columns, leaf.complete, leaf.why_empty, leaf.title)


def _rows(leaf: Leaf) -> tuple[Any, ...]:
    return leaf.rows if isinstance(leaf, TableLeaf) else ()


def _require_day(day: object) -> None:
    if not isinstance(day, dt.date) or isinstance(day, dt.datetime):
        raise LawError(f"{day!r} is not a day: give a datetime.date, the legal day in the law's own time zone")


def _nearest(path: str, paths: tuple[str, ...]) -> str:
    same_end = [one for one in paths if one.rsplit("/", 1)[-1] == path.rsplit("/", 1)[-1]]
    near = list(dict.fromkeys([*same_end, *difflib.get_close_matches(path, paths, n=3, cutoff=0.5)]))[:3]
    return f"nearest: {', '.join(near)}" if near else "`entrepot law list` shows every path"


def _by_day(
    spans: Sequence[tuple[dt.date, dt.date | None, Exact]], date: str | pl.Expr, otherwise: pl.Expr, dtype: Any
) -> pl.Expr:
    """The value of the span each date falls in; spans are in date order and do not overlap."""
    if not isinstance(date, str | pl.Expr):
        raise LawError(f"{date!r} is no column of days: give the name of a Date column or an expression")
    day, made = pl.col(date) if isinstance(date, str) else date, otherwise
    if not spans:  # as long as the lines, where a bare literal would be of length 1
        return pl.when(day.is_null()).then(otherwise).otherwise(otherwise)
    literal = partial(pl.lit, dtype=dtype)
    for place, (begins, until, value) in enumerate(spans):
        made = pl.when(day >= begins).then(literal(value)).otherwise(made)
        following = spans[place + 1][0] if place + 1 < len(spans) else None
        if until is not None and until != following:
            made = pl.when(day >= until).then(otherwise).otherwise(made)
    return made


@lru_cache(maxsize=1)
def _shipped(marks: tuple[tuple[str, int, int], ...]) -> Law:
    return Law.read(VALUES)
