"""The command line with small pieces, so that a small file has many batches and chunks; run as a process of its own.

Usage: python -m tests.run.small_pieces BATCH_ROWS CHUNK_ROWS KILL entrepot-arguments…
KILL is `before:NAME` or `after:NAME`: the process ends with SIGKILL just before or after it puts a file of that
name in place; `never` lets it live.
"""

import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

from entrepot.cli import main
from entrepot.run import clear, intake


def small_pieces(batch_rows: int, chunk_rows: int) -> None:
    """Read and decide in pieces of these sizes."""
    assert {"ROWS_PER_CHUNK", "Intake"} <= set(vars(clear))
    vars(clear).update(ROWS_PER_CHUNK=chunk_rows, Intake=partial(intake.Intake, batch_rows=batch_rows))


def killed_at(moment: str) -> None:
    """Let the process be killed when it puts a file in place; before that the file lies beside its place."""
    when, _, name = moment.partition(":")
    replace = os.replace

    def replace_or_end(source: Any, target: Any) -> None:
        if Path(target).name != name:
            replace(source, target)
            return
        if when == "after":
            replace(source, target)
        os.kill(os.getpid(), signal.SIGKILL)

    vars(os)["replace"] = replace_or_end


if __name__ == "__main__":
    small_pieces(int(sys.argv[1]), int(sys.argv[2]))
    killed_at(sys.argv[3])
    main(sys.argv[4:])
