"""Decided lines to documents: what each CEB element says, as columns.

One order is one document (docs/assumptions.md). Export order 303 and list 603, import list 621.
Source: GACC message set 202205, sections 303, 603, 621; GACC announcement 2020 No. 75 for 9710 and 9810.
"""

from collections.abc import Callable, Mapping

import polars as pl

from entrepot.goods.identifiers import normal_ids
from entrepot.messages.ceb.codes import CHINA, YUAN, country_numbers, currency_numbers, translation
from entrepot.messages.ceb.documents import Documents, Value, Values, document_guids, settled, total
from entrepot.messages.ceb.elements import Kind, elements, message_kind
from entrepot.messages.ceb.sender import ANY_CARRIER, Sender, is_company_code

__all__ = ["LINE_COLUMNS", "build", "defaults_used", "lines_of_kind", "one_person", "sorted_lines", "waybills"]

STRINGS = (
    "mode", "list_form", "seller_id", "seller_name", "seller_country", "buyer_country", "customs_district", "sku",
    "description", "hs_code", "origin_country", "unit", "currency", "carrier", "waybill_no",
    "unit1", "unit2", "item_record_no", "line_kind",
)  # fmt: skip
NUMBERS = (
    "quantity_e5", "unit_price_e5", "goods_value_e5", "goods_fen", "value_fen", "freight_e5", "insurance_e5",
    "order_freight_e5", "order_insurance_e5", "freight_fen", "insurance_fen", "net_mass_g", "gross_mass_g", "packages",
    "quantity1_e5", "quantity2_e5", "code_digits",
)  # fmt: skip
LINE_COLUMNS: Mapping[str, type[pl.DataType]] = {
    "order_id": pl.String, "line_no": pl.Int64, "direction": pl.String, "declared_on": pl.Date,
    **dict.fromkeys(STRINGS, pl.String), **dict.fromkeys(NUMBERS, pl.Int64),
}  # fmt: skip
"""Columns a message can use; all but order_id, line_no, direction, declared_on and mode may be absent (unknown)."""

ONE_TERM = ("mode", "list_form", "currency", "seller_id", "buyer_country", "seller_country", "customs_district",
            "carrier", "waybill_no", "declared_on")  # fmt: skip
ORDER_TYPE = {"9610": "E", "1210": "E", "9710": "B", "9810": "W"}
EXPORT_MODES = tuple(ORDER_TYPE)
MODES: Mapping[Kind, tuple[str, ...]] = {"303": EXPORT_MODES, "603": EXPORT_MODES, "621": ("9610", "1210", "1239")}
BONDED = ("1210", "1239")
FULL_CODE = 10
PERSON = {"buyerIdNumber": "buyer_id", "buyerName": "buyer_name", "buyerTelephone": "buyer_telephone",
          "consigneeAddress": "consignee_address"}  # fmt: skip
PERSON_NO = "person_no"
ITEM_NO_CODE = "无"


def sorted_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines sorted by order and line; lines already sorted by order are returned as they are."""
    order = lines.get_column("order_id")
    return lines if order.is_sorted() else lines.sort("order_id", "line_no", maintain_order=True)


def lines_of_kind(kind: str, lines: pl.DataFrame) -> pl.DataFrame:
    """The lines messages of this kind are for: direction, mode and, for 603, a list form; no cancellations."""
    described = message_kind(kind)
    lines = _plain(lines)
    direction = "export" if described.export else "import"
    wanted = (pl.col("direction") == direction) & pl.col("mode").is_in(MODES[described.kind])
    if kind == "603":
        wanted &= pl.col("list_form").is_not_null() if "list_form" in lines.columns else pl.lit(value=False)
    if "line_kind" in lines.columns:
        wanted &= pl.col("line_kind").fill_null("sale") == "sale"
    return lines.filter(wanted)


def _plain(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines with plain texts and integers, whatever encoding (Enum, Categorical, …) they come in."""
    other = [pl.col(name).cast(dtype) for name, dtype in LINE_COLUMNS.items()
             if name in lines.columns and lines.schema[name] != dtype]
    return lines.with_columns(other) if other else lines


