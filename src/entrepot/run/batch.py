"""A batch folder: its manifest, its steps, and how files in it come to be.

Every file is written beside and renamed, every step is entered in the manifest after its files are there, and
`state` turns to `done` last. So a killed run leaves a folder that says `running`, and the same call goes on
from the first step that is missing. What is done never changes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from entrepot.goods.errors import CallError, InputError

__all__ = ["MANIFEST", "WORK", "Batch", "file_hash", "open_batch", "read_manifest"]

MANIFEST = "manifest.json"
WORK = ".work"


def file_hash(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a batch folder; InputError when there is none or it cannot be read."""
    try:
        return dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise InputError(f"{folder} is not a batch folder: no readable {MANIFEST}; give the --out folder of a clear") from None


class Batch:
    """An open batch folder: `step` runs what is not yet done, `write` puts a file in place whole."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest

    @property
    def work(self) -> Path:
        """The folder of intermediate files; gone when the batch is done."""
        return self.folder / WORK

    @property
    def done(self) -> bool:
        """Whether every step of this batch is finished."""
        return bool(self.manifest["state"] == "done")

    def write(self, path: Path, writer: Callable[[Path], object]) -> Path:
        """Let `writer` make a file beside `path`, then put it in place at once."""
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.part")
        writer(beside)
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
        self.manifest["steps"][name] = dict(what)
        self.save()

    def drop_work(self) -> None:
        """Throw away the intermediate files."""
        shutil.rmtree(self.work, ignore_errors=True)

    def save(self) -> None:
        """Write the manifest in place."""
        text = json.dumps(self.manifest, ensure_ascii=False, indent=1, sort_keys=True)
        self.write(self.folder / MANIFEST, lambda path: path.write_text(text + "\n", encoding="utf-8"))


def open_batch(folder: Path, identity: Mapping[str, Any]) -> Batch:
    """Open a batch folder for an input: new, to go on, or done.

    `identity` holds hashes of everything the results depend on. A folder that holds another batch is a
    CallError: results never change.
    """
    if (folder / MANIFEST).exists():
        manifest = read_manifest(folder)
        differs = [name for name in identity if manifest.get("identity", {}).get(name) != identity[name]]
        if differs:
            raise CallError(f"{folder} holds another batch (different {', '.join(differs)}): results never change, "
                            "so give --out a new folder")
        return Batch(folder, manifest)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CallError(f"{folder} is not empty and not a batch: give --out a new or empty folder")
    (folder / WORK).mkdir(parents=True, exist_ok=True)
    batch = Batch(folder, {"state": "running", "identity": dict(identity), "steps": {}})
    batch.save()
    return batch
