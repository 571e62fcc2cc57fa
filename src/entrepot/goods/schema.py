"""The line schema, in one place: what a file may say (`INPUT_FIELDS`) and what a parsed line holds (`LINE`).

Input names and line names differ only by unit: a file gives `quantity` or `net_mass` (kg) as text, a line
holds `quantity_e5` (integer at 10⁻⁵) or `net_mass_g` (grams). A null in a line always means "unknown".
Personal fields never enter the lines; they form the persons table (`PERSONS`) under `buyer_key`.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

__all__ = [
    "CLASSIFIERS",
    "DATE_FIRST",
    "DATE_LAST",
    "FIELDS",
    "INPUT_FIELDS",
    "LINE",
    "MAX_ORDER_ID",
    "MAX_TEXT",
    "PERSONAL",
    "PERSONS",
    "PROBLEMS",
    "REQUIRED",
    "ROW_COLUMNS",
    "Field",
    "line_column",
]

Kind = Literal[
    "text", "personal", "choice", "boolean", "date", "instant", "whole", "decimal", "mass",
    "country", "currency", "unit", "district", "code",
]  # fmt: skip

DATE_FIRST = date(1990, 1, 1)
DATE_LAST = date(2049, 12, 31)
MAX_TEXT = 10_000
"""Longest text kept, in characters; the tighter limits of messages belong to `messages`."""
MAX_ORDER_ID = 120
"""Longest order number, by which a parcel is found ever after; messages have room for 60."""


@dataclass(frozen=True, slots=True)
class Field:
    """One input field: its kind decides how it is read, `default` is what an absent value becomes.

    `default` None means "unknown"; any other default is counted per line and reported. A default in angle
    brackets is taken from another column of the same line. `limit` is the first value that is too large, in
    the unit of the input. `longest` is how many characters a text may have. `choices` lists the allowed words of a choice.
    """

    name: str
    kind: Kind
    en: str
    zh: str
    required: bool = False
    default: str | None = None
    positive: bool = False
    limit: int | None = None
    choices: tuple[str, ...] = ()
    column: str = ""
    longest: int = MAX_TEXT


def _field(name: str, kind: Kind, en: str, zh: str, **more: object) -> Field:
    suffix = {"decimal": "_e5", "mass": "_g"}.get(kind, "")
    return Field(name, kind, en, zh, column=name + suffix, **more)  # type: ignore[arg-type]


KINDS = ("person", "business")
MODES = ("0110", "1039", "1210", "1239", "9610", "9710", "9810")
INCOTERMS = (
    "EXW",
    "FCA",
    "FAS",
    "FOB",
    "CFR",
    "CIF",
    "CPT",
    "CIP",
    "DAP",
    "DPU",
    "DDP",
    "DAT",
    "DAF",
    "DES",
    "DEQ",
    "DDU",
)

LINE_KINDS = ("sale", "cancellation")
BILLION = 1_000_000_000
NO_FREIGHT = "0 (taken as included), unknown under EXW FCA FAS FOB"
NO_INSURANCE = "0 (taken as included), unknown under EXW FCA FAS FOB CFR CPT"

INPUT_FIELDS: tuple[Field, ...] = (
    _field("order_id", "text", "order number", "订单号", required=True, longest=MAX_ORDER_ID),
    _field("line_no", "whole", "line number in the order", "订单内行号", required=True, positive=True, limit=BILLION),
    _field("direction", "choice", "direction", "进出口方向", required=True, choices=("export", "import")),
    _field("declared_on", "date", "legal day of declaration (Asia/Shanghai)", "申报日期(北京时间)", required=True),
    _field("placed_at", "instant", "moment the order was placed", "下单时间"),
    _field("seller_id", "text", "seller's registration number", "卖家代码"),
    _field("seller_name", "text", "seller's name", "卖家名称"),
    _field("seller_country", "country", "seller's country", "卖家国家(地区)", required=True),
    _field("seller_kind", "choice", "person or business selling", "卖家类型", choices=KINDS),
    _field("buyer_id", "personal", "buyer's identity number or account", "买家证件号或账号"),
    _field("buyer_name", "personal", "buyer's name", "买家姓名"),
    _field("buyer_telephone", "personal", "buyer's telephone", "买家电话"),
    _field("consignee_address", "personal", "consignee's address", "收货地址"),
    _field("buyer_country", "country", "buyer's country", "买家国家(地区)", required=True),
    _field("buyer_kind", "choice", "person or business buying", "买家类型", choices=KINDS),
    _field("platform_sale", "boolean", "sold on an e-commerce platform", "通过电商平台销售"),
    _field("stocked_abroad", "boolean", "goes to an overseas warehouse", "运往海外仓"),
    _field("in_market_cluster", "boolean", "bought in a recognised market cluster", "在认定的市场集聚区采购"),
    _field("has_input_invoice", "boolean", "seller holds an input VAT invoice", "持有进项增值税发票"),
    _field("pilot_zone", "boolean", "seller in a comprehensive pilot zone", "位于跨境电商综合试验区"),
    _field("bonded", "boolean", "goods in a bonded zone", "保税货物"),
    _field("rebate_claimed", "boolean", "export rebate will be claimed", "申请出口退税"),
    _field("needs_licence", "boolean", "a licence, statutory inspection or export duty applies to the goods",
           "货物涉及许可证件、法定检验或出口关税"),
    _field("warehouse_filed", "boolean", "overseas warehouse business filed with customs", "已办理海外仓业务备案"),
    _field("on_positive_list", "boolean", "on the retail import list", "列入跨境电商零售进口商品清单"),
    _field("buyer_verified", "boolean", "buyer's identity verified", "买家身份已验证"),
    _field("customs_district", "district", "customs district or office, 4 digits", "关区代码"),
    _field("mode_wanted", "choice", "trade mode the trader asks for", "期望监管方式", choices=MODES),
    _field("sku", "text", "seller's article number", "商品货号"),
    _field("description", "text", "description of goods", "商品名称"),
    _field("hs_code", "code", "commodity code, 6, 8 or 10 digits", "商品编码"),
    _field("origin_country", "country", "country of origin", "原产国(地区)", default="<seller_country> of exports"),
    _field("quantity", "decimal", "quantity", "数量", required=True, positive=True, limit=100_000_000),
    _field("unit", "unit", "unit of quantity", "计量单位", default="007"),
    _field("unit_price", "decimal", "price of one unit", "单价", required=True, positive=True, limit=BILLION),
    _field("currency", "currency", "currency", "币制", required=True),
    _field("freight", "decimal", "freight of the line", "运费", default=NO_FREIGHT, limit=BILLION),
    _field("insurance", "decimal", "insurance of the line", "保费", default=NO_INSURANCE, limit=BILLION),
    _field("incoterm", "choice", "delivery term", "成交方式", choices=INCOTERMS),
    _field("net_mass", "mass", "net mass of the line, kg", "净重(千克)", positive=True, limit=BILLION),
    _field("gross_mass", "mass", "gross mass, kg", "毛重(千克)", positive=True, limit=BILLION, default="<net_mass>"),
    _field("packages", "whole", "number of packages", "件数", positive=True, limit=100_000_000, default="1"),
    _field("carrier", "text", "carrier", "物流企业"),
    _field("waybill_no", "text", "waybill number", "运单号"),
    _field("content_quantity", "decimal", "content of one sales unit", "单件内容量", positive=True, limit=100_000_000),
    _field("content_unit", "choice", "unit of that content", "内容量单位", choices=("ml", "g", "piece")),
    _field("line_kind", "choice", "sale, or cancellation of one", "销售或取消", choices=LINE_KINDS, default="sale"),
)  # fmt: skip
"""Every field a file or a mapping may give."""

FIELDS: dict[str, Field] = {field.name: field for field in INPUT_FIELDS}
REQUIRED: tuple[str, ...] = tuple(field.name for field in INPUT_FIELDS if field.required)
CLASSIFIERS: tuple[str, ...] = ("description", "hs_code", "sku")
"""At least one of these must be given, by the file as a column and by each row as a value."""
PERSONAL: tuple[str, ...] = tuple(field.name for field in INPUT_FIELDS if field.kind == "personal")

_DTYPES: dict[str, pl.DataType] = {
    "boolean": pl.Boolean(), "date": pl.Date(), "instant": pl.Datetime("us", "UTC"),
    "whole": pl.Int64(), "decimal": pl.Int64(), "mass": pl.Int64(),
}  # fmt: skip


def line_column(field: str) -> str:
    """The column of a parsed line that holds an input field (`net_mass` gives `net_mass_g`)."""
    return FIELDS[field].column


ROW_COLUMNS: dict[str, pl.DataType] = {"source_file": pl.String(), "row": pl.Int64(), "row_id": pl.Int64()}
"""Where a line came from: file, data row in it (from 1), running number over all inputs (from 0)."""

LINE: pl.Schema = pl.Schema(
    {
        **ROW_COLUMNS,
        **{
            "buyer_key" if field.name == "buyer_id" else field.column: _DTYPES.get(field.kind, pl.String())
            for field in INPUT_FIELDS
            if field.kind != "personal" or field.name == "buyer_id"
        },
        "name_zh": pl.String(),
        "hs_code_source": pl.String(),
        "code_unconfirmed": pl.Boolean(),
        "code_status": pl.String(),
        "valid": pl.Boolean(),
    }
)
"""Columns of a parsed line. `name_zh` is the catalogue's Chinese name; `hs_code_source` is line or catalogue;
`code_unconfirmed` marks a catalogue code nobody confirmed; `code_status` is listed, unknown-code or not-checked (null
without a code); `valid` is false when the row has at least one problem."""

PERSONS: pl.Schema = pl.Schema(
    {"order_id": pl.String(), "buyer_key": pl.String(), **{name: pl.String() for name in PERSONAL}}
)
"""Personal data, apart from the lines: one row per distinct person, contact and order."""

PROBLEMS: pl.Schema = pl.Schema(
    {
        **ROW_COLUMNS,
        **{name: pl.String() for name in ("field", "code", "message_en", "message_zh", "given", "allowed")},
    }
)
"""One row per bad field; `field` is empty when the whole row is bad."""