def build(kind: str, lines: pl.DataFrame, persons: pl.DataFrame | None, sender: Sender, app_time: str) -> Documents:
    """The documents of one kind from lines sorted by order.

    `lines` hold `LINE_COLUMNS`; `persons` (`order_id`, `buyer_id`, …) is needed by 621 only.
    `app_time` is the reporting time, YYYYMMDDhhmmss in China. Guids are added by `with_guids`.
    """
    described = message_kind(kind)
    rows = _Rows(lines_of_kind(kind, lines), described.kind)
    heads, items = _BUILDERS[described.kind](rows, persons, sender)
    own: dict[str, Value] = {"appType": "1", "appTime": app_time, "appStatus": "2", "note": sender.note, **heads}
    counted: dict[str, Value] = {"order_id": rows.head("order_id"), "item_count": rows.ends - rows.starts}
    counted["_mixed"] = rows.mixed()
    head_frame, fixed_head = settled(counted | own, described.kind, "head", rows.starts.len())
    item_frame, fixed_item = settled({"gnum": rows.item_number(), **items}, described.kind, "item", rows.lines.height)
    return Documents(described.kind, head_frame, item_frame, fixed_head, fixed_item, built=True)


def one_person(persons: pl.DataFrame) -> pl.DataFrame:
    """One person per order (`order_id`, `buyer_id`, `buyer_name`, …), the first named, sorted by order.

    Where persons have keys of their own, `person_no` says which.
    """
    if not persons.get_column("order_id").is_unique().all():
        persons = persons.unique("order_id", keep="first", maintain_order=True)
    keyed = [PERSON_NO] if PERSON_NO in persons.columns else []
    return persons.select("order_id", *PERSON.values(), *keyed).sort("order_id")


class _Rows:
    """The lines of one kind with the places where each document starts and ends."""

    def __init__(self, lines: pl.DataFrame, kind: Kind) -> None:
        missing = [pl.lit(None, dtype).alias(name) for name, dtype in LINE_COLUMNS.items() if name not in lines.columns]
        self.lines = lines.with_columns(missing)
        self.kind = kind
        order = self.lines.get_column("order_id")
        self.is_first = (order != order.shift(1)).fill_null(value=True)
        self.starts = self.is_first.arg_true().cast(pl.Int64)
        self.ends = self.starts.shift(-1, fill_value=self.lines.height)
        self.single = self.starts.len() == self.lines.height

    def item(self, name: str) -> pl.Series:
        """A column with one value per line."""
        return self.lines.get_column(name)

    def head(self, name: str) -> pl.Series:
        """A column with one value per order: that of its first line."""
        return self.item(name) if self.single else self.item(name).gather(self.starts)

    def total(self, name: str) -> pl.Series:
        """A column with the sum of each order."""
        return total(self.item(name), self.starts, self.ends)

    def to_items(self, heads: pl.Series) -> pl.Series:
        """A value of each document, repeated for its items."""
        return heads if self.single else heads.gather(self.is_first.cum_sum().cast(pl.Int64) - 1)

    def item_number(self) -> pl.Series:
        """1, 2, … within each document."""
        if self.single:
            return pl.repeat(1, self.lines.height, dtype=pl.Int64, eager=True).alias("gnum")
        return (pl.int_range(self.lines.height, eager=True) - self.to_items(self.starts) + 1).alias("gnum")

    def mixed(self) -> pl.Series | None:
        """The first term on which the lines of an order differ though a document has only one; None if none does."""
        if self.single:
            return None
        later = (~self.is_first).arg_true().cast(pl.Int64)
        found: dict[int, str] = {}
        for name in reversed(ONE_TERM):
            column = self.item(name)
            if column.null_count() < column.len():
                differs = column.gather(later).ne_missing(column.gather(later - 1))
                if differs.any():
                    found |= dict.fromkeys(self.document_of(later.filter(differs)), name)
        if not found:
            return None
        documents = pl.Series(list(found), dtype=pl.Int64)
        empty = pl.repeat(None, self.starts.len(), dtype=pl.String, eager=True)
        return empty.scatter(documents, pl.Series(list(found.values())))

    def document_of(self, rows: pl.Series) -> list[int]:
        """The documents these rows belong to."""
        return self.to_items(pl.int_range(self.starts.len(), eager=True)).gather(rows).to_list()


