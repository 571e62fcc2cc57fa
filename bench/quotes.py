"""`script/bench quotes`: quotes one by one and in batches of 100, from a mapping of fields to JSON text.

One by one in one process; the batches in as many processes as there are cores, as a service runs them.
"""

import argparse
import json
import multiprocessing
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from random import Random
from time import perf_counter, process_time, time
from typing import Any

from bench.process import Facts
from entrepot.law import Law
from entrepot.run.quote import QuoteRequest, describe, prepare, quote_many, read_requests

__all__ = ["draw", "main", "measure", "table"]

BATCH, BAR_SINGLE_MS, BAR_QUOTES_S = 100, 25, 1000
WARM = 20
CODES = ("3304990039", "2204210000", "4202920000", "8509409000", "6109100010", "1806900000", "9503008900", "33049900")
EXPORT = {"seller_country": "CN", "incoterm": "FOB", "needs_licence": "false", "has_input_invoice": "false"}
IMPORT = {"buyer_country": "CN", "on_positive_list": "true", "content_quantity": "50", "content_unit": "ml"}
ABROAD, CURRENCIES = ("US", "JP", "DE", "AU", "KR", "GB"), ("CNY", "USD", "EUR", "JPY")


def draw(seed: int, count: int) -> list[dict[str, str]]:
    """So many different requests, exports and imports, of mixed codes, prices, currencies, days and facts."""
    random = Random(seed)
    return [_drawn(random) for _ in range(count)]


def _drawn(random: Random) -> dict[str, str]:
    ends = EXPORT | {"buyer_country": random.choice(ABROAD)} if random.random() < 0.5 else IMPORT | {
        "seller_country": random.choice(ABROAD), "spent": f"{random.randrange(0, 26000)}.00"}  # fmt: skip
    flags = {name: random.choice(("true", "false")) for name in ("platform_sale", "bonded", "pilot_zone", "stocked_abroad")}
    return {
        **ends, **flags, "hs_code": random.choice(CODES), "unit_price": f"{random.randrange(100, 600_000) / 100:.2f}",
        "quantity": str(random.randrange(1, 5)), "currency": random.choice(CURRENCIES),
        "on": f"2026-{random.randrange(1, 4):02d}-{random.randrange(1, 28):02d}",
        "buyer_kind": random.choice(("person", "business")), "customs_district": "5300",
    }  # fmt: skip


def answered(given: Sequence[Mapping[str, str]], law: Law) -> list[str]:
    """What the API does: read, quote, put into words, write as JSON."""
    requests = [one for one in read_requests(given) if isinstance(one, QuoteRequest)]
    return [json.dumps(describe(quote, "en"), ensure_ascii=False) for quote in quote_many(requests, law)]


def measure(quotes: int, batches: int, seed: int) -> Facts:
    """Milliseconds of single quotes and quotes a second in batches, each after a warm-up; and of each step."""
    law, load, cpus = Law.load(), os.getloadavg()[0], len(os.sched_getaffinity(0))
    prepare(law)
    singles = draw(seed, quotes + WARM)
    taken = _timed(lambda place: answered(singles[place : place + 1], law), quotes, WARM)
    with ProcessPoolExecutor(cpus, mp_context=multiprocessing.get_context("spawn")) as pool:
        ran = list(pool.map(_batches, [batches] * cpus, range(seed + 1, seed + 1 + cpus)))
    seconds = max(one["ended"] for one in ran) - min(one["started"] for one in ran)
    wall, cpu = ([taken for one in ran for taken in one[name]] for name in ("wall", "cpu"))
    return {
        "quotes": quotes, "batches": batches, "batch_size": BATCH, "workers": cpus, "single_ms": _percentiles(taken["wall"]),
        "single_cpu_ms": _percentiles(taken["cpu"]), "steps_ms": _steps(singles[:WARM], law), "batch_ms": _percentiles(wall),
        "quotes_per_s": round(BATCH * batches * cpus / seconds), "quotes_per_cpu_s": round(BATCH * len(cpu) / sum(cpu)),
        "bytes_per_quote": ran[0]["bytes"] // BATCH, "answered": ran[0]["answered"], "cpus": cpus, "load_before": load,
        "python": platform.python_version(), "seed": seed,
    }  # fmt: skip


def _batches(batches: int, seed: int) -> Facts:
    """What one worker does: its own law, its own requests, one batch after another."""
    law = Law.load()
    prepare(law)
    groups = [draw(seed * 1000 + number, BATCH) for number in range(batches + 1)]
    written = answered(groups[-1], law)
    started = time()
    taken = _timed(lambda place: answered(groups[place], law), batches, 0)
    size = sum(map(len, written))
    return {**taken, "started": started, "ended": time(), "bytes": size, "answered": len(written)}


def _timed(work: Callable[[int], object], times: int, warm: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {"wall": [], "cpu": []}
    for place in range(warm + times):
        start, cpu = perf_counter(), process_time()
        work(place)
        if place >= warm:
            taken["wall"].append(perf_counter() - start)
            taken["cpu"].append(process_time() - cpu)
    return taken


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    at = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) for name, share in at.items()}


def _steps(given: Sequence[Mapping[str, str]], law: Law) -> dict[str, float]:
    """Median milliseconds of each step of one quote."""
    requests = [one for one in read_requests(given) if isinstance(one, QuoteRequest)]
    quotes = quote_many(requests, law)
    steps: dict[str, Callable[[int], Any]] = {
        "read": lambda place: read_requests(given[place : place + 1]),
        "quote": lambda place: quote_many(requests[place : place + 1], law),
        "describe": lambda place: json.dumps(describe(quotes[place], "en"), ensure_ascii=False),
    }
    return {name: _percentiles(_timed(work, len(requests), 0)["wall"])["p50"] for name, work in steps.items()}


def table(facts: Facts) -> str:
    """The figures as text, each beside its bar."""
    single, batch, steps = facts["single_ms"], facts["batch_ms"], facts["steps_ms"]
    return "\n".join([
        f"{facts['quotes']:,} quotes one by one, then {facts['batches']} batches of {facts['batch_size']} in each of "
        f"{facts['workers']} processes; seed {facts['seed']}, {facts['cpus']} cores, load before {facts['load_before']:.1f}",
        "  one quote, ms       " + "  ".join(f"{name} {taken}" for name, taken in single.items()) + f"  (bar p99 {BAR_SINGLE_MS})",
        "  of it, ms           " + "  ".join(f"{name} {taken}" for name, taken in steps.items()),
        f"  processor, ms       p50 {facts['single_cpu_ms']['p50']}  p99 {facts['single_cpu_ms']['p99']}",
        f"  a batch, ms         p50 {batch['p50']}  p99 {batch['p99']}",
        f"  quotes a second     {facts['quotes_per_s']:,}  ({facts['quotes_per_cpu_s']:,} a processor second; bar {BAR_QUOTES_S:,})",
        f"  bytes of a quote    {facts['bytes_per_quote']:,}",
    ])  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `[--quotes N] [--batches N] [--seed S] [--json]`."""
    parser = argparse.ArgumentParser(prog="script/bench quotes", description="Quotes one by one and in batches of 100.")
    parser.add_argument("--quotes", type=int, default=1000, help="quotes asked one by one")
    parser.add_argument("--batches", type=int, default=30, help="batches of 100 of each process")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other requests")
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    given = parser.parse_args(arguments)
    if given.quotes < 1 or given.batches < 1:
        parser.error("--quotes and --batches: give at least 1")
    facts = measure(given.quotes, given.batches, given.seed)
    print(json.dumps(facts) if given.json else table(facts))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
