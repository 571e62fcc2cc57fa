"""Writing messages alone: the released orders of one chunk to files, each kind by itself."""

from pathlib import Path
from time import perf_counter

import polars as pl

from bench.process import Facts
from bench.steps import PERSONS, RELEASED
from entrepot.messages import ceb

__all__ = ["write_all"]

TIME = "20260310000000"
WAYS = (("603", False), ("603", True), ("621", True), ("303", False), ("303", True))


def write_all(folder: Path) -> Facts:
    """Every kind, unsigned where customs allow it and signed."""
    lines, persons = pl.read_ipc(folder / RELEASED), pl.read_ipc(folder / PERSONS)
    return {f"{kind} {'signed' if signed else 'unsigned'}": _timed(folder, lines, persons, kind, signed)
            for kind, signed in WAYS}


def _timed(folder: Path, lines: pl.DataFrame, persons: pl.DataFrame, kind: str, signed: bool) -> Facts:
    """Documents of one kind, and the seconds to build, check, number, write and compress them (second run)."""
    sender, signer = ceb.Sender.placeholder(), ceb.make_test_key(folder) if signed else None
    for _ in range(2):
        start = perf_counter()
        written = ceb.write_lists(lines, persons, sender, [kind], signer, folder, "alone", TIME)
        seconds = perf_counter() - start
    counts = written.counts
    return {"documents": counts[f"documents-{kind}"], "seconds": seconds, "xml_bytes": counts[f"bytes-{kind}"]}
