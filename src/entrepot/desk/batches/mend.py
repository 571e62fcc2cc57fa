"""Mending refused rows: what is wrong with each, what a person changed, and feeding the changed ones back.

A change is kept sealed beside the batch, whose files never change. Rows go back as whole orders: the good rows of an
order that waited for its bad one go with it. What was fed back to a batch that did not fail cannot be fed back again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import polars as pl
from django.db import transaction
from django.db.models import Q

from entrepot.desk.audit.chain import record
from entrepot.desk.batches.choices import Choices, mapping_of
from entrepot.desk.batches.clear import start
from entrepot.desk.batches.guess import is_personal
from entrepot.desk.batches.models import Batch, Mend
from entrepot.desk.batches.uploads import take_file
from entrepot.desk.people.acting import Acting
from entrepot.desk.told import Told
from entrepot.goods.mapping import LINE_NUMBER, normal
from entrepot.goods.parse import parse
from entrepot.goods.read import RawBatch
from entrepot.goods.readers.frames import with_bookkeeping
from entrepot.goods.schema import FIELDS, PERSONAL
from entrepot.run.home import open_home
from entrepot.run.mending import problems_of, refused_rows, rows_to_mend

__all__ = [
    "ADDED", "Cell", "Fault", "Row", "feed_back", "forget_changes", "mended_counts", "row_of", "rows_page", "save_for_all", "save_row",
]  # fmt: skip

ADDED = "field:"
"""Starts the key of a value for a field that has no column in the file."""
VALUE_LENGTH = 10_000
SAME_MOST = 50_000
MENDS_PER_WRITE = 2000
KEPT_OUT = ("_raw", "row_id")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the field (empty: the whole row), a stable code, what is said in each language."""

    field: str
    code: str
    message: Mapping[str, str]
    given: str = ""
    allowed: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a row: its column (or `ADDED` and a field), the field it gives, what stands there, what is wrong."""

    key: str
    column: str
    field: str
    value: str
    changed: bool
    personal: bool
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A refused row as a person mends it. `left` is what would still be wrong with it as it is changed now."""

    row_id: int
    row: int
    source_file: str
    order_id: str
    cells: tuple[Cell, ...]
    faults: tuple[Fault, ...]
    unreadable: bool = False
    """Whether it could not be taken apart. Its text is shown nowhere: it may name anybody."""
    changed: bool = False
    left: tuple[Fault, ...] = ()
    fed_to: Batch | None = None
    erased: bool = False
    same: Mapping[str, int] = field(default_factory=dict)
    """Of each bad field, how many other rows have the same wrong value."""

    @property
    def bad(self) -> list[Cell]:
        """Cells with something wrong, or changed because something was."""
        return [cell for cell in self.cells if cell.faults]

    @property
    def good(self) -> list[Cell]:
        """The other cells."""
        return [cell for cell in self.cells if not cell.faults]


def rows_page(batch: Batch, *, after: int = -1, code: str = "", rows: int = 20) -> tuple[list[Row], int | None]:
    """Refused rows after a row, some at a time (of one problem code when given), and where the next page begins."""
    problems = problems_of(batch.folder)
    wanted = problems.filter(pl.col("row_id") > after)
    if code:
        wanted = wanted.filter(pl.col("code") == code)
    ids = wanted.select(pl.col("row_id").unique().sort().head(rows + 1)).collect().get_column("row_id").to_list()
    shown = _rows(batch, ids[:rows])
    return shown, ids[rows - 1] if len(ids) > rows else None


def row_of(batch: Batch, row_id: int) -> Row:
    """One refused row; Told when the batch refused no such row."""
    found = _rows(batch, [row_id])
    if not found:
        raise Told("batches.no-such-row")
    return found[0]


def _rows(batch: Batch, ids: Sequence[int]) -> list[Row]:
    faults = problems_of(batch.folder).filter(pl.col("row_id").is_in(list(ids))).collect()
    orders = dict(rows_to_mend(batch.folder).filter(pl.col("row_id").is_in(list(ids))).select("row_id", "order_id").rows())
    values = {row["row_id"]: row for row in refused_rows(batch.folder, open_home(), ids).iter_rows(named=True)}
    known = Mend.objects.of(batch.organisation).filter(batch=batch, row_id__in=ids).select_related("fed_to")
    mends = {one.row_id: one for one in known}
    same = _same(batch, faults)
    return [
        _row(batch, mine, values.get(row_id), mends.get(row_id), orders.get(row_id) or "", same)
        for row_id in ids
        if (mine := faults.filter(pl.col("row_id") == row_id)).height
    ]


