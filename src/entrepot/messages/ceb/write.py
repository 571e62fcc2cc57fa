"""Documents to messages: the text of every document, and envelopes of at most 100 documents.

No tree is built: each slice of documents is one column expression over constant and varying pieces.
Child order of the root as in the XSD: documents, BaseTransfer, Signature.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape as escape_text

import polars as pl

from entrepot.goods.errors import CallError
from entrepot.messages.ceb.documents import Documents, message_guid
from entrepot.messages.ceb.elements import NAMESPACE, MessageKind, Part, elements, message_kind
from entrepot.messages.ceb.sender import Sender
from entrepot.messages.ceb.sign import Signer
from entrepot.messages.ceb.text import Assembly, Piece, contiguous, element_pieces, escaped_text, merged

__all__ = [
    "DOCUMENTS_AT_MOST", "TRANSFER", "Message", "base_transfer", "document_texts", "envelope", "messages",
    "sender_transfer", "text_elements",
]  # fmt: skip

DOCUMENTS_AT_MOST = 100
"""Documents in one message (R12)."""
ROWS_AT_ONCE = 1_000
"""Documents put together at once: small enough for the processor's cache, large enough to be worth a call."""
TRANSFER = ("copCode", "copName", "dxpMode", "dxpId", "note")
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True, slots=True)
class Message:
    """One message: documents `first` to `first + count - 1` of those written, under `guid`."""

    guid: str
    first: int
    count: int
    content: bytes


def _pieces(documents: Documents, part: Part) -> list[Piece]:
    """The inside of every head or item in schema order. Raises CallError when a required element is nowhere."""
    frame = documents.heads if part == "head" else documents.items
    fixed = documents.fixed_head if part == "head" else documents.fixed_item
    pieces: list[Piece] = []
    for element in elements(documents.kind, part):
        if element.name in fixed:
            pieces.append(f"<ceb:{element.name}>{escaped_text(fixed[element.name])}</ceb:{element.name}>")
        elif element.name in frame.columns:
            pieces += element_pieces(element, frame.get_column(element.name))
        elif element.required:
            raise CallError(f"CEB {documents.kind} lacks required element {element.name}: use with_guids(build(…))")
    return pieces


def _head_pieces(documents: Documents) -> list[Piece]:
    kind = message_kind(documents.kind)
    return merged([f"<ceb:{kind.document}><ceb:{kind.head}>", *_pieces(documents, "head"), f"</ceb:{kind.head}>"])


def _item_pieces(documents: Documents) -> list[Piece]:
    kind = message_kind(documents.kind)
    close = f"</ceb:{kind.item}>"
    last: Piece = close + f"</ceb:{kind.document}>"
    if documents.items.height != documents.heads.height:
        ends = documents.ends
        is_last = pl.repeat(0, documents.items.height, dtype=pl.UInt8, eager=True).scatter(ends - 1, 1)
        last = pl.Series([close, close + f"</ceb:{kind.document}>"]).gather(is_last)
    return merged([f"<ceb:{kind.item}>", *_pieces(documents, "item"), last])


class _Order:
    """How heads and items alternate: each head is followed by its items. Only views move, no text is copied."""

    def __init__(self, counts: pl.Series, items: int) -> None:
        self._size = counts.len()
        self._places = counts.cum_sum() - counts + pl.int_range(self._size, eager=True)
        is_head = pl.repeat(0, self._size + items, dtype=pl.Int64, eager=True).scatter(self._places, 1)
        seen = is_head.cum_sum()
        self._is_item = 1 - is_head
        # the n-th head for a head; for an item, its number counted after all heads
        position = pl.int_range(self._size, 2 * self._size + items, eager=True)
        self._from = seen - 1 + self._is_item * (position - 2 * seen + 1)

    def block(self, heads: pl.Series, items: pl.Series, first: int, row: int) -> tuple[pl.Series, pl.Series]:
        """The texts of documents from `first` on, whose items start at `row`, and the places of the heads."""
        size, length = heads.len(), heads.len() + items.len()
        is_item = self._is_item.slice(first + row, length)
        wanted = self._from.slice(first + row, length) - first - is_item * (self._size - size + row - first)
        return heads.append(items).gather(wanted), self._places.slice(first, size) - (first + row)


