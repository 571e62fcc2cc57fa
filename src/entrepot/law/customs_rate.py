"""Exchange rates for customs values: the day whose rate a month uses, and readers of rate files.

A month of declarations uses the rate of the third Wednesday of the month before; what serves when that day has no
rate changed on 2024-12-01 (令124 art. 16, 令272 art. 13) and is read from the law.
Rows made here go into the table `cn/customs_rate/monthly` with `Law.with_table_rows`.
"""

import csv
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from entrepot.goods.errors import InputError
from entrepot.law.errors import LawError
from entrepot.law.law import Law
from entrepot.law.units import parse

__all__ = ["MONTHLY", "rate_day", "read_customs", "read_ecb", "read_rates"]

MONTHLY = "cn/customs_rate/monthly"
FALLBACK, CLOSED = "cn/customs_rate/holiday_fallback", "cn/customs_rate/closed_days"
WEDNESDAY, SATURDAY = 2, 5
ECB = {"source": {"doc": "ECB euro foreign exchange reference rates", "url": "ecb.europa.eu/stats/eurofxref"},
       "status": "unconfirmed", "mark": "?"}
CUSTOMS_COLUMNS = ("currency", "month", "cny", "units", "source")


def rate_day(month: dt.date, law: Law) -> dt.date:
    """The day whose rate declarations of a month use; `month` is any day of that month.

    Closed days are the weekends and the days the law data name. LawError where no rule is loaded for the month.
    """
    first = month.replace(day=1)
    rule = law.value(FALLBACK, first)
    if rule is None:
        raise LawError(f"no rule is loaded for the customs rate of {first:%Y-%m} ({FALLBACK})")
    closed = set(law.table(CLOSED).frame.get_column("day"))
    third = _third_wednesday(first)
    if third not in closed:
        return third
    return _fallback(str(rule.value), third, closed)


def _third_wednesday(first: dt.date) -> dt.date:
    """The third Wednesday of the month before the one that begins on `first`."""
    begins = (first - dt.timedelta(days=1)).replace(day=1)
    return begins + dt.timedelta(days=(WEDNESDAY - begins.weekday()) % 7 + 14)


def _fallback(rule: str, third: dt.date, closed: set[dt.date]) -> dt.date:
    if rule == "fourth_wednesday":
        return third + dt.timedelta(days=7)
    if rule != "next_trading_day":
        raise LawError(f"{FALLBACK} says {rule!r}; this version knows fourth_wednesday and next_trading_day")
    day = third + dt.timedelta(days=1)
    while day in closed or day.weekday() >= SATURDAY:
        day += dt.timedelta(days=1)
    return day


def read_rates(file: Path, law: Law) -> Law:
    """The law with the rates of a file: the ECB's history (CSV or Parquet) or a CSV of published customs rates.

    Rates of the file win over shipped ones of the same currency and month. InputError when the file is neither.
    """
    ecb = file.suffix == ".parquet" or _first_line(file).startswith("Date,")
    return law.with_table_rows(MONTHLY, read_ecb(file, law) if ecb else read_customs(file, law))


def _first_line(file: Path) -> str:
    try:
        with file.open("rb") as source:
            return source.readline(10_000).decode("utf-8-sig", "replace")
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error


def read_ecb(
    file: Path, law: Law, *, first_month: dt.date | None = None, last_month: dt.date | None = None
) -> list[dict[str, Any]]:
    """Monthly rows from the ECB's daily reference rates, as cross rates over the euro.

    Args:
        file: the ECB's `eurofxref-hist.csv`, or the same columns as Parquet (`Date`, one column per currency).
        law: says which day's rate a month uses.
        first_month, last_month: limit the months; any day of them.

    Returns:
        rows of kind `ecb_cross`, unconfirmed: they are not the customs rate. A month whose rate day the file does
        not hold gets no row.

    Raises:
        InputError: the file is not the ECB's table.
    """
    days = _ecb_days(file)
    if not days:
        return []
    month, last = first_month or min(days), last_month or max(days) + dt.timedelta(days=31)
    rows = []
    for begins in _months(month, last):
        if law.value(FALLBACK, begins) is None:
            continue
        day = rate_day(begins, law)
        rows += [{**_row(begins, currency, days[day]["CNY"], units, "ecb_cross", day), **ECB}
                 for currency, units in days.get(day, {}).items() if currency != "CNY"]
    return rows


def _ecb_days(file: Path) -> dict[dt.date, dict[str, str]]:
    """Day to currency to units per euro as published, for the days with a CNY rate; EUR is 1."""
    try:
        if file.suffix == ".parquet":
            frame = pl.read_parquet(file)
        else:
            text = pl.read_csv(file, infer_schema=False, null_values=["N/A", ""])
            frame = text.with_columns(pl.col("Date").str.to_date("%Y-%m-%d"))
        frame = frame.drop_nulls("CNY").with_columns(pl.col("Date").cast(pl.Date), pl.exclude("Date").cast(pl.String))
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{file}: not the ECB's table of daily rates (Date, USD, JPY, ..., CNY): {reason}") from error
    days: dict[dt.date, dict[str, str]] = {}
    for row in frame.iter_rows(named=True):
        rates = {name: units.strip() for name, units in row.items() if isinstance(units, str) and len(name) == 3}
        days[row["Date"]] = {"EUR": "1", **rates}
    return days


def _months(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = _next(month)


def _next(month: dt.date) -> dt.date:
    return (month.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def _row(month: dt.date, currency: str, cny: str, units: str, kind: str, day: dt.date) -> dict[str, Any]:
    return {"currency": currency, "cny": cny, "units": units, "kind": kind, "rate_day": day,
            "from": month, "until": _next(month)}


def read_customs(file: Path, law: Law) -> list[dict[str, Any]]:
    """Monthly rows of kind `customs` from a CSV of published customs rates.

    Columns `currency,month,cny,units,source`: in `month` (YYYY-MM) `cny` CNY are worth `units` of the currency.
    InputError lists every bad line.
    """
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for line, given in _csv_lines(file):
        try:
            rows.append(_customs_row(given, law))
        except (ValueError, LawError) as error:
            problems.append(f"line {line}: {error}")
    if problems:
        raise InputError(f"{file}: {'; '.join(problems)}")
    return rows


def _csv_lines(file: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as source:
            reader = csv.DictReader(source, restval="")
            missing = [name for name in CUSTOMS_COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                needed = ", ".join(CUSTOMS_COLUMNS)
                raise InputError(f"{file}: column {', '.join(missing)} is missing; needed: {needed}")
            return [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file}: cannot be read as CSV in UTF-8: {error}") from error


def _customs_row(given: dict[str, str], law: Law) -> dict[str, Any]:
    month = dt.datetime.strptime(given["month"].strip(), "%Y-%m").date()
    currency, source = given["currency"].strip(), given["source"].strip()
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise ValueError(f"currency {currency!r} is not a code of three capital letters")
    if not source:
        raise ValueError("source is empty: say where the rate was published")
    cny, units = (_positive(given[name].strip(), name) for name in ("cny", "units"))
    return _row(month, currency, cny, units, "customs", rate_day(month, law)) | {"source": source, "mark": "S"}


def _positive(text: str, name: str) -> str:
    if parse(text, "decimal") == 0:
        raise ValueError(f"{name} is 0")
    return str(Decimal(text))
