"""Writing messages alone: the released orders of one decided chunk to files, each kind by itself."""

from pathlib import Path
from time import perf_counter
from typing import Any

import polars as pl

from bench.steps import DECIDED, PERSONS, TIME
from bench.template_peer import write_from_template
from entrepot.messages import ceb

__all__ = ["write_all", "write_on_one_core"]

WAYS = (("603", False), ("603", True), ("621", True), ("303", False), ("303", True))


def _free(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    return pl.read_ipc(folder / DECIDED).filter(pl.col("verdict") == "release"), pl.read_ipc(folder / PERSONS)


def _timed(folder: Path, lines: pl.DataFrame, persons: pl.DataFrame, kind: str, signed: bool) -> dict[str, Any]:
    """Documents of one kind, and the seconds to build, check, number, write and compress them (second run)."""
    sender, signer = ceb.Sender.placeholder(), ceb.make_test_key(folder) if signed else None
    for _ in range(2):
        start = perf_counter()
        written = ceb.write_lists(lines, persons, sender, [kind], signer, folder, "alone", TIME)
        seconds = perf_counter() - start
    counts = written.counts
    return {"documents": counts[f"documents-{kind}"], "seconds": seconds, "xml_bytes": counts[f"bytes-{kind}"]}


def write_all(folder: Path) -> dict[str, Any]:
    """Every kind, unsigned where customs allow it and signed."""
    lines, persons = _free(folder)
    return {f"{kind} {'signed' if signed else 'unsigned'}": _timed(folder, lines, persons, kind, signed)
            for kind, signed in WAYS}


def write_on_one_core(folder: Path) -> dict[str, Any]:
    """Unsigned export lists on one core, ours from decided lines and a string template's from ready texts."""
    lines, persons = _free(folder)
    ours = _timed(folder, lines, persons, "603", signed=False)
    documents = ceb.with_guids(ceb.build("603", lines, persons, ceb.Sender.placeholder(), TIME))
    seconds = min(write_from_template(documents, folder / "template.zst") for _ in range(2))
    return {"603 unsigned": ours, "template": {"documents": documents.heads.height, "seconds": seconds}}
