"""Filters as conditions on the codes of one batch: ranges of codes, or a yes or no for each code."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.decide.release import GREEN
from entrepot.run.shelf.columns import KEYS
from entrepot.run.shelf.filters import UNKNOWN, Filters
from entrepot.run.shelf.stored import Column
from entrepot.run.shelf.texts import Word, few_containing, folded_word
from entrepot.run.shelf.view import View

__all__ = ["PARTY", "PRODUCT", "Atom", "Clause", "Guess", "clauses_of", "guessed", "kept", "kept_of"]

Guess = Literal["number", "start", "words"]
FEW_CODES, FEW_VALUES = 4, 16
COMMON = 0.5
"""The part of the values that is taken to have a word when more than a few have it."""
NUMBERS = ("order_id", "waybill_no")
PRODUCT, PARTY = ("description", "sku", "name_zh"), ("seller_id", "seller_name")
CATEGORIES = {"verdict": "verdict", "lane": "lane", "mode": "mode", "direction": "direction", "country": "partner_country",
              "district": "customs_district", "tax_rule": "tax_rule", "tax": "tax_total_fen", "state": "state"}  # fmt: skip


@dataclass(frozen=True)
class Atom:
    """Codes of one column that are wanted: a range, those of values with a word, or a table with one more for null."""

    name: str
    column: Column
    wanted: Any

    @property
    def share(self) -> float:
        """The part of the column's codes that is wanted."""
        if isinstance(self.wanted, Word):
            return COMMON
        count = len(self.wanted) if isinstance(self.wanted, range) else self.wanted.true_count
        return float(count / (len(self.column.array) + 1))

    def test(self, codes: pa.Array) -> pa.Array:
        """Whether each code is wanted."""
        if isinstance(self.wanted, Word):
            return self.wanted.test(codes)
        if not isinstance(self.wanted, range):
            return pc.take(self.wanted, codes, boundscheck=False)
        first, last = self._ends
        if len(self.wanted) == 1:
            return pc.equal(codes, first)
        return pc.and_(pc.greater_equal(codes, first), pc.less_equal(codes, last))

    @cached_property
    def _ends(self) -> tuple[pa.Scalar, pa.Scalar]:
        first, last = (pa.scalar(code, self.column.codes.type) for code in (self.wanted[0], self.wanted[-1]))
        return first, last


@dataclass(frozen=True, slots=True)
class Clause:
    """Atoms of which one must hold."""

    atoms: tuple[Atom, ...]

    def test(self, codes: Callable[[pa.Array], pa.Array]) -> pa.Array:
        """Whether each row holds; `codes` cuts the rows in question out of a column's codes."""
        held = self.atoms[0].test(codes(self.atoms[0].column.codes))
        for atom in self.atoms[1:]:
            held = pc.or_(held, atom.test(codes(atom.column.codes)))
        return held

    @property
    def share(self) -> float:
        """At most this part of the codes is wanted."""
        return sum(atom.share for atom in self.atoms)

    @property
    def keyed(self) -> bool:
        """Whether the sorts of keys find its rows without a look at the others."""
        return all(KEYS.get(atom.name) and isinstance(atom.wanted, range) for atom in self.atoms)


def clauses_of(view: View, filters: Filters, guess: Guess | None) -> list[Clause] | None:
    """The conditions a row of this batch must meet, the rarest first; None when no row can.

    `guess` says what `search` is taken for.
    """
    if filters.batch and view.batch not in filters.batch:
        return None
    found = []
    for atoms in _asked(view, filters, guess):
        useful = tuple(atom for atom in atoms if atom.share)
        if not useful:
            return None
        found.append(Clause(useful))
    return sorted(found, key=lambda clause: clause.share)


def kept(clauses: Iterable[Clause], start: int, stop: int) -> pa.Array:
    """The rows from `start` to before `stop` that meet all clauses (at least one), ascending."""
    first, *others = clauses
    held = first.test(lambda codes: codes.slice(start, stop - start))
    rows = pc.add(pc.indices_nonzero(held), pa.scalar(start, pa.uint64()))
    return kept_of(rows, others)


def kept_of(rows: pa.Array, clauses: Iterable[Clause]) -> pa.Array:
    """Those of some rows that meet all clauses, in the order they came."""
    for clause in clauses:
        rows = rows.filter(clause.test(partial(pc.take, indices=rows, boundscheck=False)))
    return rows


