"""Finding a text in many: all values of a column lie one after another in memory and are searched as one."""

import re
from bisect import bisect_right
from functools import lru_cache

import polars as pl
import pyarrow as pa

from entrepot.run.shelf.columns import folded

__all__ = ["few_containing", "folded_word"]


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
