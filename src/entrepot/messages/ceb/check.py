"""The pre-send rules R1–R15 that apply to 303, 603 and 621, over whole columns, all at once.

R1 schema, R2 guid, R3 item numbers, R4 sums, R5 money of imports, R7 weights, R8 statutory units, R9 bonded and
direct imports, R10 special zones, R12 size, R14 waybill numbers, R15 identity and company codes. R6 (303 and 603
agree) holds because both are built from the same lines and an order with a problem in one is written in none;
an order whose own lines disagree is reported under R6. R16 and R17 (limits, positive list) belong to `decide`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from entrepot.goods.identifiers import is_resident_id
from entrepot.goods.texts import text
from entrepot.messages.ceb.codes import CHINA, YUAN
from entrepot.messages.ceb.documents import Documents, total
from entrepot.messages.ceb.elements import Element, Part, elements, message_kind
from entrepot.messages.ceb.sender import NO_PLATFORM_CODE, Sender, is_company_code
from entrepot.messages.ceb.text import contiguous, decimal_texts

__all__ = ["PROBLEMS", "RULES", "check", "first_rules", "reused_waybills"]

PROBLEMS = pl.Schema({
    "order_id": pl.String(), "kind": pl.String(), "rule": pl.String(), "element": pl.String(), "item": pl.Int64(),
    "given": pl.String(), "allowed": pl.String(), "message_en": pl.String(), "message_zh": pl.String(),
})  # fmt: skip
"""One row per broken rule; `item` is the item number, null for the head. Personal data are never shown."""

RULES = (
    "ceb.R1-missing", "ceb.R1-unknown-code", "ceb.R1-length", "ceb.R1-character", "ceb.R2-guid", "ceb.R3-item-number",
    "ceb.R4-total", "ceb.R4-goods-value", "ceb.R5-currency", "ceb.R6-mixed-order", "ceb.R7-no-weight",
    "ceb.R7-net-over-gross", "ceb.R7-one-package", "ceb.R8-second-unit", "ceb.R8-first-quantity", "ceb.R9-bonded",
    "ceb.R9-direct", "ceb.R10-zone", "ceb.R12-items", "ceb.R14-waybill", "ceb.R15-identity", "ceb.R15-company",
)  # fmt: skip
"""Every rule, in the order in which the first failing one is named."""

PERSONAL = ("buyerIdNumber", "buyerName", "buyerTelephone", "consigneeAddress")
COMES_LATER = ("guid",)
DERIVED = {
    ("303", "item"): ("currency",),
    ("603", "head"): ("iCurrency", "POD", "copNo", "ownerCode", "ownerName"),
    ("603", "item"): ("country", "currency", "gmodel"),
    ("621", "head"): ("copNo", "ieDate"),
    ("621", "item"): ("gmodel",),
}  # fmt: skip
"""Elements of built documents that repeat another one: a problem is reported once, at the other."""
FOLLOWING = ("qty1", "unit1")
"""Elements of built documents that repeat another one unless the line gives them: a gap is reported at the other."""
SOURCES = {"country": "_country", "currency": "_currency", "fCurrency": "_currency"}
FREE_TEXT = ("orderNo", "logisticsNo", "ebcName", "itemNo", "itemName", "gname", "itemRecordNo", *PERSONAL)
FORBIDDEN = bytes({*range(32)} - {9, 10, 13})
FORBIDDEN_PATTERN = "[\\x00-\\x08\\x0B\\x0C\\x0E-\\x1F\uFFFE\uFFFF]"
HUNDREDTH_E5 = 1_000
ONE_E5 = 100_000
BONDED = ("1210", "1239")


@dataclass(frozen=True, slots=True)
class _Broken:
    """Where a rule is broken: rows of the heads or the items."""

    rule: str
    part: Part
    element: str
    rows: pl.Series
    allowed: str = ""
    given: pl.Series | None = None


def check(documents: Documents, sender: Sender) -> pl.DataFrame:
    """Every broken rule of every document (`PROBLEMS`); an empty frame when all may be sent."""
    found = [_described(documents, broken) for broken in _all_broken(documents, sender)]
    return pl.concat([PROBLEMS.to_frame(), *found]) if found else PROBLEMS.to_frame()


def reused_waybills(kind: str, used: pl.DataFrame) -> pl.DataFrame:
    """R14 over all orders of a call (`build.waybills`), however they are sliced afterwards; as `check` reports it."""
    pair = pl.struct("carrier", "number")
    if used.select(pair.hash().n_unique()).item() == used.height:
        return PROBLEMS.to_frame()
    again = used.filter(pair.is_duplicated())
    documents = Documents(message_kind(kind).kind, again.select("order_id", logisticsNo="number"), PROBLEMS.to_frame())
    every = pl.int_range(again.height, eager=True)
    return _described(documents, _Broken("ceb.R14-waybill", "head", "logisticsNo", every))


def first_rules(documents: Documents, sender: Sender) -> pl.DataFrame:
    """The first failing rule of each document that may not be sent: `order_id`, `message_rule`."""
    if documents.heads.is_empty():
        return pl.DataFrame(schema={"order_id": pl.String, "message_rule": pl.String})
    order = {rule: place for place, rule in enumerate(RULES)}
    empty = pl.DataFrame(schema={"document": pl.Int64, "place": pl.Int64})
    found = [
        pl.select(document=_document_rows(documents, broken), place=pl.lit(order[broken.rule], pl.Int64))
        for broken in _all_broken(documents, sender)
    ]
    first = pl.concat([empty, *found]).group_by("document").agg(pl.col("place").min()).sort("document")
    return pl.DataFrame({
        "order_id": documents.heads.get_column("order_id").gather(first.get_column("document")),
        "message_rule": pl.Series(RULES).gather(first.get_column("place")),
    })  # fmt: skip


def _document_rows(documents: Documents, broken: _Broken) -> pl.Series:
    rows = broken.rows.cast(pl.Int64)
    return rows if broken.part == "head" else documents.document_of_item.gather(rows)


def _described(documents: Documents, broken: _Broken) -> pl.DataFrame:
    numbers = {"element": broken.element, "kind": documents.kind, "allowed": broken.allowed}
    frame = documents.heads if broken.part == "head" else documents.items
    given = broken.given
    if given is None and broken.element in frame.columns:
        given = frame.get_column(broken.element).gather(broken.rows)
    shown = pl.lit("***") if broken.element in PERSONAL else _shown(documents, broken, given)
    item = documents.items.get_column("gnum").gather(broken.rows) if broken.part == "item" else None
    return pl.DataFrame({
        "order_id": documents.heads.get_column("order_id").gather(_document_rows(documents, broken)),
    }).select(
        "order_id", kind=pl.lit(documents.kind), rule=pl.lit(broken.rule), element=pl.lit(broken.element),
        item=pl.lit(None, pl.Int64) if item is None else item.cast(pl.Int64),
        given=shown,
        allowed=pl.lit(broken.allowed),
        message_en=pl.lit(text(broken.rule, "en", **numbers)), message_zh=pl.lit(text(broken.rule, "zh", **numbers)),
    )  # fmt: skip


def _shown(documents: Documents, broken: _Broken, given: pl.Series | None) -> pl.Series | pl.Expr:
    """Given values as a person reads them: numbers at 10⁻⁵ with their point, long texts cut."""
    if given is None:
        return pl.lit("")
    element = next((known for known in elements(documents.kind, broken.part) if known.name == broken.element), None)
    if element is not None and element.places and given.dtype.is_integer():
        return decimal_texts(given).fill_null("")
    return given.cast(pl.String).fill_null("").str.slice(0, 80)


def _all_broken(documents: Documents, sender: Sender) -> Iterator[_Broken]:
    if not documents.heads.height:
        return
    parts: tuple[Part, Part] = ("head", "item")
    for part in parts:
        yield from _schema(documents, part)
        yield from _characters(documents, part)
    for rule in _BUSINESS_RULES:
        yield from rule(documents, sender)


def _broken(rule: str, part: Part, element: str, where: pl.Series, allowed: str = "") -> Iterator[_Broken]:
    if where.any():
        yield _Broken(rule, part, element, where.arg_true(), allowed)


def _value(documents: Documents, part: Part, name: str) -> pl.Series | str | None:
    """A column, the text all documents share, or None when the element is not there."""
    fixed = documents.fixed_head if part == "head" else documents.fixed_item
    frame = documents.heads if part == "head" else documents.items
    return fixed[name] if name in fixed else frame.get_column(name) if name in frame.columns else None


def _column(documents: Documents, part: Part, name: str) -> pl.Series:
    """An element as a column whatever way it is kept."""
    value = _value(documents, part, name)
    if isinstance(value, pl.Series):
        return value
    height = (documents.heads if part == "head" else documents.items).height
    return pl.repeat(value, height, dtype=pl.String, eager=True)


def _schema(documents: Documents, part: Part) -> Iterator[_Broken]:
    """R1: required elements are there, texts have the right number of characters."""
    for element in elements(documents.kind, part):
        value = _value(documents, part, element.name)
        if isinstance(value, str):
            value = _suspect_constant(documents, part, element, value)
        if value is not None:
            yield from _element_broken(documents, part, element, value)
        elif element.required and element.name not in COMES_LATER and not _is_fixed(documents, part, element.name):
            nothing = _column(documents, part, element.name).is_null()
            yield from _broken("ceb.R1-missing", part, element.name, nothing, element.format)


def _is_fixed(documents: Documents, part: Part, name: str) -> bool:
    return name in (documents.fixed_head if part == "head" else documents.fixed_item)


def _suspect_constant(documents: Documents, part: Part, element: Element, value: str) -> pl.Series | None:
    """A shared text as a column when it breaks the format, so that every document is reported; else None."""
    fits = element.least <= len(value) <= element.most
    return None if fits else _column(documents, part, element.name)


def _element_broken(documents: Documents, part: Part, element: Element, column: pl.Series) -> Iterator[_Broken]:
    if documents.built and element.name in DERIVED.get((documents.kind, part), ()):
        return
    if element.required and not (documents.built and element.name in FOLLOWING):
        yield from _missing(documents, part, element, column)
    if column.dtype != pl.String:
        return
    sizes = column.str.len_bytes()
    least, most = sizes.min(), sizes.max()
    if most is None or (element.least <= least and most <= element.most):  # type: ignore[operator]
        return
    characters = column.str.len_chars()
    wrong = (characters > element.most) | (characters < element.least)
    if element.required or element.is_fixed:
        wrong &= characters > 0
    yield from _broken("ceb.R1-length", part, element.name, wrong.fill_null(value=False), element.format)


def _missing(documents: Documents, part: Part, element: Element, column: pl.Series) -> Iterator[_Broken]:
    gap = column.is_null() if column.null_count() else None
    if column.dtype == pl.String and (column.str.len_bytes().min() or 0) == 0:
        gap = column.is_null() | (column == "").fill_null(value=False)
    if gap is None or not gap.any():
        return
    source = _value(documents, part, SOURCES.get(element.name, ""))
    if isinstance(source, pl.Series):
        unknown = gap & source.is_not_null()
        if unknown.any():
            rows = unknown.arg_true()
            yield _Broken("ceb.R1-unknown-code", part, element.name, rows, element.format, source.gather(rows))
        gap &= source.is_null()
    yield from _broken("ceb.R1-missing", part, element.name, gap, element.format)


def _characters(documents: Documents, part: Part) -> Iterator[_Broken]:
    """R1: characters XML cannot carry. All texts of a column are searched as one block first."""
    for name in FREE_TEXT:
        value = _value(documents, part, name)
        column = _column(documents, part, name) if isinstance(value, str) else value
        if column is None or column.dtype != pl.String or not _has_forbidden(column):
            continue
        found = column.str.contains(FORBIDDEN_PATTERN).fill_null(value=False)
        yield from _broken("ceb.R1-character", part, name, found)


def _has_forbidden(column: pl.Series) -> bool:
    block = bytes(contiguous(column)[0])
    return len(block.translate(None, FORBIDDEN)) != len(block) or b"\xef\xbf\xbe" in block or b"\xef\xbf\xbf" in block


def _guids(documents: Documents, sender: Sender) -> Iterator[_Broken]:
    """R2: guids are unique and upper case."""
    guid = _value(documents, "head", "guid")
    if isinstance(guid, pl.Series):
        bad = guid.is_duplicated() | (guid != guid.str.to_uppercase())
        yield from _broken("ceb.R2-guid", "head", "guid", bad.fill_null(value=False))


def _item_numbers(documents: Documents, sender: Sender) -> Iterator[_Broken]:
    """R3: items are numbered 1, 2, … in each document."""
    number = documents.items.get_column("gnum")
    of_document = documents.document_of_item
    expected = pl.int_range(number.len(), eager=True) - documents.starts.gather(of_document) + 1
    yield from _broken("ceb.R3-item-number", "item", "gnum", (number != expected).fill_null(value=True))


def _totals(documents: Documents, sender: Sender) -> Iterator[_Broken]:
    """R4: totalPrice is price x quantity within 0.01, and the goods value of an order is the sum of its items.

    An import's price may be converted money rounded at 10⁻⁵: then half of that for each piece is allowed as well.
    """
    items = documents.items
    rounded = documents.kind == "621"
    off = (pl.col("price").cast(pl.Int128) * pl.col("qty") - pl.col("totalPrice").cast(pl.Int128) * ONE_E5).abs()
    # Twice the difference at 10⁻¹⁰, so that half a step of the price stays a whole number.
    allowed = 2 * HUNDREDTH_E5 * ONE_E5 + (pl.col("qty") if rounded else 0)
    wrong = items.select((2 * off > allowed).fill_null(value=False)).to_series()
    said = "price x qty ± (0.01 + qty x 0.000005)" if rounded else "price x qty ± 0.01"
    yield from _broken("ceb.R4-total", "item", "totalPrice", wrong, said)
    if "goodsValue" in documents.heads.columns:
        sums = total(items.get_column("totalPrice"), documents.starts, documents.ends)
        differs = (sums != documents.heads.get_column("goodsValue")).fill_null(value=False)
        yield from _broken("ceb.R4-goods-value", "head", "goodsValue", differs, "Σ totalPrice")


def _import_money(documents: Documents, sender: Sender) -> Iterator[_Broken]:
    """R5: everything in an import list is in CNY (142)."""
    parts: tuple[Part, Part] = ("head", "item")
    for part in parts if documents.kind == "621" else ():
        currency = _value(documents, part, "currency")
        if currency != YUAN if isinstance(currency, str) else True:
            yield from _broken("ceb.R5-currency", part, "currency", _column(documents, part, "currency") != YUAN, YUAN)


def _mixed_orders(documents: Documents, sender: Sender) -> Iterator[_Broken]:
    """R6: the lines of an order agree on everything the document says once."""
    mixed = _value(documents, "head", "_mixed")
    if isinstance(mixed, pl.Series) and mixed.null_count() < mixed.len():
        rows = mixed.is_not_null().arg_true()
        yield _Broken("ceb.R6-mixed-order", "head", "", rows, "", mixed.gather(rows))


def _weights(documents: Documents, sender: Sender) -> Iterator[_Broken]:
    """R7: 0 < netWeight ≤ grossWeight; one package for an import."""
    if documents.kind == "303":
        return
    net, gross = _column(documents, "head", "netWeight"), _column(documents, "head", "grossWeight")
    none, over = (net <= 0).fill_null(value=False), (net > gross).fill_null(value=False)
    yield from _broken("ceb.R7-no-weight", "head", "netWeight", none, "> 0")
    yield from _broken("ceb.R7-net-over-gross", "head", "netWeight", over, "≤ grossWeight")
    if documents.kind == "621":
        packages = _column(documents, "head", "packNo").cast(pl.Int64, strict=False)
        yield from _broken("ceb.R7-one-package", "head", "packNo", (packages != 1).fill_null(value=False), "1")


def _statutory_units(documents: Documents, sender: Sender) -> Iterator[_Broken]:
    """R8: qty2 and unit2 together or not at all; the same unit means the same quantity."""
    if documents.kind == "303":
        return
    if {"qty2", "unit2"} & {*documents.items.columns, *documents.fixed_item}:
        alone = _column(documents, "item", "qty2").is_null() != _column(documents, "item", "unit2").is_null()
        yield from _broken("ceb.R8-second-unit", "item", "qty2", alone)
    quantity, first = _column(documents, "item", "qty"), _column(documents, "item", "qty1")
    differs = (quantity != first).fill_null(value=False)
    if differs.any():
        same_unit = _column(documents, "item", "unit") == _column(documents, "item", "unit1")
        yield from _broken("ceb.R8-first-quantity", "item", "qty1", differs & same_unit.fill_null(value=False))


def _import_ways(documents: Documents, sender: Sender) -> Iterator[_Broken]:
    """R9: bonded goods name their account and zone and come from 142; direct purchases name their transport."""
    if documents.kind != "621":
        return
    bonded = _column(documents, "head", "tradeMode").is_in(BONDED)
    for name in ("emsNo", "areaCode", "areaName"):
        yield from _broken("ceb.R9-bonded", "head", name, bonded & _column(documents, "head", name).is_null())
    abroad = bonded & (_column(documents, "head", "country") != CHINA).fill_null(value=False)
    yield from _broken("ceb.R9-bonded", "head", "country", abroad, CHINA)
    yield from _record_numbers(documents, bonded, "ceb.R9-bonded")
    for name in ("trafNo", "voyageNo", "billNo"):
        yield from _broken("ceb.R9-direct", "head", name, ~bonded & _column(documents, "head", name).is_null())


def _record_numbers(documents: Documents, bonded: pl.Series, rule: str) -> Iterator[_Broken]:
    if bonded.any():
        missing = bonded.gather(documents.document_of_item) & _column(documents, "item", "itemRecordNo").is_null()
        yield from _broken(rule, "item", "itemRecordNo", missing)


def _export_zones(documents: Documents, sender: Sender) -> Iterator[_Broken]:
    """R10: exports from a special zone name its company, account and record numbers."""
    if documents.kind != "603":
        return
    inside = _column(documents, "head", "tradeMode") == "1210"
    if not inside.any():
        return
    for name in ("iacCode", "iacName", "emsNo"):
        yield from _broken("ceb.R10-zone", "head", name, inside & _column(documents, "head", name).is_null())
    yield from _record_numbers(documents, inside, "ceb.R10-zone")


def _sizes(documents: Documents, sender: Sender) -> Iterator[_Broken]:
    """R12: at most 100 items in an export document, 99 in an import one."""
    most = message_kind(documents.kind).items_at_most
    counts = documents.heads.get_column("item_count")
    if counts.max() > most:  # type: ignore[operator]
        rows = (counts > most).arg_true()
        yield _Broken("ceb.R12-items", "head", "", rows, str(most), counts.gather(rows))


def _waybills(documents: Documents, sender: Sender) -> Iterator[_Broken]:
    """R14: a carrier's waybill number is used once (here: once among these documents)."""
    number = _value(documents, "head", "logisticsNo")
    if not isinstance(number, pl.Series):
        if number is not None and documents.heads.height > 1:
            every = _column(documents, "head", "logisticsNo").is_not_null()
            yield from _broken("ceb.R14-waybill", "head", "logisticsNo", every)
        return
    if number.hash().n_unique() == number.len():
        return
    pair = pl.DataFrame({"carrier": _column(documents, "head", "logisticsCode"), "number": number})
    again = pair.select(pl.struct("carrier", "number").is_duplicated() & pl.col("number").is_not_null()).to_series()
    yield from _broken("ceb.R14-waybill", "head", "logisticsNo", again)


