"""The command line in this process, with an installation of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from entrepot.cli import main
from tests.run.days import cleared, make_home


class Said(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a known secret."""
    return make_home(tmp_path_factory.mktemp("installation") / "home")


@pytest.fixture(scope="session")
def sample_day(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """The batch folder of the sample day; look, do not touch."""
    out = tmp_path_factory.mktemp("sample") / "day"
    cleared(out, home)
    return out


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
