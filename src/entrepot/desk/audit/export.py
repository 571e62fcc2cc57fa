"""The audit log as a file: CSV for people, JSON Lines with digests for whoever verifies it elsewhere."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator

from entrepot.desk.audit.keyed import moment
from entrepot.desk.audit.models import AuditEntry
from entrepot.goods.problems import FORMULA_STARTS

__all__ = ["FORMATS", "as_csv", "as_json_lines"]

COLUMNS = ("number", "at", "actor", "action", "object_kind", "object_id", "detail", "previous", "digest")
BLOCK = 500


def _told(entry: AuditEntry) -> dict[str, object]:
    values = {name: getattr(entry, name) for name in COLUMNS}
    return {"chain": entry.chain, **values, "at": moment(entry.at)}


def as_json_lines(entries: Iterable[AuditEntry]) -> Iterator[bytes]:
    """One entry a line with its digest and the one before; blocks of UTF-8."""
    yield from _blocks(entries, lambda entry: json.dumps(_told(entry), ensure_ascii=False, sort_keys=True) + "\n")


def as_csv(entries: Iterable[AuditEntry]) -> Iterator[bytes]:
    """The same as CSV with a mark for spreadsheets; no cell is run as a formula."""
    yield ("\ufeff" + ",".join(COLUMNS) + "\r\n").encode()
    yield from _blocks(entries, _csv_line)


def _csv_line(entry: AuditEntry) -> str:
    told = _told(entry) | {"detail": json.dumps(entry.detail, ensure_ascii=False, sort_keys=True) if entry.detail else ""}
    line = io.StringIO()
    csv.writer(line).writerow([_safe(str(told[name])) for name in COLUMNS])
    return line.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def _blocks(entries: Iterable[AuditEntry], line: Callable[[AuditEntry], str]) -> Iterator[bytes]:
    waiting: list[str] = []
    for entry in entries:
        waiting.append(line(entry))
        if len(waiting) >= BLOCK:
            yield "".join(waiting).encode()
            waiting.clear()
    if waiting:
        yield "".join(waiting).encode()


FORMATS: dict[str, tuple[Callable[[Iterable[AuditEntry]], Iterator[bytes]], str]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "jsonl": (as_json_lines, "application/x-ndjson"),
}
"""Format to its writer and content type."""
