"""`script/up` clears into a folder of its own: what it may remove there and what it must leave."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

UP = Path(__file__).resolve().parents[2] / "script" / "up"
BATCH = '{\n "identity": {},\n "state": "done",\n "steps": {}\n}\n'


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A repository of which only `up` is real: setup and entrepot say what they were asked."""
    root = tmp_path / "repository"
    (root / "script").mkdir(parents=True)
    (root / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(UP, root / "script" / "up")
    for name in ("script/setup", ".venv/bin/entrepot"):
        (root / name).write_text(f'#!/bin/sh\necho {name} "$@"\n', encoding="ascii")
        (root / name).chmod(0o755)
    return root


def up(root: Path, batch: Path | str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "ENTREPOT_BATCH"}
    named = {} if batch is None else {"ENTREPOT_BATCH": str(batch)}
    return subprocess.run(
        [root / "script" / "up", "--once"],
        env=environment | named, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_an_earlier_batch_makes_room(copy: Path, tmp_path: Path) -> None:
    for named, folder in ((None, copy / "out" / "sample-day"), (tmp_path / "my day", tmp_path / "my day")):
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(BATCH, encoding="ascii")
        found = up(copy, named)
        assert found.returncode == 0, found.stderr
        assert not folder.exists()
        assert "entrepot clear" in found.stdout


def test_a_new_or_empty_folder_is_used(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "new", tmp_path / "empty"):
        found = up(copy, folder)
        assert (found.returncode, found.stderr) == (0, "")
        assert f"--out {folder}" in found.stdout


@pytest.mark.parametrize("name", ["letter.txt", "manifest.json"])
def test_a_folder_that_is_no_batch_stays(copy: Path, tmp_path: Path, name: str) -> None:
    kept = tmp_path / "documents" / name
    kept.parent.mkdir()
    kept.write_text('{"name": "an app of somebody"}', encoding="ascii")
    found = up(copy, kept.parent)
    assert kept.exists()
    assert found.returncode == 2
    assert found.stdout == ""
    assert found.stderr.count("\n") == 1
    assert "ENTREPOT_BATCH" in found.stderr


def test_a_file_stays(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="ascii")
    assert up(copy, tmp_path / "file").returncode == 2
    assert (tmp_path / "file").read_text(encoding="ascii") == "mine"
