"""Finding a text in many: all values of a column lie one after another in memory and are searched as one."""

import re
from bisect import bisect_right
from functools import cached_property, lru_cache

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.run.shelf.columns import folded

__all__ = ["Word", "few_containing", "folded_word"]


@lru_cache(maxsize=256)
def folded_word(word: str) -> str:
    """A word as the values of searched columns are kept; the same for every batch of a list."""
    return str(pl.select(folded(pl.lit(word))).item())


def few_containing(values: pa.Array, text: str, most: int) -> list[int] | None:
    """Places of the values (Arrow large strings without null) that contain a text; None when they are more than `most`."""
    if not text:
        return None
    _, ends, data = values.buffers()
    bounds = memoryview(ends).cast("q") if len(values) else (0,)
    found: list[int] = []
    search = re.compile(re.escape(text.encode())).search
    hit = search(whole := memoryview(data or b""))
    while hit:
        place = bisect_right(bounds, hit.start(), hi=len(values) + 1) - 1
        inside = hit.end() <= bounds[place + 1]
        if inside and len(found) == most:
            return None
        found += [place] * inside
        hit = search(whole, bounds[place + 1] if inside else hit.start() + 1)
    return found


class Word:
    """The values of a column that contain a text, looked for only among those that are asked about."""

    def __init__(self, values: pa.Array, text: str) -> None:
        self._values = values
        self._text = text

    @cached_property
    def _table(self) -> pa.Array:
        return pa.concat_arrays([pc.match_substring(self._values, self._text), pa.array([False])])

    def test(self, codes: pa.Array) -> pa.Array:
        """Whether the value of each code contains the text; the code after the last value is null and does not."""
        count = len(self._values)
        if "_table" in self.__dict__ or len(codes) * 2 > count:
            return pc.take(self._table, codes, boundscheck=False)
        known = pc.if_else(pc.equal(codes, pa.scalar(count, codes.type)), pa.scalar(None, codes.type), codes)
        return pc.fill_null(pc.match_substring(self._values.take(known), self._text), False)
