"""The command line with small pieces, so that a small file has many batches and chunks; run as a process of its own.

Usage: python -m tests.run.small_pieces BATCH_ROWS CHUNK_ROWS KILL_BEFORE entrepot-arguments…
A KILL_BEFORE of n ends the process with SIGKILL just before it puts its n-th file in place; 0 never does.
"""

import os
import signal
import sys
from functools import partial
from itertools import count
from typing import Any

from entrepot.cli import main
from entrepot.run import clear, intake


def small_pieces(batch_rows: int, chunk_rows: int) -> None:
    """Read and decide in pieces of these sizes."""
    assert {"ROWS_PER_CHUNK", "Intake"} <= set(vars(clear))
    vars(clear).update(ROWS_PER_CHUNK=chunk_rows, Intake=partial(intake.Intake, batch_rows=batch_rows))


def killed_before(number: int) -> None:
    """Let the process be killed just before its n-th rename: the new file lies beside the place it was meant for."""
    replace, calls = os.replace, count(1)

    def kill_or_replace(*places: Any) -> None:
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(*places)

    vars(os)["replace"] = kill_or_replace


if __name__ == "__main__":
    batch_rows, chunk_rows, kill_before = (int(given) for given in sys.argv[1:4])
    small_pieces(batch_rows, chunk_rows)
    killed_before(kill_before)
    main(sys.argv[4:])
