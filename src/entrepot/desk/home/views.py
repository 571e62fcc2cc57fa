"""The first page: how the day goes."""

import datetime as dt
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from entrepot.decide.release import GREEN
from entrepot.desk.batches.figures import known_cny
from entrepot.desk.batches.models import Batch
from entrepot.desk.context import language
from entrepot.desk.home.figures import LEFT_OUT, Day, days, flows, last_day, places
from entrepot.desk.inspection.models import Case
from entrepot.desk.lawbook.book import today
from entrepot.desk.people.acting import Acting
from entrepot.goods.schema import DATE_FIRST, DATE_LAST
from entrepot.goods.texts import text
from entrepot.run.shelf import UNKNOWN
from entrepot.run.summary import PAPERLESS_TARGET
from entrepot.run.wording import country_name

__all__ = ["home"]

TREND_DAYS = 30
FLOWS_SHOWN = 40
HOME_COUNTRY = "CN"


class Linked(NamedTuple):
    """A figure of a table and where its lines are."""

    text: str
    href: str


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
        "day": shown, "is_today": day == today(), "last": last, "target": PAPERLESS_TARGET, "tax_text": _tax_text(shown),
        "waiting": waiting, "waiting_total": sum(waiting.values()), "waiting_href": _waiting(acting), "links": _links(day),
        "trend": _trend(span), "taxes": _taxes(span), "ratio": _ratio(span), "flows": _flows(acting, day),
        "recent": list(Batch.objects.of(acting).order_by("-ordinal")[:5]),
        "tables": _tables(span),
    })  # fmt: skip


def _asked(given: str | None, otherwise: dt.date) -> dt.date:
    try:
        day = dt.date.fromisoformat(given) if given else otherwise
    except ValueError:
        return otherwise
    return day if DATE_FIRST <= day <= DATE_LAST else otherwise


def _open_cases(acting: Acting) -> Any:
    cases = Case.objects.of(acting).filter(kind=Case.Kind.EXCEPTION).exclude(state=Case.State.DECIDED)
    return cases.values("lane").order_by("lane").annotate(n=Count("id"))


def _lines(**filters: object) -> str:
    return f"{reverse('consignments')}?{urlencode(filters)}"


def _counted(day: dt.date, *also_without: str, **filters: object) -> str:
    """Where the lines are that the figures of a day count."""
    return _lines(day_from=day, day_until=day, without=",".join((*LEFT_OUT, *also_without)), **filters)


def _links(day: dt.date) -> dict[str, str]:
    """Where each figure's lines are: as their batch decided them, whatever a person did since."""
    return {
        "parcels": _counted(day), "tax": _counted(day), "tax_unknown": _counted(day, tax=UNKNOWN),
        "released": _counted(day, reason=GREEN), "not_released": _counted(day, GREEN),
    }  # fmt: skip


def _waiting(acting: Acting) -> str:
    """The queue of exceptions, or the lines that are held now for those who do not see the queue."""
    if acting.may("inspection.view"):
        return f"{reverse('inspection')}?{urlencode({'kind': Case.Kind.EXCEPTION})}"
    return _lines(verdict="hold", without="release.order-incomplete")


def _hrefs(span: list[Day], figure: str) -> list[str]:
    return [_links(one.day)[figure] for one in span]


def _trend(span: list[Day]) -> dict[str, Any]:
    released, others = [one.released for one in span], [one.parcels - one.released for one in span]
    return {
        "labels": [str(one.day) for one in span],
        "series": [
            {"name": text("home.released", language()), "tone": "release", "values": released, "hrefs": _hrefs(span, "released")},
            {"name": text("home.not-released", language()), "tone": "yellow", "values": others, "hrefs": _hrefs(span, "not_released")},
        ],
    }


def _ratio(span: list[Day]) -> dict[str, Any]:
    name, ratios = text("home.paperless", language()), [one.ratio for one in span]
    return {
        "labels": [str(one.day) for one in span], "percent": True,
        "series": [{"name": name, "tone": "accent", "values": ratios, "hrefs": _hrefs(span, "released")}],
        "target": {"value": PAPERLESS_TARGET, "name": text("home.target", language())},
    }  # fmt: skip


def _taxes(span: list[Day]) -> dict[str, Any]:
    values = [f"{Decimal(one.tax_fen) / 100:.2f}" if one.tax_is_known else None for one in span]
    return {
        "labels": [str(one.day) for one in span],
        "unit": "CNY",
        "series": [{"name": text("home.tax", language()), "tone": "3", "values": values, "hrefs": _hrefs(span, "tax")}],
    }


def _tax_text(one: Day) -> str:
    return known_cny(Decimal(one.tax_fen) / 100, one.tax_unknown_lines)


def _tables(span: list[Day]) -> dict[str, Any]:
    """The numbers behind the plots, for those who would rather read."""

    def words(*ids: str) -> list[str]:
        return [text(f"home.{one}", language()) for one in ids]

    return {
        "trend_head": words("day", "parcels", "released", "paperless"),
        "trend": [_trend_row(one, _links(one.day)) for one in span],
        "tax_head": words("day", "tax", "tax-unknown"),
        "tax": [_tax_row(one, _links(one.day)) for one in span],
        "flow_head": words("country", "direction", "parcels"),
    }


def _trend_row(one: Day, links: dict[str, str]) -> list[str | Linked | None]:
    ratio = _percent(one)
    return [
        str(one.day), Linked(f"{one.parcels:,}", links["parcels"]), Linked(f"{one.released:,}", links["released"]),
        Linked(ratio, links["released"]) if ratio else None,
    ]  # fmt: skip


def _tax_row(one: Day, links: dict[str, str]) -> list[str | Linked]:
    return [str(one.day), Linked(_tax_text(one), links["tax"]), Linked(f"{one.tax_unknown_lines:,}", links["tax_unknown"])]


def _percent(one: Day) -> str | None:
    return f"{Decimal(100 * one.released) / one.parcels:.1f} %" if one.parcels else None


def _flows(acting: Acting, day: dt.date) -> dict[str, Any]:
    """Arcs between China and its partners on a day, and the same as rows; partners without a place are only in the rows."""
    found = flows(acting, day, day)
    arcs: list[dict[str, Any]] = []
    rows = []
    for row in found:
        label = country_name(row["country"])[language()] if row["country"] else text("home.unknown-country", language())
        href = _counted(day, country=row["country"] or UNKNOWN, direction=row["direction"])
        rows.append([label, text(f"home.{row['direction']}", language()), Linked(f"{row['parcels']:,}", href)])
        partner, own = _place(row["country"]), _place(HOME_COUNTRY)
        if partner and own and row["country"] != HOME_COUNTRY and len(arcs) < FLOWS_SHOWN:
            here, there = {"name": country_name(HOME_COUNTRY)[language()], **own}, {"name": label, **partner}
            ends = {"from": here, "to": there} if row["direction"] == "export" else {"from": there, "to": here}
            arcs.append({**ends, "value": row["parcels"], "href": href})
    return {"data": {"flows": arcs}, "rows": rows}


def _place(country: str) -> dict[str, float] | None:
    found = places().get(country)
    return {"lat": found["lat"], "lon": found["lon"]} if found else None
