"""What the API of consignments takes and gives."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from entrepot.desk.consignments.listing import Row
from entrepot.desk.consignments.models import LineEvent
from entrepot.desk.consignments.settle import REASON_LEAST, REASON_MOST

__all__ = [
    "Decided", "DecisionIn", "DecisionsIn", "Erased", "ExplanationOut", "ExportIn", "JobRef", "LineDetail", "LineOut", "LinesPage",
    "LinesQuery", "MessageOut", "MessageRef", "Outcome", "ParcelRef", "PersonOut", "ProposalAnswer", "ReasonIn", "event_out",
    "explanation_out", "line_out", "query_filters",
]  # fmt: skip

BATCH = "7d0c9a52-6f0b-4c1e-9d55-0a5d4f2f8a11"
REASON = "papers seen, quantity agrees"
Verdict = Literal["release", "refuse", "hold"]


class LinesQuery(Schema):
    """Filters of the list; several values of one filter go with commas, `unknown` asks for lines that have none."""

    search: str = Field("", max_length=200, description="An order or waybill number, the start of one, or words", examples=["REX-001"])
    verdict: str = Field("", max_length=200, description="release, hold, refuse, invalid", examples=["hold"])
    lane: str = Field("", max_length=200, description="green, yellow, red", examples=[None])
    mode: str = Field("", max_length=400, description="Customs modes", examples=[None])
    direction: str = Field("", max_length=200, description="export, import", examples=[None])
    country: str = Field("", max_length=1000, description="Partner country, alpha-2", examples=[None])
    district: str = Field("", max_length=1000, description="Customs district or office, 4 digits", examples=[None])
    reason: str = Field("", max_length=2000, description="Ids of rules among the reasons", examples=[None])
    without: str = Field("", max_length=2000, description="Ids of rules that are not among the reasons", examples=[None])
    tax_rule: str = Field("", max_length=2000, description="Ids of rules that decided the tax", examples=[None])
    tax: str = Field("", max_length=200, description="unknown: lines whose tax is not known", examples=[None])
    state: str = Field("", max_length=200, description="What a person decided: released, held, refused", examples=[None])
    batch: str = Field("", max_length=10_000, description="Ids of batches", examples=[None])
    day_from: str = Field("", max_length=20, description="First day of declaration", examples=[None])
    day_until: str = Field("", max_length=20, description="Last day of declaration", examples=[None])
    min_value: str = Field("", max_length=20, description="Least value in CNY", examples=[None])
    max_value: str = Field("", max_length=20, description="Most value in CNY", examples=[None])
    order: str = Field("", max_length=200, description="A whole order number", examples=[None])
    order_prefix: str = Field("", max_length=200, description="The start of an order number", examples=[None])
    waybill: str = Field("", max_length=200, description="A whole waybill number", examples=[None])
    waybill_prefix: str = Field("", max_length=200, description="The start of a waybill number", examples=[None])
    text: str = Field("", max_length=200, description="Words of the product, or the start of a code", examples=[None])
    party: str = Field("", max_length=200, description="Words of the seller", examples=[None])
    buyer_key: str = Field("", max_length=200, description="A buyer by key", examples=[None])
    sort: str = Field("default", max_length=20, description="default, order, waybill, value, tax, day, product or seller; "
                      "`-` in front turns it round", examples=["-value"])  # fmt: skip
    limit: int = Field(50, ge=1, le=200, description="How many at most", examples=[50])
    after: str | None = Field(None, max_length=60_000, description="`next` of the page before", examples=[None])
    before: str | None = Field(None, max_length=60_000, description="`previous` of the page behind", examples=[None])


PLACING = ("sort", "limit", "after", "before")


def query_filters(query: LinesQuery) -> dict[str, str]:
    """The filters alone, blank ones left out."""
    return {name: value for name, value in query.dict().items() if name not in PLACING and value.strip()}


class LineOut(Schema):
    """A line as it stands now. Amounts are CNY; null is unknown."""

    batch: UUID = Field(examples=[BATCH])
    row_id: int = Field(description="Number of the row in its batch, from 0", examples=[0])
    order_id: str | None = Field(examples=["REX-001"])
    line_no: int | None = Field(examples=[1])
    waybill_no: str | None = Field(examples=["SMP20260000001"])
    carrier: str | None = Field(examples=["Example Express"])
    declared_on: date | None
    direction: str | None = Field(examples=["export"])
    mode: str | None = Field(examples=["9610"])
    verdict: str = Field(examples=["release"])
    lane: str | None = Field(examples=["green"])
    state: str | None = Field(description="What a person decided: released, held, refused; null where nobody did", examples=[None])
    release_rule: str | None = Field(examples=["release.nothing-to-check"])
    reasons: list[str] = Field(examples=[[]])
    warnings: list[str] = Field(examples=[["value.not-customs-rate"]])
    sku: str | None = Field(examples=["FA-2005"])
    description: str | None = Field(examples=["涤纶旅行背包"])
    hs_code: str | None = Field(examples=["420292"])
    seller_id: str | None = Field(examples=["91990000MAQ00002KR"])
    seller_name: str | None = Field(examples=["宁波样例潮汐家居有限公司"])
    partner_country: str | None = Field(examples=["US"])
    customs_district: str | None = Field(examples=["3109"])
    value_cny: Decimal | None = Field(examples=["253.66"])
    tax_cny: Decimal | None = Field(examples=["0.00"])
    tax_rule: str | None = Field(examples=["cn.export.no-duty-by-trader"])


SAME = tuple(name for name in LineOut.model_fields if not name.endswith("_cny"))


def line_out(row: Row) -> dict[str, Any]:
    """A row of the list as `LineOut`."""
    return {name: row[name] for name in SAME} | {"value_cny": _cny(row["price_fen"]), "tax_cny": _cny(row["tax_total_fen"])}


def _cny(fen: int | None) -> Decimal | None:
    return None if fen is None else Decimal(fen).scaleb(-2)


class LinesPage(Schema):
    """One page of lines; give `next` as `after`, or `previous` as `before`, with the same filters and sort."""

    items: list[LineOut]
    next: str | None = Field(None, examples=[None])
    previous: str | None = Field(None, examples=[None])


class EventOut(Schema):
    """Something that happened to a parcel after it was decided."""

    id: UUID
    kind: str = Field(examples=["settled"])
    at: datetime
    actor: str = Field(examples=["key:3f0e…"])
    verdict: str | None = Field(None, examples=["release"])
    reason: str | None = Field(None, examples=[REASON])


def event_out(event: LineEvent) -> dict[str, Any]:
    """An event as `EventOut`."""
    told = {name: event.detail.get(name) for name in ("verdict", "reason")}
    return {"id": event.id, "kind": event.kind, "at": event.at, "actor": event.actor, **told}


class ProposalOut(Schema):
    """A decision that waits for a second person."""

    id: UUID
    verdict: str = Field(examples=["release"])
    reason: str = Field(examples=[REASON])
    proposed_by: str = Field(examples=["user:5b2c…"])


class LineDetail(Schema):
    """A line with its parcel: what happened to it and what a person may do."""

    line: LineOut
    parcel: list[LineOut]
    events: list[EventOut]
    allowed: list[str] = Field(description="Verdicts a person may give the parcel now", examples=[["release", "refuse"]])
    proposal: ProposalOut | None = None


class Figure(Schema):
    """A figure a rule looked at; null is unknown. `unit` is fen, cent, ppm, e6 (millionths), date, text."""

    value: int | str | bool | None = Field(examples=[25366])
    unit: str = Field(examples=["fen"])


class LeafRead(Schema):
    """A leaf of the law as it stood on the day of the line."""

    path: str = Field(examples=["cn/mode/9610/list_code_digits_limit"])
    title: dict[str, str] = Field(examples=[{"en": "order value up to which 4-digit codes serve", "zh": "四位编码适用的限额"}])
    value: str | None = Field(examples=["5000.00"])
    unit: str | None = Field(None, examples=["CNY"])
    since: str | None = Field(None, examples=["2019-01-01"])
    until: str | None = Field(None, examples=[None])
    status: str | None = Field(None, examples=["in_force"])
    source: str | None = Field(None, examples=["海关总署公告2018年第194号"])
    unconfirmed: bool = Field(False, examples=[False])


class RuleTried(Schema):
    """A rule that was tried."""

    rule: str = Field(examples=["cn.form.retail-list-a-4-digits"])
    answer: str = Field(description="What it says where it holds: yes, no, unknown", examples=["yes"])
    held: bool | None = Field(description="Null where a figure it looks at is unknown", examples=[True])
    decides: bool = Field(examples=[True])
    figures: dict[str, Figure]
    law: list[LeafRead]


class StepOut(Schema):
    """One step: value, limits, mode, `option NNNN`, form, tax, release."""

    step: str = Field(examples=["form"])
    decides: str | None = Field(examples=["cn.form.retail-list-a-4-digits"])
    taken: bool | None = Field(None, description="Of an option", examples=[None])
    figures: dict[str, Figure] = Field(examples=[{}])
    checks: list[RuleTried]
    documents: dict[str, str] | None = Field(None, description="Of an option: documents with their need", examples=[None])


class ExplanationOut(Schema):
    """Why a line was decided so: the same rules run again on the stored line with the stored law."""

    order_id: str = Field(examples=["REX-001"])
    line_no: int = Field(examples=[1])
    verdict: str = Field(examples=["release"])
    lane: str | None = Field(examples=["green"])
    reasons: list[str] = Field(examples=[[]])
    warnings: list[str] = Field(examples=[["value.not-customs-rate"]])
    steps: list[StepOut]
    problems: list[dict[str, Any]] = Field(description="Of a row refused as bad data", examples=[[]])


def explanation_out(explained: Mapping[str, Any]) -> dict[str, Any]:
    """An explanation of `run.explain` as `ExplanationOut`."""
    names = ("order_id", "line_no", "verdict", "lane", "reasons", "warnings", "problems")
    return {name: explained[name] for name in names} | {"steps": [_step(step) for step in explained["steps"]]}


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "step": step["step"], "decides": step["decides"], "taken": step.get("taken"), "figures": _figures(step.get("figures", {})),
        "checks": [_check(check) for check in step["checks"]],
        "documents": step["consequences"]["documents"] if "consequences" in step else None,
    }  # fmt: skip


def _figures(figures: Mapping[str, tuple[Any, str]]) -> dict[str, Any]:
    return {name: {"value": _plain(value), "unit": unit} for name, (value, unit) in figures.items()}


def _plain(value: Any) -> int | str | bool | None:
    return value if value is None or isinstance(value, int | str | bool) else str(value)


def _check(check: Mapping[str, Any]) -> dict[str, Any]:
    law = [{**one, "since": one.get("from"), "unconfirmed": one.get("mark") == "?"} for one in check["law"]]
    return {**check, "figures": _figures(check["numbers"]), "law": law}


class ReasonIn(Schema):
    """Why; kept for good, so without personal data."""

    reason: str = Field(min_length=REASON_LEAST, max_length=REASON_MOST, examples=[REASON])


class DecisionIn(ReasonIn):
    """A person's decision over a whole parcel."""

    verdict: Verdict = Field(examples=["release"])


