"""Fixtures every room uses: the folder of large data sets, present here or counted as not run."""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

if "ENTREPOT_HOME" not in os.environ or "PYTEST_XDIST_WORKER" in os.environ:  # each process has its own
    os.environ["ENTREPOT_HOME"] = tempfile.mkdtemp(prefix="entrepot-tests-")
    Path(os.environ["ENTREPOT_HOME"], "secret").write_text("5a" * 32, encoding="ascii")  # the same draw in every run
os.environ.setdefault("ENTREPOT_WEBHOOK_PRIVATE", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "entrepot.desk.settings")

import django

django.setup()  # here, since every module of the desk needs it, the check of the house too

REPOSITORY = Path(__file__).resolve().parents[1]


def data_root() -> Path:
    """Where the data sets lie: ENTREPOT_DATA, else `../shared/data` beside the repository."""
    named = os.environ.get("ENTREPOT_DATA")
    return Path(named) if named else REPOSITORY.parent / "shared" / "data"


@pytest.fixture(scope="session")
def data_folder() -> Callable[[str], Path]:
    """A function from the name of a data set to its folder.

    Where the data sets are present a missing one fails the test; where none are, the test is reported as not run.
    """

    def folder(name: str) -> Path:
        root = data_root()
        if not root.is_dir():
            pytest.skip(f"needs data set {name}")
        assert (root / name).is_dir(), f"data set {name} is missing from {root}"
        return root / name

    return folder


SIZES: list[str] = []
"""What each long proof ran with, printed at the end of the run."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run the long proofs whole")


@pytest.fixture
def proof_size(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """A function from the reduced and the whole size of a long proof to the one asked for; the size is printed."""

    def size(reduced: int, whole: int) -> int:
        chosen = whole if request.config.getoption("--full") else reduced
        SIZES.append(f"{request.node.name}: {chosen:,} of {whole:,}")
        return chosen

    return size


@pytest.fixture
def some_of(proof_size: Callable[[int, int], int]) -> Callable[[int, Sequence[Any]], Sequence[Any]]:
    """A function that gives so many of a row of cases, the last among them; all of them in the long form."""

    def some(reduced: int, cases: Sequence[Any]) -> Sequence[Any]:
        chosen = proof_size(reduced, len(cases))
        return [cases[-1 - place * len(cases) // chosen] for place in reversed(range(chosen))]

    return some


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process of several sends its sizes to the one that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["sizes"] = SIZES


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    SIZES.extend(getattr(node, "workeroutput", {}).get("sizes", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SIZES:
        terminalreporter.write_sep("-", "long proofs")
        for line in sorted(SIZES):
            terminalreporter.write_line(line)
