"""One chunk of a day: whole groups of lines decided, their lists written, their figures counted."""

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from entrepot.decide.chain import decide, without_rate
from entrepot.decide.release import add_release, may_be_free
from entrepot.decide.simplified import DECLARED, simplified_declaration
from entrepot.goods.problems import problem_rows
from entrepot.goods.schema import PERSONS, ROW_COLUMNS
from entrepot.law import Law
from entrepot.messages import ceb
from entrepot.messages.ceb import INDEX
from entrepot.messages.ceb import PROBLEMS as MESSAGE_PROBLEMS
from entrepot.run.batch import Batch
from entrepot.run.counts import count_chunk, sum_counts
from entrepot.run.intake import read_range
from entrepot.run.orders_check import Checked
from entrepot.run.result import as_result
from entrepot.run.sealing import Keys, message_seal, sealed_persons

__all__ = ["Day", "decide_chunk", "decide_lines", "drawn"]

CANCELLATION = "release.cancellation"
INVALID = "release.invalid"
PERSON_NO = "person_no"


@dataclass(frozen=True, slots=True)
class Day:
    """What every chunk of a day is decided with."""

    law: Law
    checked: Checked
    balances: pl.DataFrame | None
    sample_key: bytes
    sample_ppm: int
    kinds: tuple[str, ...]
    sender: ceb.Sender
    signer: ceb.Signer
    sign_all: bool
    app_time: str
    keys: Keys | None = None
    """What personal data are sealed under; they stay in the clear without."""


