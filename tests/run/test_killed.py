"""A process that ends at any moment: nothing lost, nothing twice, nothing half-written that looks finished."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from entrepot.goods.errors import WorldError
from tests.run.days import (
    CATALOGUE,
    REPOSITORY,
    cleared,
    documents,
    hashes,
    indexed,
    lines_of,
    manifest_of,
    many_days,
    sample_rows,
    stamps,
    summary_of,
    write_day,
)

COPIES = 62
LARGE, SMALL = (5_000, 4_000), (30, 40)
"""Rows read and rows decided at once: a day of 30,752 lines makes 7 parts and 8 chunks, the small one 3 and 3."""
DEADLINE_S = 120
Process = subprocess.Popen[str]
Start = Callable[..., Process]
SomeOf = Callable[[int, Sequence[Any]], Sequence[Any]]


@pytest.fixture(scope="module")
def large_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_day(tmp_path_factory.mktemp("orders") / "orders.csv", many_days(COPIES))


@pytest.fixture(scope="module")
def small_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = sample_rows("LIM", "RIM-00", "REX-00", "REX-01", "BAD-1", "TAX", "CXL", "B2B")
    return write_day(tmp_path_factory.mktemp("orders") / "orders.csv", rows)


@pytest.fixture(scope="module")
def start(home: Path) -> Iterator[Start]:
    """Starts `entrepot clear` in pieces as a process of its own; ends those that are left."""
    started: list[Process] = []

    def popen(orders: Path, out: Path, pieces: tuple[int, int] = LARGE, kill: str = "never") -> Process:
        command = [sys.executable, "-m", "tests.run.small_pieces", *map(str, pieces), kill,
                   "clear", str(orders), "--catalogue", str(CATALOGUE), "--out", str(out), "--json"]  # fmt: skip
        process = Process(command, cwd=REPOSITORY, env={**os.environ, "ENTREPOT_HOME": str(home)}, text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # fmt: skip
        started.append(process)
        return process

    yield popen
    for process in started:
        process.kill()
        process.communicate()


def ended(process: Process) -> tuple[int, str]:
    """Exit code and what was said on standard error."""
    said = process.communicate(timeout=DEADLINE_S)[1]
    return process.returncode, said


@contextmanager
def until(process: Process, seen: Callable[[], bool]) -> Iterator[None]:
    """Wait until something is seen in the folder the process works in, or it has ended."""
    end = time.monotonic() + DEADLINE_S
    while not seen() and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.002)
    yield


def steps(out: Path) -> set[str]:
    return set(manifest_of(out).get("steps", {}))


@pytest.fixture(scope="module")
def small_whole(small_day: Path, start: Start, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small day as a run leaves it that nobody disturbs; look, do not touch."""
    out = tmp_path_factory.mktemp("whole") / "day"
    assert ended(start(small_day, out, SMALL)) == (0, "")
    return out


def check_documents(out: Path) -> None:
    """Every document once: the index names them all, the archives hold exactly these, each import has its own."""
    found = indexed(out)
    assert sorted(documents(out)) == sorted(found)
    assert len({guid for _, guid, _ in found}) == len(found)
    assert len({(kind, order) for kind, _, order in found}) == len(found)
    imports = lines_of(out).filter(verdict="release", direction="import").get_column("order_id").unique()
    assert sorted(imports) == sorted(order for kind, _, order in found if kind == "621")


def test_killed_again_and_again_a_day_ends_as_if_nothing_had_happened(
    large_day: Path, start: Start, tmp_path: Path, some_of: SomeOf
) -> None:
    """Killed as soon as a further step is noted, and while the results are put together."""
    whole, out = tmp_path / "whole", tmp_path / "day"
    assert ended(start(large_day, whole)) == (0, "")
    moments: list[Callable[[], bool]] = [
        lambda: bool(steps(out)), lambda: "intake-00003" in steps(out), lambda: "intake" in steps(out),
        lambda: "chunk-00000" in steps(out), lambda: "chunk-00003" in steps(out), lambda: "chunk-00006" in steps(out),
        lambda: (out / "lines.parquet").exists(),
    ]  # fmt: skip
    for seen in some_of(3, moments):
        known, process = steps(out), start(large_day, out)
        with until(process, seen):
            process.send_signal(signal.SIGKILL)
        assert ended(process) == (-signal.SIGKILL, "")
        assert manifest_of(out)["state"] == "running"
        assert not (out / "summary.json").exists()
        assert known <= steps(out), "a step that was done is done again"
    assert ended(start(large_day, out)) == (0, "")
    assert hashes(out) == hashes(whole)
    assert summary_of(out)["rows_in"] == COPIES * len(sample_rows())
    check_documents(out)


