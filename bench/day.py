"""`script/bench day`: a synthetic day cleared end to end and stage by stage, beside peers and bars."""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.process import Facts, JobError, Ran, run
from bench.table import table

__all__ = ["Bench", "main"]

LISTS = "603,621"
STEP_LINES, TAX_LINES, ONE_CORE_LISTS = 200_000, 1_000_000, 50_000
COPIES = 3


@dataclass(frozen=True, slots=True)
class Bench:
    """One day of so many lines in a folder. The day is kept there, what is made of it is not."""

    lines: int
    seed: int
    folder: Path

    @property
    def orders(self) -> Path:
        """The day's file."""
        return self.folder / f"day-{self.lines}-{self.seed}.parquet"

    @property
    def work(self) -> Path:
        """Where everything else goes while it is measured."""
        return self.folder / "work"

    def job(self, name: str, *arguments: str | Path) -> Ran:
        """Run a job of `bench.jobs`."""
        return run(["bench.jobs", name, *arguments], self.work / "home")

    def measure(self) -> Facts:
        """Every figure of the day; the first six are those other programs rely on."""
        shutil.rmtree(self.work, ignore_errors=True)
        (self.work / "home").mkdir(parents=True)
        try:
            return self._measured()
        finally:
            shutil.rmtree(self.work)

    def _measured(self) -> Facts:
        day, load = self.day(), os.getloadavg()[0]
        copy_seconds = self.copy_seconds()
        whole, sizes = self.whole()
        return {
            "lines": self.lines, "seconds": round(whole.seconds, 3), "lines_per_s": round(self.lines / whole.seconds),
            "peak_rss_bytes": whole.peak_rss_bytes, "copy_seconds": round(copy_seconds, 3), **self.stages(whole),
            "cpu_seconds": round(whole.cpu_seconds, 3),
            "elsewhere_cpu_seconds": round(whole.elsewhere_cpu_seconds, 3), "cpus": len(os.sched_getaffinity(0)), "load_before": load,
            "python": platform.python_version(), "seed": self.seed, "parcels": day["parcels"],
            "distinct": day["distinct"], "bytes": {"orders": day["bytes"], **sizes}, **_outcome(whole.answer),
            **self.tax(copy_seconds), **self.messages(),
        }  # fmt: skip

    def day(self) -> Facts:
        """What the day holds; made once, told again from the note beside it."""
        note = self.orders.with_suffix(".json")
        if not note.exists():
            size = ["--lines", str(self.lines), "--seed", str(self.seed)]
            made = run(["bench.make_day", self.orders, *size], self.work)
            note.write_text(json.dumps(made.answer))
        told: Facts = json.loads(note.read_text())
        return told

    def copy_seconds(self) -> float:
        """Wall seconds of a process that only reads and writes the day's file; the median of several."""
        target = self.work / "copy.parquet"
        taken = sorted(self.job("copy", self.orders, target).seconds for _ in range(COPIES))
        target.unlink()
        return taken[COPIES // 2]

    def whole(self) -> tuple[Ran, dict[str, int]]:
        """The whole chain in a process, and the bytes it wrote."""
        out = self.work / "batch"
        ran = self.job("chain", self.orders, out, LISTS, "auto")
        sizes = {name: _size(out / name) for name in ("lines.parquet", "persons.parquet", "messages")}
        sizes["batch"] = _size(out)
        shutil.rmtree(out)
        return ran, sizes

    def stages(self, whole: Ran) -> Facts:
        """Seconds of each stage in the run, and of each step on one chunk scaled to the day (`scaled` says which)."""
        count = min(self.lines, STEP_LINES)
        single = self.job("stages", self.orders, self.work, str(count))
        wall, cpu = ({name: round(seconds * self.lines / count, 3) for name, seconds in single.answer[kind].items()}
                     for kind in ("seconds", "cpu_seconds"))
        ran = {name: round(seconds, 3) for name, seconds in whole.answer["stages"].items()}
        peaks = whole.answer["peak_rss_bytes"]
        scaled = {"from_lines": count, "stages": list(wall), "cpu_seconds": cpu,
                  "elsewhere_cpu_seconds": round(single.elsewhere_cpu_seconds, 3)}
        return {"stages": {**ran, **wall}, "stage_peak_rss_bytes": peaks, "scaled": scaled}

    def tax(self, copy_seconds: float) -> Facts:
        """The tax stage alone beside copying its columns, copying the day (scaled), and OpenFisca-core."""
        files = self.job("tax-files", self.work, str(min(self.lines, TAX_LINES))).answer
        day, imports = (self.job("tax", self.work / name, self.work / "taxed.parquet").answer
                        for name in ("tax.parquet", "tax-imports.parquet"))
        peer = self.job("openfisca", self.work / "peer.parquet").answer
        return {
            "tax": {"day": day, "imports": imports, **files}, "tax_ratio": round(day["seconds"] / day["copy_seconds"], 2),
            "tax_ratio_imports": round(imports["seconds"] / imports["copy_seconds"], 2),
            "tax_ratio_to_copy": round(day["seconds"] * self.lines / day["lines"] / copy_seconds, 2),
            "openfisca": peer or None, "openfisca_lines_per_s": round(peer["lines"] / peer["seconds"]) if peer else None,
        }  # fmt: skip

    def messages(self) -> Facts:
        """Documents a second by kind on all cores, and of export lists on one core beside a string template."""
        timed = self.job("messages", self.work).answer
        rates = {name: {**facts, "documents_per_s": round(facts["documents"] / facts["seconds"])}
                 for name, facts in timed.items()}
        one_core = run(["bench.ceb_lists", "--json", "--lists", str(min(self.lines, ONE_CORE_LISTS))], self.work)
        return {"message_rates": rates, "one_core_lists_per_s": one_core.answer["lists_per_s"]}


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _outcome(answer: Mapping[str, Any]) -> Facts:
    """What came of the day, so that a figure cannot be fast because nothing was done."""
    lists = sum(answer["messages"].get(kind, {}).get("documents", 0) for kind in LISTS.split(","))
    told = ("rows_in", "rows_decided", "rows_refused", "parcels_released", "paperless_ratio", "by_verdict")
    return {**{name: answer[name] for name in told}, "lists": lists, "messages": answer["messages"]}


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description="Benchmarks of Entrepot.")
    kinds = parser.add_subparsers(dest="what", required=True)
    day = kinds.add_parser("day", help="a synthetic day, end to end and stage by stage")
    day.add_argument("--lines", type=int, default=1_000_000, help="order lines of the day; 1.25 lines are one parcel")
    day.add_argument("--seed", type=int, default=1, help="another seed, another day")
    day.add_argument("--json", action="store_true", help="print one JSON object on one line")
    day.add_argument("--keep", type=Path, help="work in this folder and leave the day there for the next run")
    given = parser.parse_args(arguments)
    if given.lines < 1000:
        parser.error(f"--lines {given.lines}: give at least 1000; fewer lines hold nothing of some kinds")
    return given


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `day --lines N [--seed S] [--json] [--keep DIR]`."""
    given = _arguments(arguments)
    kept = nullcontext(str(given.keep.resolve())) if given.keep else None
    try:
        with kept or tempfile.TemporaryDirectory(prefix="entrepot-bench-") as folder:
            facts = Bench(given.lines, given.seed, Path(folder)).measure()
    except JobError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 3
    print(json.dumps(facts) if given.json else table(facts))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
