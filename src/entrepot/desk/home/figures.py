"""Making the figures of a batch, and reading them for the first page."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import pycountry
from django.db import transaction
from django.db.models import Max, Sum

from entrepot.desk.batches.models import Batch
from entrepot.desk.home.models import DayFigure
from entrepot.desk.jobs.run import Progress
from entrepot.desk.people.acting import Acting

__all__ = ["LEFT_OUT", "SUMS", "Day", "days", "flows", "keep_figures", "last_day", "places"]

SUMS = ("lines", "parcels", "released", "price_fen", "tax_fen", "tax_unknown_lines")
WRITTEN_AT_ONCE = 2000
LEFT_OUT = ("release.invalid", "release.cancellation", "release.order-incomplete")
"""Reasons of lines that are in no figure. Nothing moves by the first two; an incomplete order comes back whole in another batch."""


def day_figures(lines: Path) -> pl.DataFrame:
    """Day, direction, partner country and `SUMS` of a result file, without the lines `LEFT_OUT`; an order is a parcel.

    Prices of lines whose price is unknown are left out of the sum; taxes unknown are counted.
    """
    country = pl.when(pl.col("direction") == "import").then("seller_country").otherwise("buyer_country").fill_null("")
    left_out = pl.any_horizontal(pl.col("reasons").list.contains(reason) for reason in LEFT_OUT).fill_null(value=False)
    parcels = pl.scan_parquet(lines).filter(~left_out).group_by("order_id").agg(
        pl.col("declared_on").first().alias("day"), pl.col("direction").first(), country.first().alias("country"),
        pl.len().alias("lines"), (pl.col("verdict") == "release").all().alias("released"),
        pl.col("price_fen").sum(), (pl.col("tax_total").sum() * 100).cast(pl.Int64).alias("tax_fen"),
        pl.col("tax_total").null_count().alias("tax_unknown_lines"),
    )  # fmt: skip
    sums = [pl.col(name).cast(pl.Int64).sum() for name in SUMS if name != "parcels"]
    figures = parcels.group_by("day", "direction", "country").agg(pl.len().cast(pl.Int64).alias("parcels"), *sums)
    return figures.collect(engine="streaming").sort("day", "direction", "country")


def keep_figures(batch: Batch, progress: Progress) -> None:
    """Keep the figures of a finished batch; doing it again changes nothing."""
    figures = day_figures(batch.folder / "lines.parquet")
    rows = [
        DayFigure(organisation_id=batch.organisation_id, batch=batch, **row) for row in figures.iter_rows(named=True)
    ]
    with transaction.atomic():
        DayFigure.objects.of(batch.organisation).filter(batch=batch).delete()
        DayFigure.objects.bulk_create(rows, batch_size=WRITTEN_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Day:
    """The sums of one day over all batches."""

    day: dt.date
    lines: int
    parcels: int
    released: int
    price_fen: int
    tax_fen: int
    tax_unknown_lines: int

    @property
    def ratio(self) -> float | None:
        """Share of parcels released without paper; None without parcels. For display and plots only."""
        return self.released / self.parcels if self.parcels else None

    @property
    def tax_is_known(self) -> bool:
        """Whether the sum says anything: it is known, or at least a part of it is."""
        return bool(self.tax_fen) or not self.tax_unknown_lines


def last_day(acting: Acting) -> dt.date | None:
    """The last day on which anything was declared."""
    found: dt.date | None = DayFigure.objects.of(acting).aggregate(last=Max("day"))["last"]
    return found


def days(acting: Acting, first: dt.date, last: dt.date) -> list[Day]:
    """The days of a span that have parcels, in order."""
    rows = DayFigure.objects.of(acting).filter(day__range=(first, last)).values("day").order_by("day")
    summed: Iterable[dict[str, Any]] = rows.annotate(**{name: Sum(name) for name in SUMS})  # type: ignore[assignment]
    return [Day(**row) for row in summed]


def flows(acting: Acting, first: dt.date, last: dt.date) -> list[dict[str, Any]]:
    """Parcels by direction and partner country in a span, most first."""
    rows = DayFigure.objects.of(acting).filter(day__range=(first, last)).values("direction", "country")
    return [dict(row) for row in rows.annotate(parcels=Sum("parcels")).order_by("-parcels", "country")]


@cache
def places() -> Mapping[str, Mapping[str, float]]:
    """Where to draw a country or region, by its two letters; from the front-end build, empty without it."""
    source = files("entrepot.desk").joinpath("static", "vendor", "places.json")
    if not source.is_file():
        return {}
    by_number: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return {one.alpha_2: by_number[one.numeric] for one in pycountry.countries if one.numeric in by_number}