def test_killed_at_any_file(small_day: Path, small_whole: Path, start: Start, tmp_path: Path, some_of: SomeOf) -> None:
    """Each run is killed a little later: with a file written but not in place, or in place but not noted."""
    out = tmp_path / "day"
    kills = (
        "before:manifest.json", "after:law.json", "before:intake-00001-keys.parquet", "before:621-00000.xml.zst",
        "after:chunk-00001.arrow", "before:lines.parquet", "after:refused.csv", "before:report.html",
        "after:summary.json",
    )  # fmt: skip
    for kill in some_of(4, kills):
        assert ended(start(small_day, out, SMALL, kill)) == (-signal.SIGKILL, ""), kill
        assert manifest_of(out).get("state") != "done"
        assert (out / "summary.json").exists() == (kill == "after:summary.json")
    in_place = {name: digest for name, digest in hashes(out).items() if not name.startswith((".work", "manifest"))}
    assert in_place == {name: digest for name, digest in hashes(small_whole).items() if name != "manifest.json"}
    assert ended(start(small_day, out, SMALL)) == (0, "")
    assert hashes(out) == hashes(small_whole)
    check_documents(out)


def test_what_got_lost_or_damaged_between_two_runs_is_done_again(
    small_day: Path, small_whole: Path, start: Start, tmp_path: Path
) -> None:
    out = tmp_path / "day"
    assert ended(start(small_day, out, SMALL, "before:lines.parquet")) == (-signal.SIGKILL, "")
    (out / ".work" / "intake-00001-lines.parquet").unlink()
    (out / ".work" / "chunk-00000.arrow").write_bytes(b"")
    (out / ".work" / "chunk-00099.arrow").write_bytes(b"of another run")
    (out / "messages" / "303-00001.xml.zst").unlink()
    with (out / "messages" / "603-00002.xml.zst").open("r+b") as target:
        target.write(b"\0\0\0\0")
    assert ended(start(small_day, out, SMALL)) == (0, "")
    assert hashes(out) == hashes(small_whole)


def test_killed_after_the_last_word_it_is_done(
    small_day: Path, small_whole: Path, start: Start, tmp_path: Path
) -> None:
    """A batch that is done but could not throw away its work folder does so when it is asked again."""
    out = Path(shutil.copytree(small_whole, tmp_path / "day"))
    before = stamps(out)
    (out / ".work").mkdir()
    (out / ".work" / "intake-00000-persons.parquet").write_bytes(b"names")
    assert ended(start(small_day, out, SMALL)) == (0, "")
    assert {place: when for place, when in stamps(out).items() if place != str(out)} == {
        place: when for place, when in before.items() if place != str(out)}


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(large_day: Path, start: Start, tmp_path: Path) -> None:
    out = tmp_path / "day"
    process = start(large_day, out)
    with until(process, lambda: bool(steps(out))):
        process.send_signal(signal.SIGINT)
    code, said = ended(process)
    assert (code, said.strip()) == (130, "entrepot: stopped; the same command goes on where it stopped")
    assert manifest_of(out)["state"] == "running"
    assert not (out / "summary.json").exists()


def test_a_second_process_keeps_its_hands_off(large_day: Path, start: Start, home: Path, tmp_path: Path) -> None:
    out = tmp_path / "day"
    process = start(large_day, out)
    with until(process, lambda: bool(steps(out))), pytest.raises(WorldError, match="another process") as refused:
        cleared(out, home, large_day)
    assert refused.value.retryable
