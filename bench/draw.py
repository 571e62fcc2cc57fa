"""Random columns that depend on a seed, a name and a row number alone, so any chunk of a day can be made by itself.

The numbers are SplitMix64 of a counter, in wrapping 64-bit integers: no float, the same on every machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import polars as pl

__all__ = ["Draws", "scrambled", "shares", "zipf"]

GOLDEN, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
TABLE_BITS = 20


def _word(number: int) -> pl.Expr:
    return pl.lit(number, pl.UInt64)


@dataclass(frozen=True, slots=True)
class Draws:
    """Independent random columns over one counter column (UInt64), told apart by name."""

    seed: int
    counter: pl.Expr

    def bits(self, name: str) -> pl.Expr:
        """64 random bits."""
        salt = int.from_bytes(blake2b(f"{self.seed}/{name}".encode(), digest_size=8).digest())
        z = self.counter * _word(GOLDEN) + _word(salt)
        z = (z ^ (z // (1 << 30))) * _word(FIRST)
        z = (z ^ (z // (1 << 27))) * _word(SECOND)
        return z ^ (z // (1 << 31))

    def below(self, name: str, size: int | pl.Expr) -> pl.Expr:
        """A whole number from 0 to `size` - 1 (size < 2³²), all equally likely, as Int64."""
        return ((self.bits(name) // (1 << 32)) * size // (1 << 32)).cast(pl.Int64)

    def skewed(self, name: str, size: int) -> pl.Expr:
        """A whole number below `size` with a heavy tail: few numbers come often, most once or never."""
        half = self.bits(name) // (1 << 32)
        return ((half * half // (1 << 32)) * size // (1 << 32)).cast(pl.Int64)

    def chance(self, name: str, ppm: int) -> pl.Expr:
        """True in `ppm` of a million rows."""
        return self.below(name, 1_000_000) < ppm

    def pick(self, name: str, table: pl.Series) -> pl.Expr:
        """An entry of a table, all entries equally likely."""
        return pl.lit(table).gather(self.below(name, table.len()))


def shares(weights: Sequence[int], bits: int = TABLE_BITS) -> pl.Series:
    """Places 0, 1, … as often as their weights say, in 2^bits entries: a table for `Draws.pick`."""
    whole, entries, seen, ends = sum(weights), 1 << bits, 0, [0]
    for weight in weights:
        seen += weight
        ends.append(entries * seen // whole)
    counts = [last - first for first, last in pairwise(ends)]
    places = pl.select(place=pl.int_range(len(weights), dtype=pl.Int64), count=pl.Series(counts, dtype=pl.Int64))
    return places.select(pl.col("place").repeat_by("count").explode()).to_series()


def zipf(size: int, shift: int = 10) -> pl.Series:
    """Places 0 to `size` - 1 with weights 1 / (place + shift), as a table for `Draws.pick`."""
    return shares([10**15 // (place + shift) for place in range(size)])


def scrambled(number: pl.Expr, factor: int, size: int) -> pl.Expr:
    """Another number below `size`, a different one for each number below it; `factor` is prime to `size`."""
    return number.cast(pl.UInt64) * factor % size
