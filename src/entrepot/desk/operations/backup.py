"""Backup and restore of a whole installation: database, batches, evidence, audit anchors and the secret, in one archive.

The anchors are copied first, then the database, at one moment, then the files: results never change and later files are only
more than the database knows of. Shelves are left out, they are made again; so are uploads, but for those of batches that are
still to be cleared. The archive holds the secret: keep it as the secret is kept.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import zstandard
from django.conf import settings
from django.db import connections

from entrepot import __version__
from entrepot.desk.batches.models import Batch, Upload
from entrepot.goods.errors import CallError, InputError, WorldError

__all__ = ["backup", "last_backup", "restore"]

LEFT_OUT = (
    "desk/shelves", "desk/static", "desk/desk.sqlite3", "desk/worker.beat", "desk/backup.json", "desk/anchors.jsonl", "desk/arriving/",
    "desk/tmp",
)  # fmt: skip
UPLOADS = "desk/uploads/"
ANCHORS = "anchors.jsonl"
DUMP = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
ABOUT = "about.json"


def _vendor() -> str:
    return str(connections["default"].vendor)


def backup(target: Path) -> dict[str, Any]:
    """Write everything into `target` (a .tar.zst that must not exist yet); returns how many files and bytes went in.

    Raises CallError when the file exists, WorldError when the database or the disk refuses.
    """
    if target.exists():
        raise CallError(f"{target} exists: name a new file, so that no backup is lost to another")
    beside = target.with_name(f".{target.name}.part")
    with tempfile.TemporaryDirectory(dir=settings.DESK_FOLDER) as place:
        if settings.AUDIT_ANCHORS.exists():  # before the database: no anchor may name an entry the copy lacks
            shutil.copyfile(settings.AUDIT_ANCHORS, Path(place) / ANCHORS)
        dump = _dump(Path(place))
        try:
            count = _pack(beside, dump)
        except BaseException:
            beside.unlink(missing_ok=True)  # it holds the secret
            raise
    os.replace(beside, target)
    (settings.DESK_FOLDER / "backup.json").write_text(json.dumps({"at": datetime.now(UTC).isoformat()}), encoding="utf-8")
    return {"files": count, "bytes": target.stat().st_size, "database": _vendor()}


def last_backup() -> datetime | None:
    """When the last backup was made here; None when none was."""
    try:
        return datetime.fromisoformat(json.loads((settings.DESK_FOLDER / "backup.json").read_text(encoding="utf-8"))["at"])
    except (OSError, ValueError, KeyError):
        return None


def _dump(folder: Path) -> Path:
    target = folder / DUMP[_vendor()]
    if _vendor() == "sqlite":
        connection = connections["default"]
        connection.ensure_connection()
        with closing(sqlite3.connect(target)) as copy:
            connection.connection.backup(copy)
        return target
    _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}", *_address())
    return target


def _address() -> list[str]:
    given = connections["default"].settings_dict
    options = {"--host": given["HOST"], "--port": given["PORT"], "--username": given["USER"], "--dbname": given["NAME"]}
    return [f"{name}={value}" for name, value in options.items() if value]


def _run(*command: str) -> None:
    given = connections["default"].settings_dict
    environment = {**os.environ, "PGPASSWORD": given["PASSWORD"]} if given["PASSWORD"] else dict(os.environ)
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise WorldError(f"{command[0]} is not installed: install PostgreSQL's client programs", retryable=False) from None
    if done.returncode:
        raise WorldError(f"{command[0]}: {' '.join(done.stderr.split())[:300]}", retryable=False)


def _pack(target: Path, dump: Path) -> int:
    home, count = settings.HOME.folder, 0
    target.unlink(missing_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    about, anchors = dump.with_name(ABOUT), dump.with_name(ANCHORS)
    about.write_text(json.dumps({"version": __version__, "database": _vendor()}), encoding="utf-8")
    with (
        os.fdopen(descriptor, "wb") as raw,
        zstandard.ZstdCompressor(level=3).stream_writer(raw) as packed,
        tarfile.open(fileobj=packed, mode="w|") as archive,
    ):
        for path, name in ((about, ABOUT), (dump, dump.name), (anchors, f"home/desk/{ANCHORS}"), *_files(home)):
            try:
                archive.add(path, name, recursive=False)
                count += 1
            except FileNotFoundError:  # removed since it was listed, like an upload whose batch is done; no anchors yet
                continue
    return count


def _files(home: Path) -> Iterator[tuple[Path, str]]:
    waiting = Batch.objects.filter(state__in=(Batch.State.WAITING, Batch.State.CLEARING))
    uploads = Upload.objects.filter(id__in=waiting.values("upload"))
    wanted = tuple(f"{one.folder.relative_to(home).as_posix()}/" for one in uploads)
    for folder, _, names in sorted(os.walk(home)):
        for path in (Path(folder, name) for name in sorted(names)):
            name = path.relative_to(home).as_posix()
            passing = name.startswith(LEFT_OUT) or (name.startswith(UPLOADS) and not name.startswith(wanted))
            if not passing and "/.work/" not in name and path.is_file() and not path.is_symlink():
                yield path, f"home/{name}"


def restore(source: Path) -> dict[str, Any]:
    """Put a backup back into an installation that holds nothing yet; returns what it held.

    Needs ENTREPOT_HOME to name an empty folder (but for a fresh secret) and DATABASE_URL an empty database of the kind
    backed up. Raises CallError when something is there already, InputError for a damaged archive.
    """
    _check_empty()
    with tempfile.TemporaryDirectory(dir=settings.DESK_FOLDER) as place:
        about = _unpack(source, Path(place))
        if about.get("database") != _vendor():
            raise CallError(f"the backup is of a {about.get('database')} database: set DATABASE_URL to one of that kind")
        for path in sorted((Path(place) / "home").rglob("*")):
            if path.is_file():
                target = settings.HOME.folder / path.relative_to(Path(place) / "home")
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                shutil.move(path, target)
        _load(Path(place) / DUMP[_vendor()])
    return about


def _check_empty() -> None:
    if (settings.DESK_FOLDER / "batches").exists():
        raise CallError(f"{settings.HOME.folder} already holds batches: restore into an empty ENTREPOT_HOME")
    if connections["default"].introspection.table_names():
        raise CallError("the database is not empty: restore into a new one (DATABASE_URL)")


def _unpack(source: Path, place: Path) -> dict[str, Any]:
    try:
        with source.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
            _extract(stream, place)
        read: dict[str, Any] = json.loads((place / ABOUT).read_text(encoding="utf-8"))
        return read
    except FileNotFoundError:
        raise CallError(f"{source} is not there, or is no backup of Entrepot") from None
    except (tarfile.TarError, zstandard.ZstdError, ValueError, EOFError) as error:
        raise InputError(f"{source} is damaged ({error}): take another backup") from None


def _extract(stream: BinaryIO, place: Path) -> None:
    """Plain files inside `place`, for nobody but the owner; links, devices and other places are no backup of ours.

    (`extractall` knows a filter only from Python 3.11.4 on.)
    """
    inside = place.resolve()
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            target = (inside / member.name).resolve()
            if not (member.isfile() or member.isdir()) or not target.is_relative_to(inside) or target.is_file():
                raise tarfile.TarError(f"{member.name[:80]!r} does not belong into a backup")
            folder = target if member.isdir() else target.parent
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (content := archive.extractfile(member)) is not None:
                with content, open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    shutil.copyfileobj(content, file)


def _load(dump: Path) -> None:
    if _vendor() == "sqlite":
        connection = connections["default"]
        connection.ensure_connection()
        with closing(sqlite3.connect(dump)) as copy:
            copy.backup(connection.connection)
        return
    _run("pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", *_address(), str(dump))
