"""Personal data stay apart: in the persons file, in the rows to mend and in the import lists, nowhere else."""

import stat
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from entrepot.run.clear import Request, clear
from tests.run.days import ORDERS, PERSONAL, cleared, messages_in, sample_rows

HOLD_PERSONS = ("persons.parquet", "refused.csv", "messages/621-")


@pytest.fixture(scope="module")
def named() -> set[str]:
    """What the sample says of its buyers; a country or an empty field is nobody's secret."""
    return {row[field] for row in sample_rows() for field in PERSONAL if len(row[field]) > 2}


@pytest.fixture(scope="module")
def broken_day(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample day with rows that are no rows, of which a reader only has the text."""
    place = tmp_path_factory.mktemp("broken")
    head, *rows = ORDERS.read_text(encoding="utf-8").splitlines()
    rows[3:3] = [rows[5].replace("person", 'per"son"'), rows[6] + ',"', rows[7].replace(",", "\0,", 3), rows[8][:150]]
    (place / "orders.csv").write_text("\n".join([head, *rows]), encoding="utf-8")
    cleared(place / "day", home, place / "orders.csv")
    return place / "day"


def texts(path: Path) -> Iterator[str]:
    """Everything a file says."""
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path)
        yield "\n".join(str(value) for row in frame.rows() for value in row)
    if path.suffix == ".zst":
        yield from (message.decode() for message in messages_in(path))
    yield path.read_bytes().decode("utf-8", "replace")


@pytest.mark.parametrize("which", ["sample_day", "broken_day"])
def test_nobody_is_named_where_nobody_need_be(
    which: str, named: set[str], request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(which)
    seen = 0
    for path in (path for path in folder.rglob("*") if path.is_file()):
        if not path.relative_to(folder).as_posix().startswith(HOLD_PERSONS):
            seen += 1
            for text in texts(path):
                assert not {name for name in named if name in text}, path.name
    assert seen >= 9


def test_the_persons_file_has_them_all(sample_day: Path) -> None:
    persons = pl.read_parquet(sample_day / "persons.parquet")
    lines = pl.read_parquet(sample_day / "lines.parquet", columns=["order_id", "buyer_key"])
    given = {row["buyer_id"] for row in sample_rows("REX", "RIM", "TAX")}
    assert given <= set(persons.get_column("buyer_id"))
    assert set(lines.get_column("buyer_key")) == set(persons.get_column("buyer_key")) | {None}


def test_only_the_owner_may_read_personal_data(broken_day: Path) -> None:
    modes = {"persons.parquet": 0o600, "refused.csv": 0o600, "messages": 0o700}
    assert {name: stat.S_IMODE((broken_day / name).stat().st_mode) for name in modes} == modes


def test_personal_data_are_covered_while_the_day_is_at_work(tmp_path: Path, home: Path) -> None:
    """The work folder holds persons too; it is looked at as soon as something lies in it."""
    modes: list[int] = []
    out = tmp_path / "day"

    def look(stage: str, done: int, total: int | None) -> None:
        modes.extend(stat.S_IMODE(path.stat().st_mode) for path in (out / ".work", out / "messages") if path.exists())

    clear(Request((ORDERS,), out, home=home), look)
    assert set(modes) == {0o700}


def test_a_buyer_is_known_by_a_keyed_hash(sample_day: Path) -> None:
    keys = pl.read_parquet(sample_day / "lines.parquet").get_column("buyer_key").drop_nulls()
    assert keys.str.contains("^[0-9a-f]{32}$").all()
    ids = {row["buyer_id"].upper() for row in sample_rows() if row["buyer_id"]}
    assert keys.n_unique() <= len(ids)
