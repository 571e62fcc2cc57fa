"""`script/bench day`: a synthetic day cleared end to end and stage by stage, beside peers and bars.

Every figure comes from a process of its own; this one holds nothing but their answers, so that the memory
measured is theirs (a child starts with the high-water mark of its parent).
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.table import table

__all__ = ["main", "measure"]

LISTS = "603,621"
STEP_LINES, TAX_LINES = 200_000, 2_000_000
COPIES = 3
Facts = dict[str, Any]


class JobError(Exception):
    """A measured process failed; the message holds the end of what it said."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished process: its answer, wall and processor seconds, and the most memory it held."""

    answer: Facts
    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int


def run(arguments: Sequence[str], home: Path) -> Ran:
    """Run `python -m ...` in a fresh process and measure it; JobError when it fails."""
    command, environment = [sys.executable, "-m", *arguments], {**os.environ, "ENTREPOT_HOME": str(home)}
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        start = perf_counter()
        child = subprocess.Popen(command, stdout=said, stderr=complained, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complained.seek(0)
        if child.returncode:
            raise JobError(f"{' '.join(arguments)} ended with {child.returncode}: {complained.read().decode(errors='replace')[-2000:]}")
        answer = json.loads(said.read().splitlines()[-1])
    unit = 1 if sys.platform == "darwin" else 1024
    return Ran(answer, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def measure(lines: int, seed: int, folder: Path) -> Facts:
    """Make a day of `lines` lines in `folder` and take every figure of it. The day is kept, the batches are not."""
    home, orders = folder / "home", folder / f"day-{lines}-{seed}.parquet"
    home.mkdir(parents=True, exist_ok=True)
    day = _day(orders, lines, seed, home)
    copies = [run(["bench.jobs", "copy", str(orders), str(folder / "copy.parquet")], home) for _ in range(COPIES)]
    (folder / "copy.parquet").unlink()
    out = folder / "batch"
    shutil.rmtree(out, ignore_errors=True)
    whole = run(["bench.jobs", "chain", str(orders), str(out), LISTS, "auto"], home)
    sizes = {name: _size(out / name) for name in ("lines.parquet", "persons.parquet", "messages")} | {"batch": _size(out)}
    shutil.rmtree(out)
    copy_seconds = sorted(one.seconds for one in copies)[COPIES // 2]
    return {
        "lines": lines, "seconds": round(whole.seconds, 3), "lines_per_s": round(lines / whole.seconds),
        "peak_rss_bytes": whole.peak_rss_bytes, "copy_seconds": round(copy_seconds, 3), **_stages(orders, folder, home, lines, whole),
        "cpu_seconds": round(whole.cpu_seconds, 3), "seed": seed, "cpus": len(os.sched_getaffinity(0)),
        "python": platform.python_version(), "load_before": day.pop("load"), "bytes": {"orders": day.pop("bytes"), **sizes},
        "parcels": day.pop("parcels"), "distinct": day.pop("distinct"), **_outcome(whole.answer),
        **_tax(orders, folder, home, lines, copy_seconds), **_messages(folder, home),
    }


def _day(orders: Path, lines: int, seed: int, home: Path) -> Facts:
    """What the day holds; made once, told again from the note beside it."""
    note = orders.with_suffix(".json")
    if not note.exists():
        made = run(["bench.make_day", str(orders), "--lines", str(lines), "--seed", str(seed)], home)
        note.write_text(json.dumps(made.answer))
    return {**json.loads(note.read_text()), "load": os.getloadavg()[0]}


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else path.stat().st_size


def _outcome(answer: Mapping[str, Any]) -> Facts:
    """What came of the day, so that a figure cannot be fast because nothing was done."""
    lists = sum(answer["messages"][kind]["documents"] for kind in LISTS.split(",") if kind in answer["messages"])
    told = ("rows_in", "rows_decided", "rows_refused", "parcels_released", "paperless_ratio", "by_verdict")
    return {**{name: answer[name] for name in told}, "lists": lists, "messages": answer["messages"]}


def _stages(orders: Path, folder: Path, home: Path, lines: int, whole: Ran) -> Facts:
    """Seconds of each stage in the run, and of each step on one chunk scaled to the day (`scaled` says which)."""
    count = min(lines, STEP_LINES)
    single = run(["bench.jobs", "stages", str(orders), str(folder), str(count)], home).answer["seconds"]
    scaled = {name: round(seconds * lines / count, 3) for name, seconds in single.items()}
    walls = {name: round(seconds, 3) for name, seconds in whole.answer["stages"].items()}
    return {"stages": {**walls, **scaled}, "scaled": {"from_lines": count, "stages": list(scaled)}}


def _tax(orders: Path, folder: Path, home: Path, lines: int, copy_seconds: float) -> Facts:
    """The tax stage alone beside copying its columns, beside copying the day (scaled), and beside OpenFisca-core."""
    count = min(lines, TAX_LINES)
    run(["bench.jobs", "tax-files", str(orders), str(folder), str(count)], home)
    day, imports = (run(["bench.jobs", "tax", str(folder / name), str(folder / "taxed.parquet")], home).answer
                    for name in ("tax.parquet", "tax-imports.parquet"))
    peer = run(["bench.jobs", "openfisca", str(folder / "peer.parquet")], home).answer
    return {
        "tax": {"day": _per_second(day), "imports": _per_second(imports)}, "tax_ratio": round(day["seconds"] / day["copy_seconds"], 2),
        "tax_ratio_imports": round(imports["seconds"] / imports["copy_seconds"], 2),
        "tax_ratio_to_copy": round(day["seconds"] * lines / day["lines"] / copy_seconds, 2),
        "openfisca": peer, "openfisca_lines_per_s": round(peer["lines"] / peer["seconds"]),
    }


def _per_second(facts: Facts) -> Facts:
    return {**facts, "lines_per_s": round(facts["lines"] / facts["seconds"])}


def _messages(folder: Path, home: Path) -> Facts:
    """Messages of one chunk by kind on all cores, and on one core beside a string template."""
    rates = [{name: {**facts, "documents_per_s": round(facts["documents"] / facts["seconds"])} for name, facts in
              run(["bench.jobs", "messages", str(folder), alone], home).answer.items()} for alone in ("no", "yes")]
    return {"message_rates": rates[0], "message_rates_one_core": rates[1]}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `day --lines N [--seed S] [--json] [--keep DIR]`."""
    parser = argparse.ArgumentParser(prog="script/bench", description="Benchmarks of Entrepot.")
    day = parser.add_subparsers(dest="what", required=True).add_parser("day", help="a synthetic day, end to end and stage by stage")
    day.add_argument("--lines", type=int, default=1_000_000, help="order lines of the day; 1.25 lines are one parcel")
    day.add_argument("--seed", type=int, default=1)
    day.add_argument("--json", action="store_true", help="print one JSON object on one line")
    day.add_argument("--keep", type=Path, help="work in this folder and leave the day there for the next run")
    given = parser.parse_args(arguments)
    if given.lines < 1000:
        parser.error(f"--lines {given.lines}: give at least 1000, fewer lines hold no whole day")
    place = nullcontext(str(given.keep.resolve())) if given.keep else tempfile.TemporaryDirectory(prefix="entrepot-bench-")
    try:
        with place as folder:
            facts = measure(given.lines, given.seed, Path(folder))
    except JobError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 3
    print(json.dumps(facts) if given.json else table(facts))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