def _charge(rows: _Rows, name: str) -> Value:
    """Freight or insurance of each order in its currency at 10⁻⁵; unknown is written as 0, as customs ask."""
    if rows.item(f"order_{name}_e5").null_count() < rows.lines.height:
        return rows.head(f"order_{name}_e5").fill_null(0)
    if rows.item(f"{name}_e5").null_count() == rows.lines.height:
        return "0"
    return total(rows.item(f"{name}_e5").fill_null(0), rows.starts, rows.ends)


def _mass(rows: _Rows, name: str) -> pl.Series:
    """Mass of each order in kg at 10⁻⁵."""
    return rows.total(name) * 100


def _packages(rows: _Rows) -> Value:
    """Packages of each order: the largest number a line of it gives, 1 when none does (all lines share the parcel)."""
    packages = rows.item("packages")
    if packages.max() in (None, 1):
        return "1"
    packages = packages.fill_null(1)
    if rows.single:
        return packages
    document = rows.to_items(pl.int_range(rows.starts.len(), eager=True))
    grouped = pl.DataFrame({"document": document, "packages": packages})
    return grouped.group_by("document", maintain_order=True).agg(pl.col("packages").max()).get_column("packages")


def _company(rows: _Rows, sender: Sender) -> tuple[Value, Value]:
    """Code and name of the e-commerce company: the seller's own when its code is valid, else the sender's."""
    code, name = rows.head("seller_id"), rows.head("seller_name")
    valid = [known for known in code.unique().drop_nulls().to_list() if is_company_code(known)]
    if not valid:
        return sender.company.code, sender.company.name
    own = code.is_in(valid) & (name.str.len_bytes() > 0).fill_null(value=False)
    if own.all():
        return code, name
    chosen = pl.select(
        code=pl.when(own).then(code).otherwise(pl.lit(sender.company.code)),
        name=pl.when(own).then(name).otherwise(pl.lit(sender.company.name)),
    )
    return chosen.get_column("code"), chosen.get_column("name")


def _logistics(rows: _Rows, sender: Sender) -> Values:
    """Logistics company by carrier; a carrier without one takes the sender's `*`, else stays unknown."""
    other = sender.logistics.get(ANY_CARRIER)
    if set(sender.logistics) == {ANY_CARRIER} and other:
        return {"logisticsCode": other.code, "logisticsName": other.name}
    carrier = rows.head("carrier")
    codes = {name: party.code for name, party in sender.logistics.items()}
    names = {name: party.name for name, party in sender.logistics.items()}
    return {
        "logisticsCode": translation(codes, other.code if other else None)(carrier),
        "logisticsName": translation(names, other.name if other else None)(carrier),
    }


def _waybill(rows: _Rows, sender: Sender) -> pl.Series:
    waybill = rows.head("waybill_no")
    wanted = sender.waybill_from_order and waybill.null_count()
    return waybill.fill_null(rows.head("order_id")) if wanted else waybill


def _own_number(rows: _Rows) -> pl.Series:
    """The sender's document number: the order number, or a hash of it where it is too long for the element."""
    order = rows.head("order_id")
    most = next(element.most for element in elements(rows.kind, "head") if element.name == "copNo")
    if (order.str.len_bytes().max() or 0) <= most:  # type: ignore[operator]
        return order
    short = document_guids(order).str.replace_all("-", "", literal=True).str.slice(0, most)
    return pl.select(pl.when(order.str.len_chars() <= most).then(order).otherwise(short)).to_series()


def _day(column: pl.Series) -> Value:
    """Dates as YYYYMMDD; each distinct date is written once."""
    days = column.unique().drop_nulls()
    places = {str(day): f"{day:%Y%m%d}" for day in days.to_list()}
    if len(places) == 1 and not column.null_count():
        return next(iter(places.values()))
    written = pl.Series(list(places.values()), dtype=pl.String)
    return column.replace_strict(days, written, default=None, return_dtype=pl.String)


def _customs(rows: _Rows, sender: Sender) -> pl.Series:
    return rows.head("customs_district").fill_null(sender.customs_code)


def _item_no(rows: _Rows) -> pl.Series:
    """The seller's article number; the line number stands in where there is none."""
    sku = rows.item("sku")
    return sku if not sku.null_count() else sku.fill_null(rows.item("line_no").cast(pl.String))


