"""Bad data as values: the problem frame, its messages, and the two files a person mends.

`problems.csv` lists one bad field a line; `refused.csv` holds the orders of refused rows as they came, plus `_problems`,
so that a person corrects them and feeds the same file back (columns starting with `_` are ignored on reading).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl

from entrepot.goods.errors import WorldError
from entrepot.goods.readers.frames import own_columns
from entrepot.goods.schema import FIELDS, PERSONAL, PROBLEMS, ROW_COLUMNS
from entrepot.goods.texts import LANGUAGES, all_texts, text

__all__ = [
    "FINDINGS",
    "FORMULA_STARTS",
    "escape_formulas",
    "no_problems",
    "problem_rows",
    "refused_frames",
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


def problem_rows(findings: pl.DataFrame) -> pl.DataFrame:
    """Write the English and Chinese message of every finding; returns a frame with the schema `PROBLEMS`.

    Needs the columns of `FINDINGS` (`given` and `allowed` may be left out); a code is a text id of any room.
    Values of personal fields are not repeated: they read `(personal)`.
    """
    if findings.is_empty():
        return no_problems()
    absent = [pl.lit("").alias(name) for name in ("given", "allowed") if name not in findings.columns]
    findings = findings.with_columns(absent)
    shown = pl.when(pl.col("field").is_in(PERSONAL)).then(pl.lit("(personal)")).otherwise(pl.col("given"))
    cut = pl.when(shown.str.len_chars() > GIVEN_SHOWN).then(shown.str.slice(0, GIVEN_SHOWN) + "…").otherwise(shown)
    prepared = findings.with_columns(given=cut).join(_templates(), on="code", how="left", maintain_order="left")
    prepared = prepared.join(_labels(), on="field", how="left", maintain_order="left")
    return prepared.with_columns(_message("en"), _message("zh")).select(PROBLEMS.names()).cast(PROBLEMS)


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
    rows = [(code, entry["en"], entry["zh"]) for code, entry in all_texts().items()]
    return pl.DataFrame(rows, schema=["code", "template_en", "template_zh"], orient="row")


def _labels() -> pl.DataFrame:
    rows = [(name, f"{name} ({field.en})", f"{field.zh}({name})") for name, field in FIELDS.items()]
    return pl.DataFrame(rows, schema=["field", "label_en", "label_zh"], orient="row")


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


def write_problems_csv(problems: pl.DataFrame | Iterable[pl.DataFrame], path: Path | str) -> None:
    """Write problems, one frame after another, as UTF-8 CSV (with a mark, so that spreadsheets show Chinese) that opens safely.

    Raises WorldError when the file cannot be written.
    """
    with _writable(path) as target:
        for frame in [problems] if isinstance(problems, pl.DataFrame) else problems:
            first = target.tell() == 0
            escape_formulas(frame).write_csv(target, include_bom=first, include_header=first)
        if target.tell() == 0:
            no_problems().write_csv(target, include_bom=True)


def refused_frames(
    rows: pl.DataFrame | Iterable[pl.DataFrame], problems: pl.DataFrame
) -> Iterator[tuple[pl.Series, pl.DataFrame]]:
    """Rows of refused orders as a person mends them, frame by frame: their `row_id`, and their columns as texts.

    `rows` are raw frames with `row_id`; of the bookkeeping columns `_raw` stays, `_problems` is added.
    """
    said = pl.format("{} {}", "message_en", "message_zh")
    told = problems.group_by("row_id").agg(_problems=said.str.join(" | ").str.slice(0, 2000))
    for frame in [rows] if isinstance(rows, pl.DataFrame) else rows:
        yield frame.get_column("row_id"), escape_formulas(_refused(frame, told))


def write_refused_csv(rows: pl.DataFrame | Iterable[pl.DataFrame], problems: pl.DataFrame, path: Path | str) -> None:
    """Write rows of refused orders as they came, with their problems, as UTF-8 CSV to mend and feed back.

    See `refused_frames`. A later frame may have other columns: the file gets them all. Holds personal data when the
    source does. Raises WorldError when the file cannot be written.
    """
    written: list[str] = []
    for _, shown in refused_frames(rows, problems):
        new = [name for name in shown.columns if name not in written]
        if written and new:
            _widen(path, new)
        written += new
        absent = [pl.lit(None, dtype=pl.String).alias(name) for name in written if name not in shown.columns]
        with _writable(path, append=len(new) < len(written)) as target:
            first = target.tell() == 0
            shown.with_columns(absent).select(written).write_csv(target, include_bom=first, include_header=first)


def _refused(frame: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    own = [pl.col(name).cast(pl.String) for name in own_columns(frame) if name != "row_id"]
    joined = frame.join(told, on="row_id", how="left", maintain_order="left")
    good = " ".join(text("goods.row-is-good", language) for language in LANGUAGES)
    return joined.select(*own, pl.col("_raw"), pl.col("_problems").fill_null(good))


def _widen(path: Path | str, names: list[str]) -> None:
    """Give a file written so far more columns; happens only when inputs of one run differ in their columns."""
    before = pl.read_csv(path, infer_schema=False)
    with _writable(path) as target:
        before.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in names).write_csv(
            target, include_bom=True
        )


@contextmanager
def _writable(path: Path | str, *, append: bool = False) -> Iterator[BinaryIO]:
    try:
        with open(path, "ab" if append else "wb") as target:
            yield target
    except OSError as cause:
        reason = cause.strerror or str(cause)
        raise WorldError(f"cannot write {path}: {reason}", retryable=True) from cause
