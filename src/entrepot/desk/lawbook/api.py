"""The law and the policy items through the API."""

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from entrepot.desk.api.auth import acting, needs
from entrepot.desk.api.idempotency import idempotent
from entrepot.desk.api.problems import ApiError, FieldError, answers
from entrepot.desk.audit.chain import record
from entrepot.desk.lawbook.book import book, changed, find_leaves, find_rules, leaf_page, today
from entrepot.desk.lawbook.models import PolicyItem
from entrepot.desk.lawbook.views import PolicyForm
from entrepot.desk.plug import PUBLIC
from entrepot.law import LawError

__all__ = ["policies_router", "router"]

router = Router(tags=["law"])
policies_router = Router(tags=["policies"])


class LeafOut(Schema):
    """A value of the law as it stands on a day."""

    path: str = Field(examples=["cn/cbec/yearly_limit"])
    title: str = Field(examples=["yearly limit per person"])
    value: str | None = Field(examples=["26000"])
    unit: str = Field(examples=["CNY"])
    since: dt.date | None = Field(examples=["2019-01-01"])
    unconfirmed: bool = Field(examples=[False])


class LawOut(Schema):
    """The law that is loaded."""

    law_hash: str = Field(examples=["b48d00e5fdd39273f1f9fe953eab0a7a9eab4c637410109faacfb58dc7d2c38d"])
    checked_until: dt.date | None = Field(examples=["2026-11-23"])
    on: dt.date = Field(examples=["2026-11-25"])
    values: list[LeafOut]


class HistoryOut(Schema):
    """A leaf with every value or row it ever had, as `entrepot law show --json` gives it."""

    path: str = Field(examples=["cn/cbec/yearly_limit"])
    title: dict[str, str] = Field(examples=[{"en": "yearly limit per person", "zh": "个人年度交易限值"}])
    used_by: list[str] = Field(examples=[["cn.9610.over-yearly-limit"]])
    values: list[dict[str, Any]] = Field(default_factory=list)
    rows: list[dict[str, Any]] = Field(default_factory=list)


class RuleOut(Schema):
    """A rule of a decision."""

    id: str = Field(examples=["cn.9610.over-yearly-limit"])
    text: str = Field(examples=["the yearly limit of the buyer is used up"])
    answer: str = Field(examples=["no"])
    law: list[str] = Field(examples=[["cn/cbec/yearly_limit"]])


class ChangeOut(Schema):
    """A difference between two days; null where nothing held."""

    path: str = Field(examples=["cn/cbec/yearly_limit"])
    key: str = Field(examples=[""])
    before: dict[str, Any] | None = Field(examples=[{"value": "20000", "unit": "CNY"}])
    after: dict[str, Any] | None = Field(examples=[{"value": "26000", "unit": "CNY"}])


@router.get("", auth=needs(PUBLIC), response=answers(LawOut, 422), summary="Values of the law on a day")
def list_values(request: HttpRequest, q: str = "", on: dt.date | None = None, language: str = "en") -> LawOut:
    """Values and tables whose title, path, note or source hold all words of `q`; `on` is today in China by default."""
    spoken, day = "zh" if language.startswith("zh") else "en", on or today()
    found = [LeafOut(path=one.path, title=one.title, value=one.value, unit=one.unit, since=one.since, unconfirmed=one.unconfirmed)
             for one in find_leaves(q[:200], spoken, day)]  # fmt: skip
    return LawOut(law_hash=book().hash, checked_until=book().checked_until, on=day, values=found)


@router.get("/rules", auth=needs(PUBLIC), response=answers(list[RuleOut], 422), summary="Rules of the decisions")
def list_rules(request: HttpRequest, q: str = "", language: str = "en") -> list[RuleOut]:
    """Rules whose id or text holds all words of `q`."""
    spoken = "zh" if language.startswith("zh") else "en"
    return [
        RuleOut(id=one.id, text=one.text, answer=one.answer, law=list(one.law)) for one in find_rules(q[:200], spoken)
    ]


@router.get(
    "/changes", auth=needs(PUBLIC), response=answers(list[ChangeOut], 422), summary="What changed between two days"
)
def list_changes(request: HttpRequest, before: dt.date, after: dt.date) -> list[ChangeOut]:
    """Every difference between two days."""
    rows = changed(book().changes(before, after), "en")
    return [ChangeOut(path=row["path"], key=row["key"], before=row["before"], after=row["after"]) for row in rows]


@router.get(
    "/values/{path:path}",
    auth=needs(PUBLIC),
    response=answers(HistoryOut, 404, 422),
    summary="One value with its history",
)
def show_value(request: HttpRequest, path: str) -> HistoryOut:
    """A value or table with all its dated values or rows."""
    try:
        leaf = leaf_page(path)
    except LawError as error:
        raise Http404(str(error)) from None
    return HistoryOut(
        path=leaf["path"],
        title=leaf["title"],
        used_by=leaf["used_by"],
        values=leaf.get("values", []),
        rows=leaf.get("rows", []),
    )


class PolicyIn(Schema):
    """A policy item to file; `area` (1 to 9) and `begins_on` are needed."""

    area: int | None = Field(None, examples=[5])
    title: str = Field("", examples=["Retail exports by list"])
    text: str = Field("", examples=["Lists are taken in place of declarations."])
    issuer: str = Field("", examples=["Customs"])
    document: str = Field("", examples=["2026/12"])
    url: str = Field("", examples=["https://example.org/notice"])
    place: str = Field("", examples=["Ningbo"])
    begins_on: dt.date | None = Field(None, examples=["2027-01-01"])
    ends_on: dt.date | None = Field(None, examples=["2028-01-01"])
    codes: str = Field("", examples=["6109 6110"])


class PolicyOut(PolicyIn):
    """A filed policy item."""

    id: UUID = Field(examples=["6f2c8d1e-5b0a-4c0e-9a55-0f0b7a3e1d11"])
    in_force: bool = Field(examples=[False])


@policies_router.get("", auth=needs("policies.view"), response=answers(list[PolicyOut]), summary="Policy items")
def list_policies(request: HttpRequest) -> Any:
    """The organisation's policy items by area."""
    return list(PolicyItem.objects.of(acting(request)))


@policies_router.post(
    "", auth=needs("policies.edit"), response=answers(PolicyOut, 409, 422, status=201), summary="File a policy item"
)
@idempotent
def file_policy(request: HttpRequest, payload: PolicyIn) -> Any:
    """File a measure in one of the nine areas; without an area or a first day it is refused."""
    caller = acting(request)
    form = PolicyForm(
        payload.model_dump(mode="json"), instance=PolicyItem(organisation=caller.organisation, filed_by=caller.user)
    )
    if not form.is_valid():
        errors = [
            FieldError(path=name, code=f"policy.{name}", message=" ".join(map(str, faults)))
            for name, faults in form.errors.items()
        ]
        raise ApiError(422, "invalid", f"{len(errors)} value(s) are not valid", errors)
    with transaction.atomic():
        saved = form.save()
        record(
            caller, "policy.filed", "policy", saved.id, area=saved.area, begins_on=saved.begins_on, title=saved.title
        )
    return Status(201, saved)