def _blocks(documents: Documents, every: int) -> Iterator[tuple[int, memoryview, list[int]]]:
    """Documents as text, block after block: first document, the text, the place of every n-th document and the end."""
    heads, items = _head_pieces(documents), _item_pieces(documents)
    size, counts = documents.heads.height, documents.heads.get_column("item_count")
    single = size == documents.items.height
    of_head, of_item = Assembly(merged([*heads, *items]) if single else heads), Assembly(items)
    order = _Order(counts, documents.items.height)
    row = 0
    for first in range(0, size, ROWS_AT_ONCE):
        count = min(ROWS_AT_ONCE, size - first)
        texts, places = of_head.texts(first, count), pl.Series(range(count))
        if not single:
            rows = int(counts.slice(first, count).sum())
            texts, places = order.block(texts, of_item.texts(row, rows), first, row)
            row += rows
        data, starts = contiguous(texts)
        yield first, data, [*(starts[place] for place in places.gather_every(every).to_list()), len(data)]


def document_texts(documents: Documents) -> pl.Series:
    """The XML of each document on its own, in order; for looking and testing, messages are made from blocks."""
    texts = [str(data[start:end], "utf-8") for _, data, places in _blocks(documents, 1)
             for start, end in pairwise(places)]
    return pl.Series("document", texts, dtype=pl.String)


def text_elements(names: Sequence[str], parts: Mapping[str, str]) -> str:
    """The elements of a small part of the envelope, in the order of `names`."""
    return "".join(f"<ceb:{name}>{escaped_text(parts[name])}</ceb:{name}>" for name in names if name in parts)


def base_transfer(parts: Mapping[str, str]) -> str:
    """The BaseTransfer element: copCode, copName, dxpMode, dxpId and, if given, note."""
    return f"<ceb:BaseTransfer>{text_elements(TRANSFER, parts)}</ceb:BaseTransfer>"


def sender_transfer(sender: Sender) -> str:
    """The BaseTransfer element of a sender."""
    parts = {"copCode": sender.cop.code, "copName": sender.cop.name, "dxpMode": "DXP", "dxpId": sender.dxp_id}
    return base_transfer(parts | ({"note": sender.note} if sender.note else {}))


def envelope(
    kind: MessageKind, guid: str, inside: bytes | memoryview, after: bytes, signer: Signer, version: str = "1.0"
) -> bytes:
    """A whole message around the text of its documents; `after` is what follows them, BaseTransfer first."""
    attributes = f'xmlns:ceb="{NAMESPACE}" guid="{_attribute(guid)}" version="{_attribute(version)}"'
    start = f"<ceb:{kind.root} {attributes}>".encode()
    end = f"</ceb:{kind.root}>".encode()
    if not signer.signs:
        return b"".join([DECLARATION, start, inside, after, end])
    body = b"".join([start, inside, after])
    return b"".join([DECLARATION, body, signer.signature(body + end), end])


def _attribute(text: str) -> str:
    return escape_text(text, {'"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"})


def messages(documents: Documents, sender: Sender, signer: Signer) -> Iterator[Message]:
    """The documents in messages of at most 100, in order. Raises CallError for a 621 without a signer."""
    kind = message_kind(documents.kind)
    if kind.signed and not signer.signs:
        raise CallError(f"CEB {kind.kind} must be signed: give an RsaSigner or a device signer, not NoSigner")
    after = sender_transfer(sender).encode()
    guids = documents.heads.get_column("guid").to_list()
    for block, data, places in _blocks(documents, DOCUMENTS_AT_MOST):
        for part, (start, end) in enumerate(pairwise(places)):
            first = block + part * DOCUMENTS_AT_MOST
            count = min(DOCUMENTS_AT_MOST, len(guids) - first)
            guid = message_guid(guids[first : first + count])
            yield Message(guid, first, count, envelope(kind, guid, data[start:end], after, signer))
