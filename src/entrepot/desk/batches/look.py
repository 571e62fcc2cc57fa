"""A first look at a file: its sheets, its columns, a few values of each, covered where they may be personal."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook

from entrepot.desk.batches.guess import is_known, is_personal
from entrepot.goods.errors import InputError
from entrepot.goods.mapping import Mapping
from entrepot.goods.read import read_batches
from entrepot.goods.readers.frames import own_columns
from entrepot.goods.schema import REQUIRED
from entrepot.goods.texts import told

__all__ = ["Column", "Seen", "covered", "look", "seen_of"]

LOOKED_AT = 200
"""Rows that are looked at."""
SAMPLES = 3
SAMPLE_LENGTH = 60
MOST_COLUMNS = 400
KEPT = "look.json"
ANYTHING = Mapping(constants=dict.fromkeys((*REQUIRED, "description"), ""))
"""Asks nothing of a file's columns."""
NUMBER_OF_PERSON = re.compile(r"^\+?[0-9][0-9 ()-]{8,20}[0-9Xx]$")
MAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file: its name, whether it looks personal, and a few of its values as they may be shown."""

    name: str
    personal: bool
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at a file found."""

    sheet: str
    sheets: tuple[str, ...]
    columns: tuple[Column, ...]


def look(path: Path, kind: str, sheet: str | None = None) -> Seen:
    """Look at the first rows of a file (of one sheet of a workbook; the first by default).

    Raises InputError for a file that is no table, has no rows, or too many columns to be orders.
    """
    sheets = _sheets(path) if kind == "workbook" else ()
    mapping = Mapping(constants=ANYTHING.constants, sheet=sheet)
    frame = next(read_batches(path, mapping, batch_rows=LOOKED_AT)).frame
    names = own_columns(frame)
    if len(names) > MOST_COLUMNS:
        raise told(InputError, "batches.too-many-columns", file=path.name, n=len(names), most=MOST_COLUMNS)
    columns = tuple(_column(name, frame[name]) for name in names if name not in REQUIRED or not _only_asked(frame[name]))
    return Seen(sheet or (sheets[0] if sheets else ""), sheets, columns)


def _only_asked(values: pl.Series) -> bool:
    """Whether a column is empty: JSON Lines give every field as a column, also those no line has."""
    return values.null_count() == values.len()


def _sheets(path: Path) -> tuple[str, ...]:
    try:
        return tuple(CalamineWorkbook.from_path(str(path)).sheet_names)
    except CalamineError as cause:
        raise told(InputError, "file.workbook-unreadable", file=path.name, reason=cause) from cause


def _column(name: str, values: pl.Series) -> Column:
    texts = list(islice(_distinct(values), SAMPLES))
    personal = is_personal(name) or (not is_known(name) and any(NUMBER_OF_PERSON.match(text) or MAIL.match(text) for text in texts))
    return Column(name, personal, tuple(covered(text) if personal else text for text in texts))


def _distinct(values: pl.Series) -> Iterator[str]:
    for value in values.drop_nulls().unique(maintain_order=True).to_list():
        text = " ".join(str(value).split())
        if text:
            yield text if len(text) <= SAMPLE_LENGTH else text[:SAMPLE_LENGTH] + "…"


def covered(text: str) -> str:
    """The first character and, of longer texts, the last; the rest covered, its length too."""
    return f"{text[:1]}•••{text[-1:]}" if len(text) > 6 else f"{text[:1]}•••"


def seen_of(folder: Path, path: Path, kind: str, sheet: str | None = None) -> Seen:
    """What a look finds, kept beside the file, so that a large workbook is not opened for every page."""
    kept = folder / KEPT
    try:
        known = json.loads(kept.read_text(encoding="utf-8"))
        if sheet in (None, known["sheet"]):
            columns = tuple(Column(one["name"], one["personal"], tuple(one["samples"])) for one in known["columns"])
            return Seen(known["sheet"], tuple(known["sheets"]), columns)
    except (OSError, ValueError, KeyError):
        pass
    seen = look(path, kind, sheet)
    kept.touch(mode=0o600)
    kept.write_text(json.dumps(asdict(seen), ensure_ascii=False), encoding="utf-8")
    return seen
