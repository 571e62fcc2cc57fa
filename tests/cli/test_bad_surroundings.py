"""Bad files and bad surroundings: one line that says what to do, the right exit code, nothing that looks finished."""

import errno
import gzip
import math
import os
import resource
import subprocess
from pathlib import Path

import polars as pl
import pytest

from entrepot.cli import _outside
from tests.cli.conftest import Run, Said
from tests.run.days import (
    CATALOGUE,
    ENTREPOT,
    ORDERS,
    cleared,
    hashes,
    manifest_of,
    many_days,
    sample_rows,
    unfinished,
    write_day,
)

GOOD = ORDERS.read_bytes()
HEAD = GOOD.split(b"\n")[0]


def check_refused(said: Said, code: int, text: str, out: Path) -> None:
    """The exit code, one line of ours on standard error, no result."""
    assert said.code == code, said.err
    assert said.err.startswith("entrepot: "), said.err
    assert said.err.count("\n") == 1, said.err
    assert text in said.err
    assert "a fault in Entrepot" not in said.err
    assert said.out == ""
    assert unfinished(out)


UNUSABLE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file is empty"),
    "header only": (HEAD + b"\n", "a header but no rows"),
    "blank lines": (HEAD + b"\n\n\n", "a header but no rows"),
    "wrong delimiter": (GOOD.replace(b",", b"~"), "missing columns: order_id"),
    "no table": ("这不是一张表\n只是文字\n".encode(), "missing columns"),
    "missing columns": (b"order_id,line_no,sku\n1,1,x\n", "missing columns: direction, declared_on"),
    "nothing to classify by": (GOOD.replace(b"sku,description,hs_code", b"a,b,c", 1), "one of description, hs_code"),
    "column twice": (GOOD.replace(b"placed_at", b"line_no", 1), "line_no"),
    "packed": (gzip.compress(GOOD), "packed with gzip"),
    "one JSON array": (b'[{"order_id": "1"}]', "one object a line"),
    "not text": (bytes(range(128, 256)) * 40, "neither UTF-8 nor GB18030"),
    "Parquet in name only": (b"PAR1 and nothing else", "Parquet"),
    "workbook in name only": (b"PK\x03\x04 and nothing else", "workbook"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_file_is_named_with_the_reason(kind: str, run: Run, tmp_path: Path) -> None:
    content, reason = UNUSABLE[kind]
    (tmp_path / "orders.csv").write_bytes(content)
    check_refused(run("clear", tmp_path / "orders.csv", "--out", tmp_path / "out"), 3, reason, tmp_path / "out")


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_truncated_parquet_file(kept: float, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    pl.DataFrame(sample_rows()[:50]).write_parquet(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    check_refused(run("clear", path, "--out", tmp_path / "out"), 3, "orders.parquet", tmp_path / "out")


@pytest.mark.parametrize(
    ("place", "reason"),
    [("folder", "is a folder: name the files in it"), ("no.csv", "does not exist"),
     ("/dev/zero", "is a pipe or a device"), ("pipe", "is a pipe or a device"), ("x" * 300, "File name too long")],
)  # fmt: skip
def test_an_input_that_is_no_file(place: str, reason: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    check_refused(run("clear", tmp_path / place, "--out", tmp_path / "out"), 3, reason, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["/proc/entrepot", "a-file/below", "/dev/null/below"])
def test_a_folder_that_cannot_be_made(place: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("mine", encoding="utf-8")
    check_refused(run("clear", ORDERS, "--out", tmp_path / place), 3, "give --out a folder you may", tmp_path / "x")


@pytest.mark.parametrize("place", ["a-file", "full"])
def test_a_folder_that_is_not_ours(place: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    for name in ("a-file", "full/thesis.txt"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    before = hashes(tmp_path)
    check_refused(run("clear", ORDERS, "--out", tmp_path / place), 2, "give --out a new or empty", tmp_path / "full")
    assert hashes(tmp_path) == before


@pytest.mark.parametrize("place", ["/proc/entrepot", "a-file"])
def test_an_installation_that_cannot_be_written(
    place: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").write_text("mine", encoding="utf-8")
    monkeypatch.setenv("ENTREPOT_HOME", str(tmp_path / place))
    said = run("clear", ORDERS, "--out", tmp_path / "out")
    check_refused(said, 3, "set ENTREPOT_HOME to a folder you may write", tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--mapping", "no-such"], "one of: online-retail"),
        (["--signer", "fax"], "use auto"),
        (["--messages", "303,999"], "one or more of 303, 603, 621"),
        (["--sample-share", "1.1"], "a share from 0 to 1"),
        (["--sample-share", "-0.1"], "a share from 0 to 1"),
        (["--sample-share", "0.0000001"], "a share from 0 to 1"),
        (["--sample-share", "²"], "a share from 0 to 1"),
        (["--sample-share", "9" * 5000], "a share from 0 to 1"),
        (["--message-time", "tomorrow"], "give YYYYMMDDhhmmss"),
        (["--message-time", "20260230120000"], "give YYYYMMDDhhmmss"),
        (["--catalogue", "no.csv"], "no.csv"),
        (["--nomenclature", "no.csv"], "no.csv"),
        (["--law", "no-folder"], "not a folder of law values"),
        (["--balances", "no.csv"], "buyer_id, year, spent"),
        (["--sender", "no.yaml"], "no.yaml"),
    ],
)
def test_a_wrong_option_says_what_is_allowed(arguments: list[str], reason: str, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    check_refused(run("clear", ORDERS, "--out", out, *arguments), 2, reason, out)
    assert not out.exists()


@pytest.mark.parametrize(
    "arguments", [["--lang", "fr"], ["--frobnicate"], ["--json", "--json", "--out"], ["--progress=yes"]]
)
def test_a_call_that_cannot_be_read_shows_how_to_call(arguments: list[str], run: Run, tmp_path: Path) -> None:
    said = run("clear", ORDERS, "--out", tmp_path / "out", *arguments)
    assert (said.code, said.out) == (2, "")
    assert "Error: " in said.err
    assert "Traceback" not in said.err


def test_a_name_that_is_not_utf8(run: Run, tmp_path: Path) -> None:
    orders = os.fsdecode(os.fsencode(tmp_path) + b"/orders-\xff.csv")
    Path(orders).write_bytes(GOOD)
    check_refused(run("clear", orders, "--out", tmp_path / "out"), 2, "the name is not UTF-8", tmp_path / "out")
    check_refused(run("clear", ORDERS, "--out", orders + "x"), 2, "the name is not UTF-8", tmp_path / "out")


def test_a_full_disk_and_the_same_command_again(home: Path, tmp_path: Path) -> None:
    """No file may grow beyond a limit, so the run fails at another file each time and goes on from there."""
    orders = write_day(tmp_path / "orders.csv", many_days(4))
    cleared(tmp_path / "whole", home, orders)
    out = tmp_path / "day"
    command = [str(ENTREPOT), "clear", str(orders), "--catalogue", str(CATALOGUE), "--out", str(out)]

    def run(limit_kb: float) -> Said:
        def limited() -> None:
            limit = resource.RLIM_INFINITY if limit_kb == math.inf else int(limit_kb) * 1024
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

        done = subprocess.run(command, env={**os.environ, "ENTREPOT_HOME": str(home)}, preexec_fn=limited,
                              capture_output=True, text=True, check=False)  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    for limit_kb, reached in ((0, set()), (100, set()), (250, {"intake", "intake-00000"})):
        check_refused(run(limit_kb), 3, "the disk is full: free some space", out)
        assert set(manifest_of(out).get("steps", {})) == reached
    assert run(math.inf).code == 0
    assert hashes(out) == hashes(tmp_path / "whole")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full"),
        (pl.exceptions.ComputeError("No space left on device (os error 28)"), "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/srv/day"), "/srv/day: no permission"),
        (OSError(errno.EIO, "Input/output error"), "nothing that looks finished was left behind"),
        (KeyError("mode"), "a fault in Entrepot (KeyError: 'mode'); set ENTREPOT_DEBUG=1"),
    ],
)
def test_what_nobody_foresaw_is_one_line(error: Exception, said: str) -> None:
    assert said in _outside(error)
    assert "\n" not in _outside(error)
