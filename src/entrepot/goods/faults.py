"""What exactly is wrong with the rows that were not accepted; looks only at those rows."""

from dataclasses import dataclass, replace
from functools import cache

import polars as pl

from entrepot.goods import amounts, days
from entrepot.goods.problems import FINDINGS
from entrepot.goods.readers.jsonl import NESTED
from entrepot.goods.readers.sheet import DIGITS_LOST
from entrepot.goods.schema import (
    CLASSIFIERS,
    DATE_FIRST,
    DATE_LAST,
    FIELDS,
    INPUT_FIELDS,
    MAX_TEXT,
    REQUIRED,
    ROW_COLUMNS,
    Field,
)
from entrepot.goods.values import HOSTILE, SPREADSHEET_ERROR

__all__ = ["cross_findings", "field_findings", "row_findings"]

AMOUNT_LIMIT = 10**12
"""Largest quantity times price of a line, in major units of its currency."""
UNPRINTABLE = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]"


def row_findings(texts: pl.DataFrame) -> pl.DataFrame:
    """Rows that are no rows: as the reader judged them."""
    if texts.get_column("_fault").null_count() == texts.height:
        return pl.DataFrame(schema=FINDINGS)
    bad = texts.filter(pl.col("_fault").is_not_null())
    return bad.select(
        *ROW_COLUMNS, pl.lit("").alias("field"), pl.col("_fault").alias("code"),
        pl.col("_given").alias("given"), pl.col("_allowed").alias("allowed"),
    ).cast(FINDINGS)  # fmt: skip


def field_findings(texts: pl.DataFrame, valued: pl.DataFrame) -> list[pl.DataFrame]:
    """One finding per bad or missing field, field by field."""
    given = [field for field in INPUT_FIELDS if field.name in texts.columns and _some_refused(field, texts, valued)]
    absent = [name for name in REQUIRED if name in texts.columns and texts[name].null_count()]
    if not given and not absent:
        return []
    refused = valued.select(_refused(field, texts).alias(field.name) for field in given).get_columns()
    bad = pl.DataFrame([*refused, *(texts[name].is_null().alias(f"missing:{name}") for name in absent)])
    row_ok = texts["_fault"].is_null()
    counts = bad.filter(row_ok).sum().row(0, named=True)
    findings = []
    for column, count in counts.items():
        if count:
            rows = row_ok & bad[column]
            name = column.removeprefix("missing:")
            findings.append(
                _missing(texts, rows, name) if column != name else _faults(texts, valued, rows, FIELDS[name])
            )
    return findings


def _some_refused(field: Field, texts: pl.DataFrame, valued: pl.DataFrame) -> bool:
    """Whether a field may be refused on some row: more values are null than texts. (A mapping may say `line_kind`.)"""
    absent = 0 if field.name == "line_kind" else texts.get_column(field.name).null_count()
    return valued.get_column(field.column).null_count() > absent


def _refused(field: Field, texts: pl.DataFrame) -> pl.Expr:
    return pl.col(field.column).is_null() & texts[field.name].is_not_null()


def _missing(texts: pl.DataFrame, rows: pl.Series, name: str) -> pl.DataFrame:
    return texts.filter(rows).select(
        *ROW_COLUMNS, pl.lit(name).alias("field"), pl.lit("goods.missing").alias("code"),
        pl.lit("").alias("given"), pl.lit(_allowed(FIELDS[name])).alias("allowed"),
    ).cast(FINDINGS)  # fmt: skip


def _faults(texts: pl.DataFrame, valued: pl.DataFrame, rows: pl.Series, field: Field) -> pl.DataFrame:
    parsed = f"parsed:{field.name}"
    text = texts[field.name].cast(pl.String).alias("_text")
    extra = [valued[parsed].alias("_parsed")] if parsed in valued.columns else []
    bad = texts.select(*ROW_COLUMNS).hstack([text, *extra]).filter(rows)
    column = pl.col("_text")
    return bad.select(
        *ROW_COLUMNS, pl.lit(field.name).alias("field"), _code(field, column).alias("code"),
        _shown(column).alias("given"), pl.lit(_allowed(field)).alias("allowed"),
    ).cast(FINDINGS)  # fmt: skip


def _shown(text: pl.Expr) -> pl.Expr:
    """A bad value fit to be printed: the length of a long one, control characters as ␀, our own marks gone."""
    length = text.str.len_chars()
    clean = text.str.replace_all(f"[{NESTED}{DIGITS_LOST}]", "").str.replace_all(UNPRINTABLE, "␀")
    return pl.when(length > MAX_TEXT).then(pl.format("{} characters", length)).otherwise(clean)


def _code(field: Field, text: pl.Expr) -> pl.Expr:
    """The problem code of a refused text: faults any field can have first, then those of its kind."""
    return (
        pl.when(text.str.starts_with(NESTED)).then(pl.lit("goods.nested-value"))
        .when(text.str.starts_with(DIGITS_LOST)).then(pl.lit("goods.digits-lost"))
        .when(text.str.len_chars() > field.longest).then(pl.lit("goods.too-long"))
        .when(text.str.contains("\ufffd", literal=True)).then(pl.lit("goods.encoding"))
        .when(text.str.contains(HOSTILE)).then(pl.lit("goods.control-character"))
        .when(text.str.contains(SPREADSHEET_ERROR)).then(pl.lit("goods.spreadsheet-error"))
        .otherwise(_kind_code(field, text))
    )  # fmt: skip


