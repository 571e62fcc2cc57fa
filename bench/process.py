"""Processes of their own for everything that is measured.

The parent holds nothing but their answers, so that the memory measured is theirs: a child starts with the
high-water mark of its parent.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

__all__ = ["ROOT", "RSS_UNIT", "Facts", "JobError", "Ran", "run"]

Facts = dict[str, Any]
ROOT = Path(__file__).parents[1]
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class JobError(Exception):
    """A measured process failed; the message holds the end of what it said."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished process: its answer, wall and processor seconds, and the most memory it held.

    `elsewhere_cpu_seconds` is what all other processes of the machine used meanwhile (0 where nobody tells): a figure
    taken while they were busy is no figure.
    """

    answer: Facts
    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    elsewhere_cpu_seconds: float


def _machine_cpu_seconds() -> float:
    """Processor seconds of the whole machine since it started: user, nice, system, interrupts."""
    try:
        parts = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return 0.0
    return sum(int(parts[place]) for place in (0, 1, 2, 5, 6)) / os.sysconf("SC_CLK_TCK")


def run(arguments: Sequence[str | Path], home: Path) -> Ran:
    """Run `python -m ...` in a fresh process and measure it; JobError when it fails."""
    command = [sys.executable, "-m", *map(str, arguments)]
    environment = {**os.environ, "ENTREPOT_HOME": str(home)}
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        start, busy = perf_counter(), _machine_cpu_seconds()
        child = subprocess.Popen(command, stdout=said, stderr=complained, env=environment, cwd=ROOT)
        _, status, usage = os.wait4(child.pid, 0)
        seconds, busy = perf_counter() - start, _machine_cpu_seconds() - busy
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complained.seek(0)
        if child.returncode:
            last = complained.read().decode(errors="replace")[-2000:]
            raise JobError(f"{' '.join(command[2:])} ended with {child.returncode}: {last}")
        answer = json.loads(said.read().splitlines()[-1])
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Ran(answer, seconds, cpu_seconds, usage.ru_maxrss * RSS_UNIT, max(0.0, busy - cpu_seconds))