def _row(
    batch: Batch,
    faults: pl.DataFrame,
    values: Mapping[str, Any] | None,
    mend: Mend | None,
    order_id: str,
    same: Mapping[tuple[str, str], int],
) -> Row:
    told = tuple(_fault(one) for one in faults.iter_rows(named=True))
    first = faults.row(0, named=True)
    about = {"row_id": first["row_id"], "row": first["row"], "source_file": first["source_file"], "order_id": order_id}
    if values is None:
        return Row(**about, cells=(), faults=told, erased=True)
    changes = changes_of(mend)
    cells = tuple(_cells(batch, values, changes, told))
    left = tuple(check(batch, values, changes)) if changes else ()
    others = {one.field: same.get((one.field, one.given), 1) - 1 for one in told if one.field and one.field not in PERSONAL}
    return Row(
        **about, cells=cells, faults=told, unreadable=bool(values.get("_raw")), changed=bool(changes), left=left,
        fed_to=mend.fed_to if mend and _is_fed(mend.fed_to) else None, same=others,
    )  # fmt: skip


def _fault(row: Mapping[str, Any]) -> Fault:
    said = {"en": row["message_en"], "zh": row["message_zh"]}
    return Fault(row["field"] or "", row["code"], said, row["given"] or "", row["allowed"] or "")


def _same(batch: Batch, faults: pl.DataFrame) -> dict[tuple[str, str], int]:
    """How many rows of the batch have the same wrong value in the same field."""
    pairs = faults.select("field", "given").unique()
    counted = problems_of(batch.folder).join(pairs.lazy(), on=["field", "given"], nulls_equal=True).group_by("field", "given").len()
    return {(field or "", given or ""): count for field, given, count in counted.collect().rows()}


def changes_of(mend: Mend | None) -> dict[str, str]:
    """What was changed in a row: key of a cell to its new value."""
    changes: dict[str, str] = json.loads(mend.values) if mend and mend.values else {}
    return changes


def _cells(batch: Batch, values: Mapping[str, Any], changes: Mapping[str, str], faults: Iterable[Fault]) -> Iterable[Cell]:
    """The file's own columns, then fields without a column that are wrong or were given a value."""
    fields = {normal(column): name for name, column in batch.mapping.get("columns", {}).items()}
    wrong: dict[str, list[Fault]] = {}
    for fault in faults:
        wrong.setdefault(fault.field, []).append(fault)
    placed = set()
    for column in (name for name in values if name not in KEPT_OUT):
        name = fields.get(normal(column), "")
        same = [one for one, source in batch.mapping.get("columns", {}).items() if normal(source) == normal(column)]
        mine = tuple(fault for one in same for fault in wrong.get(one, ()))
        placed |= set(same)
        personal = name in PERSONAL or is_personal(column)
        yield Cell(column, column, name, changes.get(column, values[column] or ""), column in changes, personal, mine)
    for name in [one for one in FIELDS if one not in placed and (one in wrong or ADDED + one in changes)]:
        constant = batch.mapping.get("constants", {}).get(name, "")
        key = ADDED + name
        yield Cell(key, "", name, changes.get(key, constant), key in changes, name in PERSONAL, tuple(wrong.get(name, ())))


def check(batch: Batch, values: Mapping[str, Any], changes: Mapping[str, str]) -> list[Fault]:
    """What would be wrong with a row as it is changed: read alone, before products and other rows are looked at."""
    schema = dict.fromkeys(values, pl.String) | {"row_id": pl.Int64}
    frame, made = _mended(batch, pl.DataFrame([dict(values)], schema=schema), {values["row_id"]: changes})
    mapping = mapping_of(made)
    numbered = with_bookkeeping(frame, 1)
    if mapping.number_lines_within:
        numbered = numbered.with_columns(pl.lit(1, pl.Int64).alias(LINE_NUMBER))
    sources = mapping.resolve([*frame.columns, *([LINE_NUMBER] if mapping.number_lines_within else [])])
    found = parse(RawBatch("", 1, numbered, sources), mapping, key=open_home().key("buyer"), first_row_id=0)
    return [_fault(one) for one in found.problems.iter_rows(named=True)]


