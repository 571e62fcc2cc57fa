"""What quotes look like in the API: as `run.quote.describe` makes them. Answers are written without checking them again."""

from typing import Any

from ninja import Schema
from pydantic import Field

from entrepot.goods.schema import FIELDS
from entrepot.run.quote import ASKED

__all__ = ["BULK_BODY", "QUOTE_BODY", "BulkOut", "KeptOut", "QuoteOut", "QuotesOut"]

JSON, ARROW = "application/json", "application/vnd.apache.arrow.stream"
EXAMPLE = {
    "description": "cotton t-shirt", "hs_code": "6109100000", "seller_country": "CN", "buyer_country": "US", "quantity": "10",
    "value": "500.00", "currency": "CNY", "on": "2026-11-20", "buyer_kind": "person", "platform_sale": True,
}  # fmt: skip
OWN = {
    "on": "Day of declaration, YYYY-MM-DD", "value": "Value of the whole quantity, instead of unit_price",
    "spent": "CNY the buyer has used of this year's limit", "code_unconfirmed": "Whether the code is a guess",
}  # fmt: skip


def _field(name: str) -> dict[str, Any]:
    known = FIELDS.get(name)
    kind = known.kind if known else {"code_unconfirmed": "boolean"}.get(name, "decimal" if name != "on" else "date")
    kinds: list[str] = {"boolean": ["boolean"], "decimal": ["string", "number"], "mass": ["string", "number"]}.get(kind, ["string"])
    return {"type": [*kinds, "null"], "description": OWN.get(name) or (known.en if known else "")}


ASKED_SCHEMA: dict[str, Any] = {
    "type": "object", "title": "Asked", "additionalProperties": False, "required": ["seller_country", "buyer_country", "currency", "on"],
    "properties": {name: _field(name) for name in ASKED}, "example": EXAMPLE,
}  # fmt: skip
BINARY = {"schema": {"type": "string", "format": "binary", "description": "An Arrow stream; columns named as the fields"}}


def _body(most: int, arrow: bool) -> dict[str, Any]:
    whole = {
        "type": "object", "required": ["quotes"], "additionalProperties": False,
        "properties": {"quotes": {"type": "array", "minItems": 1, "maxItems": most, "items": ASKED_SCHEMA}},
    }  # fmt: skip
    content: dict[str, Any] = {JSON: {"schema": whole, "example": {"quotes": [EXAMPLE]}}}
    return {"requestBody": {"required": True, "content": content | ({ARROW: BINARY} if arrow else {})}}


QUOTE_BODY, BULK_BODY = _body(100, arrow=False), _body(10_000, arrow=True)


class Said(Schema):
    """A rule, warning or kind: its stable id and its text."""

    id: str = Field(examples=["cn.0110.ordinary-trade"])
    text: str = Field(examples=["ordinary trade (0110) is open to every trader"])


class NumberOut(Schema):
    """A figure a rule saw."""

    name: str = Field(examples=["spent"])
    title: str = Field(examples=["used of this year's limit"])
    value: str | None = Field(None, examples=["26000"])
    unit: str = Field(examples=["CNY"])
    text: str = Field(examples=["26,000 CNY"])


class DocumentOut(Schema):
    """A paper or message and whether it is needed."""

    id: str = Field(examples=["declaration_list"])
    title: str = Field(examples=["declaration list"])
    need: str = Field(examples=["required"])
    need_text: str = Field(examples=["required"])


class ChargeOut(Schema):
    """One part of the cost; `amount` null is unknown, never zero."""

    kind: str = Field(description="duty, consumption_tax, vat or destination", examples=["vat"])
    title: str = Field(examples=["VAT"])
    base: str | None = Field(None, examples=["500.00"])
    amount: str | None = Field(None, examples=["45.50"])
    currency: str = Field(examples=["CNY"])
    rule: Said
    law: list[str] = Field(description="Paths of the leaves in `tax_law`", examples=[["cn/vat/standard"]])


class CitedLaw(Schema):
    """A leaf of law as it stood that day."""

    path: str = Field(examples=["cn/vat/standard"])
    title: str = Field(examples=["standard rate of VAT"])
    value: str | None = Field(None, examples=["13"])
    unit: str = Field("", examples=["percent"])
    begins: str | None = Field(None, alias="from", examples=["2019-04-01"])
    until: str | None = Field(None, examples=[None])
    status: str | None = Field(None, examples=["in_force"])
    mark: str | None = Field(None, examples=["S"])
    source: str | None = Field(None, examples=["财政部 税务总局 海关总署公告2019年第39号"])


