"""From the columns of a file to typed columns: `text_columns` cleans, `value_columns` reads.

A value column is null where the text could not be accepted; `faults` then finds out why.
"""

from functools import lru_cache

import polars as pl

from entrepot.goods import amounts, days, reference
from entrepot.goods.errors import InputError
from entrepot.goods.mapping import Mapping
from entrepot.goods.read import RawBatch
from entrepot.goods.schema import FIELDS, INPUT_FIELDS, LINE, Field
from entrepot.goods.texts import told

__all__ = ["CODE", "HOSTILE", "NO", "SPREADSHEET_ERROR", "YES", "text_columns", "value_columns"]

YES = ("1", "true", "yes", "y", "t", "是")
NO = ("0", "false", "no", "n", "f", "否")
CODE = r"^(?:[0-9]{6}|[0-9]{8}|[0-9]{10})$"
SPREADSHEET_ERROR = r"^#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!)$"
HOSTILE = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x{FDD0}\x{FDD1}\x{FFFD}-\x{FFFF}]"
"""Characters XML cannot carry, our own marks of a value that is none, and the mark of a lost character."""
APOSTROPHE = r"^'[=+\-@\t\r]"
FREE = ("text", "personal")
DATED = ("date", "instant")


def text_columns(raw: RawBatch, mapping: Mapping, first_row_id: int) -> pl.DataFrame:
    """The fields of a batch, named by field: texts trimmed with empty as null, typed columns kept.

    Adds the row columns, `_fault`, `_given`, `_allowed` and, if the mapping knows cancellations, `_cancels`.
    """
    frame = raw.frame
    schema = frame.schema
    columns = [
        pl.lit(raw.source_file).alias("source_file"),
        pl.col("_row").alias("row"),
        pl.int_range(first_row_id, first_row_id + pl.len(), dtype=pl.Int64).alias("row_id"),
        *(pl.col(name) for name in ("_fault", "_given", "_allowed")),
        *(_cleaned(source, schema[source], FIELDS[name]) for name, source in raw.sources.items()),
        *(pl.lit(value).alias(name) for name, value in mapping.constants.items()),
        *_cancels(mapping, frame),
    ]
    texts = _unescaped(frame.select(columns))
    meant = [pl.col(name).replace(dict(pairs)) for name, pairs in mapping.values.items() if name in texts.columns]
    return texts.with_columns(meant) if meant else texts


def _cancels(mapping: Mapping, frame: pl.DataFrame) -> list[pl.Expr]:
    rule = mapping.cancellation
    if rule is None:
        return []
    if rule.column not in frame.columns:
        raise told(InputError, "file.cancellation-column", column=repr(rule.column))
    starts = pl.col(rule.column).cast(pl.String).str.strip_chars().str.starts_with(rule.prefix)
    return [starts.fill_null(False).alias("_cancels")]


@lru_cache(maxsize=512)
def _cleaned(source: str, dtype: pl.DataType, field: Field) -> pl.Expr:
    column = pl.col(source)
    if dtype == pl.String:
        trimmed = column.str.strip_chars()
        return pl.when(trimmed.str.len_bytes() > 0).then(trimmed).alias(field.name)
    if _kept_typed(dtype, field):
        return column.alias(field.name)
    if dtype == pl.Binary:
        raise told(InputError, "file.column-bytes", column=repr(source), field=field.name)
    if dtype.is_float():  # an id or code that a tool stored as 17850.0 means 17850
        integral = pl.when((column == column.round()) & (column.abs() < 1e15)).then(column).cast(pl.Int64)
        return pl.coalesce(integral.cast(pl.String), column.cast(pl.String)).alias(field.name)
    return column.cast(pl.String).alias(field.name)


def _kept_typed(dtype: pl.DataType, field: Field) -> bool:
    if field.kind in ("decimal", "mass", "whole"):
        return dtype.is_numeric()
    if field.kind in DATED:
        return dtype in (pl.Date, pl.Datetime)
    return field.kind == "boolean" and dtype == pl.Boolean


def _unescaped(texts: pl.DataFrame) -> pl.DataFrame:
    """Take off the apostrophe that we (or a spreadsheet) put before a formula sign."""
    names = [name for name, dtype in texts.schema.items() if dtype == pl.String and name in FIELDS]
    if not names:
        return texts
    found = texts.select(pl.col(names).str.starts_with("'").any()).row(0, named=True)
    marked = [name for name in names if found[name]]
    if not marked:
        return texts
    return texts.with_columns(
        pl.when(pl.col(name).str.contains(APOSTROPHE)).then(pl.col(name).str.slice(1)).otherwise(name).alias(name)
        for name in marked
    )


