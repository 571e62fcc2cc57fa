"""The yearly limit of buyers: kept between batches, reserved for orders to come."""

import threading
import time
from pathlib import Path

import polars as pl
import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from entrepot.desk.batches.models import Batch, BuyerYear, Reservation
from entrepot.desk.batches.reservations import (
    OverLimit,
    buyer_key_of,
    end_expired,
    release_reservation,
    reserve,
    yearly_limit_fen,
)
from entrepot.desk.told import Told
from tests.desk.batches import DAY, YEAR, Api, cleared, csv_of, retail
from tests.desk.conftest import Firm

pytestmark = pytest.mark.django_db

def test_the_limit_is_inclusive_and_never_passed(firm: Firm) -> None:
    acting, key, limit = firm.acting("trader"), buyer_key_of("b"), yearly_limit_fen(DAY)
    assert limit == 2_600_000
    kept = reserve(acting, key, YEAR, "O-1", limit, day=DAY)
    assert reserve(acting, key, YEAR, "O-1", limit, day=DAY) == kept, "asking twice changes nothing"
    with pytest.raises(OverLimit) as refused:
        reserve(acting, key, YEAR, "O-2", 1, day=DAY)
    assert refused.value.left_fen == 0
    with pytest.raises(Told, match="another open reservation"):
        reserve(acting, key, YEAR, "O-1", 1, day=DAY)
    assert release_reservation(acting, kept)
    assert not release_reservation(acting, kept)
    assert reserve(acting, key, YEAR, "O-2", 1, day=DAY)
    assert BuyerYear.objects.get().reserved_fen == 1


def test_a_reservation_ends_by_itself(firm: Firm) -> None:
    acting, key = firm.acting("trader"), buyer_key_of("b")
    reserve(acting, key, YEAR, "O-1", 2_600_000, day=DAY)
    Reservation.objects.update(expires_at=timezone.now())
    assert reserve(acting, key, YEAR, "O-2", 2_600_000, day=DAY)
    assert end_expired() == 0
    assert BuyerYear.objects.get().reserved_fen == 2_600_000


def test_reservations_through_the_api(firm: Firm, stranger: Firm) -> None:
    api = Api(firm)
    asked = {"buyer_id": "b", "order_id": "O-1", "amount_cny": "26000.00", "day": str(DAY)}
    made = api.send("POST", "/reservations", asked)
    assert made.status_code == 201
    assert api.send("POST", "/reservations", asked | {"order_id": "O-2", "amount_cny": "0.01"}).json()["code"] == "over-limit"
    balance = api.send("POST", "/reservations/balance", {"buyer_id": "b", "year": YEAR}).json()
    assert (balance["reserved_cny"], balance["left_cny"]) == ("26000.00", "0.00")
    assert Api(stranger).send("DELETE", f"/reservations/{made.json()['id']}").status_code == 404
    assert api.send("DELETE", f"/reservations/{made.json()['id']}").json()["ended_at"]
    assert api.get("/reservations", order_id="O-1")["items"][0]["order_id"] == "O-1"
    assert api.send("POST", "/reservations", asked | {"buyer_key": "0" * 32}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_stay_within_the_limit(firm: Firm) -> None:
    acting, key, kept = firm.acting("trader"), buyer_key_of("b"), list[str]()

    def ask(number: int) -> None:
        order = f"O-{number % 40}"  # ten orders are asked for twice
        while True:
            try:
                reserve(acting, key, YEAR, order, 100_000, day=DAY)
                kept.append(order)
            except OverLimit:
                pass
            except OperationalError:  # SQLite in memory does not wait for another writer
                time.sleep(0.02)
                continue
            finally:
                connection.close()
            return

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row, held = BuyerYear.objects.get(), Reservation.objects.filter(ended_at=None)
    assert row.reserved_fen == sum(one.amount_fen for one in held) == yearly_limit_fen(DAY)
    assert {one.order_id for one in held} == set(kept)


def limits_of(batch: Batch) -> list[str]:
    lines = pl.read_parquet(batch.folder / "lines.parquet").sort("row_id")
    return [rule.removeprefix("cn.cbec.") for rule in lines["limit_rule"].to_list()]


def test_each_batch_opens_with_what_earlier_ones_used(firm: Firm) -> None:
    within, over = "within-order-and-yearly-limit", "over-yearly-limit"
    nine = [row for number in range(5) for row in retail(f"A-{number}", "b", "5000.00")]
    assert limits_of(cleared(firm, csv_of(nine))) == [within] * 5
    assert BuyerYear.objects.get().spent_fen == 2_500_000
    assert limits_of(cleared(firm, csv_of(retail("B-1", "b", "1000.01")))) == [over]
    assert limits_of(cleared(firm, csv_of(retail("B-2", "b", "1000.00")))) == [within]
    assert BuyerYear.objects.get().spent_fen == 2_600_000


def test_a_reservation_is_kept_for_its_own_order(firm: Firm) -> None:
    within, over = "within-order-and-yearly-limit", "over-yearly-limit"
    reserve(firm.acting("trader"), buyer_key_of("b"), YEAR, "R-1", 2_400_000, day=DAY)
    assert limits_of(cleared(firm, csv_of(retail("other", "b", "3000.00")))) == [over]
    assert limits_of(cleared(firm, csv_of(retail("R-1", "b", "3000.00")))) == [within]
    row = BuyerYear.objects.get()
    assert (row.spent_fen, row.reserved_fen) == (300_000, 0), "the reservation of a decided order ends"


def test_a_buyer_key_of_a_reservation_is_that_of_lines(firm: Firm, tmp_path: Path) -> None:
    batch = cleared(firm, csv_of(retail("K-1", "b")))
    assert pl.read_parquet(batch.folder / "lines.parquet")["buyer_key"].to_list() == [buyer_key_of(" B ")]
