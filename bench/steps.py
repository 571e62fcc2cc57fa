"""Each step of the chain by itself, on one chunk of a day held in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, TypeVar

import polars as pl

from bench.jobs import KEY
from entrepot.decide.chain import ORDER_COLUMNS, decide_orders, valued, without_rate
from entrepot.decide.orders import join_orders
from entrepot.decide.release import add_release, may_be_free
from entrepot.decide.tax import add_tax, add_tax_facts
from entrepot.goods.mapping import PLAIN
from entrepot.goods.nomenclature import Nomenclature
from entrepot.goods.parse import parse
from entrepot.goods.read import read_batches
from entrepot.law import Law
from entrepot.messages import ceb
from entrepot.run.counts import count_chunk
from entrepot.run.day import drawn
from entrepot.run.intake import with_groups
from entrepot.run.result import as_result

__all__ = ["DECIDED", "LISTS", "PERSONS", "TIME", "steps"]

DECIDED, PERSONS = "decided.arrow", "persons.arrow"
LISTS = {"603": False, "621": True}
"""The lists of the main figure and whether they are signed."""
TIME = "20260310000000"
T = TypeVar("T")


class _Clock:
    """Wall and processor seconds of each named step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_seconds: dict[str, float] = {}

    def __call__(self, name: str, work: Callable[[], T]) -> T:
        start, cpu = perf_counter(), process_time()
        result = work()
        self.seconds[name], self.cpu_seconds[name] = perf_counter() - start, process_time() - cpu
        return result


@dataclass(frozen=True, slots=True)
class _World:
    """What every pass uses."""

    law: Law
    nomenclature: Nomenclature
    sender: ceb.Sender
    signer: ceb.Signer
    folder: Path


def steps(orders: Path, folder: Path, lines: int) -> dict[str, Any]:
    """Run every step twice on the first `lines` lines and give the seconds of the second pass.

    Leaves the decided lines and the persons in `folder`.
    """
    world = _World(Law.load(), Nomenclature.load(), ceb.Sender.placeholder(), ceb.make_test_key(folder), folder)
    for _ in range(2):
        clock = _Clock()
        good, persons = _taken_in(clock, world, orders, lines)
        decided = _decided(clock, world, good, persons)
        _reported(clock, world, decided, persons)
    decided.write_ipc(folder / DECIDED)
    persons.write_ipc(folder / PERSONS)
    return {"lines": lines, "seconds": clock.seconds, "cpu_seconds": clock.cpu_seconds}


def _taken_in(clock: _Clock, world: _World, orders: Path, lines: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    raw = clock("take-in.read", lambda: next(read_batches(orders, batch_rows=lines)))
    read = clock("take-in.parse", lambda: parse(raw, PLAIN, key=KEY, first_row_id=0))
    parsed = clock("take-in.check-codes", lambda: world.nomenclature.check(read))
    grouped = clock("take-in.group", lambda: with_groups(parsed.lines).sort("group_hash", "row_id"))
    good = grouped.drop("group_hash").filter("valid").with_columns(order_incomplete=pl.lit(value=False))
    return good, parsed.persons


def _decided(clock: _Clock, world: _World, good: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    law = world.law
    rated = clock("decide.rates", lambda: without_rate(good, law)[0])
    lines = clock("decide.value", lambda: valued(rated, law))
    moded = clock("decide.limits-and-mode", lambda: join_orders(lines, decide_orders(lines, law), ORDER_COLUMNS))
    taxed = clock("decide.tax", lambda: add_tax(add_tax_facts(moded, law), law))
    sampled = clock("decide.draw", lambda: _drawn(taxed))
    rules = clock("decide.check-messages", lambda: ceb.message_problems(
        sampled.filter(may_be_free()), persons, world.sender, list(LISTS)))
    return clock("decide.release", lambda: add_release(
        sampled.join(rules, on="order_id", how="left", maintain_order="left"), law))


def _drawn(lines: pl.DataFrame) -> pl.DataFrame:
    orders = lines.get_column("order_id").unique(maintain_order=True)
    drawing = pl.DataFrame({"order_id": orders, "sampled": drawn(orders, KEY, 10_000)})
    return lines.join(drawing, on="order_id", how="left", maintain_order="left")


def _reported(clock: _Clock, world: _World, decided: pl.DataFrame, persons: pl.DataFrame) -> None:
    result = clock("decide.result", lambda: as_result(decided))
    clock("decide.count", lambda: count_chunk(result))
    clock("decide.store", lambda: result.write_ipc(world.folder / "result.arrow", compression="lz4"))
    free = decided.filter(pl.col("verdict") == "release")
    for kind, signed in LISTS.items():
        signer = world.signer if signed else None
        clock(f"decide.write-{kind}", lambda kind=kind, signer=signer: ceb.write_lists(  # type: ignore[misc]
            free, persons, world.sender, [kind], signer, world.folder, "step", TIME, checked=True))
