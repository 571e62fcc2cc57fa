"""A batch folder: its manifest, its steps, and how files in it come to be.

Every file is written beside and renamed, every step is entered in the manifest after its files are there, and
`state` turns to `done` last. So a killed run leaves a folder that says `running`, and the same call goes on
from the first step that is missing or whose files are. What is done never changes.
"""

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl

from entrepot.goods.errors import CallError, InputError, WorldError

__all__ = ["MANIFEST", "SEALED", "WORK", "Batch", "file_hash", "open_batch", "read_manifest"]

MANIFEST = "manifest.json"
WORK = ".work"
SEALED = "sealed"
"""Stands in the identity of a batch whose personal data are sealed, and in no other."""
SCARCE_BYTES = 1 << 20
"""With less than this left a file that could not be written failed for want of space, whatever its writer says."""
READ = "intake"
"""The step after which every input has been read to its end; before it nothing was decided."""


def file_hash(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a batch folder; InputError when there is none or it cannot be read."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        manifest = None
    if not isinstance(manifest, dict) or not {"state", "identity", "steps"} <= set(manifest):
        raise InputError(f"{folder} is not a batch folder: no readable {MANIFEST}; give the --out folder of a clear")
    return manifest


class Batch:
    """An open batch folder: `step` runs what is not yet done, `write` puts a file in place whole.

    Open it with `open_batch` as a context manager: one process at a time works in a folder.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any], lock: int | None = None) -> None:
        self.folder = folder
        self.manifest = manifest
        self._lock = lock

    def __enter__(self) -> "Batch":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _unlock(self._lock)

    @property
    def work(self) -> Path:
        """The folder of intermediate files; gone when the batch is done."""
        return self.folder / WORK

    @property
    def done(self) -> bool:
        """Whether every step of this batch is finished."""
        return bool(self.manifest["state"] == "done")

    def write(self, path: Path, writer: Callable[[Path], object], *, private: bool = False) -> Path:
        """Let `writer` make a file beside `path`, then put it in place at once; a `private` one only its owner may read."""
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.part")
        beside.unlink(missing_ok=True)
        if private:
            beside.touch(mode=0o600)
        try:
            writer(beside)
        except pl.exceptions.PolarsError as error:
            if shutil.disk_usage(path.parent).free > SCARCE_BYTES:
                raise
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        os.replace(beside, path)
        return path

    def step(self, name: str, work: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """What the step noted; does the step first if the manifest has no note of it."""
        if name not in self.manifest["steps"]:
            self.note(name, work())
        noted: Mapping[str, Any] = self.manifest["steps"][name]
        return noted

    def note(self, name: str, what: Mapping[str, Any]) -> None:
        """Enter a finished step in the manifest."""
        self.manifest = {**self.manifest, "steps": {**self.manifest["steps"], name: dict(what)}}  # workers read it
        self.save()

    def forget(self, prefix: str) -> None:
        """Take the steps of this prefix out of the manifest, so that they are done again."""
        kept = {name: note for name, note in self.manifest["steps"].items() if not name.startswith(prefix)}
        if len(kept) < len(self.manifest["steps"]):
            self.manifest = {**self.manifest, "steps": kept}
            self.save()

    def noted(self, path: Path) -> tuple[str, str]:
        """A file as a step notes it under `files`: its place in the batch and its hash."""
        return path.relative_to(self.folder).as_posix(), file_hash(path)

    def files(self, pattern: str) -> list[Path]:
        """The files that finished steps noted and whose name matches, sorted; what else lies there is not ours."""
        names = (name for note in self.manifest["steps"].values() for name in note.get("files", {}))
        return sorted(self.folder / name for name in names if fnmatch(Path(name).name, pattern))

    def verify(self) -> None:
        """InputError naming the first file of a finished batch that is gone or not as it was written."""
        for name, digest in self.manifest.get("files", {}).items():
            path = self.folder / name
            if not path.is_file() or file_hash(path) != digest:
                raise InputError(f"{path} is not as this batch wrote it: results never change, so clear again into a new folder")

    def drop_work(self) -> None:
        """Throw away the intermediate files."""
        shutil.rmtree(self.work, ignore_errors=True)

    def save(self) -> None:
        """Write the manifest in place; from then on it is what a later run would read, to the order of its keys."""
        text = json.dumps(self.manifest, ensure_ascii=False, indent=1, sort_keys=True)
        self.manifest = json.loads(text)
        self.write(self.folder / MANIFEST, lambda path: path.write_text(text + "\n", encoding="utf-8"))


def open_batch(folder: Path, identity: Mapping[str, Any]) -> Batch:
    """Open a batch folder for an input: new, to go on, or done; use as a context manager.

    `identity` holds hashes of everything the results depend on. A folder that holds another batch is a
    CallError: results never change. Only one whose inputs were never read to the end is begun anew. Raises
    WorldError when the folder cannot be made or another process works in it.
    """
    _make_folder(folder)
    lock = _locked(folder)
    try:
        batch = Batch(folder, _manifest_for(folder, identity), lock)
        if batch.done:
            batch.drop_work()
        else:
            batch.work.mkdir(mode=0o700, exist_ok=True)
            batch.save()
    except BaseException:
        _unlock(lock)
        raise
    return batch


def _make_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise CallError(f"{folder} is a file and not a batch: give --out a new or empty folder")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise WorldError(
            f"{folder} cannot be made: {error.strerror}; give --out a folder you may write", retryable=False
        ) from None


def _manifest_for(folder: Path, identity: Mapping[str, Any]) -> dict[str, Any]:
    new = {"state": "running", "identity": dict(identity), "steps": {}}
    if not {path.name for path in folder.iterdir()} - {WORK, f".{MANIFEST}.part"}:
        shutil.rmtree(folder / WORK, ignore_errors=True)
        return new
    try:
        manifest = read_manifest(folder)
    except InputError:
        raise CallError(f"{folder} is not empty and not a batch: give --out a new or empty folder") from None
    named = [*identity, *(name for name in manifest["identity"] if name == SEALED and name not in identity)]
    differs = [name for name in named if manifest["identity"].get(name) != identity.get(name)]
    if not differs:
        return (
            manifest if manifest["state"] == "done" else manifest | {"steps": _intact_steps(folder, manifest["steps"])}
        )
    if manifest["state"] == "done" or READ in manifest["steps"]:
        raise CallError(
            f"{folder} holds another batch (different {', '.join(differs)}): results never change, "
            "so give --out a new folder"
        )
    shutil.rmtree(folder / WORK, ignore_errors=True)
    return new


def _intact_steps(folder: Path, steps: Mapping[str, Any]) -> dict[str, Any]:
    """The steps of an unfinished batch whose files are all there as noted; when one is lost, `READ` is asked again."""

    def intact(note: Mapping[str, Any]) -> bool:
        return all(
            (folder / name).is_file() and file_hash(folder / name) == digest
            for name, digest in note.get("files", {}).items()
        )

    kept = {name: note for name, note in steps.items() if intact(note)}
    return {name: note for name, note in kept.items() if name != READ or len(kept) == len(steps)}


def _locked(folder: Path) -> int | None:
    """A lock on the folder that ends with the process; None where the system has none to give."""
    if sys.platform == "win32":
        return None
    import fcntl

    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise WorldError(f"{folder}: another process is clearing into it; wait until it ends", retryable=True) from None
    except OSError:
        pass  # a file system without locks
    return lock


def _unlock(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)
