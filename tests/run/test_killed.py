"""A process that ends at any moment: nothing lost, nothing twice, nothing half-written that looks finished."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

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
    summary_of,
    unfinished,
    write_day,
)

COPIES = 64
BATCH_ROWS, CHUNK_ROWS = 5_000, 4_000
DEADLINE_S = 120
Clear = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 32,000 lines, taken in as seven parts and decided as eight chunks."""
    return write_day(tmp_path_factory.mktemp("orders") / "orders.csv", many_days(COPIES))


@pytest.fixture
def clear(home: Path) -> Iterator[Clear]:
    """Starts `entrepot clear` in small pieces as a process of its own; ends those that are left."""
    started: list[subprocess.Popen[str]] = []

    def start(orders: Path, out: Path, kill_before: int = 0, chunk_rows: int = CHUNK_ROWS) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "tests.run.small_pieces", str(BATCH_ROWS), str(chunk_rows), str(kill_before),
                   "clear", str(orders), "--catalogue", str(CATALOGUE), "--out", str(out), "--json"]  # fmt: skip
        process = subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, "ENTREPOT_HOME": str(home)}, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Exit code and what was said on standard error."""
    said = process.communicate(timeout=DEADLINE_S)[1]
    return process.returncode, said


@contextmanager
def until(process: "subprocess.Popen[str]", seen: Callable[[], bool]) -> Iterator[None]:
    """Wait until something is seen in the folder the process works in, or it has ended."""
    end = time.monotonic() + DEADLINE_S
    while not seen() and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.002)
    yield


def steps(out: Path) -> set[str]:
    return set(manifest_of(out).get("steps", {}))


def check_documents(out: Path) -> None:
    """Every document once: the index names them all, the archives hold exactly these, each order has what it needs."""
    found = indexed(out)
    assert sorted(documents(out)) == sorted(found)
    assert len({guid for _, guid, _ in found}) == len(found)
    assert len({(kind, order) for kind, _, order in found}) == len(found)
    lines = lines_of(out)
    released = lines.filter(verdict="release", direction="import").get_column("order_id").unique().to_list()
    assert sorted(released) == sorted(order for kind, _, order in found if kind == "621")


@pytest.fixture(scope="module")
def undisturbed(orders: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a run nobody disturbs leaves behind."""
    out = tmp_path_factory.mktemp("undisturbed") / "day"
    command = [sys.executable, "-m", "tests.run.small_pieces", str(BATCH_ROWS), str(CHUNK_ROWS), "0",
               "clear", str(orders), "--catalogue", str(CATALOGUE), "--out", str(out)]  # fmt: skip
    subprocess.run(command, cwd=REPOSITORY, env={**os.environ, "ENTREPOT_HOME": str(home)}, check=True,
                   stdout=subprocess.DEVNULL, timeout=DEADLINE_S)  # fmt: skip
    assert summary_of(out)["rows_in"] == COPIES * len(sample_rows())
    check_documents(out)
    return hashes(out)


def test_killed_again_and_again_a_day_ends_as_if_nothing_had_happened(
    orders: Path, undisturbed: dict[str, str], clear: Clear, tmp_path: Path
) -> None:
    """Killed as soon as a new step is noted, again and again, and while the results are put together."""
    out, kills = tmp_path / "day", 0
    moments: list[Callable[[set[str]], bool]] = [
        lambda known: steps(out) > known, lambda known: len(steps(out)) > 3, lambda known: "intake" in steps(out),
        lambda known: "chunk-00000" in steps(out), lambda known: "chunk-00003" in steps(out),
        lambda known: "chunk-00006" in steps(out), lambda known: (out / "lines.parquet").exists(),
        lambda known: (out / "report.html").exists(),
    ]  # fmt: skip
    for seen in moments:
        known, process = steps(out), clear(orders, out)
        with until(process, lambda seen=seen, known=known: seen(known)):  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
        if ended(process)[0] == 0:
            break
        kills += 1
        assert manifest_of(out)["state"] == "running"
        assert unfinished(out) or manifest_of(out)["steps"].keys() >= {"chunk-00007"}
        assert known <= steps(out), "a step that was done is done again"
    assert kills >= len(moments) - 1
    assert ended(clear(orders, out)) == (0, "")
    assert hashes(out) == undisturbed
    assert not list(out.rglob("*.part*"))


def test_killed_before_any_file_is_put_in_place(home: Path, clear: Clear, tmp_path: Path) -> None:
    """Each run gets a little further and is killed with its next file written but not yet in place."""
    orders = write_day(tmp_path / "orders.csv", sample_rows("LIM", "RIM-00", "REX-00", "BAD-1"))
    whole, out = tmp_path / "whole", tmp_path / "day"
    assert ended(clear(orders, whole, chunk_rows=30)) == (0, "")
    code, runs = -signal.SIGKILL, 0
    for kill_before in (1, 2, 3, 5, 4, 7, 6, 5, 9, 3, 4, 5, 0):
        code, said = ended(clear(orders, out, kill_before, chunk_rows=30))
        runs += 1
        if code == 0:
            break
        assert (code, said) == (-signal.SIGKILL, "")
        assert manifest_of(out).get("state") != "done"
        assert "summary.json" not in hashes(out) or "report.html" in hashes(out)
    assert (code, runs > 8) == (0, True)
    assert hashes(out) == hashes(whole)


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(
    orders: Path, undisturbed: dict[str, str], clear: Clear, tmp_path: Path
) -> None:
    out = tmp_path / "day"
    process = clear(orders, out)
    with until(process, lambda: "chunk-00000" in steps(out)):
        process.send_signal(signal.SIGINT)
    code, said = ended(process)
    assert (code, said.strip()) == (130, "entrepot: stopped; the same command goes on where it stopped")
    assert unfinished(out)
    assert ended(clear(orders, out)) == (0, "")
    assert hashes(out) == undisturbed


def test_a_second_process_keeps_its_hands_off(orders: Path, home: Path, clear: Clear, tmp_path: Path) -> None:
    out = tmp_path / "day"
    process = clear(orders, out)
    with until(process, lambda: bool(steps(out))), pytest.raises(WorldError, match="another process") as refused:
        cleared(out, home, orders)
    assert refused.value.retryable
    process.kill()


def test_what_got_lost_or_damaged_between_two_runs_is_done_again(
    orders: Path, undisturbed: dict[str, str], clear: Clear, tmp_path: Path
) -> None:
    out = tmp_path / "day"
    process = clear(orders, out)
    with until(process, lambda: "chunk-00004" in steps(out)):
        process.kill()
    ended(process)
    work, messages = out / ".work", out / "messages"
    (work / "intake-00002-lines.parquet").unlink()
    (work / "chunk-00001.arrow").write_bytes(b"")
    (messages / "303-00002.xml.zst").unlink()
    with (messages / "603-00003.xml.zst").open("r+b") as target:
        target.write(b"\0\0\0\0")
    assert ended(clear(orders, out)) == (0, "")
    assert hashes(out) == undisturbed
