"""Fixtures every room uses: the folder of large data sets, present here or counted as not run."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

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
