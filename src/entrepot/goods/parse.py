"""Make typed lines of raw rows: every row becomes a line, every bad field a problem, in one pass.

The fast path computes all columns at once with expressions; only the rows that turn out bad are looked at again
to say what is wrong with them (`faults`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

import polars as pl

from entrepot.goods.errors import CallError
from entrepot.goods.faults import cross_findings, field_findings, row_findings
from entrepot.goods.identifiers import normal_ids
from entrepot.goods.mapping import Mapping
from entrepot.goods.problems import problem_rows
from entrepot.goods.read import RawBatch
from entrepot.goods.schema import FIELDS, LINE, PERSONAL, PERSONS
from entrepot.goods.values import text_columns, value_columns

__all__ = ["DEFAULTED", "Parsed", "buyer_keys", "parse"]

FREIGHT_APART = ("EXW", "FCA", "FAS", "FOB")
INSURANCE_APART = (*FREIGHT_APART, "CFR", "CPT")
CHARGES = ("freight", "insurance")
"""Their default is counted here and taken per order where lines are valued: one line may carry the order's charge."""
CODE_SOURCE = pl.when(pl.col("hs_code").is_not_null()).then(pl.lit("line")).alias("hs_code_source")
NOT_UNCONFIRMED = pl.lit(value=False).alias("code_unconfirmed")
DEFAULTED = ("origin_country", "unit", "freight", "insurance", "gross_mass", "packages")
"""Fields whose default may change a decision; its use is counted. `line_kind` is a sale without being counted."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a batch gave: all lines (bad ones too, `valid` false), persons apart, problems, and what was assumed.

    `assumed` has the rows of `lines` and one Boolean column per field of `DEFAULTED`: true where the default
    stands. `filled` likewise says which fields a catalogue filled.
    """

    lines: pl.DataFrame
    persons: pl.DataFrame
    problems: pl.DataFrame
    assumed: pl.DataFrame
    filled: pl.DataFrame

    @property
    def defaults_used(self) -> dict[str, int]:
        """How many valid lines rest on the default of each field; fields with none are left out."""
        return _counted(self.assumed, self.lines["valid"])

    @property
    def catalogue_used(self) -> dict[str, int]:
        """How many valid lines took each field from a catalogue; fields with none are left out."""
        return _counted(self.filled, self.lines["valid"])


def _counted(marks: pl.DataFrame, valid: pl.Series) -> dict[str, int]:
    if not marks.width:
        return {}
    return {name: int(count) for name, count in marks.filter(valid).sum().row(0, named=True).items() if count}


def parse(raw: RawBatch, mapping: Mapping, *, key: bytes, first_row_id: int) -> Parsed:
    """Lines, persons and problems of one raw batch.

    `key` (16 to 64 bytes) makes buyer keys; `first_row_id` is the running number of the batch's first row.
    Raises CallError for a key of the wrong length, InputError for a column whose type cannot be read.
    """
    if not 16 <= len(key) <= 64:
        raise CallError(f"the buyer key has {len(key)} bytes; give 16 to 64")
    texts = text_columns(raw, mapping, first_row_id)
    valued = _with_buyer_key(value_columns(texts, mapping), key)
    findings = [row_findings(texts), *field_findings(texts, valued)]
    findings.append(cross_findings(valued, _together(findings)))
    lines, assumed = _with_defaults(valued, texts)
    found = _together(findings)
    good = ~pl.col("row_id").is_in(found.get_column("row_id").unique().implode()) if found.height else pl.lit(value=True)
    lines = lines.with_columns(CODE_SOURCE, NOT_UNCONFIRMED, good.alias("valid"))
    return Parsed(
        lines=pl.DataFrame([lines.get_column(name) for name in LINE]),
        persons=_persons(lines, texts),
        problems=problem_rows(found.sort("row_id", maintain_order=True) if found.height else found),
        assumed=assumed,
        filled=pl.DataFrame(),
    )


def _together(findings: Sequence[pl.DataFrame]) -> pl.DataFrame:
    some = [one for one in findings if one.height]
    return pl.concat(some) if some else findings[0]


def buyer_keys(ids: pl.Series, key: bytes) -> pl.Series:
    """Keyed hashes (BLAKE2b, 16 bytes, hex) of identity numbers, computed once per distinct number.

    Letters count alike in both cases and full-width characters as plain ones: 1234x, 1234X and １２３４Ｘ are one person.
    """
    distinct = ids.drop_nulls().unique()
    start = blake2b(key=key, digest_size=16)
    hashed = []
    for text in normal_ids(distinct):
        one = start.copy()
        one.update(text.encode())
        hashed.append(one.hexdigest())
    table = pl.DataFrame({"id": distinct, "buyer_key": hashed}, schema={"id": pl.String, "buyer_key": pl.String})
    joined = ids.alias("id").to_frame().join(table, on="id", how="left", maintain_order="left")
    return joined["buyer_key"]


def _with_buyer_key(valued: pl.DataFrame, key: bytes) -> pl.DataFrame:
    if "buyer_id" not in valued.columns:
        return valued
    return valued.with_columns(buyer_keys(valued["buyer_id"], key))


@cache
def _defaults() -> dict[str, pl.Expr]:
    term = pl.col("incoterm").fill_null("")
    zero = pl.lit(0, dtype=pl.Int64)
    return {
        "origin_country": pl.when(pl.col("direction") == "export").then("seller_country"),
        "unit": pl.lit(FIELDS["unit"].default),
        "freight": pl.when(~term.is_in(FREIGHT_APART)).then(zero),
        "insurance": pl.when(~term.is_in(INSURANCE_APART)).then(zero),
        "gross_mass": pl.col("net_mass_g"),
        "packages": pl.lit(1, dtype=pl.Int64),
    }


def _with_defaults(lines: pl.DataFrame, texts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Fill the documented defaults; returns the lines and, per field of `DEFAULTED`, where one was used."""
    values = _defaults()
    # A field that was given but refused keeps its null: a default must not hide it.
    given = [texts[name].is_not_null().alias(f"given:{name}") for name in values if name in texts.columns]
    known = {series.name for series in given}
    with_given = lines.hstack(given)
    marks = [
        (
            value.is_not_null() & pl.col(FIELDS[name].column).is_null()
            & (~pl.col(f"given:{name}") if f"given:{name}" in known else pl.lit(True))
        ).alias(name)
        for name, value in values.items()
    ]  # fmt: skip
    assumed = with_given.select(marks)
    filled = [
        pl.coalesce(FIELDS[name].column, pl.when(assumed[name]).then(value)).alias(FIELDS[name].column)
        for name, value in values.items()
        if name not in CHARGES
    ]
    return lines.with_columns(*filled, pl.col("line_kind").fill_null("sale")), assumed


def _persons(lines: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    present = [name for name in PERSONAL if name in texts.columns]
    if not present:
        return pl.DataFrame(schema=PERSONS)
    absent = [pl.lit(None, dtype=pl.String).alias(name) for name in PERSONAL if name not in present]
    known = lines.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in present))
    return known.with_columns(absent).select(PERSONS.names()).unique(maintain_order=True)