def _statutory(rows: _Rows) -> Values:
    """Statutory quantities; where they are not known the declared quantity and unit are written."""
    unit, quantity = rows.item("unit1"), rows.item("quantity1_e5")
    if unit.null_count() == unit.len():
        first = {"qty1": rows.item("quantity_e5"), "unit1": rows.item("unit")}
    else:
        known = unit.is_not_null() & quantity.is_not_null()
        both = pl.select(
            qty1=pl.when(known).then(quantity).otherwise(rows.item("quantity_e5")),
            unit1=pl.when(known).then(unit).otherwise(rows.item("unit")),
        )
        first = {"qty1": both.get_column("qty1"), "unit1": both.get_column("unit1")}
    return first | {"qty2": rows.item("quantity2_e5"), "unit2": rows.item("unit2")}


def _export_order(rows: _Rows, persons: pl.DataFrame | None, sender: Sender) -> tuple[Values, Values]:
    """303: the order behind an export list."""
    company, company_name = _company(rows, sender)
    currency = currency_numbers()(rows.head("currency"))
    heads: dict[str, Value] = {
        "orderType": translation(ORDER_TYPE)(rows.head("mode")),
        "orderNo": rows.head("order_id"),
        "ebpCode": sender.export_platform.code,
        "ebpName": sender.export_platform.name,
        "ebcCode": company,
        "ebcName": company_name,
        "goodsValue": rows.total("goods_value_e5"),
        "freight": _charge(rows, "freight"),
        "currency": currency,
        "_currency": rows.head("currency"),
    }
    items: dict[str, Value] = {
        "itemNo": _item_no(rows),
        "itemName": rows.item("description"),
        "barCode": ITEM_NO_CODE,
        "unit": rows.item("unit"),
        "currency": rows.to_items(currency),
        "qty": rows.item("quantity_e5"),
        "price": rows.item("unit_price_e5"),
        "totalPrice": rows.item("goods_value_e5"),
    }
    return heads, items


def _export_list(rows: _Rows, persons: pl.DataFrame | None, sender: Sender) -> tuple[Values, Values]:
    """603: the export declaration list."""
    currency, country = currency_numbers()(rows.head("currency")), country_numbers()(rows.head("buyer_country"))
    return _export_list_head(rows, sender, currency, country), {
        "itemNo": _item_no(rows),
        "itemRecordNo": _record_no(rows),
        "gcode": _list_code(rows),
        "gname": rows.item("description"),
        "gmodel": rows.item("description"),
        "barCode": ITEM_NO_CODE,
        "country": rows.to_items(country),
        "currency": rows.to_items(currency),
        "qty": rows.item("quantity_e5"),
        "unit": rows.item("unit"),
        **_statutory(rows),
        "price": rows.item("unit_price_e5"),
        "totalPrice": rows.item("goods_value_e5"),
    }


def _export_list_head(rows: _Rows, sender: Sender, currency: pl.Series, country: pl.Series) -> Values:
    company, company_name = _company(rows, sender)
    return {
        "customsCode": _customs(rows, sender),
        "ebpCode": sender.export_platform.code,
        "ebpName": sender.export_platform.name,
        "orderNo": rows.head("order_id"),
        **_logistics(rows, sender),
        "logisticsNo": _waybill(rows, sender),
        "copNo": _own_number(rows),
        "ieFlag": "E",
        "portCode": sender.port_code,
        "ieDate": _day(rows.head("declared_on")),
        "statisticsFlag": rows.head("list_form"),
        "agentCode": sender.agent.code,
        "agentName": sender.agent.name,
        "ebcCode": company,
        "ebcName": company_name,
        "ownerCode": sender.owner.code if sender.owner else company,
        "ownerName": sender.owner.name if sender.owner else company_name,
        **_zone(rows, sender, ("1210",), "iacCode", "iacName"),
        "tradeMode": rows.head("mode"),
        "trafMode": sender.traf_mode,
        "loctNo": sender.loct_no,
        "country": country,
        "POD": _port_of_destination(country, sender),
        "freight": _charge(rows, "freight"),
        "fCurrency": currency,
        "fFlag": "3",
        "insuredFee": _charge(rows, "insurance"),
        "iCurrency": currency,
        "iFlag": "3",
        "wrapType": sender.wrap_type,
        "packNo": _packages(rows),
        "grossWeight": _mass(rows, "gross_mass_g"),
        "netWeight": _mass(rows, "net_mass_g"),
        "_currency": rows.head("currency"),
        "_country": rows.head("buyer_country"),
    }


