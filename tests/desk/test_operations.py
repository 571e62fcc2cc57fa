"""Keeping an installation: it tells whether it lives and is ready, says what is not right yet, and comes back from a backup."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zstandard
from django.test import Client

from entrepot.desk.batches.models import Batch, Upload
from entrepot.desk.inspection.models import Case
from entrepot.desk.operations import backup, health
from entrepot.desk.settings import database
from entrepot.goods.errors import CallError
from entrepot.law import Law
from tests.desk.conftest import Firm
from tests.desk.postgres import postgres, program

ENTREPOT = Path(sys.executable).with_name("entrepot")


def entrepot(home: Path, *words: str, database: str = "", code: int = 0) -> str:
    """What a command of an installation prints; its exit code must be `code`."""
    environment = {**os.environ, "ENTREPOT_HOME": str(home), "DATABASE_URL": database}
    done = subprocess.run([ENTREPOT, *words], env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_database_address_loses_nothing_it_says() -> None:
    said = database("postgresql://me:pass%40word@db.example:6432/trade?sslmode=verify-full&sslrootcert=/etc/ca.pem")
    options: Any = said["OPTIONS"]
    assert (said["HOST"], said["PORT"], said["PASSWORD"]) == ("db.example", "6432", "pass@word")
    assert (options["sslmode"], options["sslrootcert"]) == ("verify-full", "/etc/ca.pem")
    assert database("postgresql://me@/trade?host=/run/pg")["HOST"] == "/run/pg"
    with pytest.raises(CallError, match="sslmod"):
        database("postgresql://me@db/trade?sslmod=verify-full")


def results(home: Path) -> dict[str, str]:
    """Every file of batches with its hash."""
    found = sorted(path for path in (home / "desk" / "batches").rglob("*") if path.is_file())
    return {path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


COUNT = "from entrepot.desk.consignments.listing import count; from entrepot.desk.people.models import Organisation; " \
        "from entrepot.desk.people.acting import Acting; " \
        "print('lines', count(Acting(Organisation.objects.get(name__startswith='Sample Trading'), None))[0])"  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Two empty databases of one kind: to be backed up, and to restore into."""
    if request.param == "sqlite":
        yield "", ""
        return
    with postgres() as url:
        address = url.replace("/postgres?", "/{}?")
        for name in ("one", "two"):
            host, password = url.partition("host=")[2], url.partition("entrepot:")[2].partition("@")[0]
            subprocess.run([program("createdb"), f"--host={host}", "--username=entrepot", name],
                           env={**os.environ, "PGPASSWORD": password}, check=True)  # fmt: skip
        yield address.format("one"), address.format("two")


def test_an_installation_comes_back_whole_from_its_backup(tmp_path: Path, databases: tuple[str, str]) -> None:
    first, second, archive = tmp_path / "first", tmp_path / "second", tmp_path / "backup.tar.zst"
    entrepot(first, "demo", database=databases[0])
    entrepot(first, "backup", str(archive), database=databases[0])
    assert archive.stat().st_mode & 0o077 == 0
    entrepot(second, "restore", str(archive), database=databases[1])
    assert results(second) == results(first)
    anchors = [(home / "desk" / "anchors.jsonl").read_text(encoding="utf-8") for home in (first, second)]
    assert anchors[0] == anchors[1]
    assert '"number": 1' in anchors[0]
    assert "The chain is whole" in entrepot(second, "audit", "verify", database=databases[1])
    entrepot(second, "manage", "reshelve", database=databases[1])
    lines = [entrepot(home, "manage", "shell", "-v", "0", "-c", COUNT, database=database)
             for home, database in zip((first, second), databases, strict=True)]  # fmt: skip
    assert lines[0] == lines[1]
    assert "lines 496" in lines[0]
    shutil.rmtree(first)


def test_a_backup_is_never_written_over_nor_restored_over_something(tmp_path: Path) -> None:
    home, archive = tmp_path / "home", tmp_path / "backup.tar.zst"
    entrepot(home, "manage", "migrate", "-v", "0")
    archive.write_bytes(b"an older backup")
    assert "exists" in entrepot(home, "backup", str(archive), code=2)
    assert archive.read_bytes() == b"an older backup"
    assert "not empty" in entrepot(home, "restore", str(archive), code=2)
    assert "damaged" in entrepot(tmp_path / "new", "restore", str(archive), code=3)
    assert "no backup" in entrepot(tmp_path / "other", "restore", str(tmp_path / "nothing"), code=2)


@pytest.mark.parametrize("kind", ["outside", "link", "twice"])
def test_an_archive_that_reaches_elsewhere_is_not_restored(tmp_path: Path, kind: str) -> None:
    archive, home = tmp_path / "made.tar.zst", tmp_path / "home"
    with archive.open("wb") as raw, zstandard.ZstdCompressor().stream_writer(raw) as stream, tarfile.open(fileobj=stream, mode="w|") as tar:
        for _ in range(2):
            member = tarfile.TarInfo("../../evil" if kind == "outside" else "home/evil")
            if kind == "link":
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(member)
    assert "damaged" in entrepot(home, "restore", str(archive), code=3)
    assert not list(tmp_path.glob("**/evil"))


