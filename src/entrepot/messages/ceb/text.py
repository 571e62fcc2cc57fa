"""Columns to XML text, fast: constant parts merged, escaping only where needed, numbers written from integers.

The text is written in canonical form (Canonical XML 1.0: no empty-element tags, `&gt;` and `&#xD;` escaped), so
that the bytes of a message without its signature are the bytes that are signed.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from xml.sax.saxutils import escape as escape_text

import polars as pl
import pyarrow as pa

from entrepot.messages.ceb.elements import Element

__all__ = [
    "Assembly", "Piece", "contiguous", "decimal_pieces", "decimal_texts", "element_pieces", "escaped", "escaped_text",
    "joined", "merged",
]  # fmt: skip

Piece = str | pl.Series
"""A constant, or a text for each row."""
ONE_E5 = 100_000
HOSTILE = r"[&<>\r]"
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"}
TABLE_SIZE = 100_000


def escaped_text(text: str) -> str:
    """One text with the characters XML reserves written as references."""
    return escape_text(text, {"\r": "&#xD;"})


def escaped(column: pl.Series) -> pl.Series:
    """A column of texts escaped for XML; untouched when no text needs it, and only those that do otherwise."""
    needed = column.str.contains(HOSTILE).fill_null(value=False)
    if not needed.any():
        return column
    places = needed.arg_true()
    mended = column.gather(places).str.replace_many(list(ESCAPES), list(ESCAPES.values()))
    position = pl.repeat(0, column.len(), dtype=pl.Int64, eager=True)
    position = position.scatter(places, pl.int_range(places.len(), eager=True))
    return pl.select(pl.when(needed).then(mended.gather(position)).otherwise(column)).to_series()


@cache
def _fractions() -> pl.Series:
    """'' , '.00001', … '.99999' without trailing zeros, by the digits after the point."""
    return pl.Series(["", *(f".{part:05d}".rstrip("0") for part in range(1, ONE_E5))])


@cache
def _wholes() -> pl.Series:
    return pl.Series([str(number) for number in range(TABLE_SIZE)])


def _whole_text(column: pl.Series) -> pl.Series:
    """Whole numbers from 0 as text; small ones from a table."""
    return _wholes().gather(column) if (column.max() or 0) < TABLE_SIZE else column.cast(pl.String)  # type: ignore[operator]


def decimal_pieces(column: pl.Series) -> list[Piece]:
    """Integers at 10⁻⁵ as exact decimals without trailing zeros: 1299000 gives '12.99', 0 gives '0'."""
    least, most = column.min(), column.max()
    if least is None or least == most == 0:
        return ["0"]
    if least < 0:  # type: ignore[operator]
        return [decimal_texts(column)]
    whole, rest = column // ONE_E5, column % ONE_E5
    return [_whole_text(whole)] if rest.max() == 0 else [_whole_text(whole), _fractions().gather(rest)]


def decimal_texts(column: pl.Series) -> pl.Series:
    """Exact text of integers at 10⁻⁵ of either sign, null for null; the general and slow way."""
    number = pl.col("number")
    digits = number.cast(pl.Int128).abs().cast(pl.String).str.zfill(6)
    sign = pl.when(number < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    parts = pl.concat_str(sign, digits.str.head(-5), pl.lit("."), digits.str.tail(5))
    written = parts.str.strip_chars_end("0").str.strip_chars_end(".")
    return column.alias("number").to_frame().select(written).to_series()


def element_pieces(element: Element, column: pl.Series) -> list[Piece]:
    """The pieces of one element for every row; a row that is null has no tag."""
    start, end = f"<ceb:{element.name}>", f"</ceb:{element.name}>"
    if column.null_count() == column.len():
        return []
    if column.null_count():
        present = column.drop_nulls()
        written = joined([start, *_value_pieces(element, present), end], present.len())
        place = column.is_not_null().cum_sum().cast(pl.Int64) - 1
        found = pl.when(column.is_not_null()).then(written.gather(place.clip(0)))
        return [pl.select(found.otherwise(pl.lit(""))).to_series()]
    return [start, *_value_pieces(element, column), end]


def _value_pieces(element: Element, column: pl.Series) -> list[Piece]:
    if column.dtype == pl.String:
        return [escaped(column)]
    return decimal_pieces(column) if element.places else [_whole_text(column)]


def merged(pieces: Iterable[Piece]) -> list[Piece]:
    """The same pieces with neighbouring constants made one."""
    result: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and result and isinstance(result[-1], str):
            result[-1] += piece
        else:
            result.append(piece)
    return result


class Assembly:
    """Pieces ready to be put together, for any range of rows."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        columns = {str(place): piece for place, piece in enumerate(pieces) if isinstance(piece, pl.Series)}
        self._columns = pl.DataFrame(columns)
        parts = [pl.lit(piece) if isinstance(piece, str) else pl.col(str(place)) for place, piece in enumerate(pieces)]
        self._whole = pl.concat_str(parts).alias("text")

    def texts(self, first: int, count: int) -> pl.Series:
        """The text of each of `count` rows from `first` on."""
        if not self._columns.width:
            one = pl.select(self._whole).to_series()
            return pl.repeat(one[0], count, dtype=pl.String, eager=True)
        return self._columns.slice(first, count).select(self._whole).to_series()


def joined(pieces: Sequence[Piece], size: int) -> pl.Series:
    """The pieces of each of `size` rows put together."""
    return Assembly(pieces).texts(0, size)


def contiguous(texts: pl.Series) -> tuple[memoryview, memoryview]:
    """All texts of a column as UTF-8 in one block, and the place where each starts, then the end (Int64)."""
    array = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    if not isinstance(array, pa.LargeStringArray) or array.offset:
        raise AssertionError("polars no longer exports plain large strings at this level")
    _, offsets, data = array.buffers()
    places = memoryview(offsets).cast("b").cast("q")[: len(texts) + 1]
    return memoryview(data) if data is not None else memoryview(b""), places