def _port_of_destination(country: pl.Series, sender: Sender) -> pl.Series:
    if not sender.pod:
        return country
    return translation(sender.pod)(country).fill_null(country)


def _zone(rows: _Rows, sender: Sender, modes: tuple[str, ...], code: str, name: str) -> Values:
    """The company in the special zone and its account, for the modes that pass through a zone."""
    inside = rows.head("mode").is_in(modes)
    area = sender.area
    values = {code: area.code if area else None, name: area.name if area else None, "emsNo": sender.ems_no}
    if not inside.any():
        return {}
    return _where(inside, values)


def _where(chosen: pl.Series, values: Mapping[str, str | None]) -> dict[str, Value]:
    """Each text in the chosen rows, nothing in the others."""
    texts = [pl.when(chosen).then(pl.lit(value, pl.String)).alias(name) for name, value in values.items()]
    return dict(pl.select(texts).to_dict())


def _record_no(rows: _Rows) -> Value:
    """Number of the item in the bonded account, for bonded modes only; the article number where none is given."""
    bonded = rows.item("mode").is_in(BONDED)
    if not bonded.any():
        return None
    number = rows.item("item_record_no").fill_null(rows.item("sku"))
    return pl.select(pl.when(bonded).then(number)).to_series()


def _list_code(rows: _Rows) -> pl.Series:
    """gcode: the digits the form asks for (`code_digits`), filled up with zeros to 10.

    Where the lines do not say: form B all 10; form A the heading (4), or 6 under 9710 and 9810.
    """
    code, digits = rows.item("hs_code"), rows.item("code_digits")
    if digits.null_count():
        by_mode = pl.when(rows.item("mode").is_in(("9710", "9810"))).then(6).otherwise(4)
        by_form = pl.when(rows.item("list_form") == "A").then(by_mode).otherwise(FULL_CODE)
        digits = pl.select(pl.lit(digits).fill_null(by_form)).to_series()
    asked = [count for count in digits.unique().to_list() if count < FULL_CODE]
    zeros = {count: pl.lit("0" * (FULL_CODE - count)) for count in asked}
    shortened = {count: pl.concat_str(pl.lit(code).str.slice(0, count), zeros[count]) for count in asked}
    written: pl.Expr = pl.lit(code)
    for count, short in shortened.items():
        written = short if digits.n_unique() == 1 else pl.when(digits == count).then(short).otherwise(written)
    return pl.select(written).to_series() if asked else code


def _import_list(rows: _Rows, persons: pl.DataFrame | None, sender: Sender) -> tuple[Values, Values]:
    """621: the import list, all money in CNY."""
    company, company_name = _company(rows, sender)
    day = _day(rows.head("declared_on"))
    heads: dict[str, Value] = {
        "orderNo": rows.head("order_id"),
        "ebpCode": sender.import_platform.code,
        "ebpName": sender.import_platform.name,
        "ebcCode": company,
        "ebcName": company_name,
        "logisticsNo": _waybill(rows, sender),
        **_logistics(rows, sender),
        "copNo": _own_number(rows),
        "assureCode": sender.assure_code,
        **_zone(rows, sender, BONDED, "areaCode", "areaName"),
        "ieFlag": "I",
        "declTime": day,
        "customsCode": _customs(rows, sender),
        "portCode": sender.port_code,
        "ieDate": day,
        "buyerIdType": "1",
        **_persons(rows, persons),
        "agentCode": sender.agent.code,
        "agentName": sender.agent.name,
        "tradeMode": rows.head("mode"),
        "trafMode": sender.traf_mode,
        **_transport(rows, sender),
        "loctNo": sender.loct_no,
        "freight": total(rows.item("freight_fen").fill_null(0), rows.starts, rows.ends) * 1000,
        "insuredFee": total(rows.item("insurance_fen").fill_null(0), rows.starts, rows.ends) * 1000,
        "currency": YUAN,
        "wrapType": sender.wrap_type,
        "packNo": _packages(rows),
        "grossWeight": _mass(rows, "gross_mass_g"),
        "netWeight": _mass(rows, "net_mass_g"),
    }
    return heads, _import_items(rows)


