"""Dates and moments from text and typed columns.

Years come first (2026-03-01, 2026/3/1, 2026.03.01, 20260301, with or without a time and a zone); a day written
the other way round is refused, because 03/04/2026 means two days. A moment with a zone belongs to the legal day in
Shanghai; one without is read in the zone of the mapping.
"""

import polars as pl

from entrepot.goods.errors import InputError
from entrepot.goods.schema import DATE_FIRST, DATE_LAST
from entrepot.goods.texts import told

__all__ = ["LEGAL_ZONE", "day", "day_fault", "moment"]

LEGAL_ZONE = "Asia/Shanghai"
FULL = (
    r"^([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?"
    r"(?:[T ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,6})[0-9]*)?)?\s*(Z|z|UTC|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
COMPACT = r"^([0-9]{4})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})([0-9]{2}))?()()$"
SWAPPED = r"^(?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|1[0-2])[-/.](?:[0-9]{4}|[0-9]{2})(?:[T ].*)?$"
SERIAL = r"^[0-9]{5}(?:\.[0-9]+)?$"


def day(values: pl.Series, *, shift_years: int = 0) -> pl.Series:
    """Legal days of a column, null where it is no date; the range is not checked here."""
    dtype = values.dtype
    if dtype == pl.String:
        days = _days_of_text(values)
    elif dtype == pl.Date:
        days = values
    elif isinstance(dtype, pl.Datetime):
        days = (values.dt.convert_time_zone(LEGAL_ZONE) if dtype.time_zone else values).dt.date()
    else:
        days = _days_of_text(values.cast(pl.String, strict=False))
    return days.dt.offset_by(f"{shift_years}y") if shift_years else days


def _days_of_text(values: pl.Series) -> pl.Series:
    """Days written the usual way are read at once; the others are read once for each distinct text."""
    usual = pl.when(pl.col("text").str.len_bytes() == 10).then(pl.col("text"))
    read = pl.when(pl.col("text").str.contains(r"^[0-9]{4}-")).then(usual.str.to_date("%Y-%m-%d", strict=False))
    frame = values.alias("text").to_frame().with_columns(day=read)
    if frame["day"].null_count() == frame["text"].null_count():
        return frame["day"]
    left = frame.filter(pl.col("day").is_null() & pl.col("text").is_not_null())["text"].unique()
    parts = _parts(left)
    local = parts.select("text", day=_local(parts).dt.date(), at=_zoned(parts, LEGAL_ZONE))
    legal = pl.col("at").dt.convert_time_zone(LEGAL_ZONE).dt.date()
    other = local.select("text", other=pl.when(pl.col("at").is_not_null()).then(legal).otherwise("day"))
    joined = frame.join(other, on="text", how="left", maintain_order="left")
    return joined.select(pl.coalesce("day", "other")).to_series()


def moment(values: pl.Series, zone: str, *, shift_years: int = 0) -> pl.Series:
    """Moments of a column in UTC, null where it is none; a text or time without zone is local time in `zone`."""
    dtype = values.dtype
    if isinstance(dtype, pl.Datetime):
        naive, known = (values, None) if not dtype.time_zone else (None, values.dt.convert_time_zone("UTC"))
    elif dtype == pl.Date:
        naive, known = values.cast(pl.Datetime("us")), None
    elif dtype == pl.String:
        return _moments_of_text(values, zone, shift_years)
    else:
        raise told(InputError, "file.column-day", column=repr(values.name), type=dtype)
    at = known if known is not None else _in_zone(_shifted(naive, shift_years), zone)
    return (_shifted(at, shift_years) if known is not None else at).cast(pl.Datetime("us", "UTC"))


def _shifted(values: pl.Series | None, years: int) -> pl.Series:
    if values is None:
        raise InputError("no moments")
    return values.dt.offset_by(f"{years}y") if years else values


def _in_zone(naive: pl.Series, zone: str) -> pl.Series:
    # An hour skipped in spring never happened on a local clock; it is read as standard time of UTC.
    local = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    return local.fill_null(naive.dt.replace_time_zone("UTC"))


def _moments_of_text(values: pl.Series, zone: str, years: int) -> pl.Series:
    frame = values.alias("text").to_frame()
    usual = pl.when(pl.col("text").str.len_bytes() == 19).then(pl.col("text").str.replace("T", " ", literal=True))
    naive = frame.select(usual.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)).to_series()
    at = _in_zone(_shifted(naive, years), zone)
    left = frame.with_columns(at=at).filter(pl.col("at").is_null() & pl.col("text").is_not_null())["text"].unique()
    if left.is_empty():
        return at
    parts = _parts(left)
    other = _zoned(parts, "UTC").fill_null(_in_zone(_local(parts), zone))
    table = pl.DataFrame({"text": parts["text"], "other": _shifted(other, years)})
    joined = frame.with_columns(at=at).join(table, on="text", how="left", maintain_order="left")
    return joined.select(pl.coalesce("at", "other")).to_series()


def _parts(texts: pl.Series) -> pl.DataFrame:
    """The pieces of each text: year, month, day, hour, minute, second, fraction, zone."""
    names = ["year", "month", "day", "hour", "minute", "second", "fraction", "zone"]
    text = texts.alias("text").to_frame()
    groups = [
        text.select(pl.col("text").str.extract_groups(pattern).struct.rename_fields(names).alias("g")).unnest("g")
        for pattern in (FULL, COMPACT)
    ]
    merged = groups[0].select(pl.coalesce(groups[0][name], groups[1][name]).alias(name) for name in names)
    return text.hstack(merged).with_columns(pl.col(*names).replace("", None))


def _local(parts: pl.DataFrame) -> pl.Series:
    two = {name: pl.col(name).str.zfill(2) for name in ("month", "day", "hour", "minute", "second")}
    clock = pl.concat_str(
        pl.col("year"), pl.lit("-"), two["month"], pl.lit("-"), two["day"], pl.lit(" "),
        two["hour"].fill_null("00"), pl.lit(":"), two["minute"].fill_null("00"), pl.lit(":"),
        two["second"].fill_null("00"), pl.lit("."), pl.col("fraction").fill_null("0").str.pad_end(6, "0"),
    )  # fmt: skip
    return parts.select(clock.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)).to_series()


def _zoned(parts: pl.DataFrame, zone: str) -> pl.Series:
    """Moments of texts that name a zone, null for the others."""
    offset = pl.col("zone").str.replace("^(?:Z|z|UTC)$", "+00:00").str.replace(":", "", literal=True)
    minutes = offset.str.slice(1, 2).cast(pl.Int64) * 60 + offset.str.slice(3, 2).cast(pl.Int64)
    east = pl.when(offset.str.starts_with("-")).then(-minutes).otherwise(minutes)
    frame = parts.with_columns(local=_local(parts), east=east)
    at = (pl.col("local") - pl.duration(minutes="east")).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    return frame.select(at).to_series()


def in_range(column: str) -> pl.Expr:
    """Whether a day or moment lies within the years handled."""
    return pl.col(column).dt.date().is_between(DATE_FIRST, DATE_LAST)


def day_fault(text: pl.Expr, parsed: pl.Expr) -> pl.Expr:
    """The problem code of a text that was not accepted as a day or moment; `parsed` is what was made of it."""
    return (
        pl.when(parsed.is_not_null()).then(pl.lit("goods.date-out-of-range"))
        .when(text.str.contains(SWAPPED)).then(pl.lit("goods.ambiguous-date"))
        .when(text.str.contains(SERIAL)).then(pl.lit("goods.serial-date"))
        .otherwise(pl.lit("goods.bad-date"))
    )  # fmt: skip
