"""The command line: one noun, verbs below it; every report also as JSON; the exit code says how it went.

Exit codes: 0 done, 1 done with invalid rows under --strict, 2 wrong call, 3 input or surroundings unusable.
"""

import errno
import os
import sys
from collections.abc import Sequence

import click
import polars as pl

from entrepot import __version__
from entrepot.cli.audit import audit
from entrepot.cli.clear import clear_command
from entrepot.cli.desk import (
    backup_command,
    check_command,
    demo_command,
    manage_command,
    restore_command,
    serve_command,
    worker_command,
)
from entrepot.cli.explain import explain_command
from entrepot.cli.law import law
from entrepot.cli.report import report_command
from entrepot.goods.errors import EntrepotError

__all__ = ["cli", "main"]

DEBUG_VARIABLE = "ENTREPOT_DEBUG"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space left, no quota left, no larger file allowed: the same for a person."""
DISK_IS_FULL = "the disk is full: free some space and run the same command again, it goes on where it stopped"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="entrepot")
def cli() -> None:
    """Clear foreign-trade orders under the law of their day, and explain every decision.

    Example: entrepot clear orders.csv --out day1
    """


cli.add_command(audit)
cli.add_command(clear_command)
cli.add_command(explain_command)
cli.add_command(law)
cli.add_command(report_command)
for _command in (serve_command, worker_command, check_command, backup_command, restore_command, demo_command, manage_command):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a person never sees a traceback unless ENTREPOT_DEBUG is set."""
    try:
        code = cli.main(args=arguments, standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _say("stopped; the same command goes on where it stopped")
        sys.exit(130)
    except EntrepotError as error:
        _say(DISK_IS_FULL if _is_full(error) else str(error))
        sys.exit(error.exit_code)
    except (Exception, pl.exceptions.PanicException) as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        _say(_outside(error))
        sys.exit(3)


def _outside(error: BaseException) -> str:
    """One line for what nobody foresaw: the disk, the rights, or a fault of ours."""
    text = " ".join(str(error).split())[:300]
    if _is_full(error):
        return DISK_IS_FULL
    if isinstance(error, PermissionError):
        return f"{error.filename}: no permission; choose a folder you may write, or a file you may read"
    if isinstance(error, pl.exceptions.PolarsError | OSError):
        return f"{text}; nothing that looks finished was left behind"
    return f"a fault in Entrepot ({type(error).__name__}: {text}); set {DEBUG_VARIABLE}=1 to see where, and report it"


def _is_full(error: BaseException) -> bool:
    full = isinstance(error, OSError) and error.errno in FULL
    return full or any(os.strerror(number) in str(error) for number in FULL)


def _say(message: str) -> None:
    click.echo(f"entrepot: {' '.join(message.splitlines())}", err=True)
