"""Bad data as values: the problem frame, its messages, and the two files a person mends.

`problems.csv` lists one bad field a line; `refused.csv` holds the refused rows as they came, plus `_problems`,
so that a person corrects them and feeds the same file back (columns starting with `_` are ignored on reading).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import polars as pl

from entrepot.goods.errors import WorldError
from entrepot.goods.schema import FIELDS, PERSONAL, PROBLEMS, ROW_COLUMNS
from entrepot.goods.texts import texts

__all__ = [
    "FINDINGS",
    "FORMULA_STARTS",
    "escape_formulas",
    "finish",
    "mark_duplicates",
    "no_problems",
    "write_problems_csv",
    "write_refused_csv",
]

FINDINGS: pl.Schema = pl.Schema(
    {**ROW_COLUMNS, **{name: pl.String() for name in ("field", "code", "given", "allowed")}}
)
"""A problem before its message is written."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""First characters a spreadsheet may take for a formula; such cells get a leading apostrophe."""

GIVEN_SHOWN = 200
"""Characters of a bad value that are repeated in its problem."""


def no_problems() -> pl.DataFrame:
    """A problem frame without rows."""
    return pl.DataFrame(schema=PROBLEMS)


def finish(findings: pl.DataFrame) -> pl.DataFrame:
    """Write the English and Chinese message of every finding; returns a frame with the schema `PROBLEMS`.

    Values of personal fields are not repeated: they read `(personal)`.
    """
    if findings.is_empty():
        return no_problems()
    shown = pl.when(pl.col("field").is_in(PERSONAL)).then(pl.lit("(personal)")).otherwise(pl.col("given"))
    cut = pl.when(shown.str.len_chars() > GIVEN_SHOWN).then(shown.str.slice(0, GIVEN_SHOWN) + "…").otherwise(shown)
    prepared = findings.with_columns(given=cut).join(_templates(), on="code", how="left", maintain_order="left")
    prepared = prepared.join(_labels(), on="field", how="left", maintain_order="left")
    return prepared.with_columns(_message("en"), _message("zh")).select(PROBLEMS.names()).cast(dict(PROBLEMS))


def _message(language: str) -> pl.Expr:
    template = pl.col(f"template_{language}").fill_null(pl.col("code"))
    for name, value in (
        ("{field}", pl.col(f"label_{language}").fill_null(pl.col("field"))),
        ("{allowed}", pl.col("allowed")),
        ("{given}", pl.col("given")),
    ):
        template = template.str.replace(name, value.fill_null(""), literal=True)
    return template.alias(f"message_{language}")


def _templates() -> pl.DataFrame:
    rows = [(code, entry["en"], entry["zh"]) for code, entry in texts("goods").items()]
    return pl.DataFrame(rows, schema=["code", "template_en", "template_zh"], orient="row")


def _labels() -> pl.DataFrame:
    rows = [(name, f"{name} ({field.en})", f"{field.zh}({name})") for name, field in FIELDS.items()]
    return pl.DataFrame(rows, schema=["field", "label_en", "label_zh"], orient="row")


def mark_duplicates(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Refuse every valid line whose (order_id, line_no) came before; returns (lines, problems).

    The first row (lowest `row_id`) keeps its place. All rows of an order must be in `lines` for this to be complete.
    """
    key = ["order_id", "line_no"]
    valid = lines.filter(pl.col("valid")).select(*key, "source_file", "row", "row_id")
    repeated = valid.filter(pl.struct(key).is_duplicated()).sort("row_id")
    if repeated.is_empty():
        return lines, no_problems()
    first = pl.col("row_id").first().over(key)
    later = repeated.with_columns(
        given=pl.format("{} / {}", *key),
        allowed=pl.format("{} row {}", pl.col("source_file").first().over(key), pl.col("row").first().over(key)),
    ).filter(pl.col("row_id") != first)
    findings = later.with_columns(field=pl.lit("line_no"), code=pl.lit("goods.duplicate-key")).select(FINDINGS.names())
    refused = pl.col("row_id").is_in(later["row_id"].implode())
    return lines.with_columns(valid=pl.col("valid") & ~refused), finish(findings)


def escape_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """Put an apostrophe before every text cell a spreadsheet would run as a formula."""
    text = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    risky = [
        pl.when(pl.any_horizontal(pl.col(name).str.starts_with(start) for start in FORMULA_STARTS))
        .then("'" + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
        for name in text
    ]
    return frame.with_columns(risky)


def write_problems_csv(frame: pl.DataFrame, path: Path | str, *, append: bool = False) -> None:
    """Write problems as UTF-8 CSV a spreadsheet opens safely; `append` adds rows without a header.

    Raises WorldError when the file cannot be written.
    """
    _write(escape_formulas(frame), path, append)


def write_refused_csv(frame: pl.DataFrame, path: Path | str, *, append: bool = False) -> None:
    """Write refused rows (see `parse.refused_rows`) as UTF-8 CSV to mend and feed back.

    One file per source file: its columns are those of the source. Holds personal data when the source does.
    Raises WorldError when the file cannot be written.
    """
    _write(escape_formulas(frame), path, append)


def _write(frame: pl.DataFrame, path: Path | str, append: bool) -> None:
    try:
        with open(path, "ab" if append else "wb") as target:
            _write_csv(frame, target, first=not append)
    except OSError as cause:
        reason = cause.strerror or str(cause)
        raise WorldError(f"cannot write {path}: {reason}", retryable=True) from cause


def _write_csv(frame: pl.DataFrame, target: BinaryIO, *, first: bool) -> None:
    # The mark at the start lets spreadsheets see UTF-8; without it they show Chinese as noise.
    frame.write_csv(target, include_bom=first, include_header=first)


def all_codes() -> Iterable[str]:
    """Every problem code of this room, in the order of its text file."""
    return tuple(code for code in texts("goods") if code.startswith("goods."))