def value_columns(texts: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """The line columns of a batch (and the personal fields), null where a value could not be accepted.

    `parsed:<field>` keeps a day or moment out of range, so that the fault can be told from one that is no date.
    """
    present = [field for field in INPUT_FIELDS if field.name in texts.columns]
    dated = _dated(texts, mapping)
    plain = [field for field in present if field.kind not in DATED]
    schema = texts.schema
    exprs = [_value(field, schema[field.name]).alias(field.column) for field in plain]
    kept = ["source_file", "row", "row_id", "_fault"]
    valued = texts.select(*kept, *exprs).hstack(dated)
    days_in_range = [_within_range(field.name) for field in present if field.kind in DATED]
    if "_cancels" in texts.columns:
        valued, days_in_range = _cancelled(valued.with_columns(days_in_range), texts), []
    known = {*valued.columns, *(field.name for field in present if field.kind in DATED)}
    known |= {"buyer_key"} if "buyer_id" in known else set()  # made of the number afterwards
    return valued.with_columns(*days_in_range, *_absent(tuple(name for name in LINE if name not in known)))


@lru_cache(maxsize=512)
def _absent(names: tuple[str, ...]) -> list[pl.Expr]:
    return [pl.lit(None, dtype=LINE[name]).alias(name) for name in names]


@lru_cache(maxsize=512)
def _within_range(name: str) -> pl.Expr:
    return pl.when(days.in_range(f"parsed:{name}")).then(f"parsed:{name}").alias(name)


def _dated(texts: pl.DataFrame, mapping: Mapping) -> list[pl.Series]:
    found = []
    for field in INPUT_FIELDS:
        if field.name in texts.columns and field.kind == "date":
            found.append(days.day(texts[field.name], shift_years=mapping.shift_years).alias(f"parsed:{field.name}"))
        elif field.name in texts.columns and field.kind == "instant":
            at = days.moment(texts[field.name], mapping.time_zone, shift_years=mapping.shift_years)
            found.append(at.alias(f"parsed:{field.name}"))
    return found


def _cancelled(valued: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """Cancellation rows: the kind is set and the quantity counts without its sign."""
    rows = valued.hstack([texts["_cancels"]])
    if "quantity" in texts.columns:
        negated = texts.select(amounts.number_e5("quantity", texts.schema["quantity"]).alias("_any_sign"))
        rows = rows.hstack(negated)
        within = _within(pl.col("_any_sign").abs(), FIELDS["quantity"], amounts.E5)
        rows = rows.with_columns(quantity_e5=pl.when("_cancels").then(within).otherwise("quantity_e5"))
    kind = pl.when("_cancels").then(pl.lit("cancellation"))
    known = kind.otherwise("line_kind") if "line_kind" in rows.columns else kind
    return rows.with_columns(line_kind=known).drop("_cancels", "_any_sign", strict=False)


def _within(value: pl.Expr, field: Field, scale: int) -> pl.Expr:
    fits = value > 0 if field.positive else value >= 0
    if field.limit is not None:
        fits = fits & (value < field.limit * scale)
    return pl.when(fits).then(value)


@lru_cache(maxsize=512)
def _value(field: Field, dtype: pl.DataType) -> pl.Expr:
    """The expression that reads one field; null where it is not accepted."""
    column = pl.col(field.name)
    if field.kind in FREE:
        bad = column.str.contains(f"{HOSTILE}|{SPREADSHEET_ERROR}") | (column.str.len_chars() > field.longest)
        return pl.when(~bad).then(column)
    if field.kind == "decimal":
        return _within(amounts.number_e5(field.name, dtype), field, amounts.E5)
    if field.kind == "mass":
        return _within(amounts.mass_g(field.name, dtype), field, 1000)
    if field.kind == "whole":
        return _within(amounts.whole(field.name, dtype), field, 1)
    return _listed(field, dtype)


def _listed(field: Field, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(field.name)
    if field.kind == "boolean":
        if dtype == pl.Boolean:
            return column
        words = dict.fromkeys(YES, True) | dict.fromkeys(NO, False)
        return column.str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)
    if field.kind == "country":
        return _known(column.str.to_uppercase(), reference.countries())
    if field.kind == "currency":
        return _known(column.str.to_uppercase(), reference.currencies())
    if field.kind == "unit":
        return _known(column.str.to_lowercase(), reference.units())
    if field.kind == "district":
        starts = sorted({code[:2] for code in reference.districts()})
        return pl.when(column.str.contains("^[0-9]{4}$") & column.str.slice(0, 2).is_in(starts)).then(column)
    if field.kind == "code":
        digits = column.str.replace_all(r"[. ]", "")
        return pl.when(digits.str.contains(CODE)).then(digits)
    return _known(column.str.to_lowercase(), {word.lower(): word for word in field.choices})


def _known(column: pl.Expr, words: object) -> pl.Expr:
    return column.replace_strict(dict(words), default=None, return_dtype=pl.String)  # type: ignore[call-overload]
