"""Personal data of a parcel: shown covered, revealed with a reason, erased for good."""

from typing import Any

from django.conf import settings
from django.db import transaction

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.mend import forget_changes
from entrepot.desk.batches.models import Batch
from entrepot.desk.consignments.listing import shelf_of
from entrepot.desk.consignments.models import LineEvent
from entrepot.desk.consignments.settle import note, with_reason
from entrepot.desk.people.acting import Acting
from entrepot.desk.told import Told
from entrepot.run.persons import erase, is_sealed, masked, orders_of_person, reveal
from entrepot.run.shelf import Filters

__all__ = ["Person", "covered_persons", "erase_person", "reveal_persons"]

Person = dict[str, Any]
"""A person of an order as `run.persons.reveal` gives it."""
EVENTS_PER_WRITE = 2000


def covered_persons(batch: Batch, order_id: str) -> list[Person]:
    """The persons of a parcel with their data covered."""
    return [masked(person) for person in reveal(batch.folder, settings.HOME, order_id)]


def reveal_persons(acting: Acting, batch: Batch, order_id: str, reason: str) -> list[Person]:
    """The persons of a parcel in the clear. That it was done, by whom and why, is kept before anything is shown."""
    why = with_reason(reason)
    with transaction.atomic():
        persons = reveal(batch.folder, settings.HOME, order_id)
        note(acting, batch, order_id, "revealed", {"reason": why})
        record(acting, "person.revealed", "parcel", f"{batch.id}/{order_id}", reason=why)
    return persons


def erase_person(acting: Acting, batch: Batch, order_id: str, reason: str) -> int:
    """Erase the persons of a parcel from every batch of the organisation; returns in how many batches there was somebody.

    The order to erase is kept first and may be given again; keys that are destroyed never come back. What was changed in
    the person's refused rows goes with them.
    """
    why = with_reason(reason)
    if not is_sealed(batch.folder):
        raise Told("consignments.not-sealed")
    buyers = {person["buyer_key"] for person in reveal(batch.folder, settings.HOME, order_id)} - {None}
    erased = 0
    for place in _batches_of(acting, batch, buyers):
        with transaction.atomic():
            orders = {order for buyer in buyers for order in orders_of_person(place.folder, buyer)}
            orders |= {order_id} if place.id == batch.id else set()
            _note_all(acting, place, orders, why)
            record(acting, "person.erased", "batch", place.id, reason=why, orders=len(orders))
            erased += bool(_erase_in(place, batch, buyers, order_id))  # last: everything that could fail has not
            forget_changes(place)
    return erased


def _batches_of(acting: Acting, batch: Batch, buyers: set[str]) -> list[Batch]:
    """The batch itself and every other one with a line of one of these buyers."""
    shelf = shelf_of(acting)
    ids = {found for buyer in buyers for found, _ in shelf.chosen(Filters(buyer_key=buyer), at_most=1_000_000)}
    others = Batch.objects.of(acting).filter(id__in=ids - {str(batch.id)}, state=Batch.State.DONE)
    return [batch, *(one for one in others if is_sealed(one.folder))]


def _erase_in(place: Batch, batch: Batch, buyers: set[str], order_id: str) -> int:
    count = sum(erase(place.folder, buyer_key=buyer) for buyer in sorted(buyers))
    return count + (erase(place.folder, order_id=order_id) if place.id == batch.id else 0)


def _note_all(acting: Acting, batch: Batch, orders: set[str], reason: str) -> None:
    events = (
        LineEvent(organisation=acting.organisation, batch=batch, order_id=order, kind="erased", actor=acting.actor,
                  detail={"reason": reason})
        for order in sorted(orders)
    )  # fmt: skip
    LineEvent.objects.bulk_create(events, batch_size=EVENTS_PER_WRITE)
