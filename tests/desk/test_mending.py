"""Refused rows: mended on the page or elsewhere, fed back as whole orders."""

import io
from datetime import date

import polars as pl
import pytest
from django.db import connection
from django.urls import reverse

from entrepot.desk.batches.mend import row_of, rows_page, save_row
from entrepot.desk.batches.models import Batch, Mend
from entrepot.desk.consignments.persons import erase_person
from tests.desk.batches import Api, body_of, cleared, csv_of, done, retail, sent_to
from tests.desk.conftest import Firm

pytestmark = pytest.mark.django_db

# Mending


def test_one_mistake_of_many_rows_is_mended_once(firm: Firm) -> None:
    (plain,) = retail("x", "b")
    rows = [plain | {"order_id": f"M-{number}", "waybill_no": f"W-{number}", "currency": "bucks"} for number in range(30)]
    batch = cleared(firm, csv_of(rows))
    assert batch.summary["rows_refused"] == 30
    browser, place = firm.client("trader"), reverse("batch_problems", args=[batch.id])
    first = browser.get(place).context["rows"][0]
    assert first.same == {"currency": 29}
    assert first.bad[0].key == "currency"
    browser.post(f"{place}{first.row_id}/", {"same": "currency", "key-currency": "currency", "cell:currency": "USD"})
    assert Mend.objects.count() == 30
    fresh = done(sent_to(browser.post(reverse("batch_feed_back", args=[batch.id]))).split("/")[-2])
    assert (fresh.summary["rows_in"], fresh.summary["rows_refused"]) == (30, 0)
    assert browser.get(place).context["rows"][0].fed_to == fresh
    browser.post(f"{place}{first.row_id}/", {"cell:currency": "EUR"})
    assert "EUR" not in Mend.objects.get(row_id=first.row_id).values, "a row that was fed back stays as it was fed"


def test_a_value_for_all_rows_can_be_mended_in_one(firm: Firm) -> None:
    """What was said once for the file is wrong: the row gets a column for it."""
    rows = [{name: value for name, value in row.items() if name != "declared_on"} for row in retail("N-1", "b")]
    batch = cleared(firm, csv_of(rows), declared_on="2026-13-01")
    api = Api(firm)
    (row,) = api.get(f"/batches/{batch.id}/problems")["items"]
    mended = api.send("PUT", f"/batches/{batch.id}/problems/{row['row_id']}", {"values": {"field:declared_on": "2026-03-10"}}).json()
    assert mended["left"] == []
    fresh = done(api.send("POST", f"/batches/{batch.id}/feed-back").json()["id"])
    assert pl.read_parquet(fresh.folder / "lines.parquet")["declared_on"].to_list() == [date(2026, 3, 10)]


def test_what_was_changed_in_a_row_goes_with_its_person(firm: Firm) -> None:
    batch = cleared(firm, csv_of([retail("E-1", "b")[0] | {"quantity": "0"}, *retail("E-2", "b")]))
    (row,), _ = rows_page(batch)
    save_row(firm.acting("trader"), batch, row.row_id, {"buyer_id": "110101199003071234"})
    assert "110101199003071234" in Mend.objects.get().values
    assert erase_person(firm.acting("administrator"), batch, "E-2", "asked by the buyer") == 1
    assert Mend.objects.get().values == ""
    assert row_of(batch, row.row_id).erased


def test_an_order_is_fed_back_whole_and_personal_values_lie_sealed(firm: Firm) -> None:
    good, bad = retail("P-1", "b")[0], retail("P-1", "b")[0] | {"line_no": "2", "quantity": "0", "buyer_name": "=Specimen"}
    batch = cleared(firm, csv_of([good, bad]))
    assert batch.summary["rows_refused"] == 1
    api = Api(firm)
    (row,) = api.get(f"/batches/{batch.id}/problems")["items"]
    assert row["values"]["buyer_name"] is None
    api.send("PUT", f"/batches/{batch.id}/problems/{row['row_id']}", {"values": {"quantity": "1", "buyer_name": "New Specimen"}})
    with connection.cursor() as cursor:
        cursor.execute('SELECT "values" FROM batches_mend')
        assert "Specimen" not in cursor.fetchone()[0]
    fresh = done(api.send("POST", f"/batches/{batch.id}/feed-back").json()["id"])
    assert sorted(pl.read_parquet(fresh.folder / "lines.parquet")["line_no"].to_list()) == [1, 2]
    assert fresh.summary["rows_refused"] == 0
    assert set(Mend.objects.values_list("values", flat=True)) == {""}, "what was changed lies in the fresh batch now, and there alone"


def test_a_failed_feed_back_can_be_done_again(firm: Firm) -> None:
    batch = cleared(firm, csv_of([retail("F-1", "b")[0] | {"quantity": "0"}]))
    api = Api(firm)
    (row,) = api.get(f"/batches/{batch.id}/problems")["items"]
    first = api.send("POST", f"/batches/{batch.id}/feed-back", {"row_ids": [row["row_id"]]}).json()
    Batch.objects.filter(id=first["id"]).update(state=Batch.State.FAILED)
    assert api.send("POST", f"/batches/{batch.id}/feed-back", {"row_ids": [row["row_id"]]}).status_code == 202


def test_covered_rows_can_be_mended_elsewhere_and_declare_no_covered_person(firm: Firm) -> None:
    own = {"quantity": "0", "buyer_name": "Casey Specimen", "buyer_telephone": "13800000009", "Remark": "13800000008", "Shelf": "=A1"}
    batch = cleared(firm, csv_of([retail("D-2", "buyer-of-d2")[0] | own]))
    given = body_of(firm.client("trader").get(reverse("batch_file", args=[batch.id, "refused.csv"])))
    assert not [value for value in ("Casey", "13800000009", "13800000008", "buyer-of-d2") if value in given.decode()]
    covered = pl.read_csv(io.BytesIO(given), infer_schema=False)
    assert (covered["_buyer_name"][0], covered["Shelf"][0]) == ("C•••n", "'=A1")
    again = cleared(firm, covered.with_columns(quantity=pl.lit("1")).write_csv().encode(), "again.csv")
    assert pl.read_parquet(again.folder / "lines.parquet")["buyer_key"].to_list() == [None]


def test_the_text_of_a_row_that_cannot_be_read_is_not_shown(firm: Firm) -> None:
    """Where a value stands in it nobody can tell, so nobody can cover it."""
    batch = cleared(firm, csv_of(retail("D-1", "b")) + b"D-2,Casey Specimen,13800000009\n")
    page = firm.client("trader").get(reverse("batch_problems", args=[batch.id]))
    assert [row.unreadable for row in page.context["rows"]] == [True]
    assert "3 fields" in page.content.decode()
    place = reverse("batch_file", args=[batch.id, "refused.csv"])
    for shown in (page.content, body_of(firm.client("trader").get(place))):
        assert b"Casey" not in shown
        assert b"13800000009" not in shown
