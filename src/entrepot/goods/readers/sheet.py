"""XLSX and its relatives: the first sheet (or the one the mapping names), cell by cell as text.

A sheet is read whole: it holds at most 1,048,576 rows. Numbers are taken with the 15 digits a spreadsheet shows;
one with more whole digits has already been rounded by the spreadsheet and is marked, so that `parse` refuses it.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook

from entrepot.goods.errors import InputError
from entrepot.goods.mapping import Mapping
from entrepot.goods.readers.frames import with_bookkeeping
from entrepot.goods.texts import told

__all__ = ["DIGITS_LOST", "read_sheet", "sheet_hint"]

DIGITS_LOST = "\ufdd1"
"""Starts the text of a number the spreadsheet has rounded; a code point no file may use (a noncharacter)."""
PIECE = 100_000


def sheet_hint(path: Path, mapping: Mapping) -> str:
    """Which sheet of several was read, for an error; empty where there is no choice."""
    try:
        names = CalamineWorkbook.from_path(str(path)).sheet_names
    except CalamineError:
        return ""
    read = mapping.sheet or (names[0] if names else "")
    others = ", ".join(name for name in names if name != read)
    return f" (sheet {read!r} was read, others are {others}: choose with `sheet: NAME` in the mapping)" if others else ""


def read_sheet(path: Path, mapping: Mapping) -> Iterator[pl.DataFrame]:
    """Frames of text columns from one sheet; the first row that is not empty is the header.

    Raises InputError for a file that is no workbook, lacks the sheet named, or has two columns of one name.
    """
    rows = _rows(path, mapping.sheet)
    header = next((row for row in rows if any(_text(cell) for cell in row)), None)
    if header is None:
        raise told(InputError, "file.sheet-no-header", file=path.name)
    columns = _columns(path, header)
    number, piece = 1, []
    for row in rows:
        piece.append([_text(cell) for cell in row[: len(columns)]])
        if len(piece) == PIECE:
            yield _frame(piece, columns, number)
            number, piece = number + PIECE, []
    yield _frame(piece, columns, number)


def _rows(path: Path, sheet: str | None) -> Iterator[Sequence[object]]:
    try:
        book = CalamineWorkbook.from_path(str(path))
        names = book.sheet_names
        if sheet is not None and sheet not in names:
            raise told(InputError, "file.sheet-not-there", file=path.name, sheet=repr(sheet), found=", ".join(names))
        if not names:
            raise told(InputError, "file.workbook-empty", file=path.name)
        yield from book.get_sheet_by_name(sheet or names[0]).iter_rows()
    except CalamineError as cause:
        reason = " ".join(str(cause).split())[:160]
        raise told(InputError, "file.workbook-unreadable", file=path.name, reason=reason) from cause


def _columns(path: Path, header: Sequence[object]) -> list[str]:
    names = [(_text(cell) or "").strip() or f"column_{number}" for number, cell in enumerate(header, start=1)]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise told(InputError, "file.same-column", file=path.name, column=repr(sorted(repeated)[0]))
    return names


def _frame(piece: list[list[str | None]], columns: list[str], number: int) -> pl.DataFrame:
    frame = pl.DataFrame(piece, schema=dict.fromkeys(columns, pl.String), orient="row")
    return with_bookkeeping(frame, number)


def _text(cell: object) -> str | None:
    """The text of one cell; an empty cell is None."""
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (int, float)):
        return _number(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ") if cell.time() != time() else cell.date().isoformat()
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    return str(cell) if isinstance(cell, timedelta) else None


def _number(cell: float) -> str:
    if abs(cell) >= 1e15:
        return f"{DIGITS_LOST}{cell:.0f}"
    text = f"{cell:.15g}"
    return f"{cell:.20f}".rstrip("0") if "e" in text else text