class FormOut(Said):
    """The form the goods are declared in."""

    code_digits: int | None = Field(None, examples=[10])


class OptionOut(Schema):
    """One way to trade."""

    mode: str = Field(examples=["9610"])
    title: str = Field(examples=["Cross-border e-commerce, retail"])
    answer: str = Field(description="yes, unknown (hangs on what is not stated) or no", examples=["yes"])
    answer_text: str = Field(examples=["allowed"])
    rank: int | None = Field(None, description="1 is the way to take; null where the law says no", examples=[1])
    law_rank: int = Field(examples=[3])
    rule: Said
    numbers: list[NumberOut]
    law: list[CitedLaw]
    documents: list[DocumentOut]
    rebate: Said | None = None
    import_tax: Said | None = None
    form: FormOut | None = None
    tax_rule: Said | None = None
    tax_numbers: list[NumberOut]
    tax_law: list[CitedLaw]
    charges: list[ChargeOut]
    price: str | None = Field(None, examples=["500.00"])
    total: str | None = Field(None, description="Null when a part is unknown", examples=[None])
    warnings: list[Said]
    holds: list[Said] = Field(description="What would keep the parcel waiting for a person")


class ProblemOut(Schema):
    """What is wrong with a request."""

    field: str = Field(examples=["currency"])
    code: str = Field(examples=["goods.unknown-currency"])
    message: str = Field(examples=["currency (currency): XXX is no currency"])
    given: str = Field(examples=["XXX"])
    allowed: str = Field(examples=["ISO 4217"])


class QuoteOut(Schema):
    """Every way to trade one product on one day under one law; with `problems` there are no options."""

    law_hash: str = Field(examples=["b48d00e5fdd39273f1f9fe953eab0a7a9eab4c637410109faacfb58dc7d2c38d"])
    on: str = Field(examples=["2026-11-20"])
    direction: str = Field(description="export or import; empty with problems", examples=["export"])
    language: str = Field(examples=["en"])
    input: dict[str, Any] = Field(examples=[EXAMPLE])
    value: dict[str, str | None] = Field(examples=[{"goods": "500.00", "price": "500.00"}])
    options: list[OptionOut]
    rejected: list[OptionOut]
    cheapest: str | None = Field(None, examples=["9610"])
    warnings: list[Said]
    problems: list[ProblemOut] = Field(examples=[[]])
    link: str | None = Field(None, description="With store=true: the page that always shows this quote", examples=[None])
    slug: str | None = Field(None, description="With store=true: the id for GET /quotes/{slug}", examples=[None])


class QuotesOut(Schema):
    """Quotes in the order of the requests."""

    law_hash: str = Field(examples=["b48d00e5fdd39273f1f9fe953eab0a7a9eab4c637410109faacfb58dc7d2c38d"])
    quotes: list[QuoteOut]


class WayRow(Schema):
    """One way of one request of a bulk call, or one problem of it (then `mode` is null)."""

    quote: int = Field(description="Which request, from 0", examples=[0])
    mode: str | None = Field(None, examples=["9610"])
    answer: str | None = Field(None, examples=["yes"])
    rank: int | None = Field(None, examples=[1])
    rule: str | None = Field(None, examples=["cn.9610.retail-export"])
    form_rule: str | None = Field(None, examples=["cn.form.retail-list-b"])
    tax_rule: str | None = Field(None, examples=["cn.export.duty-unknown"])
    price: str | None = Field(None, examples=["500.00"])
    duty: str | None = Field(None, examples=[None])
    consumption_tax: str | None = Field(None, examples=["0.00"])
    vat: str | None = Field(None, examples=["0.00"])
    total: str | None = Field(None, examples=[None])
    warnings: list[str] = Field(examples=[[]])
    holds: list[str] = Field(examples=[[]])
    field: str | None = Field(None, description="Of a problem: the field", examples=[None])
    code: str | None = Field(None, description="Of a problem: its code", examples=[None])


class BulkOut(Schema):
    """Rows in the order of the requests. As Arrow: the same columns, amounts as decimal(18,2) CNY."""

    law_hash: str = Field(examples=["b48d00e5fdd39273f1f9fe953eab0a7a9eab4c637410109faacfb58dc7d2c38d"])
    rows: list[WayRow]


class KeptOut(Schema):
    """A kept quote."""

    slug: str = Field(examples=["x3Vn0t9mQm2Zk1r8Yw5c_A"])
    link: str = Field(examples=["https://desk.example.org/quote/x3Vn0t9mQm2Zk1r8Yw5c_A/"])
    created_at: str = Field(examples=["2026-11-25T08:30:00+00:00"])
    quote: QuoteOut
