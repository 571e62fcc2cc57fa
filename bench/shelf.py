"""How long pages of the list take: `python -m bench.shelf --lines N [--json] [--keep DIR]`.

The same lines lie in one batch, and again in many. Every query is asked again and again about other lines, each time
with the largest page there is; before that each is asked once, so that the files are in memory.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import Any

import polars as pl

from bench.process import Facts, JobError, run
from bench.shelf_lines import make_batch
from entrepot.run.shelf import LONGEST_PAGE, OVERLAY, SORTS, Entry, Filters, Shelf, shelve
from entrepot.run.shelf.cursor import Cursor, Order

__all__ = ["main"]

DAY = date(2026, 3, 10)
NUMBER_BAR_MS, OTHER_BAR_MS = 100, 1000
SEED = 1
Row = Mapping[str, Any]
Asked = Callable[[Shelf, Row], object]


@dataclass(frozen=True, slots=True)
class Query:
    """A question to the list about one line, and how long the answer may take."""

    name: str
    bar_ms: int
    ask: Asked


def _first(order: str, descending: bool) -> Asked:
    return lambda shelf, row: shelf.page(order, descending=descending, limit=LONGEST_PAGE)


def _deep(order: str, descending: bool, side: str) -> Asked:
    def ask(shelf: Shelf, row: Row) -> object:
        values = tuple(row[name] for name in SORTS[order])
        place = Cursor(Order(order, descending), values, row["batch"], row["row_id"]).text()
        after, before = (place, None) if side == "after" else (None, place)
        return shelf.page(order, descending=descending, after=after, before=before, limit=LONGEST_PAGE)

    return ask


def _narrowed(order: str, filters: Callable[[Row], Filters], descending: bool = False) -> Asked:
    return lambda shelf, row: shelf.page(order, filters(row), descending=descending, limit=LONGEST_PAGE)


def _held(row: Row) -> Filters:
    return Filters(verdict=("hold",), mode=("9710",), country=("US",), min_value_fen=290_000)


def _overlay(batch: str) -> pl.DataFrame:
    rows = [(batch, row, "refuse", None, "overridden") for row in range(1000)]
    return pl.DataFrame(rows, schema=OVERLAY, orient="row")


QUERIES = (
    *(Query(f"first page by {order}{', descending' * down}", NUMBER_BAR_MS, _first(order, down))
      for order in ("default", "order", "waybill") for down in (False, True)),
    *(Query(f"page {side} a line by {order}{', descending' * down}", NUMBER_BAR_MS, _deep(order, down, side))
      for order in ("default", "order", "waybill") for down in (False, True) for side in ("after", "before")),
    Query("one order", NUMBER_BAR_MS, _narrowed("order", lambda row: Filters(order=row["order_id"]))),
    Query("one waybill", NUMBER_BAR_MS, _narrowed("waybill", lambda row: Filters(waybill=row["waybill_no"] or "none"))),
    Query("search for an order", NUMBER_BAR_MS, _narrowed("default", lambda row: Filters(search=row["order_id"]))),
    Query("start of an order number, 4 of 14", NUMBER_BAR_MS,
          _narrowed("order", lambda row: Filters(order_prefix=row["order_id"][:4]))),
    Query("start of an order number, 8 of 14", NUMBER_BAR_MS,
          _narrowed("order", lambda row: Filters(order_prefix=row["order_id"][:8]))),
    *(Query(f"page after a line by {order}, descending", OTHER_BAR_MS, _deep(order, True, "after"))
      for order in ("value", "tax", "day", "product", "seller")),
    Query("start of an order number by value", OTHER_BAR_MS,
          _narrowed("value", lambda row: Filters(order_prefix=row["order_id"][:5]))),
    Query("a word of many products by value", OTHER_BAR_MS, _narrowed("value", lambda row: Filters(text="leather"), True)),
    Query("words of one product by order", OTHER_BAR_MS, _narrowed("order", lambda row: Filters(text=row["description"]))),
    Query("words that are nowhere", OTHER_BAR_MS, _narrowed("tax", lambda row: Filters(text="cotton nowhere"))),
    Query("a party's name by day", OTHER_BAR_MS, _narrowed("day", lambda row: Filters(party=row["seller_name"]), True)),
    Query("search for a product", OTHER_BAR_MS, _narrowed("default", lambda row: Filters(search=row["description"]))),
    Query("one buyer by value", OTHER_BAR_MS, _narrowed("value", lambda row: Filters(buyer_key=row["buyer_key"]))),
    Query("held, mode, country, value by tax", OTHER_BAR_MS, _narrowed("tax", _held, True)),
    Query("refused since, 1,000 changes, by value", OTHER_BAR_MS,
          lambda shelf, row: shelf.page("value", Filters(verdict=("refuse",)), overlay=_overlay(row["batch"]))),
    Query("count of held, up to 100,000", OTHER_BAR_MS, lambda shelf, row: shelf.count(Filters(verdict=("hold",)))),
    Query("count of one product, exact", OTHER_BAR_MS, lambda shelf, row: shelf.count(Filters(text=row["sku"]))),
    Query("totals of held by day", OTHER_BAR_MS, lambda shelf, row: shelf.totals("day", Filters(verdict=("hold",)))),
    Query("totals of all by country", OTHER_BAR_MS, lambda shelf, row: shelf.totals("country")),
)  # fmt: skip


def _batches(folder: Path, lines: int, count: int) -> list[Entry]:
    """So many lines in so many batches, made and shelved unless they are there."""
    bounds = [lines * place // count for place in range(count + 1)]
    entries = []
    for place, (first, stop) in enumerate(pairwise(bounds)):
        batch, shelf = folder / f"{lines}-{count}" / f"batch-{place}", folder / f"{lines}-{count}" / f"shelf-{place}"
        if not (batch / "manifest.json").exists():
            make_batch(batch, first, stop - first, DAY - timedelta(days=place % 300))
        shelve(batch, shelf)
        entries.append(Entry(f"batch-{place}", shelf, place))
    return entries


def shelving(folder: Path, lines: int) -> Facts:
    """Make the shelf of all lines in one batch again, in a process of its own."""
    if not (folder / f"{lines}-1").exists():
        run(["bench.shelf", "--lines", str(lines), "--keep", folder, "--only", "make"], folder)
    shutil.rmtree(folder / f"{lines}-1" / "shelf-0", ignore_errors=True)
    ran = run(["bench.shelf", "--lines", str(lines), "--keep", folder, "--only", "shelve"], folder)
    shelf = folder / f"{lines}-1" / "shelf-0"
    return {
        "seconds": ran.answer["seconds"], "cpu_seconds": round(ran.cpu_seconds, 1), "peak_rss_bytes": ran.peak_rss_bytes,
        "elsewhere_cpu_seconds": round(ran.elsewhere_cpu_seconds, 1),
        "shelf_bytes": sum(file.stat().st_size for file in shelf.iterdir()),
        "lines_bytes": (folder / f"{lines}-1" / "batch-0" / "lines.parquet").stat().st_size,
    }  # fmt: skip


def _timed(entries: Sequence[Entry], runs: int) -> dict[str, dict[str, float]]:
    """Milliseconds of every query: the median, the 99th percentile and the first of all; a new list each time.

    `cpu_ms` is the median of the processor's time alone, which other processes of the machine do not lengthen.
    """
    draw = Random(SEED)
    rows = []
    for _ in range(runs + 1):
        entry = draw.choice(entries)
        rows.append(Shelf(entries).rows_at(entry.batch, [draw.randrange(Shelf([entry]).count()[0])])[0])
    return {query.name: _of_query(query, entries, rows) for query in QUERIES}


def _of_query(query: Query, entries: Sequence[Entry], rows: Sequence[Row]) -> dict[str, float]:
    taken, worked = [], []
    for row in rows:
        start, work = perf_counter(), process_time()
        query.ask(Shelf(entries), row)
        taken.append(round((perf_counter() - start) * 1000, 2))
        worked.append(round((process_time() - work) * 1000, 2))
    first, again, work_again = taken[0], sorted(taken[1:]), sorted(worked[1:])
    middle, late = len(again) // 2, -(-len(again) * 99 // 100) - 1
    return {"median_ms": again[middle], "p99_ms": again[late], "first_ms": first, "cpu_ms": work_again[middle]}


def measure(folder: Path, lines: int, batches: int, runs: int) -> Facts:
    """Every figure: making the shelf, and each query over one batch and over many."""
    load, made = os.getloadavg()[0], shelving(folder, lines)
    one, many = (_timed(_batches(folder, lines, count), runs) for count in (1, batches))
    queries = {query.name: {"bar_ms": query.bar_ms, "one_batch": one[query.name], "many_batches": many[query.name]}
               for query in QUERIES}  # fmt: skip
    return {"lines": lines, "batches": batches, "runs": runs, "page_rows": LONGEST_PAGE, "shelving": made,
            "queries": queries, "cpus": len(os.sched_getaffinity(0)), "load_before": load,
            "python": platform.python_version()}  # fmt: skip


def table(facts: Facts) -> str:
    """The figures as people read them, a query a line."""
    made, gib = facts["shelving"], 1 << 30
    head = [
        f"{facts['lines']:,} lines in one batch and in {facts['batches']:,}; pages of {facts['page_rows']} rows, "
        f"{facts['runs']} runs; {facts['cpus']} cores, load before {facts['load_before']:.1f}",
        f"shelf of one batch: {made['seconds']:.0f} s, at most {made['peak_rss_bytes'] / gib:.2f} GiB, "
        f"{made['shelf_bytes'] / 1e6:.0f} MB beside {made['lines_bytes'] / 1e6:.0f} MB of lines", "",
        f"{'milliseconds':<46}{'one batch':>26}{'many batches':>26}",
        f"{'':<46}" + f"{'median':>10}{'p99':>8}{'cpu':>8}" * 2 + f"{'bar':>8}",
    ]  # fmt: skip
    rows = [f"{name:<46}{_cells(query['one_batch'])}{_cells(query['many_batches'])}{query['bar_ms']:>8}"
            for name, query in facts["queries"].items()]  # fmt: skip
    return "\n".join([*head, *rows])


def _cells(figures: Mapping[str, float]) -> str:
    return f"{figures['median_ms']:>10.1f}{figures['p99_ms']:>8.1f}{figures['cpu_ms']:>8.1f}"


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench shelf", description="Pages of the list over many lines.")
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines of all batches together")
    parser.add_argument("--batches", type=int, default=300, help="how many batches the lines are spread over the second time")
    parser.add_argument("--runs", type=int, default=50, help="how often each query is asked")
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave the batches there for the next run")
    parser.add_argument("--only", choices=("make", "shelve"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if not 1 <= given.batches <= given.lines:
        parser.error("give at least as many --lines as --batches")
    return given


def _only(step: str, folder: Path, lines: int) -> Facts:
    """One step of `shelving`, measured by the process that asked for it."""
    batch = folder / f"{lines}-1" / "batch-0"
    start = perf_counter()
    if step == "make":
        make_batch(batch, 0, lines, DAY)
    else:
        shelve(batch, folder / f"{lines}-1" / "shelf-0")
    return {"seconds": round(perf_counter() - start, 1)}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `--lines N [--batches B] [--runs R] [--json] [--keep DIR]`."""
    given = _arguments(arguments)
    if given.only:
        print(json.dumps(_only(given.only, given.keep, given.lines)))
        return 0
    kept = nullcontext(str(given.keep.resolve())) if given.keep else None
    try:
        with kept or tempfile.TemporaryDirectory(prefix="entrepot-bench-") as folder:
            facts = measure(Path(folder), given.lines, given.batches, given.runs)
    except JobError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 3
    print(json.dumps(facts) if given.json else table(facts))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
