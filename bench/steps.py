"""Each step of the chain by itself: `clear` on the first lines of a day, with a clock on the functions it calls.

So few lines are one batch and one chunk, so the steps run one after another. Nothing is rebuilt here: what is timed
is what runs. A step whose function was renamed ends the benchmark with the name that is missing.
"""

import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import polars as pl

from bench.process import Facts

__all__ = ["BEFORE_TAX", "LISTS", "PERSONS", "RELEASED", "steps"]

BEFORE_TAX, RELEASED, PERSONS = "before-tax.arrow", "released.arrow", "persons.arrow"
LISTS = ("603", "621")
STEPS = {
    "take-in.read": ("entrepot.run.intake", "read_batches"),
    "take-in.parse": ("entrepot.run.intake", "parse"),
    "take-in.group": ("entrepot.run.intake", "with_groups"),
    "take-in.store": ("entrepot.run.intake", "_store"),
    "decide.read": ("entrepot.run.day", "read_range"),
    "decide.rates": ("entrepot.run.day", "without_rate"),
    "decide.value": ("entrepot.decide.chain", "valued"),
    "decide.limits-and-mode": ("entrepot.decide.chain", "decide_orders"),
    "decide.tax": ("entrepot.decide.chain", "add_tax"),
    "decide.tax-facts": ("entrepot.decide.chain", "add_tax_facts"),
    "decide.draw": ("entrepot.run.day", "drawn"),
    "decide.lists": ("entrepot.messages.ceb", "write_lists"),
    "decide.release": ("entrepot.run.day", "add_release"),
    "decide.result": ("entrepot.run.day", "as_result"),
    "decide.count": ("entrepot.run.day", "count_chunk"),
    "decide.store": ("entrepot.run.day", "_write"),
    "finish.merge-lines": ("entrepot.run.finish", "_merge_lines"),
    "finish.merge-persons": ("entrepot.run.finish", "_merge_persons"),
    "finish.refused": ("entrepot.run.finish", "_write_refused"),
    "finish.close": ("entrepot.run.finish", "_close"),
}
"""Each step and where the chain looks its function up. `take-in.read` runs twice, again inside `finish.refused`."""
AS_KNOWN = {"decide.tax-facts": "decide.tax"}
"""Steps counted with another."""


class _Clock:
    """Wall and processor seconds of each step, and what some of them were given."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_seconds: dict[str, float] = {}
        self.given: dict[str, tuple[Any, ...]] = {}

    def watch(self, step: str, module: str, name: str) -> None:
        """Put a clock on a function where it is looked up."""
        home = import_module(module)
        setattr(home, name, self._timed(step, getattr(home, name)))

    def _timed(self, step: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            self.given[step] = given
            label = f"{step}-{'-'.join(given[3])}" if step == "decide.lists" else AS_KNOWN.get(step, step)
            result = self._run(label, lambda: work(*given, **named))
            return self._pieces(label, result) if isinstance(result, Iterator) else result

        return timed

    def _run(self, label: str, work: Callable[[], Any]) -> Any:
        start, cpu = perf_counter(), process_time()
        result = work()
        self.seconds[label] = self.seconds.get(label, 0.0) + perf_counter() - start
        self.cpu_seconds[label] = self.cpu_seconds.get(label, 0.0) + process_time() - cpu
        return result

    def _pieces(self, label: str, pieces: Iterator[Any]) -> Iterator[Any]:
        """A stream whose making is timed piece by piece."""
        while (piece := self._run(label, lambda: next(pieces, None))) is not None:
            yield piece


def steps(orders: Path, folder: Path, lines: int) -> Facts:
    """Seconds of each step for the first `lines` lines, the second time they are cleared.

    Leaves in `folder` what the tax stage and the writer of lists were given.
    """
    from entrepot.run.clear import Request, clear

    first, out = folder / "first.parquet", folder / "first"
    pl.scan_parquet(orders).head(lines).sink_parquet(first)
    clock = _Clock()
    for step, (module, name) in STEPS.items():
        clock.watch(step, module, name)
    for _ in range(2):
        clock.seconds.clear()
        clock.cpu_seconds.clear()
        summary = clear(Request((first,), out, kinds=LISTS))
        shutil.rmtree(out)
    _keep(clock, folder)
    return {"lines": summary["rows_in"], "seconds": clock.seconds, "cpu_seconds": clock.cpu_seconds}


def _keep(clock: _Clock, folder: Path) -> None:
    clock.given["decide.tax-facts"][0].write_ipc(folder / BEFORE_TAX)
    released, persons = clock.given["decide.lists"][:2]
    released.write_ipc(folder / RELEASED)
    persons.write_ipc(folder / PERSONS)
