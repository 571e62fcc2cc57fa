"""CEB messages back to columns: safe and streaming, by namespace and never by prefix, and written back without loss.

What the bytes say is kept as text, element by element: a missing element is null, an empty one ''. A message that
breaks the structure of the schema is still read, and every break is named in `problems`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import BytesIO

import polars as pl
from lxml import etree

from entrepot.goods.errors import CallError, InputError
from entrepot.messages.ceb.documents import Documents
from entrepot.messages.ceb.elements import KINDS, NAMESPACE, Element, MessageKind, Part, elements
from entrepot.messages.ceb.sign import DSIG, NoSigner
from entrepot.messages.ceb.write import (
    DOCUMENTS_AT_MOST,
    TRANSFER,
    base_transfer,
    document_texts,
    envelope,
    text_elements,
)

__all__ = ["LARGEST", "ReadMessage", "compose", "read", "with_numbers"]

LARGEST = 64 << 20
"""Largest message read, in bytes; 100 documents of 100 items stay far below."""
CEB, DS = f"{{{NAMESPACE}}}", f"{{{DSIG}}}"
SUBSCRIBE = ("status", "dxpMode", "dxpAddress", "note")
SUBSCRIBES_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """One message as read. `documents` hold every element as text; `extend` and `signature` are XML, or None.

    `problems` says in words what breaks the schema's structure; `compose` refuses such a message.
    """

    guid: str
    version: str
    documents: Documents
    transfer: Mapping[str, str]
    subscribes: tuple[Mapping[str, str], ...] = ()
    extend: bytes | None = None
    signature: bytes | None = None
    problems: tuple[str, ...] = ()


def read(content: bytes, largest: int = LARGEST) -> ReadMessage:
    """Read a 303, 603 or 621 message. No entity is resolved, nothing is fetched, no DTD is accepted.

    Raises InputError when the bytes are too large, not XML, carry a DOCTYPE, or are no message of these kinds.
    """
    if len(content) > largest:
        raise InputError(f"message of {len(content):,} bytes is larger than the {largest:,} allowed")
    try:
        return _Reader().run(content.removeprefix(b"\xef\xbb\xbf"))
    except etree.XMLSyntaxError as reason:
        raise InputError(f"not well-formed XML: {reason}") from None


class _Reader:
    """Walks the message once; each document is turned into values and dropped."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.heads: list[dict[str, str]] = []
        self.items: list[dict[str, str]] = []
        self.counts: list[int] = []
        self.parts: dict[str, list[etree._Element]] = {}
        self.rank = 0

    def run(self, content: bytes) -> ReadMessage:
        """Walk through the message and return what it holds."""
        walk = etree.iterparse(
            BytesIO(content), events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False,
            huge_tree=False, remove_comments=True, remove_pis=True,
        )  # fmt: skip
        kind: MessageKind | None = None
        root: etree._Element | None = None
        for event, node in walk:
            if event == "start" and root is None:
                root, kind = node, _kind_of(node)
            elif event == "end" and root is not None and kind is not None and node.getparent() is root:
                self._child(kind, node)
                self._forget(node)
        if root is None or kind is None:
            raise InputError("not a CEB message: it has no root element")
        return self._message(kind, root)

    def _forget(self, node: etree._Element) -> None:
        if not any(node is kept for kept in self.parts.get(etree.QName(node).localname, ())):
            node.clear()

    def _child(self, kind: MessageKind, node: etree._Element) -> None:
        order = _root_order(kind)
        name = etree.QName(node).localname
        if node.tag not in order:
            self._problem(node, f"element {name} does not belong in {kind.root}")
            return
        place = list(order).index(str(node.tag))
        if place < self.rank:
            names = ", ".join(etree.QName(tag).localname for tag in order)
            self._problem(node, f"element {name} comes too late, the order is {names}")
        self.rank = max(self.rank, place)
        if place == 0:
            self._document(kind, node)
            return
        kept = self.parts.setdefault(name, [])
        if len(kept) == order[str(node.tag)]:
            self._problem(node, f"element {name} is repeated, at most {order[str(node.tag)]} allowed")
            return
        kept.append(node)

    def _problem(self, node: etree._Element, what: str) -> None:
        self.problems.append(f"line {node.sourceline}: {what}")

    def _document(self, kind: MessageKind, node: etree._Element) -> None:
        heads, items = node.findall(f"{CEB}{kind.head}"), node.findall(f"{CEB}{kind.item}")
        if [child.tag for child in node] != [f"{CEB}{kind.head}", *[f"{CEB}{kind.item}"] * len(items)] or not items:
            self._problem(node, f"{kind.document} must hold one {kind.head}, then {kind.item}, and nothing else")
        if len(items) > kind.items_at_most:
            self._problem(node, f"{kind.document} holds {len(items)} items, at most {kind.items_at_most} are allowed")
        self.heads.append(self._values(kind, "head", heads[0]) if heads else {})
        self.items += [self._values(kind, "item", item) for item in items]
        self.counts.append(len(items))

    def _values(self, kind: MessageKind, part: Part, node: etree._Element) -> dict[str, str]:
        known = {element.name: place for place, element in enumerate(elements(kind.kind, part))}
        values = self._texts(node, known)
        for element in elements(kind.kind, part):
            if element.required and element.name not in values:
                self._problem(node, f"{etree.QName(node).localname} lacks {element.name}")
        return values

    def _texts(self, node: etree._Element, known: Mapping[str, int]) -> dict[str, str]:
        """The texts of the children, with a problem for each that is unknown, repeated or out of order."""
        values: dict[str, str] = {}
        last = -1
        for child in node:
            name = etree.QName(child).localname
            if child.tag != CEB + name or name not in known:
                self._problem(child, f"element {name} does not belong in {etree.QName(node).localname}")
            elif name in values:
                self._problem(child, f"element {name} is repeated")
            else:
                if known[name] < last:
                    self._problem(child, f"element {name} is out of order")
                if len(child):
                    self._problem(child, f"element {name} must hold text only")
                last = max(last, known[name])
                values[name] = child.text or ""
        return values

    def _message(self, kind: MessageKind, root: etree._Element) -> ReadMessage:
        if not 0 < len(self.heads) <= DOCUMENTS_AT_MOST:
            self._problem(root, f"{kind.root} holds {len(self.heads)} documents, 1 to {DOCUMENTS_AT_MOST} are allowed")
        for name in ("BaseTransfer", *(("Signature",) if kind.signed else ())):
            if name not in self.parts:
                self._problem(root, f"{kind.root} lacks {name}")
        if set(root.attrib) - {"guid", "version"} or len(root.get("guid", "")) != 36 or not root.get("version"):
            self._problem(root, "the root needs exactly the attributes guid (36 characters) and version")
        transfer = {name: place for place, name in enumerate(TRANSFER)}
        subscribe = {name: place for place, name in enumerate(SUBSCRIBE)}
        transfers = [self._texts(node, transfer) for node in self.parts.get("BaseTransfer", [])]
        subscribes = tuple(self._texts(node, subscribe) for node in self.parts.get("BaseSubscribe", []))
        return ReadMessage(
            root.get("guid", ""), root.get("version", ""), self._documents(kind), transfers[0] if transfers else {},
            subscribes, self._raw("ExtendMessage"), self._raw("Signature"), tuple(self.problems),
        )  # fmt: skip

    def _raw(self, name: str) -> bytes | None:
        kept = self.parts.get(name)
        return etree.tostring(kept[0], method="c14n", exclusive=True, with_tail=False) if kept else None

    def _documents(self, kind: MessageKind) -> Documents:
        heads = _frame(self.heads, elements(kind.kind, "head"))
        order = pl.Series("order_id", [head.get("orderNo") for head in self.heads], dtype=pl.String)
        notes = [order, pl.Series("item_count", self.counts, dtype=pl.Int64)]
        return Documents(kind.kind, pl.DataFrame(notes).hstack(heads), _frame(self.items, elements(kind.kind, "item")))


