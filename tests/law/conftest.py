import pytest

from entrepot.law import Law


@pytest.fixture(scope="session")
def law() -> Law:
    """The law shipped with Entrepot."""
    return Law.load()