def save_row(acting: Acting, batch: Batch, row_id: int, given: Mapping[str, str]) -> Row:
    """Keep what a person changed in a row (key of a cell to its value); values as they were are not kept.

    Raises Told for a row that is not there, was erased or is fed back already, or a value that is too long.
    """
    row = row_of(batch, row_id)
    if row.erased or row.fed_to:
        raise Told("batches.row-closed")
    before = refused_rows(batch.folder, open_home(), [row_id]).row(0, named=True)
    changes = {key: value for key, value in given.items() if _allowed(batch, key, before) and value != _before(batch, key, before)}
    if any(len(value) > VALUE_LENGTH or "\0" in value for value in changes.values()):
        raise Told("batches.value-too-long", most=VALUE_LENGTH)
    with transaction.atomic():
        _keep_all(acting, batch, {row_id: changes})
        record(acting, "row.mended", "batch", batch.id, row=row_id, fields=len(changes))
    return row_of(batch, row_id)


def _allowed(batch: Batch, key: str, before: Mapping[str, Any]) -> bool:
    return (key in before and key not in KEPT_OUT) or (key.startswith(ADDED) and key.removeprefix(ADDED) in FIELDS)


def _before(batch: Batch, key: str, before: Mapping[str, Any]) -> str:
    if key.startswith(ADDED):
        return str(batch.mapping.get("constants", {}).get(key.removeprefix(ADDED), ""))
    return before[key] or ""


def _keep_all(acting: Acting, batch: Batch, changes: Mapping[int, Mapping[str, str]]) -> None:
    """Keep what was changed in rows (row to key of a cell to value)."""
    fresh = [
        Mend(organisation=acting.organisation, batch=batch, row_id=row_id, mended_by=acting.user,
             values=json.dumps(mine, ensure_ascii=False) if mine else "")
        for row_id, mine in changes.items()
    ]  # fmt: skip
    _write(fresh, "values", "mended_by", "fed_to")


def _write(mends: Iterable[Mend], *fields: str) -> None:
    Mend.objects.bulk_create(mends, MENDS_PER_WRITE, update_conflicts=True, unique_fields=["batch", "row_id"], update_fields=fields)


def save_for_all(acting: Acting, batch: Batch, row_id: int, name: str, value: str) -> int:
    """Give every refused row with the same wrong value in a field the same new value; returns how many rows.

    Not for personal fields. Raises Told when this row has no such fault.
    """
    row = row_of(batch, row_id)
    fault = next((one for one in row.faults if one.field == name), None)
    if fault is None or name in PERSONAL or len(value) > VALUE_LENGTH or "\0" in value:
        raise Told("batches.no-such-row")
    same = problems_of(batch.folder).filter((pl.col("field") == name) & (pl.col("given").fill_null("") == fault.given))
    ids = same.select(pl.col("row_id").unique().sort().head(SAME_MOST)).collect().get_column("row_id").to_list()
    key = next(cell.key for cell in row.cells if cell.faults and fault in cell.faults)
    with transaction.atomic():
        known = {one.row_id: one for one in Mend.objects.of(acting).filter(batch=batch, row_id__in=ids).select_related("fed_to")}
        fresh = [one for one in ids if not _is_fed(known[one].fed_to if one in known else None)]
        _keep_all(acting, batch, {one: {**changes_of(known.get(one)), key: value} for one in fresh})
        record(acting, "rows.mended", "batch", batch.id, rows=len(fresh), field=name)
    return len(fresh)


def forget_changes(batch: Batch) -> int:
    """Blank the changes of refused rows whose person was erased; returns of how many rows."""
    mends = Mend.objects.of(batch.organisation).filter(batch=batch).exclude(values="")
    ids = list(mends.values_list("row_id", flat=True))
    if not ids:
        return 0
    left = set(refused_rows(batch.folder, open_home(), ids).get_column("row_id").to_list())
    return mends.filter(row_id__in=[one for one in ids if one not in left]).update(values="")


def _is_fed(fed_to: Batch | None) -> bool:
    return fed_to is not None and fed_to.state != Batch.State.FAILED


