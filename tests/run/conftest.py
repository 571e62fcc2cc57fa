"""The sample day, cleared once for every test that only looks at it."""

from pathlib import Path

import pytest

from tests.run.days import cleared, make_home


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
