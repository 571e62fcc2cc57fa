"""Find the records of a damaged block: which lines make one row, and which make none.

A field is quoted (`"…"`, with `""` for a quote inside) or bare (anything without the separator that does not
start with a quote). A record is as many fields as the header has. A quote that opens and does not close within
the block costs only its own line: reading goes on with the next one.
"""

import csv
import io
import re
from bisect import bisect_right
from dataclasses import dataclass, field

import polars as pl
from polars.exceptions import PolarsError

from entrepot.goods.readers.frames import MAX_RECORD, RAW_SHOWN, faulty, with_bookkeeping

__all__ = ["careful_frame"]

LONGEST_OPEN = 16 * 1024 * 1024
"""An open quote is followed into the next block as long as it is not longer than this."""
TOO_BIG = f"≤ {MAX_RECORD} bytes"


@dataclass(slots=True)
class Records:
    """What a block holds, line by line: complete records, joined ones, faults, and an unfinished rest."""

    lines: pl.Series
    joined: dict[int, tuple[int, str]] = field(default_factory=dict)
    broken: set[int] = field(default_factory=set)
    rest_from: int | None = None


class Grammar:
    """The expressions that tell a complete record and one left open, for one delimiter."""

    def __init__(self, delimiter: str) -> None:
        separator = {"\t": r"\t", "|": r"\|"}.get(delimiter, delimiter)
        quoted = '"(?:[^"]|"")*"'
        bare = f'[^"{separator}][^{separator}]*'
        one = f"(?:{quoted}|{bare}|)"
        self.delimiter = delimiter
        self.complete = f"(?s)^{one}(?:{separator}{one})*$"
        self.opens = f'(?s)^(?:{one}{separator})*"(?:[^"]|"")*$'
        self.strict = f'(?s)^(?:{quoted}|[^"{separator}]*)(?:{separator}(?:{quoted}|[^"{separator}]*))*$'
        self.quoted_part = '"[^"]*"'


def careful_frame(data: bytes, delimiter: str, columns: tuple[str, ...], *, last: bool) -> tuple[pl.DataFrame, bytes]:
    """Parse a block row by row: good rows as text columns, bad rows as faults, in file order.

    `_row` counts from 1 and blank lines are no rows. Returns the frame and the bytes of an unfinished record that
    goes on in the next block (none when `last`).
    """
    text = data.decode("utf-8", "replace")
    grammar = Grammar(delimiter)
    records = _records(text, grammar, last=last)
    table = _table(records, grammar, len(columns))
    good = _good_frame(table.filter(pl.col("fault").is_null()), grammar, columns)
    bad = faulty(columns, _fault_rows(table.filter(pl.col("fault").is_not_null()), len(columns)))
    frame = pl.concat([good, bad]).sort("_row") if bad.height else good
    rest = "\n".join(records.lines[records.rest_from :].to_list()) if records.rest_from is not None else ""
    return frame, rest.encode("utf-8")


def _records(text: str, grammar: Grammar, *, last: bool) -> Records:
    lines = pl.Series("line", [text]).str.split("\n").explode(empty_as_null=True)
    quotes = lines.str.count_matches('"', literal=True)
    complete = lines.str.strip_chars_end("\r").str.contains(grammar.complete)
    records = Records(lines)
    suspects = (~complete).arg_true().to_list()
    odd = (quotes % 2 == 1).arg_true().to_list()
    _join_open(records, suspects, odd, grammar, last=last)
    return records


def _join_open(records: Records, suspects: list[int], odd: list[int], grammar: Grammar, *, last: bool) -> None:
    """Walk over the lines that are no record by themselves and join those that a quote holds together."""
    complete, opens = re.compile(grammar.complete), re.compile(grammar.opens)
    after = -1
    for start in suspects:
        if start <= after or records.rest_from is not None:
            continue
        if not opens.match(_line(records, start)):
            records.broken.add(start)
            continue
        end, text = _closing(records, start, odd, complete, opens)
        if text is not None:
            records.joined[start] = (end, text)
            after = end
        elif end == records.lines.len() and not last and _length(records, start) < LONGEST_OPEN:
            records.rest_from = start
        else:
            records.broken.add(start)


def _line(records: Records, index: int) -> str:
    return str(records.lines[index]).removesuffix("\r")


def _length(records: Records, start: int) -> int:
    return int(records.lines[start:].str.len_bytes().sum())


def _closing(
    records: Records, start: int, odd: list[int], complete: re.Pattern[str], opens: re.Pattern[str]
) -> tuple[int, str | None]:
    """The line that closes what `start` opened and the joined text; no text when it is never closed rightly."""
    place = bisect_right(odd, start)
    while place < len(odd):
        end = odd[place]
        text = "\n".join(records.lines[start : end + 1].to_list()).removesuffix("\r")
        if complete.match(text):
            return end, text
        if len(text) > LONGEST_OPEN or not opens.match(text):
            return end, None
        place += 1
    return records.lines.len(), None