def _kind_code(field: Field, text: pl.Expr) -> pl.Expr:
    if field.kind in ("decimal", "mass", "whole"):
        return amounts.number_fault(
            text, positive=field.positive, limit=field.limit, whole_number=field.kind == "whole",
            decimals=3 if field.kind == "mass" else 5,
        )  # fmt: skip
    if field.kind in ("date", "instant"):
        return days.day_fault(text, pl.col("_parsed"))
    if field.kind == "code":
        wrong_length = text.str.contains(r"^[0-9. ]+$")
        return pl.when(wrong_length).then(pl.lit("goods.code-length")).otherwise(pl.lit("goods.code-characters"))
    return pl.lit(
        {
            "boolean": "goods.not-yes-no",
            "country": "goods.unknown-country",
            "currency": "goods.unknown-currency",
            "unit": "goods.unknown-unit",
            "district": "goods.unknown-district",
        }.get(field.kind, "goods.not-allowed")
    )


def _allowed(field: Field) -> str:
    """What a field may hold, in as few words as possible, the same in both languages."""
    low = "0 < x" if field.positive else "0 ≤ x"
    limit = f" < {field.limit}" if field.limit else ""
    return {
        "text": f"≤ {field.longest}",
        "personal": f"≤ {field.longest}",
        "choice": " | ".join(field.choices),
        "boolean": "true | false | yes | no | 1 | 0 | 是 | 否",
        "date": f"{DATE_FIRST} … {DATE_LAST}",
        "instant": f"{DATE_FIRST} … {DATE_LAST}",
        "whole": f"{low}{limit}, 1 2 3 …",
        "decimal": f"{low}{limit}, ≤ 0.00001",
        "mass": f"{low}{limit} kg, ≤ 0.001",
        "country": "US | USA | CN … (ISO 3166)",
        "currency": "USD | EUR | CNY … (ISO 4217)",
        "unit": "007 | 011 | 035 | kg | 千克 …",
        "district": "2900 | 2200 | 5100 …",
        "code": "6 | 8 | 10",
    }[field.kind]


def cross_findings(lines: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Faults that only several fields together show: amount, masses, content, nothing to classify by.

    Whether a field is absent is not asked where that very field is already among the findings: it is there, and bad.
    """
    ok = lines.filter(pl.col("_fault").is_null()) if lines.get_column("_fault").null_count() < lines.height else lines

    checks = _cross_checks()
    if found.height:  # a field that is there and bad is not absent
        checks = tuple(one if not one.absent else replace(one, holds=one.holds & _read(found, one.absent)) for one in checks)
    hits = ok.select(one.holds.alias(one.code) for one in checks).sum().row(0, named=True)
    shown = [
        ok.filter(one.holds).select(
            *ROW_COLUMNS, pl.lit(one.field).alias("field"), pl.lit(one.code).alias("code"),
            one.given.alias("given"), one.allowed.alias("allowed"),
        ).cast(FINDINGS)
        for one in checks
        if hits[one.code]
    ]  # fmt: skip
    return pl.concat(shown) if shown else pl.DataFrame(schema=FINDINGS)


def _read(found: pl.DataFrame, names: tuple[str, ...]) -> pl.Expr:
    """Rows whose fields of these names were read or are absent."""
    unread = found.filter(pl.col("field").is_in(names)).get_column("row_id")
    return ~pl.col("row_id").is_in(unread.implode())


@dataclass(frozen=True, slots=True)
class _Cross:
    """A fault of several fields together: where it is told, its code, where it holds, and which fields it says are absent."""

    field: str
    code: str
    holds: pl.Expr
    given: pl.Expr
    allowed: pl.Expr
    absent: tuple[str, ...] = ()


@cache
def _cross_checks() -> tuple[_Cross, ...]:
    amount = pl.col("quantity_e5").cast(pl.Int128) * pl.col("unit_price_e5").cast(pl.Int128)
    content = pl.col("content_quantity_e5").is_null() != pl.col("content_unit").is_null()
    nothing = pl.all_horizontal(pl.col(name).is_null() for name in CLASSIFIERS)
    kilograms, empty = "{} kg", pl.lit("")
    return (
        _Cross("unit_price", "goods.amount-too-large", amount >= AMOUNT_LIMIT * 10**10,
               (amount // 10**10).cast(pl.String), pl.lit(f"< {AMOUNT_LIMIT}")),
        _Cross("gross_mass", "goods.gross-below-net", pl.col("gross_mass_g") < pl.col("net_mass_g"),
               pl.format(kilograms, pl.col("gross_mass_g") / 1000), pl.format(kilograms, pl.col("net_mass_g") / 1000)),
        _Cross("content_quantity", "goods.incomplete-content", content, empty, empty, ("content_quantity", "content_unit")),
        _Cross("description", "goods.nothing-to-classify", nothing, empty, empty, CLASSIFIERS),
    )  # fmt: skip
