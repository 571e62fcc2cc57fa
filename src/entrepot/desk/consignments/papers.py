"""Messages of a parcel: which were written, and how one reads with the personal values covered."""

from typing import Any

import polars as pl
from django.conf import settings
from django.http import Http404
from lxml import etree

from entrepot.desk.batches.models import Batch
from entrepot.messages.ceb.elements import NAMESPACE, elements, message_kind
from entrepot.run.persons import masked, message_of

__all__ = ["FIELDS", "full_message", "masked_document", "messages_of_order"]

FIELDS = {
    "buyerIdNumber": "buyer_id", "buyerName": "buyer_name", "buyerTelephone": "buyer_telephone",
    "consigneeAddress": "consignee_address",
}  # fmt: skip
"""Element of a message to the personal field it holds."""
COVER = "**"
ERASED = "[erased]"


def messages_of_order(batch: Batch, order_id: str) -> list[dict[str, Any]]:
    """The messages that declare a parcel: kind, guid, number of its document in the message."""
    path = batch.folder / "messages" / "index.parquet"
    if not path.is_file():
        return []
    found = pl.scan_parquet(path).filter(pl.col("order_id") == order_id).collect()
    return found.sort("kind").select("kind", "guid", "document_no").to_dicts()


def _known(batch: Batch, order_id: str, kind: str) -> dict[str, Any]:
    place = next((one for one in messages_of_order(batch, order_id) if one["kind"] == kind), None)
    if place is None:
        raise Http404("no such message")
    return place


def full_message(batch: Batch, order_id: str, kind: str) -> bytes:
    """A message as it was made and signed, with all its documents and their personal data; Http404 for no such one."""
    _known(batch, order_id, kind)
    return message_of(batch.folder, settings.HOME, order_id, kind)


def masked_document(batch: Batch, order_id: str, kind: str) -> str:
    """The parcel's own document out of its message, indented, personal values covered; Http404 for no such message."""
    place = _known(batch, order_id, kind)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_blank_text=True)
    root = etree.fromstring(message_of(batch.folder, settings.HOME, order_id, kind), parser)
    documents = root.findall(f"{{{NAMESPACE}}}{message_kind(kind).document}")
    own = documents[place["document_no"] - 1]
    _cover(own, kind)
    return etree.tostring(own, pretty_print=True, encoding="unicode")


def _cover(document: etree._Element, kind: str) -> None:
    for element in elements(kind, "head"):
        found = document.find(f".//{{{NAMESPACE}}}{element.name}") if element.personal else None
        if found is not None and found.text and found.text != ERASED:
            name = FIELDS.get(element.name)
            found.text = str(masked({name: found.text})[name]) if name else COVER
