"""Documents of one kind as columns: a frame of heads, a frame of items, and the texts all of them share."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import polars as pl
import pyarrow as pa

from entrepot.messages.ceb.elements import Kind, Part, elements

__all__ = ["Documents", "Value", "Values", "document_guids", "message_guid", "settled", "total", "with_guids"]

HEX = 32
LARGEST_SUMMAND = 9 * 10**16
"""A hundred numbers up to this one add up to less than 2⁶³; larger ones are added in 128 bits."""
Value = pl.Series | str | None
"""What an element says: something in each row, the same in all, or nothing."""
Values = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Documents:
    """Documents of one kind, columns named by CEB element.

    `heads` has one row per document with `order_id` and `item_count`; `items` has the items of all documents
    one after another. Numbers are Int64 at 10⁻⁵ (element format N19,5) or whole (int5); texts are String.
    Null means the element is left out. Columns that start with `_` are notes for the checks, not elements.
    `fixed_head` and `fixed_item` hold elements that say the same in every document. `built` marks documents made
    by `build`, where some elements repeat others and need no check of their own.
    """

    kind: Kind
    heads: pl.DataFrame
    items: pl.DataFrame
    fixed_head: Mapping[str, str] = field(default_factory=dict)
    fixed_item: Mapping[str, str] = field(default_factory=dict)
    built: bool = False

    @property
    def ends(self) -> pl.Series:
        """Row after the last item of each document."""
        return self.heads.get_column("item_count").cum_sum()

    @property
    def starts(self) -> pl.Series:
        """Row of the first item of each document."""
        return self.ends - self.heads.get_column("item_count")

    @property
    def document_of_item(self) -> pl.Series:
        """Row of its document, for each item."""
        counts = self.heads.get_column("item_count")
        if counts.len() == self.items.height:
            return pl.int_range(counts.len(), eager=True)
        first = pl.repeat(0, self.items.height, dtype=pl.Int64, eager=True).scatter(self.starts, 1)
        return first.cum_sum() - 1

    def keep(self, wanted: pl.Series) -> "Documents":
        """Only the documents where `wanted` (one Boolean per document) is True."""
        if wanted.all():
            return self
        of_items = wanted.gather(self.document_of_item)
        return replace(self, heads=self.heads.filter(wanted), items=self.items.filter(of_items))

    def slice(self, first: int, count: int) -> "Documents":
        """`count` documents from `first` on; a view, nothing is copied."""
        heads = self.heads.slice(first, count)
        begin = int(self.heads.get_column("item_count").slice(0, first).sum())
        items = self.items.slice(begin, int(heads.get_column("item_count").sum()))
        return replace(self, heads=heads, items=items)


def total(column: pl.Series, starts: pl.Series, ends: pl.Series) -> pl.Series:
    """The sum of an integer column over each document's rows; null where a row is null or the sum is too large.

    Sums come from differences of one running sum, many times faster than grouping.
    """
    if starts.len() == column.len():
        return column
    if column.null_count():
        unknown = total(column.is_null().cast(pl.Int64), starts, ends) > 0
        known = total(column.fill_null(0), starts, ends)
        return pl.select(pl.when(~unknown).then(known)).to_series().alias(column.name)
    if column.len() and (column.abs() > LARGEST_SUMMAND).any():
        column = column.cast(pl.Int128)
    running = column.cum_sum()
    sums = running.gather(ends - 1) - running.gather(starts) + column.gather(starts)
    return sums.cast(pl.Int64, strict=False).alias(column.name)


def settled(values: Values, kind: Kind, part: Part, height: int) -> tuple[pl.DataFrame, dict[str, str]]:
    """Sort values into a frame and the texts all rows share: constants, and columns that say one thing throughout.

    Optional elements that say nothing are dropped; a required one stays as a column of nulls, to be reported.
    """
    known = {element.name: element for element in elements(kind, part)}
    fixed: dict[str, str] = {}
    columns: dict[str, pl.Series] = {}
    for name, value in values.items():
        if isinstance(value, str):
            fixed[name] = value
        elif value is None or value.null_count() == height:
            if name in known and known[name].required:
                dtype = pl.Int64 if known[name].is_number else pl.String
                columns[name] = pl.repeat(None, height, dtype=dtype, eager=True)
        elif name in known and value.dtype == pl.String and _says_one_thing(value):
            fixed[name] = value[0]
        else:
            columns[name] = value
    return pl.DataFrame(columns), fixed


def _says_one_thing(column: pl.Series) -> bool:
    ends_alike = column[0] is not None and column[0] == column[-1] == column[column.len() // 2]
    return ends_alike and not column.null_count() and bool((column == column[0]).all())


def document_guids(keys: pl.Series) -> pl.Series:
    """Upper-case UUIDs (version 8, RFC 9562) from the BLAKE2b-128 of each key: same key, same guid, always.

    120 of the 128 hash bits are kept; four give the version and four the variant.
    """
    raw = b"".join([blake2b(key, digest_size=16).digest() for key in keys.cast(pl.Binary).to_list()])
    return _as_guids(raw)


def _as_guids(digests: bytes) -> pl.Series:
    text = digests.hex().upper().encode()
    size = len(text) // HEX
    offsets = pa.py_buffer(memoryview(pl.int_range(0, len(text) + 1, HEX, eager=True).to_arrow().buffers()[1]))
    column = pl.Series("hex", pa.LargeStringArray.from_buffers(size, offsets, pa.py_buffer(text)))
    cut = column.str.slice
    parts = [cut(0, 8), "-", cut(8, 4), "-8", cut(13, 3), "-A", cut(17, 3), "-", cut(20, 12)]
    return pl.select(pl.concat_str([pl.lit(part) for part in parts])).to_series().alias("guid")


def message_guid(guids: list[str]) -> str:
    """The guid of a message, derived from the guids of its documents in order."""
    text = blake2b(("message|" + "|".join(guids)).encode(), digest_size=16).hexdigest().upper()
    return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-A{text[17:20]}-{text[20:]}"


def with_guids(documents: Documents) -> Documents:
    """Give every document its guid, derived from kind, e-commerce company, order number and report type."""
    def part(name: str) -> pl.Expr:
        """A part of the key: a constant of the batch or a column."""
        return pl.lit(documents.fixed_head[name]) if name in documents.fixed_head else pl.col(name)

    bar = pl.lit("|")
    key = pl.concat_str(pl.lit(documents.kind), bar, part("ebcCode"), bar, part("orderNo"), bar, part("appType"))
    keys = documents.heads.select(key.alias("key")).to_series()
    return replace(documents, heads=documents.heads.with_columns(document_guids(keys)))
