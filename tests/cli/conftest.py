"""The command line in this process, with an installation of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from entrepot.cli import main
from tests.run.conftest import home, sample_day

__all__ = ["Run", "Said", "home", "run", "sample_day"]


class Said(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `entrepot` with arguments, as the console script does."""
    monkeypatch.setenv("ENTREPOT_HOME", str(home))

    def command(*arguments: object) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Said(int(left.value.code or 0), said.out, said.err)

    return command