def _identities(documents: Documents, sender: Sender) -> Iterator[_Broken]:
    """R15: the buyer's identity number is possible."""
    if documents.kind == "621":
        number = _column(documents, "head", "buyerIdNumber")
        wrong = ~is_resident_id(number) & (number.str.len_bytes() > 0).fill_null(value=False)
        yield from _broken("ceb.R15-identity", "head", "buyerIdNumber", wrong, "GB 11643")


def _companies(documents: Documents, sender: Sender) -> Iterator[_Broken]:
    """R15: company codes are 10-character customs codes or a USCC with a right check character."""
    for name in ("ebcCode", "agentCode", "ebpCode"):
        value = _value(documents, "head", name)
        if value is None:
            continue
        codes = [value] if isinstance(value, str) else value.unique().drop_nulls().to_list()
        allowed = {NO_PLATFORM_CODE} if name == "ebpCode" and documents.kind != "621" else set()
        wrong = [code for code in codes if code and code not in allowed and not is_company_code(code)]
        if wrong:
            found = _column(documents, "head", name).is_in(wrong).fill_null(value=False)
            yield from _broken("ceb.R15-company", "head", name, found, "GB 32100")


_BUSINESS_RULES: tuple[Callable[[Documents, Sender], Iterator[_Broken]], ...] = (
    _guids, _item_numbers, _totals, _import_money, _mixed_orders, _weights, _statutory_units, _import_ways,
    _export_zones, _sizes, _waybills, _identities, _companies,
)  # fmt: skip
