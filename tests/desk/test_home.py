"""The first page: each figure is that of the lines behind its link."""

import json
import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from django.http import QueryDict
from django.urls import reverse

from entrepot.desk.batches.models import Batch, BuyerYear, Reservation
from entrepot.desk.batches.reservations import buyer_key_of, reserve
from entrepot.desk.consignments.asked import asked_of
from entrepot.desk.consignments.listing import Row, chosen, lines_of_order
from entrepot.desk.consignments.models import LineState
from entrepot.desk.consignments.settle import settle
from entrepot.desk.home.figures import day_figures, days, keep_figures, last_day
from entrepot.desk.home.models import DayFigure
from entrepot.desk.inspection.models import Case
from entrepot.desk.inspection.opening import open_cases
from tests.desk.batches import DAY, YEAR, batch_of_day, cleared, csv_of, done, retail, sealed_day, sent_to
from tests.desk.conftest import Firm

__all__ = ["sealed_day"]

pytestmark = pytest.mark.django_db


def nothing(stage: str, done: int, total: int | None) -> None:
    """Progress nobody looks at."""


@pytest.fixture
def batch(firm: Firm, sealed_day: Path) -> Batch:
    batch = batch_of_day(firm.organisation, sealed_day)
    keep_figures(batch, nothing)
    open_cases(batch, nothing)
    return batch


def behind(firm: Firm, href: str) -> list[Row]:
    """The lines of a link to the list."""
    parts = urlsplit(href)
    assert parts.path == reverse("consignments")
    asked = asked_of(QueryDict(parts.query))
    assert not asked.problem
    return chosen(firm.acting("trader"), asked.filters, 10_000)


def parcels(rows: Iterable[Row]) -> int:
    return len({(row["batch"], row["order_id"]) for row in rows})


def tax_fen(rows: Iterable[Row]) -> int:
    return sum(row["tax_total_fen"] or 0 for row in rows)


def context_of(firm: Firm, query: str = "", role: str = "trader") -> Any:
    answer = firm.client(role).get(f"/{query}")
    assert answer.status_code == 200
    return answer.context


# Figures and links


def test_each_figure_of_the_day_is_that_of_its_lines(firm: Firm, batch: Batch) -> None:
    page = context_of(firm)
    day, links = page["day"], page["links"]
    counted, released = behind(firm, links["parcels"]), behind(firm, links["released"])
    assert (len(counted), parcels(counted)) == (day.lines, day.parcels)
    assert (parcels(released), parcels(behind(firm, links["not_released"]))) == (day.released, day.parcels - day.released)
    assert tax_fen(behind(firm, links["tax"])) == day.tax_fen > 0
    assert len(behind(firm, links["tax_unknown"])) == day.tax_unknown_lines > 0
    everything = pl.read_parquet(batch.folder / "lines.parquet").filter(declared_on=day.day).height
    assert day.lines < everything, "the sample day has lines that no figure counts"


def test_what_a_person_decides_later_stays_out_of_the_figures_and_their_links(firm: Firm, batch: Batch) -> None:
    day = context_of(firm)["day"]
    of_day = pl.read_parquet(batch.folder / "lines.parquet").filter(pl.col("declared_on") == day.day)
    green = of_day.filter(verdict="release").get_column("order_id")[0]
    held = of_day.filter(release_rule="release.random-sample").get_column("order_id")[0]
    for order, verdict in ((green, "hold"), (held, "release")):
        lines = lines_of_order(firm.acting("inspector"), batch, order)
        settle(firm.acting("inspector"), batch, order, lines, verdict, "papers seen, quantity agrees")
    assert set(LineState.objects.values_list("verdict", flat=True)) == {"hold", "release"}
    page = context_of(firm)
    assert parcels(behind(firm, page["links"]["released"])) == page["day"].released == day.released


def test_plots_and_tables_link_each_figure_to_its_lines(firm: Firm, batch: Batch) -> None:
    page = context_of(firm)
    for at, day in enumerate(days(firm.acting("trader"), page["day"].day, page["day"].day)):
        place = len(page["trend"]["labels"]) - 1 + at
        found = [(one["values"][place], parcels(behind(firm, one["hrefs"][place]))) for one in page["trend"]["series"]]
        assert found == [(day.released, day.released), (day.parcels - day.released,) * 2]
    for plot in (page["ratio"], page["taxes"]):
        assert all(len(one["hrefs"]) == len(one["values"]) for one in plot["series"])
    row, taxes = page["tables"]["trend"][-1], page["tables"]["tax"][-1]
    assert [cell.text for cell in row[1:3]] == [f"{parcels(behind(firm, cell.href)):,}" for cell in row[1:3]]
    assert parcels(behind(firm, row[3].href)) == page["day"].released
    assert taxes[1].text == f"≥ {Decimal(tax_fen(behind(firm, taxes[1].href))) / 100:,.2f}"
    assert taxes[2].text == str(len(behind(firm, taxes[2].href)))


