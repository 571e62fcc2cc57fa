"""Products as a catalogue file: taken in with all problems at once, given out so that nothing is lost, handed to clearing."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.content import check_content
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Organisation
from entrepot.desk.products.codes import CHINA, add_decisions, present_codes
from entrepot.desk.products.models import Code, Product
from entrepot.desk.told import Told
from entrepot.goods.catalogue_file import COLUMNS, CellProblem, articles_of
from entrepot.goods.errors import InputError
from entrepot.goods.mapping import Mapping as ColumnMapping
from entrepot.goods.problems import FORMULA_STARTS
from entrepot.goods.read import read_batches
from entrepot.goods.schema import REQUIRED

__all__ = [
    "MOST_ROWS",
    "Imported",
    "catalogue_files",
    "cells_of",
    "import_rows",
    "products_csv",
    "rows_of_file",
    "take_in",
]

MOST_ROWS = 20_000
E5 = 100_000
PAGE = 500
ANYTHING = ColumnMapping(constants=dict.fromkeys((*REQUIRED, "description"), ""))
"""Asks nothing of a file's columns: it is no file of orders."""
FIELDS = {
    "name_en": "name_en", "name_zh": "name_zh", "brand": "brand", "unit": "unit", "net_mass_g": "mass_g", "origin_country": "origin",
    "on_positive_list": "on_positive_list", "needs_licence": "needs_licence", "content_quantity": "content_quantity_e5",
    "content_unit": "content_unit", "source": "source",
}  # fmt: skip
"""Column of a catalogue file to field of a product."""
ARTICLE = {"net_mass_g": "unit_mass_g", "content_quantity": "content_quantity_e5"}
LONGEST = {"sku": 120, "name_en": 300, "name_zh": 300, "brand": 120, "source": 300}
Rows = Sequence[tuple[int, Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or why it did nothing: with `problems` nothing was changed."""

    made: int = 0
    changed: int = 0
    same: int = 0
    codes: int = 0
    problems: tuple[CellProblem, ...] = ()


def rows_of_file(path: Path) -> Rows:
    """The numbered rows of a CSV, XLSX, JSON Lines or Parquet file.

    Told for too many rows, a missing column sku, or columns that are not known; InputError for a file that cannot be read.
    """
    check_content(path)
    rows: list[tuple[int, Mapping[str, str]]] = []
    for batch in read_batches(path, ANYTHING, batch_rows=PAGE * 10):
        frame = batch.frame
        _check_columns([name for name in frame.columns if not name.startswith("_")])
        broken = frame.filter(pl.col("_fault").is_not_null())
        if broken.height:
            raise InputError(f"row {broken['_row'][0]} is no row of this file: it has too many or too few cells")
        rows += [
            (row.pop("_row"), {name: _plain(row[name]) for name in COLUMNS if name in row})
            for row in frame.iter_rows(named=True)
        ]
        if len(rows) > MOST_ROWS:
            raise Told("products.too-many-rows", most=MOST_ROWS)
    return rows


def _check_columns(found: Sequence[str]) -> None:
    unknown = [name for name in found if name not in COLUMNS]
    if unknown or "sku" not in found:
        raise Told("products.columns", given=unknown[0] if unknown else "–", allowed=", ".join(COLUMNS))


def _plain(cell: object) -> str:
    """A cell without the apostrophe that an export put before a formula sign."""
    text = "" if cell is None else str(cell)
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA_STARTS) else text


def take_in(acting: Acting, path: Path, edition: int) -> Imported:
    """Import a catalogue file; `edition` is the tariff year its Chinese codes are taken from."""
    return import_rows(acting, rows_of_file(path), edition)


def import_rows(acting: Acting, rows: Rows, edition: int) -> Imported:
    """Make or change a product for each row, all or (with problems) none.

    A column that a row lacks is left as it is; an empty cell empties it, but an empty code never takes a code away.
    """
    rows = [(number, {name: cell.strip() for name, cell in cells.items()}) for number, cells in rows]
    articles, problems = articles_of(rows)
    problems += _too_long(rows)
    if problems:
        return Imported(problems=tuple(sorted(problems, key=lambda one: one.row)))
    cells = {given["sku"]: given for _, given in rows}
    with transaction.atomic():
        Organisation.objects.select_for_update().get(id=acting.organisation.id)
        known = _known(acting, list(cells))
        made, changed = _written(acting, articles, cells, known)
        codes = _coded(acting, articles, cells, known | {one.sku: one for one in made}, edition)
        done = Imported(len(made), len(changed), len(articles) - len(made) - len(changed), codes)
        record(
            acting,
            "products.imported",
            "product",
            "",
            made=done.made,
            changed=done.changed,
            codes=codes,
            edition=edition,
        )
    return done


def _too_long(rows: Rows) -> list[CellProblem]:
    return [
        CellProblem(number, cells.get("sku", "")[:120], name, cells[name][:60], f"at most {most} characters")
        for number, cells in rows
        for name, most in LONGEST.items()
        if len(cells.get(name, "")) > most or "\0" in cells.get(name, "")
    ]


def _known(acting: Acting, skus: Sequence[str]) -> dict[str, Product]:
    found: dict[str, Product] = {}
    for start in range(0, len(skus), PAGE):
        found |= {one.sku: one for one in Product.objects.of(acting).filter(sku__in=skus[start : start + PAGE])}
    return found


def _written(
    acting: Acting,
    articles: Sequence[Mapping[str, Any]],
    cells: Mapping[str, Mapping[str, str]],
    known: Mapping[str, Product],
) -> tuple[list[Product], list[Product]]:
    made, changed = [], []
    for article in articles:
        sku = article["sku"]
        product = known.get(sku) or Product(organisation=acting.organisation, sku=sku)
        values = {
            field: _value(column, article, cells[sku]) for column, field in FIELDS.items() if column in cells[sku]
        }
        if sku not in known:
            made.append(product)
        elif any(getattr(product, field) != value for field, value in values.items()):
            product.changed_at = timezone.now()
            changed.append(product)
        for field, value in values.items():
            setattr(product, field, value)
    Product.objects.bulk_create(made, batch_size=PAGE)
    Product.objects.bulk_update(changed, [*FIELDS.values(), "changed_at"], batch_size=PAGE)
    return made, changed


def _value(column: str, article: Mapping[str, Any], cells: Mapping[str, str]) -> Any:
    if column in ("brand", "source"):
        return cells[column]
    value = article[ARTICLE.get(column, column)]
    return "" if value is None and Product._meta.get_field(FIELDS[column]).empty_strings_allowed else value


def _coded(
    acting: Acting, articles: Sequence[Mapping[str, Any]], cells: Mapping[str, Mapping[str, str]], products: Mapping[str, Product],
    edition: int,
) -> int:  # fmt: skip
    """Decide the codes that differ from the present ones; how many."""
    coded = [(products[article["sku"]], article) for article in articles if article["hs_code"]]
    present = present_codes(acting, [product for product, _ in coded])
    decisions = []
    for product, article in coded:
        before, confirmed = present.get(product), not article["unconfirmed"]
        newest = max(edition, before.edition if before else 0)
        if before is None or (before.code, before.confirmed) != (article["hs_code"], confirmed):
            decisions.append(Code(
                organisation=acting.organisation, product=product, jurisdiction=CHINA, edition=newest,
                code=article["hs_code"], confirmed=confirmed, reason=cells[product.sku].get("source") or "catalogue file",
                decided_by=acting.actor, decided_at=timezone.now(),
            ))  # fmt: skip
    add_decisions(acting, decisions)
    return len(decisions)


def catalogue_files(organisation: Organisation, folder: Path) -> tuple[Path, ...]:
    """Write the organisation's traded products as a catalogue that `run.clear` reads; no file when there are none."""
    products = Product.objects.of(organisation).filter(status=Product.Status.ACTIVE)
    if not products.exists():
        return ()
    path = folder / "products.csv"
    beside = path.with_suffix(".part")
    with beside.open("w", encoding="utf-8", newline="") as target:
        target.writelines(_lines(Acting(organisation, None), products, escaped=False))
    beside.replace(path)
    return (path,)


def products_csv(acting: Acting, products: "QuerySet[Product]") -> Iterator[bytes]:
    """Products as a catalogue file that a spreadsheet opens safely and an import takes back as it was."""
    yield "\ufeff".encode()
    for line in _lines(acting, products, escaped=True):
        yield line.encode()


def _lines(acting: Acting, products: "QuerySet[Product]", *, escaped: bool) -> Iterator[str]:
    yield _line(COLUMNS, escaped=False)
    last = ""
    while page := list(products.filter(sku__gt=last).order_by("sku")[:PAGE]):
        present = present_codes(acting, page)
        for product in page:
            yield _line(cells_of(product, present.get(product)).values(), escaped=escaped)
        last = page[-1].sku


def _line(cells: Iterable[str], *, escaped: bool) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([_safe(cell) for cell in cells] if escaped else cells)
    return line.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.lstrip("'").startswith(FORMULA_STARTS) else cell


def cells_of(product: Product, code: Code | None) -> dict[str, str]:
    """A product in the columns of a catalogue file, with its present code."""
    told = {column: _shown(column, getattr(product, field)) for column, field in FIELDS.items()}
    status = "unconfirmed" if code and not code.confirmed else "confirmed"
    told |= {"sku": product.sku, "hs_code": code.code if code else "", "status": status}
    return {column: told[column] for column in COLUMNS}


def _shown(column: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{(Decimal(value) / E5).normalize():f}" if column == "content_quantity" else str(value)