def _kind_of(root: etree._Element) -> MessageKind:
    if root.getroottree().docinfo.internalDTD is not None:
        raise InputError("the message carries a DOCTYPE, which is never accepted")
    for kind in KINDS.values():
        if root.tag == CEB + kind.root:
            return kind
    raise InputError(f"root element {root.tag} is no message of the kinds {', '.join(KINDS)} in {NAMESPACE}")


def _root_order(kind: MessageKind) -> dict[str, int]:
    """The children of the root in schema order, and how often each may come."""
    last = {f"{DS}Signature": 1, f"{CEB}ExtendMessage": 1}
    ending = last if kind.export else dict(reversed(last.items()))
    first = {f"{CEB}{kind.document}": DOCUMENTS_AT_MOST, f"{CEB}BaseTransfer": 1}
    return first | {f"{CEB}BaseSubscribe": SUBSCRIBES_AT_MOST} | ending


def _frame(rows: list[dict[str, str]], known: tuple[Element, ...]) -> pl.DataFrame:
    names = [element.name for element in known if any(element.name in row for row in rows)]
    return pl.DataFrame({name: pl.Series([row.get(name) for row in rows], dtype=pl.String) for name in names})


def compose(message: ReadMessage) -> bytes:
    """The message written again, element by element as read. Raises CallError when it has problems.

    White space between elements is not kept, so a signature that covered it no longer verifies; `sign` anew to send.
    """
    if message.problems:
        raise CallError("a message with problems is not written again: " + "; ".join(message.problems))
    kind = KINDS[message.documents.kind]
    inside = "".join(document_texts(message.documents).to_list()).encode()
    subscribed = [text_elements(SUBSCRIBE, parts) for parts in message.subscribes]
    subscribes = "".join(f"<ceb:BaseSubscribe>{inner}</ceb:BaseSubscribe>" for inner in subscribed)
    ending = (message.signature, message.extend) if kind.export else (message.extend, message.signature)
    after = (base_transfer(message.transfer) + subscribes).encode() + b"".join(part for part in ending if part)
    return envelope(kind, message.guid, inside, after, NoSigner(), message.version)


def with_numbers(documents: Documents) -> Documents:
    """Documents as read, their number elements as integers (10⁻⁵ or whole) for `check`; what is no number is null."""
    return replace(
        documents,
        heads=documents.heads.with_columns(list(_numbers(documents, "head"))),
        items=documents.items.with_columns(list(_numbers(documents, "item"))),
    )


def _numbers(documents: Documents, part: Part) -> Iterator[pl.Expr]:
    frame = documents.heads if part == "head" else documents.items
    for element in elements(documents.kind, part):
        if element.is_number and element.name in frame.columns:
            exact = pl.col(element.name).str.strip_chars().cast(pl.Decimal(38, 5), strict=False)
            scale = pl.lit(10 ** (element.places or 0)).cast(pl.Decimal(38, 0))
            yield (exact * scale).cast(pl.Int64, strict=False).alias(element.name)