@pytest.fixture
def installation(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own, whose database is not copied: only its files are looked at."""
    home = tmp_path / "home"
    (home / "desk" / "batches").mkdir(parents=True)
    (home / "secret").write_text("secret")
    settings.HOME, settings.DESK_FOLDER = SimpleNamespace(folder=home), home / "desk"
    settings.AUDIT_ANCHORS = home / "desk" / "anchors.jsonl"

    def no_dump(folder: Path) -> Path:
        (folder / "dump").write_bytes(b"")
        return folder / "dump"

    monkeypatch.setattr(backup, "_dump", no_dump)
    return home


def packed(archive: Path) -> set[str]:
    """The names of the files in a backup."""
    with archive.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
        return {one.name for one in tarfile.open(fileobj=stream, mode="r|")}


def test_uploads_still_to_be_cleared_are_in_a_backup(installation: Path, firm: Firm) -> None:
    for state in ("waiting", "clearing", "done", "failed"):
        upload = Upload.objects.create(organisation=firm.organisation, name=f"tmp-{state}.csv", bytes_total=1)
        Batch.objects.create(organisation=firm.organisation, name=state, state=state, upload=upload)
        upload.path.parent.mkdir(parents=True)
        upload.path.write_text("rows")
    backup.backup(installation.parent / "backup")
    names = {Path(name).name for name in packed(installation.parent / "backup")}
    assert names >= {"tmp-waiting.csv", "tmp-clearing.csv", "secret"}
    assert not names & {"tmp-done.csv", "tmp-failed.csv"}


def test_a_file_that_goes_while_it_is_packed_is_left_out(installation: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = backup._files

    def going(home: Path) -> Iterator[tuple[Path, str]]:
        yield home / "desk" / "batches" / "gone", "home/desk/batches/gone"
        yield from listed(home)

    monkeypatch.setattr(backup, "_files", going)
    backup.backup(installation.parent / "backup")
    assert "home/secret" in packed(installation.parent / "backup")


def test_a_backup_that_fails_leaves_no_secret_behind(installation: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(home: Path) -> Iterator[tuple[Path, str]]:
        yield home / "secret", "home/secret"
        raise OSError("the disk is full")

    monkeypatch.setattr(backup, "_files", failing)
    with pytest.raises(OSError, match="full"):
        backup.backup(installation.parent / "backup")
    assert {path.name for path in installation.parent.iterdir()} == {"home"}


def test_the_checklist_says_what_is_not_right_in_both_languages(tmp_path: Path) -> None:
    home = tmp_path / "home"
    entrepot(home, "manage", "migrate", "-v", "0")
    english, chinese = entrepot(home, "check", code=1), entrepot(home, "check", "--lang", "zh", code=1)
    assert "✗ people reach the desk by https" in english
    assert "✗ 通过 https 访问" in chinese
    items = {one["name"]: one["good"] for one in json.loads(entrepot(home, "check", "--json", code=1))}
    assert items["operations.check-migrations"]
    assert items["operations.check-audit"]
    assert not items["operations.check-backup"]
    (home / "secret").chmod(0o644)
    items = {one["name"]: one["good"] for one in json.loads(entrepot(home, "check", "--json", code=1))}
    assert not items["operations.check-secret-private"]


@pytest.mark.django_db
def test_the_process_says_that_it_lives_and_is_ready(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)


@pytest.mark.django_db
def test_asking_for_readiness_again_works_nothing_out_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/readyz").status_code == 200
    worked: list[str] = []
    monkeypatch.setattr(health, "MigrationExecutor", lambda *_: worked.append("migrations"))
    monkeypatch.setattr(Law, "load", lambda *_, **__: worked.append("law"))
    assert client.get("/readyz").status_code == 200
    assert not worked


def test_many_who_ask_at_once_do_not_take_each_others_probe(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DESK_FOLDER = tmp_path
    written = Path.write_bytes

    def beside(path: Path, data: bytes) -> int:
        monkeypatch.setattr(Path, "write_bytes", written)
        done = path.write_bytes(data)
        assert health._files(), "another asks between the writing and the taking away"
        return done

    monkeypatch.setattr(Path, "write_bytes", beside)
    assert health._files()
    assert not list(tmp_path.iterdir())


@pytest.mark.django_db
def test_figures_are_for_this_machine_or_those_with_the_token(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.get("/healthz")
    near = client.get("/metrics")
    assert b'entrepot_requests_total{method="GET",route="healthz",status="200"}' in near.content
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 404
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
    monkeypatch.setenv("ENTREPOT_METRICS_TOKEN", "given")
    for token, status in (("given", 200), ("other", 404), ("", 404)):
        far = client.get("/metrics", REMOTE_ADDR="203.0.113.9", headers={"Authorization": f"Bearer {token}"})
        assert far.status_code == status


def test_exceptions_that_wait_are_counted_over_all_organisations(client: Client, firm: Firm, stranger: Firm) -> None:
    for number, (owner, lane, state) in enumerate([(firm, "red", "open"), (stranger, "red", "open"), (firm, "red", "decided"),
                                                   (firm, "yellow", "taken")]):  # fmt: skip
        batch = Batch.objects.create(organisation=owner.organisation, name="day")
        Case.objects.create(organisation=owner.organisation, batch=batch, order_id="A", row_id=number, kind="exception", lane=lane,
                            risk=1, lines=1, state=state)  # fmt: skip
    shown = client.get("/metrics").content.decode()
    waiting = [line for line in shown.splitlines() if line.startswith("entrepot_cases_waiting{")]
    assert waiting == [
        'entrepot_cases_waiting{lane="red",state="open"} 2.0', 'entrepot_cases_waiting{lane="yellow",state="taken"} 1.0',
    ]  # fmt: skip


@pytest.mark.django_db
def test_a_log_line_has_the_request_and_no_address_as_typed(client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    answer = client.get("/law/", {"q": "secret-order-4711"}, headers={"X-Request-ID": "0123456789abcdef"})
    assert answer["X-Request-ID"] == "0123456789abcdef"
    odd = client.get("/law/", headers={"X-Request-ID": 'x"\n{"level": "forged'})
    assert odd["X-Request-ID"] != 'x"\n{"level": "forged'
    assert "secret-order-4711" not in capfd.readouterr().err
