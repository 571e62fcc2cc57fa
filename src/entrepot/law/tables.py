"""Dated tables as frames, and the join that gives each line the row of its own day.

The join works on the distinct (key, date) pairs of the lines and is joined back, so its cost follows the number
of different codes and days, not the number of lines. A frame of few lines is answered from an index instead, since
preparing a join costs more than answering a thousand questions: `tests/law/test_law_lookup.py` holds the two equal.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import polars as pl

from entrepot.law.errors import LawError
from entrepot.law.leaves import COMPUTABLE, TableLeaf
from entrepot.law.units import Exact, unit

__all__ = ["LawTable", "frame_of", "lookup"]

Lines = TypeVar("Lines", pl.DataFrame, pl.LazyFrame)
FEW_LINES = 1024
"""Frames of at most so many lines are answered from the index."""
FOUND = "_law_found_"
OPEN = dt.date(9999, 12, 31)
WHEN = {"from": pl.Date, "until": pl.Date, "status": pl.String, "mark": pl.String, "unconfirmed": pl.Boolean,
        "source": pl.String, "checked_on": pl.Date, "note": pl.String}


@dataclass(frozen=True)
class LawTable:
    """A table leaf as a frame: its own columns in exact units, then from, until, status, mark, unconfirmed, source,
    checked_on and note. `complete` False means that a missing row is unknown, not no."""

    path: str
    frame: pl.DataFrame
    key: tuple[str, ...]
    columns: Mapping[str, str]
    complete: bool
    why_empty: str | None
    title: Mapping[str, str]

    def on(self, day: dt.date) -> pl.DataFrame:
        """The rows results may use on a day."""
        until = pl.col("until")
        holds = (pl.col("from") <= day) & (until.is_null() | (until > day))
        return self.frame.filter(holds & pl.col("status").is_in(COMPUTABLE))

    def row(self, day: dt.date, **key: Exact) -> dict[str, Any] | None:
        """The row of one exact key on a day, or None."""
        if key.keys() != set(self.key):
            raise LawError(f"{self.path} is keyed by {', '.join(self.key)}, not by {', '.join(key)}")
        place = self.place(tuple(key[name] for name in self.key), day)
        return None if place is None else self.frame.row(place, named=True)

    def place(self, key: tuple[Exact | None, ...], day: dt.date | None) -> int | None:
        """Where in `frame` the row of an exact key stands that results may use on a day."""
        if day is None or None in key:
            return None
        held = (place for from_, until, place in self._index.get(key, ()) if from_ <= day < until)
        return next(held, None)

    def longest(self, key: tuple[Any, ...], day: dt.date | None, prefix: str | None) -> int | None:
        """The same, where the key column `prefix` is matched by its longest beginning that has a row that day."""
        if prefix is None:
            return self.place(key, day)
        at = self.key.index(prefix)
        code, before, after = key[at], key[:at], key[at + 1 :]
        if code is None:
            return None
        tried = (self.place((*before, code[:length], *after), day) for length in self._lengths_of(prefix) if length <= len(code))
        return next((place for place in tried if place is not None), None)

    def cells(self, name: str) -> list[Any]:
        """A column of `frame` as a list, made once."""
        if name not in self._cells:
            self._cells[name] = self.frame.get_column(name).to_list()
        return self._cells[name]

    def _lengths_of(self, name: str) -> tuple[int, ...]:
        """The lengths a key column of usable rows has, the longest first."""
        if name not in self._lengths:
            place = self.key.index(name)
            self._lengths[name] = tuple(sorted({len(key[place]) for key in self._index if key[place] is not None}, reverse=True))
        return self._lengths[name]

    @cached_property
    def dtypes(self) -> pl.Schema:
        """The column types of `frame`, made once."""
        return self.frame.schema

    @cached_property
    def _lengths(self) -> dict[str, tuple[int, ...]]:
        return {}

    @cached_property
    def _cells(self) -> dict[str, list[Any]]:
        return {}

    @cached_property
    def _index(self) -> dict[tuple[Any, ...], list[tuple[dt.date, dt.date, int]]]:
        """Of each key the rows results may use: from, until, place in `frame`."""
        index: dict[tuple[Any, ...], list[tuple[dt.date, dt.date, int]]] = {}
        keys = zip(*(self.cells(name) for name in self.key), strict=True)
        when = zip(*(self.cells(name) for name in ("from", "until", "status")), strict=True)
        for place, (key, (from_, until, status)) in enumerate(zip(keys, when, strict=True)):
            if status in COMPUTABLE:
                index.setdefault(key, []).append((from_, until or OPEN, place))
        return index


def frame_of(leaf: TableLeaf) -> pl.DataFrame:
    """The rows of a leaf, sorted by key and date."""
    schema = {name: unit(of).dtype for name, of in leaf.columns.items()} | WHEN
    rows = [(*row.cells, row.from_, row.until, row.status, row.mark, row.unconfirmed, str(row.source), row.checked_on,
             row.note) for row in leaf.rows]
    return pl.DataFrame(rows, schema=schema, orient="row").sort(*leaf.key, "from")


def lookup(
    lines: Lines, table: LawTable, keys: Mapping[str, str], date: str, take: Mapping[str, str], prefix: str | None,
    mark: str | None = None,
) -> Lines:
    """See `Law.lookup`."""
    mark = mark or f"{next(iter(take.values()), '')}_unconfirmed"
    _check(lines, table, keys, date, take, prefix, mark)
    if isinstance(lines, pl.DataFrame) and lines.height <= FEW_LINES:
        return lines.hstack(_answered(lines, table, keys, date, take, prefix, mark))
    usable = table.frame.filter(pl.col("status").is_in(COMPUTABLE))
    days = lines.get_column(date) if isinstance(lines, pl.DataFrame) else None
    rows = usable if days is None else _near(usable, days)
    dated: bool = days is None or not _same_for_all(rows, days)
    if rows.is_empty():
        nothing = [pl.lit(None, table.frame.schema[name]).alias(new) for name, new in take.items()]
        return lines.with_columns(*nothing, pl.lit(value=False).alias(mark))
    asked = [*keys.values(), *([date] if dated else [])]
    pairs = lines.lazy().select(asked).unique()
    found = _matches(pairs, rows, keys, date if dated else None, prefix).select(
        *asked, *(pl.col(FOUND + name).alias(new) for name, new in take.items()),
        pl.col(FOUND + "unconfirmed").alias(mark))
    if isinstance(lines, pl.DataFrame):
        found = found.collect().lazy()
    joined = lines.lazy().join(found, on=asked, how="left", maintain_order="left").with_columns(
        pl.col(mark).fill_null(value=False))
    return joined.collect() if isinstance(lines, pl.DataFrame) else joined


def _answered(
    lines: pl.DataFrame, table: LawTable, keys: Mapping[str, str], date: str, take: Mapping[str, str], prefix: str | None,
    mark: str,
) -> list[pl.Series]:
    """The columns `lookup` adds, question by question, each distinct question asked once."""
    columns = [_as(lines.get_column(keys[name]), table.dtypes[name]).to_list() for name in table.key]
    asked = list(zip(*columns, lines.get_column(date).to_list(), strict=True))
    known = {question: table.longest(question[:-1], question[-1], prefix) for question in dict.fromkeys(asked)}
    wanted = {**{new: name for name, new in take.items()}, mark: "unconfirmed"}
    cells = [table.cells(name) for name in wanted.values()]
    nothing = (*(None for _ in take), False)
    rows = {place: tuple(column[place] for column in cells) for place in set(known.values()) if place is not None}
    answers = [nothing if (place := known[question]) is None else rows[place] for question in asked]
    schema = {new: table.dtypes[name] for new, name in wanted.items()}
    return pl.DataFrame(answers, schema=schema, orient="row").get_columns()


def _as(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    return values if values.dtype == dtype else values.cast(dtype)


def _near(rows: pl.DataFrame, days: pl.Series) -> pl.DataFrame:
    """The rows in force on some of these days."""
    first, last = days.min(), days.max()
    if first is None:
        return rows.clear()
    return rows.filter((pl.col("from") <= last) & (pl.col("until").fill_null(OPEN) > first))


def _same_for_all(rows: pl.DataFrame, days: pl.Series) -> bool:
    """True when every row is in force on all of these days, so that the key alone decides.

    A batch mostly holds one day or one month: leaving the day out of the join halves the work.
    """
    first, last = days.min(), days.max()
    if first is None or days.null_count():
        return False
    whole = (pl.col("from") <= first) & (pl.col("until").fill_null(OPEN) > last)
    return bool(rows.select(whole.all()).item())


def _check(lines: Lines, table: LawTable, keys: Mapping[str, str], date: str, take: Mapping[str, str],
           prefix: str | None, mark: str) -> None:
    """LawError names the first thing that does not fit between the question and the table."""
    if keys.keys() != set(table.key):
        given = ", ".join(keys) or "none"
        raise LawError(f"{table.path} is keyed by {', '.join(table.key)}; keys were given for {given}")
    wanted = [name for name in take if name not in table.frame.columns]
    if wanted or not take:
        raise LawError(f"{table.path} has no column {', '.join(wanted) or '(none was asked for)'}; "
                       f"it has {', '.join(table.frame.columns)}")
    if prefix is not None and prefix not in table.key:
        raise LawError(f"prefix {prefix!r} is no key of {table.path}; its keys are {', '.join(table.key)}")
    names = lines.columns if isinstance(lines, pl.DataFrame) else lines.collect_schema().names()
    missing = [name for name in (*keys.values(), date) if name not in names]
    if missing:
        raise LawError(f"the lines have no column {', '.join(missing)}, needed to look up {table.path}")
    dtype = lines.get_column(date).dtype if isinstance(lines, pl.DataFrame) else lines.collect_schema()[date]
    if dtype != pl.Date:
        raise LawError(f"column {date!r} is {dtype}, not Date: turn times into legal days with Law.legal_day")
    clash = [name for name in (*take.values(), mark) if name in names]
    if clash:
        raise LawError(f"the lines have a column {', '.join(clash)} already: take into another name")


def _matches(
    pairs: pl.LazyFrame, rows: pl.DataFrame, keys: Mapping[str, str], date: str | None, prefix: str | None
) -> pl.LazyFrame:
    """The one row for each distinct pair that has one: in force that day, of the longest prefix."""
    renamed = rows.rename({name: FOUND + name for name in rows.columns}).lazy()
    cast = [pl.col(column).cast(rows.schema[name]).alias(FOUND + name) for name, column in keys.items()]
    asked = pairs.with_columns(cast)
    on = [FOUND + name for name in keys]
    if prefix is None:
        return _in_force(asked.join(renamed, on=on), date)
    code = FOUND + prefix
    found = []
    for length in sorted(rows.get_column(prefix).str.len_bytes().unique(), reverse=True):
        long = asked.filter(pl.col(code).str.len_bytes() >= length).with_columns(pl.col(code).str.head(length))
        same = renamed.filter(pl.col(code).str.len_bytes() == length)
        found.append(_in_force(long.join(same, on=on), date))
    asked_for = [*keys.values(), *([date] if date else [])]
    return pl.concat(found).unique(subset=asked_for, keep="first", maintain_order=True)


def _in_force(joined: pl.LazyFrame, date: str | None) -> pl.LazyFrame:
    """Only rows that hold on the date; without a date they all do."""
    if date is None:
        return joined
    until = pl.col(FOUND + "until").fill_null(OPEN)
    return joined.filter((pl.col(FOUND + "from") <= pl.col(date)) & (pl.col(date) < until))