def test_each_flow_is_that_of_its_lines(firm: Firm, batch: Batch) -> None:
    DayFigure.objects.filter(direction="export", country="US").update(country="")  # as where the partner is not known
    flows = context_of(firm)["flows"]
    assert len(flows["rows"]) > 3
    for _, direction, figure in (row for row in flows["rows"] if row[0] != "unknown"):
        rows = behind(firm, figure.href)
        assert (f"{parcels(rows):,}", {row["direction"] for row in rows}) == (figure.text, {direction})
    assert [parse_qs(urlsplit(row[2].href).query)["country"] for row in flows["rows"] if row[0] == "unknown"] == [["unknown"]]


def test_cells_of_the_tables_are_links_on_the_page(firm: Firm, batch: Batch) -> None:
    body = firm.client("trader").get("/").content.decode()
    page = context_of(firm)
    hrefs = {unescape(one) for one in re.findall(r'<td class="num"><a href="([^"]+)"', body)}
    assert {cell.href for row in page["tables"]["tax"] + page["flows"]["rows"] for cell in row if hasattr(cell, "href")} <= hrefs


# Orders that wait for their refused row


def test_an_order_that_is_mended_is_counted_once_and_is_no_exception_meanwhile(firm: Firm) -> None:
    (plain,) = retail("R-1", "b")
    other, day = plain | {"line_no": "2", "currency": "bucks"}, date.fromisoformat(plain["declared_on"])
    old = cleared(firm, csv_of([plain, other, *retail("R-2", "c")]))
    acting = firm.acting("trader")
    assert [one.parcels for one in days(acting, day, day)] == [1]
    assert not Case.objects.filter(batch=old, order_id="R-1").exists()
    browser, place = firm.client("trader"), reverse("batch_problems", args=[old.id])
    row = browser.get(place).context["rows"][0]
    browser.post(f"{place}{row.row_id}/", {"cell:currency": plain["currency"]})
    fresh = done(sent_to(browser.post(reverse("batch_feed_back", args=[old.id]))).split("/")[-2])
    assert fresh.summary["rows_decided"] == 2
    assert [(one.parcels, one.lines) for one in days(acting, day, day)] == [(2, 3)]
    page = context_of(firm)
    counted = behind(firm, page["links"]["parcels"])
    assert (parcels(counted), len(counted), tax_fen(counted)) == (2, 3, page["day"].tax_fen)


def test_what_an_order_keeps_of_a_limit_is_kept_until_it_is_mended(firm: Firm) -> None:
    acting, key = firm.acting("trader"), buyer_key_of("b")
    reserve(acting, key, YEAR, "R-1", 300_000, day=DAY)
    (plain,) = retail("R-1", "b")
    old = cleared(firm, csv_of([plain, plain | {"line_no": "2", "currency": "bucks"}]))
    assert (BuyerYear.objects.get().reserved_fen, BuyerYear.objects.get().spent_fen) == (300_000, 0)
    browser, place = firm.client("trader"), reverse("batch_problems", args=[old.id])
    row = browser.get(place).context["rows"][0]
    browser.post(f"{place}{row.row_id}/", {"cell:currency": plain["currency"]})
    done(sent_to(browser.post(reverse("batch_feed_back", args=[old.id]))).split("/")[-2])
    assert BuyerYear.objects.get().reserved_fen == 0
    assert Reservation.objects.get().ended_at is not None


# Exceptions


def test_exceptions_waiting_are_those_of_the_queue_the_figure_links_to(firm: Firm, batch: Batch) -> None:
    assert Case.objects.filter(kind="sample").exists()
    page = context_of(firm, role="inspector")
    queue = firm.client("inspector").get(page["waiting_href"]).context
    assert {case.kind for case, *_ in queue["rows"]} == {"exception"}
    assert page["waiting_total"] == sum(page["waiting"].values()) == Case.objects.filter(kind="exception").count()
    assert page["waiting_total"] == parcels(behind(firm, context_of(firm)["waiting_href"])), "who sees no queue sees the lines"


# Unknown taxes, and days


def test_a_tax_of_which_nothing_is_known_is_not_nought(firm: Firm, batch: Batch) -> None:
    last = last_day(firm.acting("trader"))
    DayFigure.objects.update(tax_fen=0, tax_unknown_lines=3)
    answer = firm.client("trader").get("/")
    assert answer.context["tax_text"] == answer.context["tables"]["tax"][-1][1].text == "?"
    assert set(answer.context["taxes"]["series"][0]["values"]) == {None}
    assert json.dumps(str(last)) in answer.content.decode()


@pytest.mark.parametrize("day", ["0001-01-05", "1989-12-31", "2050-01-01", "9999-12-31", "x"])
def test_a_day_out_of_range_is_the_last_one_with_parcels(firm: Firm, batch: Batch, day: str) -> None:
    assert context_of(firm, f"?day={day}")["day"].day == last_day(firm.acting("trader"))


def test_figures_are_of_the_lines_that_the_batch_counts(batch: Batch) -> None:
    lines = pl.read_parquet(batch.folder / "lines.parquet").filter(pl.col("verdict") != "invalid", line_kind="sale")
    whole = lines.filter(~pl.col("reasons").list.contains("release.order-incomplete"))
    figures = day_figures(batch.folder / "lines.parquet")
    assert figures["lines"].sum() == whole.height < lines.height
    assert figures["parcels"].sum() == whole["order_id"].n_unique()