def _import_items(rows: _Rows) -> Values:
    return {
        "itemRecordNo": _record_no(rows),
        "itemNo": rows.item("sku"),
        "gcode": rows.item("hs_code"),
        "gname": rows.item("description"),
        "gmodel": rows.item("description"),
        "barCode": ITEM_NO_CODE,
        "country": country_numbers()(rows.item("origin_country")),
        "_country": rows.item("origin_country"),
        "currency": YUAN,
        "qty": rows.item("quantity_e5"),
        "unit": rows.item("unit"),
        **_statutory(rows),
        **_yuan_prices(rows),
    }


def _yuan_prices(rows: _Rows) -> Values:
    """Unit price and total in CNY at 10⁻⁵: as ordered when ordered in CNY, else total in fen over the quantity.

    The goods alone (`goods_fen`), without the freight and insurance that the head shows; `value_fen` where that
    is all that is known.
    """
    fen, quantity = pl.coalesce("goods_fen", "value_fen"), pl.col("quantity_e5").cast(pl.Int128)
    in_yuan = (pl.col("currency") == "CNY") & pl.col("goods_value_e5").is_not_null()
    price = ((fen * 1000).cast(pl.Int128) * 200_000 + quantity) // (2 * quantity)
    chosen = rows.lines.select(
        price=pl.when(in_yuan).then("unit_price_e5").otherwise(price.cast(pl.Int64, strict=False)),
        totalPrice=pl.when(in_yuan).then("goods_value_e5").otherwise(fen * 1000),
    )
    return {"price": chosen.get_column("price"), "totalPrice": chosen.get_column("totalPrice")}


def _transport(rows: _Rows, sender: Sender) -> Values:
    """Means of transport of direct purchases; bonded goods have none and come from 142."""
    bonded = rows.head("mode").is_in(BONDED)
    values = {"trafNo": sender.traf_no, "voyageNo": sender.voyage_no, "billNo": sender.bill_no}
    dispatch = rows.head("seller_country")
    country = pl.select(pl.when(bonded).then(pl.lit(CHINA)).otherwise(country_numbers()(dispatch))).to_series()
    return _where(~bonded, values) | {"country": country, "_country": dispatch}


def waybills(kind: str, lines: pl.DataFrame, sender: Sender) -> pl.DataFrame:
    """Carrier code and waybill number of each order that has one, to find numbers used twice."""
    rows = _Rows(lines_of_kind(kind, lines), message_kind(kind).kind)
    carrier = _logistics(rows, sender)["logisticsCode"]
    known = pl.DataFrame({"order_id": rows.head("order_id"), "number": _waybill(rows, sender)})
    return known.with_columns(carrier=pl.lit(carrier)).filter(pl.col("number").is_not_null())


def _persons(rows: _Rows, persons: pl.DataFrame | None) -> Values:
    """The buyer of each order, the identity number in upper case; unknown where the order has no person."""
    if persons is None or not persons.height:
        return dict.fromkeys(PERSON)
    orders = rows.head("order_id").to_frame()
    found = orders.join(one_person(persons), on="order_id", how="left", maintain_order="left")
    values: dict[str, Value] = {element: found.get_column(column) for element, column in PERSON.items()}
    if PERSON_NO in found.columns:
        values["_person_no"] = found.get_column(PERSON_NO)
    return values | {"buyerIdNumber": normal_ids(found.get_column(PERSON["buyerIdNumber"]))}


_Builder = Callable[[_Rows, pl.DataFrame | None, Sender], tuple[Values, Values]]
_BUILDERS: Mapping[Kind, _Builder] = {"303": _export_order, "603": _export_list, "621": _import_list}


def defaults_used(kind: str, lines: pl.DataFrame, sender: Sender) -> dict[str, int]:
    """How many lines of a kind rest on a default: statutory unit, article number, waybill, packages, charges."""
    rows = lines_of_kind(kind, lines)
    watched = {
        "unit1": "statutory-unit-as-declared", "sku": "item-number-from-line", "packages": "one-package",
        "freight_e5": "freight-zero", "insurance_e5": "insurance-zero",
    } | ({"waybill_no": "waybill-from-order"} if sender.waybill_from_order else {})  # fmt: skip
    missing = {name: rows.get_column(name).null_count() if name in rows.columns else rows.height for name in watched}
    return {f"default-{kind}-{watched[name]}": count for name, count in missing.items() if count}
