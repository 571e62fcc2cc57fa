"""Make typed lines of raw rows: every row becomes a line, every bad field a problem, in one pass.

The fast path computes all columns at once with expressions; only the rows that turn out bad are looked at again
to say what is wrong with them (`faults`).
"""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import polars as pl

from entrepot.goods.errors import CallError
from entrepot.goods.faults import cross_findings, field_findings, row_findings
from entrepot.goods.mapping import Mapping
from entrepot.goods.problems import FINDINGS, finish
from entrepot.goods.read import RawBatch
from entrepot.goods.readers.frames import own_columns
from entrepot.goods.schema import FIELDS, LINE, PERSONAL, PERSONS, REQUIRED, ROW_COLUMNS
from entrepot.goods.values import text_columns, value_columns

if TYPE_CHECKING:
    from entrepot.goods.catalogue import Catalogue
    from entrepot.goods.nomenclature import Nomenclature

__all__ = ["Parsed", "buyer_keys", "parse", "refused_rows"]

FREIGHT_APART = ("EXW", "FCA", "FAS", "FOB")
INSURANCE_APART = (*FREIGHT_APART, "CFR", "CPT")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a batch gave: all lines (bad ones too, `valid` false), persons apart, problems, and what was assumed.

    `defaults_used` counts valid lines per field where a default stood in; `catalogue_used` counts valid lines per
    field the catalogue filled.
    """

    lines: pl.DataFrame
    persons: pl.DataFrame
    problems: pl.DataFrame
    defaults_used: Dictionary[str, int]
    catalogue_used: Dictionary[str, int]


def parse(
    raw: RawBatch,
    mapping: Mapping,
    *,
    key: bytes,
    first_row_id: int,
    catalogue: "Catalogue | None" = None,
    nomenclature: "Nomenclature | None" = None,
) -> Parsed:
    """Lines, persons and problems of one raw batch.

    `key` (16 to 64 bytes) makes buyer keys; `first_row_id` is the running number of the batch's first row.
    The catalogue fills what lines lack before defaults are taken; the nomenclature marks and refuses codes.
    Raises CallError for a key of the wrong length, InputError for a column whose type cannot be read.
    """
    if not 16 <= len(key) <= 64:
        raise CallError(f"the buyer key has {len(key)} bytes; give 16 to 64")
    texts = text_columns(raw, mapping, first_row_id)
    valued = value_columns(texts, mapping)
    findings = [row_findings(texts), *field_findings(texts, valued)]
    lines = _with_buyer_key(valued, texts, key)
    lines = lines.with_columns(valid=~pl.col("row_id").is_in(_bad_rows(findings).implode()))
    filled = catalogue.fill(lines) if catalogue else _without_catalogue(lines)
    completed, defaults = _with_defaults(filled, texts)
    findings.append(cross_findings(completed))
    checked = completed.with_columns(valid=~pl.col("row_id").is_in(_bad_rows(findings).implode()))
    problems = finish(pl.concat(findings).sort("row_id", maintain_order=True))
    if nomenclature:
        checked, more = nomenclature.check(checked)
        problems = pl.concat([problems, more]).sort("row_id", maintain_order=True)
    return Parsed(
        lines=checked.select(LINE.names()),
        persons=_persons(checked, texts),
        problems=problems,
        defaults_used=_counted(checked, defaults),
        catalogue_used=_counted(checked, [name for name in checked.columns if name.startswith("filled:")]),
    )


def _bad_rows(findings: list[pl.DataFrame]) -> pl.Series:
    return pl.concat([frame.select("row_id") for frame in findings])["row_id"].unique()


def _counted(lines: pl.DataFrame, marks: list[str]) -> dict[str, int]:
    if not marks:
        return {}
    sums = lines.filter(pl.col("valid")).select(pl.col(*marks).sum()).row(0, named=True)
    return {name.split(":")[1]: int(count) for name, count in sums.items() if count}


def buyer_keys(ids: pl.Series, key: bytes) -> pl.Series:
    """Keyed hashes (BLAKE2b, 16 bytes, hex) of identity numbers, computed once per distinct number.

    Letters count alike in both cases, so that an id ending in x and in X is one person.
    """
    distinct = ids.drop_nulls().unique()
    start = blake2b(key=key, digest_size=16)
    hashed = []
    for text in distinct.str.to_uppercase():
        one = start.copy()
        one.update(text.encode())
        hashed.append(one.hexdigest())
    table = pl.DataFrame({"id": distinct, "buyer_key": hashed}, schema={"id": pl.String, "buyer_key": pl.String})
    joined = ids.alias("id").to_frame().join(table, on="id", how="left", maintain_order="left")
    return joined["buyer_key"]


def _with_buyer_key(valued: pl.DataFrame, texts: pl.DataFrame, key: bytes) -> pl.DataFrame:
    if "buyer_id" not in valued.columns:
        return valued.with_columns(buyer_key=pl.lit(None, dtype=pl.String))
    return valued.with_columns(buyer_keys(valued["buyer_id"], key))


def _without_catalogue(lines: pl.DataFrame) -> pl.DataFrame:
    given = pl.when(pl.col("hs_code").is_not_null()).then(pl.lit("line"))
    return lines.with_columns(hs_code_source=given, code_unconfirmed=pl.lit(False))


def _with_defaults(lines: pl.DataFrame, texts: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Fill the documented defaults and mark per line (`default:<field>`) where one was used."""
    term = pl.col("incoterm").fill_null("")
    wanted: dict[str, pl.Expr] = {
        "origin_country": pl.when(pl.col("direction") == "export").then("seller_country"),
        "unit": pl.lit(FIELDS["unit"].default),
        "freight": pl.when(~term.is_in(FREIGHT_APART)).then(pl.lit(0, dtype=pl.Int64)),
        "insurance": pl.when(~term.is_in(INSURANCE_APART)).then(pl.lit(0, dtype=pl.Int64)),
        "gross_mass": pl.col("net_mass_g"),
        "packages": pl.lit(1, dtype=pl.Int64),
        "line_kind": pl.lit("sale"),
    }
    absent = {
        name: (texts[name].is_null() if name in texts.columns else pl.lit(True)) & pl.col(FIELDS[name].column).is_null()
        for name in wanted
    }
    marks = [(absent[name] & value.is_not_null()).alias(f"default:{name}") for name, value in wanted.items()]
    marked = lines.with_columns(marks)
    filled = [
        pl.when(pl.col(f"default:{name}")).then(value).otherwise(FIELDS[name].column).alias(FIELDS[name].column)
        for name, value in wanted.items()
    ]
    return marked.with_columns(filled), [f"default:{name}" for name in wanted if name != "line_kind"]


def _persons(lines: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    present = [name for name in PERSONAL if name in texts.columns]
    if not present:
        return pl.DataFrame(schema=PERSONS)
    absent = [pl.lit(None, dtype=pl.String).alias(name) for name in PERSONAL if name not in present]
    known = lines.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in present))
    return known.with_columns(absent).select(PERSONS.names()).unique(maintain_order=True)


def refused_rows(raw: RawBatch, parsed: Parsed) -> pl.DataFrame:
    """The refused rows as they came, all columns of the file as text, with their problems in `_problems`.

    A row that was no row has its text in `_raw`. Written with `problems.write_refused_csv`, corrected and read
    again it gives good lines.
    """
    said = pl.format("{}: {} {}", pl.col("field"), pl.col("message_en"), pl.col("message_zh"))
    told = parsed.problems.group_by("row_id").agg(_problems=said.str.join(" | ").str.slice(0, 2000))
    refused = parsed.lines.select("row_id", "valid").hstack(
        raw.frame.select(*(pl.col(name).cast(pl.String) for name in own_columns(raw.frame)), "_row", "_raw")
    )
    kept = refused.filter(~pl.col("valid")).join(told, on="row_id", how="left", maintain_order="left")
    return kept.drop("row_id", "valid")
