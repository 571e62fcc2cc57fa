"""The first page: how the day goes."""

import datetime as dt
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from entrepot.desk.batches.models import Batch
from entrepot.desk.context import language
from entrepot.desk.home.figures import Day, days, flows, last_day, places
from entrepot.desk.inspection.models import Case
from entrepot.desk.lawbook.book import today
from entrepot.desk.people.acting import Acting
from entrepot.goods.texts import text
from entrepot.run.summary import PAPERLESS_TARGET
from entrepot.run.wording import country_name

__all__ = ["home"]

TREND_DAYS = 30
FLOWS_SHOWN = 40
HOME_COUNTRY = "CN"


def home(request: HttpRequest) -> HttpResponse:
    """The figures of a day (the last one with parcels, or the one asked for), the trend before it, the flows."""
    acting: Acting = request.acting  # type: ignore[attr-defined]
    last = last_day(acting)
    if last is None:
        recent = list(Batch.objects.of(acting).order_by("-ordinal")[:5])
        return render(request, "home/first.html", {"recent": recent})
    day = _asked(request.GET.get("day"), last)
    span = days(acting, day - dt.timedelta(days=TREND_DAYS - 1), day)
    shown = next((one for one in span if one.day == day), Day(day, 0, 0, 0, 0, 0, 0))
    waiting = {row["lane"]: row["n"] for row in _open_cases(acting)}
    return render(request, "home/home.html", {
        "day": shown, "is_today": day == today(), "last": last, "target": PAPERLESS_TARGET, "waiting": waiting,
        "waiting_total": sum(waiting.values()), "links": _links(day), "trend": _trend(span), "taxes": _taxes(span), "ratio": _ratio(span),
        "flows": _flows(acting, day), "recent": list(Batch.objects.of(acting).order_by("-ordinal")[:5]),
        "tables": _tables(span),
    })  # fmt: skip


def _asked(given: str | None, otherwise: dt.date) -> dt.date:
    try:
        return dt.date.fromisoformat(given) if given else otherwise
    except ValueError:
        return otherwise


def _open_cases(acting: Acting) -> Any:
    cases = Case.objects.of(acting).exclude(state=Case.State.DECIDED)
    return cases.values("lane").order_by("lane").annotate(n=Count("id"))


def _lines(**filters: object) -> str:
    return f"{reverse('consignments')}?{urlencode(filters)}"


def _links(day: dt.date) -> dict[str, str]:
    """Where each figure's lines are."""
    on = {"day_from": day, "day_until": day}
    return {
        "parcels": _lines(**on), "released": _lines(**on, verdict="release"), "held": _lines(**on, verdict="hold"),
        "tax": _lines(**on, direction="import"), "refused": _lines(**on, verdict="refuse"),
    }  # fmt: skip


def _trend(span: list[Day]) -> dict[str, Any]:
    names = {"released": text("home.released", language()), "held": text("home.not-released", language())}
    hrefs = [_lines(day_from=one.day, day_until=one.day) for one in span]
    return {
        "labels": [str(one.day) for one in span],
        "series": [
            {"name": names["released"], "tone": "release", "values": [one.released for one in span], "hrefs": hrefs},
            {
                "name": names["held"],
                "tone": "yellow",
                "values": [one.parcels - one.released for one in span],
                "hrefs": hrefs,
            },
        ],
    }


def _ratio(span: list[Day]) -> dict[str, Any]:
    return {
        "labels": [str(one.day) for one in span], "percent": True,
        "series": [{"name": text("home.paperless", language()), "tone": "accent", "values": [one.ratio for one in span]}],
        "target": {"value": PAPERLESS_TARGET, "name": text("home.target", language())},
    }  # fmt: skip


def _taxes(span: list[Day]) -> dict[str, Any]:
    values = [f"{Decimal(one.tax_fen) / 100:.2f}" for one in span]
    name = text("home.tax", language())
    return {
        "labels": [str(one.day) for one in span],
        "unit": "CNY",
        "series": [{"name": name, "tone": "3", "values": values}],
    }


def _tables(span: list[Day]) -> dict[str, Any]:
    """The numbers behind the plots, for those who would rather read."""

    def words(*ids: str) -> list[str]:
        return [text(f"home.{one}", language()) for one in ids]

    return {
        "trend_head": words("day", "parcels", "released", "paperless"),
        "trend": [[str(one.day), f"{one.parcels:,}", f"{one.released:,}", _percent(one)] for one in span],
        "tax_head": words("day", "tax", "tax-unknown"),
        "tax": [[str(one.day), f"{Decimal(one.tax_fen) / 100:,.2f}", f"{one.tax_unknown_lines:,}"] for one in span],
        "flow_head": words("country", "direction", "parcels"),
    }


def _percent(one: Day) -> str | None:
    return f"{Decimal(100 * one.released) / one.parcels:.1f} %" if one.parcels else None


def _flows(acting: Acting, day: dt.date) -> dict[str, Any]:
    """Arcs between China and its partners on a day, and the same as rows; partners without a place are only in the rows."""
    found = flows(acting, day, day)
    arcs: list[dict[str, Any]] = []
    rows = []
    for row in found:
        label = country_name(row["country"])[language()] if row["country"] else text("home.unknown-country", language())
        rows.append([label, text(f"home.{row['direction']}", language()), f"{row['parcels']:,}"])
        partner, own = _place(row["country"]), _place(HOME_COUNTRY)
        if partner and own and row["country"] != HOME_COUNTRY and len(arcs) < FLOWS_SHOWN:
            here, there = {"name": country_name(HOME_COUNTRY)[language()], **own}, {"name": label, **partner}
            ends = {"from": here, "to": there} if row["direction"] == "export" else {"from": there, "to": here}
            href = _lines(day_from=day, day_until=day, country=row["country"], direction=row["direction"])
            arcs.append({**ends, "value": row["parcels"], "href": href})
    return {"data": {"flows": arcs}, "rows": rows}


def _place(country: str) -> dict[str, float] | None:
    found = places().get(country)
    return {"lat": found["lat"], "lon": found["lon"]} if found else None
