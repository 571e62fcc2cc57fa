"""A peer: export lists from a plain string template, filled parcel by parcel in Python, as many a system does it.

It is given every value as text in schema order: it neither builds, checks, escapes nor numbers anything. It only
fills the template, puts 100 lists into a message, compresses it and writes it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

import polars as pl
import zstandard

from entrepot.messages import ceb

__all__ = ["write_from_template"]

LISTS_A_MESSAGE = 100
LEVEL = 1


def _template(part: str, names: Sequence[str]) -> str:
    inside = "".join(f"<ceb:{name}>%s</ceb:{name}>" for name in names)
    return f"<ceb:Inventory{part}>{inside}</ceb:Inventory{part}>"


def _texts(frame: pl.DataFrame, fixed: dict[str, str], part: str) -> pl.DataFrame:
    """The elements of a part that every list has, as text in schema order."""
    columns = []
    for element in ceb.elements("603", "head" if part == "Head" else "item"):
        if element.name in fixed:
            columns.append(pl.lit(fixed[element.name]).alias(element.name))
        elif element.name in frame.columns and not frame[element.name].null_count():
            columns.append(pl.col(element.name).cast(pl.String))
    return frame.select(columns)


def _lists(heads: pl.DataFrame, items: pl.DataFrame, counts: Sequence[int]) -> Iterator[str]:
    head, item = _template("Head", heads.columns), _template("List", items.columns)
    rows = items.iter_rows()
    for values, count in zip(heads.iter_rows(), counts, strict=True):
        inside = "".join(item % next(rows) for _ in range(count))
        yield f"<ceb:Inventory>{head % values}{inside}</ceb:Inventory>"


def write_from_template(documents: ceb.Documents, path: Path) -> float:
    """Write the lists to a file and return the seconds it took; preparing the texts is not counted."""
    heads = _texts(documents.heads, dict(documents.fixed_head), "Head")
    items = _texts(documents.items, dict(documents.fixed_item), "List")
    counts = documents.heads["item_count"].to_list()
    compressor, message = zstandard.ZstdCompressor(level=LEVEL), []
    start = perf_counter()
    with path.open("wb") as target:
        for text in _lists(heads, items, counts):
            message.append(text)
            if len(message) == LISTS_A_MESSAGE:
                target.write(compressor.compress("".join(message).encode()))
                message.clear()
        target.write(compressor.compress("".join(message).encode()))
    return perf_counter() - start
