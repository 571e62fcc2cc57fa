"""Reads catalogue files: a CSV of articles, checked cell by cell, because a wrong catalogue is a wrong call."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from io import StringIO
from pathlib import Path

import polars as pl

from entrepot.goods.errors import CallError
from entrepot.goods.reference import countries, units
from entrepot.goods.schema import FIELDS
from entrepot.goods.values import NO, YES

__all__ = ["ARTICLES", "COLUMNS", "CellProblem", "articles_of", "bundled_catalogues", "read_articles"]

COLUMNS = (
    "sku", "hs_code", "origin_country", "unit", "net_mass_g", "name_en", "name_zh", "on_positive_list", "needs_licence",
    "content_quantity", "content_unit", "status", "source", "brand",
)  # fmt: skip
"""Columns a catalogue may have; `net_mass_g` is the mass of one unit in grams; `source` and `brand` are for people."""

ARTICLES: pl.Schema = pl.Schema(
    {
        "sku": pl.String(), "hs_code": pl.String(), "origin_country": pl.String(), "unit": pl.String(),
        "unit_mass_g": pl.Int64(), "name_en": pl.String(), "name_zh": pl.String(), "on_positive_list": pl.Boolean(),
        "needs_licence": pl.Boolean(), "content_quantity_e5": pl.Int64(), "content_unit": pl.String(),
        "unconfirmed": pl.Boolean(),
    }
)  # fmt: skip
LARGEST_MASS_G = 1_000_000_000


def bundled_catalogues() -> tuple[str, ...]:
    """Names of the catalogues that come with the package."""
    folder = files("entrepot.goods").joinpath("catalogues")
    return tuple(sorted(entry.name[:-4].replace("_", "-") for entry in folder.iterdir() if entry.name.endswith(".csv")))


def read_articles(name: Path | str) -> pl.DataFrame:
    """The articles of a file, or of a bundled catalogue by its name, with the columns of `ARTICLES`.

    Raises CallError naming file, sku and column of a value that is not allowed, and a sku with two differing rows.
    """
    bundled = str(name) in bundled_catalogues()
    articles: dict[str, dict[str, object]] = {}
    for cells in _rows(str(name), _text(name, bundled)):
        article = _Row(str(name), cells).article("unconfirmed" if bundled else "confirmed")
        if articles.setdefault(cells["sku"], article) != article:
            raise CallError(f"catalogue {str(name)!r}: sku {cells['sku']!r} has two differing rows; keep one of them")
    return pl.DataFrame(list(articles.values()), schema=ARTICLES, orient="row")


@dataclass(frozen=True, slots=True)
class CellProblem:
    """A cell that is not allowed: the row (from 1), its sku, the column, what came, what is allowed."""

    row: int
    sku: str
    column: str
    given: str
    allowed: str


def articles_of(rows: Iterable[tuple[int, Mapping[str, str]]]) -> tuple[list[dict[str, object]], list[CellProblem]]:
    """Numbered rows of cells as articles (see `ARTICLES`), and every cell of all of them that is not allowed.

    A column that is left out counts as empty. A sku that comes twice with differing rows is a problem of the later one.
    """
    articles: dict[str, dict[str, object]] = {}
    problems: list[CellProblem] = []
    for number, given in rows:
        cells = {column: (given.get(column) or "").strip() for column in COLUMNS}
        article, wrong = _Row("", cells).read("confirmed")
        problems += [CellProblem(number, cells["sku"], one.column, cells[one.column], one.allowed) for one in wrong]
        if not wrong and articles.setdefault(cells["sku"], article) != article:
            problems.append(CellProblem(number, cells["sku"], "sku", cells["sku"], "one row, or equal ones"))
    return list(articles.values()), problems


class _Wrong(CallError):
    """A cell that is not allowed; the message names file, sku and column."""

    def __init__(self, message: str, column: str, allowed: str) -> None:
        super().__init__(message)
        self.column, self.allowed = column, allowed


def _text(name: Path | str, bundled: bool) -> str:
    if bundled:
        file = f"{str(name).replace('-', '_')}.csv"
        return files("entrepot.goods").joinpath("catalogues", file).read_text(encoding="utf-8")
    try:
        return Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as cause:
        raise CallError(
            f"catalogue {str(name)!r} is neither a readable UTF-8 file nor one of: {', '.join(bundled_catalogues())}"
        ) from cause


def _rows(name: str, text: str) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(StringIO(text, newline=""))
    found = reader.fieldnames or []
    if "sku" not in found:
        raise CallError(f"catalogue {name!r} has no column sku; columns found: {', '.join(found) or 'none'}")
    unknown = [column for column in found if column not in COLUMNS and not column.startswith("_")]
    if unknown:
        raise CallError(f"catalogue {name!r}: column {unknown[0]!r} is not known; allowed: {', '.join(COLUMNS)}")
    try:
        for row in reader:
            yield {column: (row.get(column) or "").strip() for column in COLUMNS}
    except csv.Error as cause:
        raise CallError(f"catalogue {name!r}, line {reader.line_num}: {cause}") from cause


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a catalogue file, read cell by cell."""

    name: str
    cells: Mapping[str, str]

    def article(self, usual_status: str) -> dict[str, object]:
        """The row as an article; CallError naming file, sku and column of what is not allowed."""
        article, wrong = self.read(usual_status)
        if wrong:
            raise wrong[0]
        return article

    def read(self, usual_status: str) -> tuple[dict[str, object], list[_Wrong]]:
        """The row as an article, and every cell that is not allowed (its value is None)."""
        readers: dict[str, Callable[[], object]] = {
            "sku": self._sku,
            "hs_code": self._code,
            "origin_country": lambda: self._looked_up("origin_country", self.cells["origin_country"].upper(), countries()),
            "unit": lambda: self._looked_up("unit", self.cells["unit"].lower(), units()),
            "unit_mass_g": self._grams,
            "name_en": lambda: self.cells["name_en"] or None,
            "name_zh": lambda: self.cells["name_zh"] or None,
            "on_positive_list": lambda: self._truth("on_positive_list"),
            "needs_licence": lambda: self._truth("needs_licence"),
            "content_quantity_e5": self._content,
            "content_unit": lambda: self.cells["content_unit"] or None,
            "unconfirmed": lambda: self._status(usual_status) == "unconfirmed",
        }
        article: dict[str, object] = dict.fromkeys(readers)
        wrong: list[_Wrong] = []
        for name, reader in readers.items():
            try:
                article[name] = reader()
            except _Wrong as error:
                wrong.append(error)
        return article, wrong

    def _wrong(self, column: str, allowed: str) -> _Wrong:
        message = (
            f"catalogue {self.name!r}, sku {self.cells['sku']!r}, column {column!r}: {self.cells[column]!r} is not "
            f"allowed; allowed: {allowed}"
        )
        return _Wrong(message, column, allowed)

    def _sku(self) -> str:
        if not self.cells["sku"]:
            raise self._wrong("sku", "a text")
        return self.cells["sku"]

    def _code(self) -> str | None:
        code = self.cells["hs_code"].replace(".", "").replace(" ", "")
        if code and not (code.isascii() and code.isdigit() and len(code) in (6, 8, 10)):
            raise self._wrong("hs_code", "6, 8 or 10 digits; nothing is padded or cut")
        return code or None

    def _looked_up(self, column: str, word: str, known: Mapping[str, str]) -> str | None:
        if word and word not in known:
            raise self._wrong(column, "a code of its list")
        return known[word] if word else None

    def _grams(self) -> int | None:
        text = self.cells["net_mass_g"]
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and 0 < int(text) < LARGEST_MASS_G):
            raise self._wrong("net_mass_g", f"whole grams of one unit, 0 < x < {LARGEST_MASS_G}")
        return int(text)

    def _truth(self, column: str) -> bool | None:
        word = self.cells[column].lower()
        if word and word not in YES + NO:
            raise self._wrong(column, ", ".join(YES + NO))
        return word in YES if word else None

    def _content(self) -> int | None:
        text, unit = self.cells["content_quantity"], self.cells["content_unit"]
        if unit and unit not in FIELDS["content_unit"].choices:
            raise self._wrong("content_unit", ", ".join(FIELDS["content_unit"].choices))
        if bool(text) != bool(unit):
            raise self._wrong("content_quantity", "given together with content_unit or not at all")
        whole, _, decimals = text.partition(".")
        digits = whole + decimals.ljust(5, "0")
        if text and not (
            digits.isascii() and digits.isdigit() and len(decimals) <= 5 and len(whole) <= 8 and int(digits)
        ):
            raise self._wrong("content_quantity", "a number above 0 with at most 5 decimals")
        return int(digits) if text else None

    def _status(self, usual: str) -> str:
        status = self.cells["status"] or usual
        if status not in ("confirmed", "unconfirmed"):
            raise self._wrong("status", "confirmed or unconfirmed")
        return status