def _asked(view: View, filters: Filters, guess: Guess | None) -> Iterator[list[Atom]]:
    for field, name in CATEGORIES.items():
        if wanted := getattr(filters, field):
            yield [_one(view, name, None if value == UNKNOWN else value) for value in wanted]
    if filters.reason:
        yield [_reasons(view, filters.reason)]
    if filters.without:
        yield [_reasons(view, filters.without, none_of=True)]
    if filters.day_from or filters.day_until:
        yield [_range(view, "declared_on", filters.day_from, filters.day_until)]
    if filters.min_value_fen is not None or filters.max_value_fen is not None:
        yield [_range(view, "price_fen", filters.min_value_fen, filters.max_value_fen)]
    for name, exact, prefix in (("order_id", filters.order, filters.order_prefix),
                                ("waybill_no", filters.waybill, filters.waybill_prefix)):  # fmt: skip
        if exact:
            yield [_one(view, name, exact)]
        if prefix:
            yield [Atom(name, column := view.column(name), column.starting(prefix))]
    if filters.buyer_key:
        yield [_one(view, "buyer_key", filters.buyer_key)]
    yield from _words(view, filters.words("text"), PRODUCT)
    yield from _words(view, filters.words("party"), PARTY)
    if filters.search:
        yield from _searched(view, filters, guess or "words")


def _searched(view: View, filters: Filters, guess: Guess) -> Iterator[list[Atom]]:
    if guess == "words":
        yield from _words(view, filters.words("search"), (*PRODUCT, *PARTY))
    elif guess == "number":
        yield [_one(view, name, filters.search) for name in NUMBERS]
    else:
        yield [Atom(name, column := view.column(name), column.starting(filters.search)) for name in NUMBERS]


def guessed(views: Sequence[View], search: str) -> Guess:
    """What a search is taken for: a whole order or waybill number of any batch, the start of one, or words."""
    columns = [view.column(name) for view in views for name in NUMBERS]
    if any(column.place(search)[1] for column in columns):
        return "number"
    return "start" if any(len(column.starting(search)) for column in columns) else "words"


def _one(view: View, name: str, value: str | None) -> Atom:
    column = view.column(name)
    code, there = column.place(value)
    return Atom(name, column, range(code, code + there))


def _range(view: View, name: str, first: Any, last: Any) -> Atom:
    return Atom(name, column := view.column(name), column.between(first, last))


def _reasons(view: View, named: tuple[str, ...], *, none_of: bool = False) -> Atom:
    """Lines with one of these reasons, or with none of them; a line without reasons is one with nothing to check."""
    column, asked = view.column("reasons"), set(named)
    has = [not asked.isdisjoint(value.split("\n") if value else (UNKNOWN, GREEN)) for value in column.values]
    return Atom("reasons", column, pa.array([one is not none_of for one in (*has, UNKNOWN in asked)], pa.bool_()))


def _words(view: View, words: list[str], names: tuple[str, ...]) -> Iterator[list[Atom]]:
    """For each word the values that contain it, whatever its case; digits may start a commodity code as well.

    Long words come first: they are the rarer ones, and one that is nowhere ends the search.
    """
    for word in sorted(words, key=len, reverse=True):
        atoms = [atom for name in names for atom in _holding(view, name, folded_word(word))]
        if names[0] in PRODUCT and word.isdigit():
            atoms.append(Atom("hs_code", column := view.column("hs_code"), column.starting(word)))
        yield atoms


def _holding(view: View, name: str, word: str) -> list[Atom]:
    """Atoms for the values of a column that contain a folded word: to compare with a few codes is quicker than a table."""
    column, values = view.column(name), view.stored.folded(name)
    codes = few_containing(values, word, FEW_VALUES)
    if codes is None:
        return [Atom(name, column, Word(values, word))]
    if len(codes) <= FEW_CODES:
        return [Atom(name, column, range(code, code + 1)) for code in codes]
    wanted = pl.repeat(False, len(values) + 1, dtype=pl.Boolean, eager=True).scatter(codes, True)
    return [Atom(name, column, wanted.to_arrow(compat_level=pl.CompatLevel.oldest()))]
