"""`script/bench desk`: quotes over HTTP against a served desk, one by one and in batches of 100, beside a bare endpoint; pages of
the list with many lines behind them; the rate of an upload.

The load comes from this process, over loopback, and is bounded by its options.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse, RemoteDisconnected
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.pages import PAGES, list_pages, made_batch, upload_rate
from bench.process import Facts, JobError
from bench.quotes import BAR_QUOTES_S, BAR_SINGLE_MS, BATCH, draw
from bench.served import Served, client, serve_bare, serve_desk

__all__ = ["main", "measure"]

WARM = 30
PAGE_RUNS = 50
Call = Callable[[HTTPConnection, bytes], bytes]


def measure(
    singles: int, batches: int, processes: int, seed: int, lines: int, megabytes: int, keep: Path | None, page_runs: int = PAGE_RUNS
) -> Facts:
    """Milliseconds of single quotes and quotes a second in batches, of the desk and of the bare endpoint; pages and upload."""
    bodies = [_body([one]) for one in draw(seed, singles + WARM)]
    drawn = draw(seed + 1, BATCH * (batches + 2 * processes))
    groups = [_body(drawn[first : first + BATCH]) for first in range(0, len(drawn), BATCH)]
    facts: Facts = {"singles": singles, "batches": batches, "processes": processes, "load_before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as home, serve_desk(Path(home), processes) as desk:
        call = _caller("/api/v1/quotes", desk)
        one, many = call(client(desk.port), bodies[0]), call(client(desk.port), groups[0])
        facts["desk"] = {**_single(call, desk, bodies), **_batched(call, desk, groups, processes)}
        facts["upload"] = upload_rate(desk, megabytes)
        facts["pages"] = list_pages(desk, made_batch(Path(home), desk, lines, keep), page_runs)
    with serve_bare(processes) as bare:
        call = _caller("/quotes", bare)
        _keep(bare, one, processes)
        facts["bare"] = _single(call, bare, bodies)
        _keep(bare, many, processes)
        facts["bare"] |= _batched(call, bare, groups, processes)
    return facts | {"single_bytes": len(one), "batch_bytes": len(many), "load_after": os.getloadavg()[0]}


def _body(requests: Sequence[dict[str, str]]) -> bytes:
    return json.dumps({"quotes": requests}).encode()


def _caller(path: str, served: Served) -> Call:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {served.key}"}

    def sent(connection: HTTPConnection, body: bytes) -> HTTPResponse:
        connection.request("POST", path, body, headers)
        return connection.getresponse()

    def call(connection: HTTPConnection, body: bytes) -> bytes:
        try:
            response = sent(connection, body)
        except (BrokenPipeError, ConnectionResetError, RemoteDisconnected):  # kept open too long: the server closed it
            connection.close()
            response = sent(connection, body)
        answer = response.read()
        if response.status != 200:
            raise JobError(f"{path} answered {response.status}: {answer[:300]!r}")
        return answer

    return call


def _keep(bare: Served, answer: bytes, processes: int) -> None:
    """Give every process of the bare endpoint the answer; connections are spread over them."""
    keep = _caller("/keep", bare)
    for _ in range(8 * processes):
        keep(client(bare.port), answer)


def _single(call: Call, served: Served, bodies: Sequence[bytes]) -> Facts:
    connection, taken = client(served.port), []
    for place, body in enumerate(bodies):
        start = perf_counter()
        call(connection, body)
        if place >= WARM:
            taken.append(1000 * (perf_counter() - start))
    taken.sort()
    return {f"single_p{part}_ms": round(taken[min(len(taken) - 1, len(taken) * part // 100)], 2) for part in (50, 90, 99)}


def _batched(call: Call, served: Served, groups: Sequence[bytes], processes: int) -> Facts:
    """Quotes a second with two callers for each process, after each has called once."""
    callers = 2 * processes
    connections = [client(served.port) for _ in range(callers)]
    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(lambda place: call(connections[place], groups[place]), range(callers)))
        rest = groups[callers:]
        start = perf_counter()
        list(pool.map(lambda place: [call(connections[place], body) for body in rest[place::callers]], range(callers)))
        seconds = perf_counter() - start
    return {"quotes_per_second": round(len(rest) * BATCH / seconds)}


def table(facts: Facts) -> list[str]:
    """The figures as lines of text."""
    lines = [f"{facts['processes']} processes, {facts['singles']} single quotes, {facts['batches']} batches of {BATCH}; "
             f"load of the machine {facts['load_before']:.1f} before, {facts['load_after']:.1f} after"]  # fmt: skip
    names = {"single_p50_ms": "single, median, ms", "single_p90_ms": "single, 90 %, ms", "single_p99_ms": "single, 99 %, ms",
             "quotes_per_second": "quotes/s in batches"}  # fmt: skip
    bars: dict[str, Any] = {"single_p99_ms": f"under {BAR_SINGLE_MS}", "quotes_per_second": f"at least {BAR_QUOTES_S:,}"}
    lines.append(f"{'':24}{'desk':>10}{'bare':>10}   bar")
    lines += [f"{title:24}{facts['desk'][name]:>10,}{facts['bare'][name]:>10,}   {bars.get(name, '')}" for name, title in names.items()]
    upload, pages = facts["upload"], facts["pages"]
    head = f"list of {pages['lines']:,} lines, ms".ljust(45)
    lines += [f"upload of {upload['megabytes']} MB: {upload['mb_per_second']} MB/s; written plainly {upload['disk_mb_per_second']} MB/s",
              head + f"{'API median':>12}{'p99':>8}{'page median':>14}{'p99':>8}{'bar':>8}"]  # fmt: skip
    for name in PAGES:
        row = pages[name]
        lines.append(f"{name:<45}{row['api_p50_ms']:>12}{row['api_p99_ms']:>8}{row['page_p50_ms']:>14}{row['page_p99_ms']:>8}{row['bar_ms']:>8}")
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="script/bench desk", description=__doc__)
    parser.add_argument("--quotes", type=int, default=500, help="single quotes, at most 5,000")
    parser.add_argument("--batches", type=int, default=60, help="batches of 100, at most 1,000")
    parser.add_argument("--processes", type=int, default=2, choices=range(1, 9), help="server processes")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines behind the list")
    parser.add_argument("--megabytes", type=int, default=200, help="size of the upload, at most 2,000")
    parser.add_argument("--keep", type=Path, help="leave the lines behind the list in this folder for the next run")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    quotes, batches, megabytes = min(given.quotes, 5_000), min(given.batches, 1_000), min(given.megabytes, 2_000)
    facts = measure(quotes, batches, given.processes, given.seed, given.lines, megabytes, given.keep)
    print(json.dumps(facts) if given.json else "\n".join(table(facts)))


if __name__ == "__main__":
    main()