class ParcelRef(Schema):
    """A parcel: an order of a batch."""

    batch: UUID = Field(examples=[BATCH])
    order_id: str = Field(max_length=120, examples=["REX-001"])


class DecisionsIn(DecisionIn):
    """One decision over many parcels: those named, or those of every line that matches the filters."""

    parcels: list[ParcelRef] = Field(default_factory=list, max_length=1000)
    filters: dict[str, str] | None = Field(None, description="As the parameters of the list", examples=[None])


class Decided(Schema):
    """What became of a decision."""

    outcome: Literal["settled", "proposed", "turned-down"] = Field(description="`proposed` waits for a second person", examples=["settled"])
    event: UUID | None = None
    proposal: UUID | None = Field(None, examples=[None])


class Outcome(Schema):
    """What became of many decisions, or the job that carries them out when they are more than 50."""

    settled: int = Field(0, examples=[2])
    proposed: int = Field(0, examples=[0])
    failed: int = Field(0, examples=[0])
    problems: dict[str, int] = Field(default_factory=dict, description="Sentence to how many parcels", examples=[{}])
    job: UUID | None = Field(None, examples=[None])


class ProposalAnswer(Schema):
    """What the second person says."""

    accept: bool = Field(examples=[True])


class PersonOut(Schema):
    """A person of a parcel in the clear; everything is null once erased."""

    buyer_key: str | None = Field(examples=["9f86d081884c7d65"])
    buyer_id: str | None = Field(examples=["acct-us-0001"])
    buyer_name: str | None = Field(examples=["Avery Specimen"])
    buyer_telephone: str | None = Field(examples=["+1-212-555-0101"])
    consignee_address: str | None = Field(examples=["2 Example Ave, Sampleton, NY 00000"])
    erased: bool = Field(examples=[False])


class Erased(Schema):
    """In how many batches somebody was erased."""

    batches: int = Field(examples=[1])


class MessageRef(Schema):
    """A message that declares the parcel."""

    kind: str = Field(examples=["303"])
    guid: str = Field(examples=["028CE48F-84A2-8670-A0CC-1B7B6D6EA65B"])


class MessageOut(MessageRef):
    """The parcel's document as XML, personal values covered."""

    document: str = Field(examples=["<ceb:Order>…</ceb:Order>"])


class ExportIn(Schema):
    """Lines to export."""

    filters: dict[str, str] = Field(default_factory=dict, description="As the parameters of the list", examples=[{"verdict": "hold"}])
    kind: Literal["csv", "parquet"] = Field("csv", examples=["csv"])


class JobRef(Schema):
    """A job that does it: ask `/jobs/{id}` how far it is."""

    job: UUID