def _table(records: Records, grammar: Grammar, width: int) -> pl.DataFrame:
    """One row per record: its text, number in the block, number of fields and fault."""
    swallowed = [index for start, (end, _) in records.joined.items() for index in range(start + 1, end + 1)]
    table = (
        pl.DataFrame({"text": records.lines})
        .with_row_index("line")
        .with_columns(pl.col("text").str.strip_chars_end("\r"))
    )
    if records.joined:
        longer = pl.DataFrame(
            {"line": list(records.joined), "longer": [text for _, text in records.joined.values()]},
            schema={"line": pl.UInt32, "longer": pl.String},
        )
        table = table.join(longer, on="line", how="left", maintain_order="left")
        table = table.with_columns(pl.coalesce("longer", "text").alias("text")).drop("longer")
    if records.rest_from is not None:
        table = table.filter(pl.col("line") < records.rest_from)
    table = table.filter(pl.col("text") != "", ~pl.col("line").is_in(swallowed))
    return _judged(table, records, grammar, width)


def _judged(table: pl.DataFrame, records: Records, grammar: Grammar, width: int) -> pl.DataFrame:
    text = pl.col("text")
    bare = (
        pl.when(text.str.contains('"', literal=True))
        .then(text.str.replace_all(grammar.quoted_part, ""))
        .otherwise(text)
    )
    size = text.str.len_bytes()
    fault = (
        pl.when(size > MAX_RECORD).then(pl.lit("goods.field-too-big"))
        .when(text.str.contains("\0", literal=True)).then(pl.lit("goods.nul-byte"))
        .when(pl.col("line").is_in(list(records.broken))).then(pl.lit("goods.quote"))
        .when(pl.col("fields") != width).then(pl.lit("goods.row-shape"))
    )  # fmt: skip
    judged = table.with_columns(
        fields=bare.str.count_matches(grammar.delimiter, literal=True).cast(pl.Int64) + 1,
        stray=text.str.contains('"', literal=True) & ~text.str.contains(grammar.strict) & (size <= MAX_RECORD),
        size=size,
        _row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
    )
    return _recounted(judged, grammar.delimiter).with_columns(fault=fault)


def _recounted(judged: pl.DataFrame, delimiter: str) -> pl.DataFrame:
    """Count the fields of rows with stray quotes as a CSV reader does: a quote inside a bare field is a letter."""
    stray = judged.filter("stray").select("_row", "text")
    if stray.is_empty():
        return judged
    counts = pl.Series("counted", [len(_cells(text, delimiter)) for text in stray["text"]], dtype=pl.Int64)
    joined = judged.join(stray.select("_row", counts), on="_row", how="left", maintain_order="left")
    return joined.with_columns(fields=pl.coalesce("counted", "fields")).drop("counted")


def _cells(text: str, delimiter: str) -> list[str]:
    csv.field_size_limit(2 * MAX_RECORD)
    return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])


def _good_frame(table: pl.DataFrame, grammar: Grammar, columns: tuple[str, ...]) -> pl.DataFrame:
    clean, stray = table.filter(~pl.col("stray")), table.filter(pl.col("stray"))
    parts = [_parsed(clean, grammar, columns)]
    if stray.height:
        cells = [_cells(text, grammar.delimiter) for text in stray["text"]]
        frame = pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.String), orient="row")
        parts.append(with_bookkeeping(frame, 1).with_columns(stray["_row"]))
    return pl.concat(parts).sort("_row") if stray.height else parts[0]


def _parsed(clean: pl.DataFrame, grammar: Grammar, columns: tuple[str, ...]) -> pl.DataFrame:
    if clean.is_empty():
        return with_bookkeeping(pl.DataFrame(schema=dict.fromkeys(columns, pl.String)), 1)
    block = "\n".join(clean["text"].to_list()) + "\n"
    frame = _polars_or_csv(block, clean, grammar, columns)
    return with_bookkeeping(frame, 1).with_columns(clean["_row"])


def _polars_or_csv(block: str, clean: pl.DataFrame, grammar: Grammar, columns: tuple[str, ...]) -> pl.DataFrame:
    schema = dict.fromkeys(columns, pl.String)
    try:
        frame = pl.read_csv(block.encode(), has_header=False, separator=grammar.delimiter, schema=schema)
        if frame.height == clean.height:
            return frame
    except PolarsError:
        pass
    cells = [_cells(text, grammar.delimiter) for text in clean["text"]]
    return pl.DataFrame(cells, schema=schema, orient="row")


def _fault_rows(bad: pl.DataFrame, width: int) -> list[dict[str, object]]:
    """The bookkeeping of bad rows; their text goes to `_raw` only, for it may hold personal data."""
    return [
        {
            "_row": row["_row"],
            "_fault": row["fault"],
            "_given": {
                "goods.row-shape": str(row["fields"]),
                "goods.field-too-big": f"{row['size']} bytes",
            }.get(row["fault"], ""),
            "_allowed": {"goods.row-shape": str(width), "goods.field-too-big": TOO_BIG}.get(row["fault"], ""),
            "_raw": row["text"][:RAW_SHOWN].replace("\0", "␀"),
        }
        for row in bad.iter_rows(named=True)
    ]
