"""Which data the answers rest on: each list with its version, hash and age, and what is not loaded."""

import datetime as dt
import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl
from django.db.models import Max
from django.http import HttpResponse
from django.shortcuts import render

from entrepot import __version__
from entrepot.desk.context import language
from entrepot.desk.lawbook.book import book, today
from entrepot.desk.people.acting import Acting
from entrepot.desk.products.models import Product
from entrepot.goods.catalogue_file import bundled_catalogues, read_articles
from entrepot.goods.nomenclature import Nomenclature
from entrepot.law.customs_rate import MONTHLY
from entrepot.law.leaves import TableLeaf

__all__ = ["OLD_AFTER", "Load", "lists", "loads", "loads_page"]

OLD_AFTER = dt.timedelta(days=90)
"""Law that nobody compared with its source for longer is shown as old."""


@dataclass(frozen=True, slots=True)
class Load:
    """One list: a text id (or the words themselves, with `path`), its version, hash, rows, and the day it is as of.

    `rows` 0 means that it is not loaded: whatever hangs on it is answered with unknown. `path` is a leaf of the law.
    """

    name: str
    version: str
    sha256: str
    rows: int
    as_of: dt.date | None
    path: str = ""
    complete: bool = True

    @property
    def age_days(self) -> int | None:
        """Days since it was as of; None when no day is known."""
        return (today() - self.as_of).days if self.as_of else None

    @property
    def state(self) -> str:
        """`missing`, `old`, `partial` or `ok`."""
        if not self.rows:
            return "missing"
        if self.age_days is not None and self.age_days > OLD_AFTER.days:
            return "old"
        return "ok" if self.complete else "partial"


def loads(acting: Acting) -> list[Load]:
    """The law as a whole, exchange rates, nomenclature, catalogues that ship, and the organisation's own products."""
    law = book()
    own = Product.objects.of(acting).aggregate(changed=Max("changed_at"))["changed"]
    products = Load("operations.load-products", "", "", Product.objects.of(acting).count(), own.date() if own else None)
    whole = Load("operations.load-law", f"Entrepot {__version__}", law.hash, len(law.paths()), law.checked_until)
    return [whole, _rates(), *_shipped(), products]


def _rates() -> Load:
    frame = book().table(MONTHLY).frame
    last: Any = frame["from"].max()
    return Load("operations.load-rates", f"{last:%Y-%m}" if last else "", _hash(frame), frame.height, last, MONTHLY, complete=False)


@cache
def _shipped() -> tuple[Load, ...]:
    codes = Nomenclature.load()
    editions = ", ".join(codes.frame["edition"].drop_nulls().unique().sort())
    found = [Load("operations.load-nomenclature", editions or codes.name, _hash(codes.frame), codes.frame.height, None, complete=False)]
    for name in bundled_catalogues():
        articles = read_articles(name)
        found.append(Load(name, f"Entrepot {__version__}", _hash(articles), articles.height, None))
    return tuple(found)


def _hash(frame: pl.DataFrame) -> str:
    return hashlib.sha256(frame.write_csv().encode()).hexdigest()


def lists(spoken: str) -> list[Load]:
    """Every table of the law by its title: how many rows, whether it is complete, when it was last compared."""
    law = book()
    found = []
    for path in law.paths():
        if isinstance(law.leaf(path), TableLeaf):
            table = law.table(path)
            checked: Any = table.frame["checked_on"].max()
            found.append(Load(table.title[spoken], "", _hash(table.frame), table.frame.height, checked, path, table.complete))
    return sorted(found, key=lambda one: (one.rows > 0, one.path))


def loads_page(request: Any) -> HttpResponse:
    """The page of data loads."""
    return render(request, "operations/loads.html", {"loads": loads(request.acting), "lists": lists(language())})