def mended_counts(batch: Batch) -> dict[str, int]:
    """How many rows were changed and wait to be fed back, and how many were fed back."""
    mends = Mend.objects.of(batch.organisation).filter(batch=batch)
    waits = Q(fed_to=None) | Q(fed_to__state=Batch.State.FAILED)
    return {"waiting": mends.filter(waits).exclude(values="").count(), "fed": mends.exclude(waits).count()}


def feed_back(acting: Acting, batch: Batch, chosen: Iterable[int] = ()) -> Batch:
    """A new batch of the rows that were changed, those chosen, and the other rows of their orders; `mends` names the old one.

    Raises Told when there is nothing to feed back.
    """
    with transaction.atomic():
        Batch.objects.select_for_update().one(acting, id=batch.id)  # two at once would feed a row twice
        mends = {one.row_id: one for one in Mend.objects.of(acting).filter(batch=batch).select_related("fed_to")}
        rows = _orders_of(batch, mends, set(chosen))
        if rows.is_empty():
            raise Told("batches.nothing-to-feed-back")
        changes = {row_id: changes_of(mends.get(row_id)) for row_id in rows.get_column("row_id").to_list()}
        frame, made = _mended(batch, rows, changes)
        content = _csv(frame)
        upload = take_file(acting, _mended_name(batch), [content], len(content))
        fresh = start(acting, upload, Choices(), made=made, mends=batch)
        of = {"organisation": acting.organisation, "batch": batch, "fed_to": fresh, "mended_by": acting.user}
        _write((Mend(row_id=row_id, **of) for row_id in changes), "fed_to", "mended_by")
        record(acting, "rows.fed-back", "batch", batch.id, rows=len(changes), to=str(fresh.id))
    return fresh


def _orders_of(batch: Batch, mends: Mapping[int, Mend], chosen: set[int]) -> pl.DataFrame:
    """The refused rows to feed back: changed or chosen ones with the rest of their orders, none that was fed back."""
    fed = [row_id for row_id, one in mends.items() if _is_fed(one.fed_to)]
    first = {row_id for row_id, one in mends.items() if one.values} | chosen
    rows = rows_to_mend(batch.folder).filter(~pl.col("row_id").is_in(fed))
    picked = rows.filter(pl.col("row_id").is_in(list(first)))
    orders = picked.get_column("order_id").drop_nulls().unique().implode()
    whole = rows.filter(pl.col("row_id").is_in(list(first)) | pl.col("order_id").is_in(orders))
    return refused_rows(batch.folder, open_home(), whole.get_column("row_id").to_list())


def _mended(batch: Batch, rows: pl.DataFrame, changes: Mapping[int, Mapping[str, str]]) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The rows with their changes, as columns of texts, and the mapping that reads them."""
    made = {key: value for key, value in batch.mapping.items() if key not in ("encoding", "delimiter", "sheet")}
    made["columns"], made["constants"] = dict(made.get("columns", {})), dict(made.get("constants", {}))
    frame = rows.drop("_raw", strict=False)
    added = sorted({key for one in changes.values() for key in one if key.startswith(ADDED)})
    for key in added:
        name = key.removeprefix(ADDED)
        column = next(one for one in (name, f"{name} (added)", key) if one not in frame.columns)
        frame = frame.with_columns(pl.lit(made["constants"].pop(name, None), pl.String).alias(column))
        made["columns"][name] = column
        changes = {row: {column if one == key else one: value for one, value in mine.items()} for row, mine in changes.items()}
    return _changed(frame, changes).drop("row_id"), made


def _changed(frame: pl.DataFrame, changes: Mapping[int, Mapping[str, str]]) -> pl.DataFrame:
    cells = [(row_id, column, value) for row_id, one in changes.items() for column, value in one.items() if column in frame.columns]
    for column in {column for _, column, _ in cells}:
        fresh = {row_id: value for row_id, name, value in cells if name == column}
        table = pl.DataFrame({"row_id": list(fresh), "_new": list(fresh.values())}, schema={"row_id": pl.Int64, "_new": pl.String})
        joined = frame.join(table, on="row_id", how="left", maintain_order="left")
        frame = joined.with_columns(pl.coalesce("_new", column).alias(column)).drop("_new")
    return frame


def _csv(frame: pl.DataFrame) -> bytes:
    target = BytesIO()
    frame.write_csv(target)
    return target.getvalue()


def _mended_name(batch: Batch) -> str:
    stem = batch.name.rpartition(".")[0] or batch.name
    return f"{stem.removesuffix('-mended')}-mended.csv"