def drawn(order_ids: pl.Series, key: bytes, share_ppm: int) -> pl.Series:
    """Which orders are drawn for a check: HMAC-SHA256 of the order id under a secret key, below the share.

    The first eight bytes are compared as a big-endian number, so a share of 0 draws none and 1,000,000 ppm all.
    """
    if share_ppm >= 1_000_000:
        return pl.Series("sampled", [True] * order_ids.len(), dtype=pl.Boolean)
    bar, digest = ((share_ppm << 64) // 1_000_000).to_bytes(8), hmac.digest
    ids = order_ids.cast(pl.Binary).to_list()
    return pl.Series("sampled", [digest(key, order_id, "sha256")[:8] < bar for order_id in ids], dtype=pl.Boolean)


def decide_lines(lines: pl.DataFrame, day: Day) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Decide all but release for valid sale lines of whole groups; also the lines refused for want of a rate."""
    priced, unpriced = without_rate(lines, day.law)
    if priced.is_empty():
        return priced.clear(), unpriced
    decided = decide(priced, day.law, day.balances)
    orders = decided.get_column("order_id").unique(maintain_order=True)
    drawing = pl.DataFrame({"order_id": orders, "sampled": drawn(orders, day.sample_key, day.sample_ppm)})
    return decided.join(drawing, on="order_id", how="left", maintain_order="left"), unpriced


def decide_chunk(batch: Batch, day: Day, number: int, count: int) -> Mapping[str, Any]:
    """Decide chunk `number` of `count`: writes result, lists, index, problems and counts; notes their hashes."""
    lines = read_range(batch, "lines", "group_hash", number, count)
    if lines is None or lines.is_empty():
        return {"rows": 0}
    good, bad, cancelled = _split(lines, day)
    decided, unpriced = decide_lines(good, day) if good.height else (good, good)
    persons, sealed, seal = _persons(batch, day, number, count)
    written = _write_lists(batch, day, decided, persons, seal, number)
    released = _released(decided, written, day)
    parts = (released, _unsettled(cancelled), _invalid(bad), _invalid(unpriced))
    result = pl.concat([as_result(part) for part in parts if part.height])
    counts = count_chunk(result) | {"messages": sum_counts([one.counts for one in written])}
    frames = {
        "index": pl.concat([INDEX.to_frame(), *(one.index for one in written)]),
        "problems": pl.concat([_late_problems(bad), _rate_problems(unpriced)]),
        "simplified": _simplified(released, day.law),
        "messages": pl.concat([MESSAGE_PROBLEMS.to_frame(), *(one.problems for one in written)]),
        **sealed,
    }
    if day.keys:
        frames["sealed"] = pl.concat([ceb.SEALED.to_frame(), *(one.sealed for one in written)])
    name = f"chunk-{number:05d}"
    stored = [_write(batch, f"{name}-{kind}.parquet", frame.write_parquet) for kind, frame in frames.items()]
    counted = json.dumps(counts, sort_keys=True)
    stored.append(_write(batch, f"{name}-counts.json", lambda path: path.write_text(counted, encoding="utf-8")))
    stored.append(_write(batch, f"{name}.arrow", lambda path: result.write_ipc(path, compression="lz4")))
    stored += sorted((batch.folder / "messages").glob(f"*-{number:05d}.xml.zst"))
    return {"rows": result.height, "files": dict(batch.noted(path) for path in stored)}


def _released(decided: pl.DataFrame, written: list[ceb.Written], day: Day) -> pl.DataFrame:
    """Decide release; an order whose message could not be written carries the first rule it broke."""
    if decided.is_empty():
        return decided
    broken = pl.concat([MESSAGE_PROBLEMS.to_frame(), *(one.problems for one in written)])
    first = broken.group_by("order_id", maintain_order=True).agg(message_rule=pl.col("rule").first())
    return add_release(decided.join(first, on="order_id", how="left", maintain_order="left"), day.law)


def _simplified(released: pl.DataFrame, law: Law) -> pl.DataFrame:
    """The declared lines of market-procurement orders that may go."""
    if released.is_empty():
        return pl.DataFrame(schema=DECLARED)
    market = released.filter((pl.col("mode") == "1039") & (pl.col("verdict") == "release"))
    return simplified_declaration(market, law).cast(DECLARED)


def _write(batch: Batch, name: str, writer: Callable[[Path], object]) -> Path:
    return batch.write(batch.work / name, writer)


def _persons(
    batch: Batch, day: Day, number: int, count: int
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame], ceb.Seal | None]:
    """The persons of a chunk; where they are sealed also what is stored of them, and what seals their messages."""
    read = read_range(batch, "persons", "group_hash", number, count, PERSON_NO if day.keys else None)
    persons = read.drop("group_hash") if read is not None else pl.DataFrame(schema=PERSONS)
    if day.keys is None:
        return persons, {}, None
    persons = persons.with_columns(person_no=pl.col(PERSON_NO).cast(pl.Int64) if read is not None else pl.lit(0, pl.Int64))
    numbers = persons.get_column(PERSON_NO).to_list()
    keys = day.keys.live(numbers)
    return persons, {"persons": sealed_persons(persons, keys)}, message_seal(dict(zip(numbers, keys, strict=True)))


def _split(lines: pl.DataFrame, day: Day) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Good sale lines, refused rows (with the code of a late refusal), cancellations."""
    late = day.checked.late.unique("row_id", keep="first", maintain_order=True).rename(
        {"code": "late_code", "field": "late_field", "given": "late_given"}
    )
    known = lines.drop("group_hash").join(late, on="row_id", how="left", maintain_order="left")
    bad = ~pl.col("valid") | pl.col("late_code").is_not_null()
    cancelled = ~bad & (pl.col("line_kind") == "cancellation")
    checked = day.checked
    good = known.filter(~bad & ~cancelled).with_columns(
        order_incomplete=pl.col("order_id").is_in(checked.incomplete.implode()),
        waybill_reused=pl.col("order_id").is_in(checked.shared_waybill.implode()),
        cancelled=pl.col("row_id").is_in(checked.cancelled.implode()),
    )
    return good.drop("late_code", "late_field", "late_given"), known.filter(bad), known.filter(cancelled)


def _invalid(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.with_columns(
        verdict=pl.lit("invalid"),
        release_rule=pl.lit(INVALID),
        reasons=pl.lit([INVALID]),
        warnings=pl.lit([], pl.List(pl.String)),
    )


def _unsettled(lines: pl.DataFrame) -> pl.DataFrame:
    """A cancellation moves nothing over the border; a person settles it with the line it cancels."""
    return lines.with_columns(
        verdict=pl.lit("hold"),
        lane=pl.lit("yellow"),
        release_rule=pl.lit(CANCELLATION),
        reasons=pl.lit([CANCELLATION]),
        warnings=pl.lit([], pl.List(pl.String)),
    )


def _late_problems(bad: pl.DataFrame) -> pl.DataFrame:
    late = bad.filter(pl.col("late_code").is_not_null())
    return problem_rows(
        late.select(
            *ROW_COLUMNS, field="late_field", code="late_code", given="late_given", allowed=pl.lit(None, pl.String)
        )
    )


def _rate_problems(unpriced: pl.DataFrame) -> pl.DataFrame:
    given = pl.concat_str("currency", pl.lit(" "), pl.col("declared_on").cast(pl.String))
    return problem_rows(
        unpriced.select(
            *ROW_COLUMNS,
            field=pl.lit("currency"),
            code=pl.lit("goods.no-rate"),
            given=given,
            allowed=pl.lit(None, pl.String),
        )
    )


def _write_lists(
    batch: Batch, day: Day, decided: pl.DataFrame, persons: pl.DataFrame, seal: ceb.Seal | None, number: int
) -> list[ceb.Written]:
    """Lists of the orders nothing else stops; the others wait for a person first.

    Only what must be signed is signed, unless everything is. Without a signer such kinds are left out, and the
    summary says so.
    """
    free = decided.filter(may_be_free()) if decided.height else decided
    groups: dict[bool, list[str]] = {}
    for kind in day.kinds:
        if day.signer.signs or not ceb.message_kind(kind).signed:
            groups.setdefault(day.sign_all or ceb.message_kind(kind).signed, []).append(kind)
    folder, part = batch.folder / "messages", f"{number:05d}"
    return [
        ceb.write_lists(
            free, persons, day.sender, kinds, day.signer if signed else None, folder, part, day.app_time, seal=seal
        )
        for signed, kinds in groups.items()
        if free.height
    ]
