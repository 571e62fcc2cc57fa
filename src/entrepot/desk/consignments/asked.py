"""What a list request asks for, read from its address; and the addresses of the lists beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from urllib.parse import urlencode

from django.http import QueryDict

from entrepot.desk.told import said_of
from entrepot.goods.errors import CallError
from entrepot.goods.texts import told
from entrepot.run.shelf import SORTS, Filters

__all__ = ["COLUMNS", "FILTERS", "STANDARD", "Asked", "asked_of", "filters_of"]

FILTERS = tuple(one.name.removesuffix("_fen") for one in fields(Filters))
"""Names of the filters in an address."""
COLUMNS: Mapping[str, str] = {
    "goods": "product", "day": "day", "direction": "", "mode": "", "country": "", "district": "", "waybill": "waybill",
    "seller": "seller", "code": "", "value": "value", "tax": "tax", "rule": "", "verdict": "", "batch": "",
}  # fmt: skip
"""Columns of the table and the sort each has, if any. The order number comes always and first."""
STANDARD = ("goods", "day", "mode", "country", "value", "tax", "rule", "verdict")
LEAST, MOST = 1, 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A list as it is asked for. `problem` says what in the address is not allowed; then nothing is listed."""

    filters: Filters = field(default_factory=Filters)
    order: str = "default"
    descending: bool = False
    after: str | None = None
    before: str | None = None
    columns: tuple[str, ...] = STANDARD
    given: Mapping[str, str] = field(default_factory=dict)
    """The filters as texts, several values with commas."""
    problem: str = ""

    def query(self, **other: str | None) -> str:
        """The address of this list with something else in it; without its place, unless that is given."""
        sort = f"-{self.order}" if self.descending else self.order
        told: dict[str, str | None] = dict(self.given)
        told["sort"] = sort if sort != "default" else None
        told["columns"] = ",".join(self.columns) if self.columns != STANDARD else None
        return urlencode({name: value for name, value in {**told, **other}.items() if value})

    def without(self, name: str) -> str:
        """The address without one filter."""
        return self.query(**{name: None})

    def sorted_by(self, order: str) -> str:
        """The address sorted by something; sorted so already, the other way round."""
        turned = self.order == order and not self.descending
        return self.query(sort=f"-{order}" if turned else order)


def asked_of(query: QueryDict) -> Asked:
    """Read an address; what is not allowed is told in `problem`."""
    given = filters_of(query)
    order, descending = query.get("sort", "default").removeprefix("-"), query.get("sort", "").startswith("-")
    chosen = [name for text in query.getlist("columns") for name in text.split(",")]
    columns = tuple(name for name in COLUMNS if name in chosen) or STANDARD
    after, before = query.get("after") or None, query.get("before") or None
    try:
        if order not in SORTS:
            raise told(CallError, "shelf.sort-unknown", given=repr(order[:40]), allowed=", ".join(SORTS))
        return Asked(Filters.from_mapping(given), order, descending, after, before if not after else None, columns, given)
    except CallError as error:
        return Asked(columns=columns, given=given, problem=said_of(error))


def filters_of(query: QueryDict) -> dict[str, str]:
    """The filters an address names, several values joined by commas; other parameters are left out."""
    texts = {name: ",".join(text.strip() for text in query.getlist(name) if text.strip()) for name in FILTERS}
    return {name: text for name, text in texts.items() if text}
