"""What the benchmark runs in processes of its own: `python -m bench.jobs NAME ARGUMENTS`, one JSON line out.

Each job times its work inside; the parent measures the whole process, its memory and its processor time.
"""

import json
import resource
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from time import perf_counter

from bench.process import RSS_UNIT, Facts

__all__ = ["JOBS"]

RUNS = 3


def median_seconds(work: Callable[[], object], runs: int = RUNS) -> float:
    """The median duration of several runs."""
    taken = []
    for _ in range(runs):
        start = perf_counter()
        work()
        taken.append(perf_counter() - start)
    return sorted(taken)[runs // 2]


def peak_rss_bytes() -> int:
    """The most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT


def copy(source: str, target: str) -> Facts:
    """Only read and write a Parquet file."""
    import polars as pl

    return {"seconds": median_seconds(lambda: pl.scan_parquet(source).sink_parquet(target), 1)}


def chain(orders: str, out: str, kinds: str, signer: str) -> Facts:
    """`entrepot clear` with a clock on its progress: wall seconds of each stage, and the most memory up to its end."""
    from entrepot.run.clear import Request, clear

    ends: dict[str, tuple[float, int]] = {}

    def progress(stage: str, done: int, total: int | None) -> None:
        now = perf_counter(), peak_rss_bytes()
        if stage == "read":
            ends["take-in"] = now
        else:
            ends.setdefault({"decide": "check-orders", "finish": "decide"}.get(stage, stage), now)

    start = perf_counter()
    summary = clear(Request((Path(orders),), Path(out), kinds=tuple(kinds.split(",")), signer=signer), progress)
    ends["finish"] = perf_counter(), peak_rss_bytes()
    moments = [start, *(moment for moment, _ in ends.values())]
    wall = dict(zip(ends, (after - before for before, after in pairwise(moments)), strict=True))
    told = ("rows_in", "rows_decided", "rows_refused", "parcels_released", "paperless_ratio", "messages", "by_verdict")
    peaks = {name: memory for name, (_, memory) in ends.items()}
    return {"stages": wall, "peak_rss_bytes": peaks, **{name: summary[name] for name in told}}


def stages(orders: str, folder: str, lines: str) -> Facts:
    """Every step of the chain on one chunk; leaves what the tax stage and the writer of lists were given."""
    from bench.steps import steps

    return steps(Path(orders), Path(folder), int(lines))


def tax_files(folder: str, lines: str) -> Facts:
    """Write what the tax stage reads: lines of the day, imports alone, and the peer's columns."""
    from bench.tax_stage import write_inputs

    return write_inputs(Path(folder), int(lines))


def tax(source: str, target: str) -> Facts:
    """The tax stage: read the columns it needs, add the taxes, write Parquet; beside only copying the same columns.

    `memory_seconds` is the stage on columns in memory, neither read nor written.
    """
    from bench.tax_stage import copied, taxed, taxed_in_memory
    from entrepot.law import Law

    law, file, out = Law.load(), Path(source), Path(target)
    facts: Facts = {"lines": taxed(file, out, law)}
    facts["copy_seconds"] = median_seconds(lambda: copied(file, out))
    facts["seconds"] = median_seconds(lambda: taxed(file, out, law))
    facts["memory_seconds"] = sorted(taxed_in_memory(file, law) for _ in range(RUNS))[RUNS // 2]
    return facts


def openfisca(source: str) -> Facts:
    """The taxes of the same imports in OpenFisca-core; nothing where it is not installed."""
    if find_spec("openfisca_core") is None:
        return {}
    from bench.openfisca_peer import compute

    return compute(source)


def messages(folder: str) -> Facts:
    """Writing the messages of the decided chunk, each kind apart."""
    from bench.message_stage import write_all

    return write_all(Path(folder))


JOBS: Mapping[str, Callable[..., Facts]] = {
    "copy": copy, "chain": chain, "stages": stages, "tax-files": tax_files, "tax": tax, "openfisca": openfisca,
    "messages": messages,
}  # fmt: skip

if __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]](*sys.argv[2:])))
