"""Commands of the desk: serve it, work for it, check it, back it up, restore it, show it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from entrepot.goods.errors import WorldError
from entrepot.goods.texts import LANGUAGES, text

__all__ = [
    "backup_command", "check_command", "demo_command", "manage_command", "open_desk", "restore_command", "serve_command",
    "worker_command",
]  # fmt: skip

LANG = click.option("--lang", type=click.Choice(LANGUAGES), default="en", help="Language of the texts.")


def open_desk(origin: str | None = None) -> None:
    """Make Django ready; only the desk's commands pay for it. `origin` is the address people type, unless it is set."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "entrepot.desk.settings")
    if origin:
        os.environ.setdefault("ENTREPOT_ORIGIN", origin)
    import django

    django.setup()


def _prepare() -> None:
    """Bring the database to this version."""
    from django.core.management import call_command
    from django.db.utils import OperationalError

    try:
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
    except OperationalError as error:
        said = " ".join(str(error).split())[:200]
        raise WorldError(f"the database of DATABASE_URL does not answer: {said}", retryable=True) from None


@contextmanager
def _worker(wanted: bool) -> Iterator[None]:
    """A worker process beside the server, ended with it."""
    if not wanted:
        yield
        return
    # The server gives a SIGTERM back after its own tidy end; unheard it would end this process and leave the worker.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    process = subprocess.Popen([sys.executable, "-P", "-c", "from entrepot.cli import main; main()", "worker"])
    try:
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        process.kill()


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; a proxy with https goes before it.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port to listen on.")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="Server processes.")
@click.option("--with-worker", is_flag=True, help="Start a worker process too.")
def serve_command(host: str, port: int, processes: int, with_worker: bool) -> int:
    """Serve the desk: web pages and API. Settings come from the environment; see docs/howto/serve.md.

    Example: entrepot serve --port 8000 --with-worker
    """
    open_desk(f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}")
    _prepare()
    import uvicorn

    with _worker(with_worker):
        uvicorn.run(
            "entrepot.desk.asgi:application", host=host, port=port, workers=processes, log_level="warning", access_log=False,
            server_header=False, lifespan="off", timeout_graceful_shutdown=10,
        )  # fmt: skip
    return 0


@click.command("worker")
def worker_command() -> int:
    """Do the desk's long work: clear uploads, deliver webhooks. Run one or more beside the server.

    Example: entrepot worker
    """
    open_desk()
    _prepare()
    from entrepot.desk.operations.worker import work

    work()
    return 0


@click.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value.")
@LANG
def check_command(as_json: bool, lang: str) -> int:
    """Go through the production checklist of the desk; exit with 1 when something that must hold does not.

    Example: entrepot check
    """
    open_desk()
    from entrepot.desk.operations.checklist import checklist

    items = checklist()
    if as_json:
        rows = [{"name": one.name, "good": one.good, "required": one.required, "found": one.found} for one in items]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        for one in items:
            mark = "✓" if one.good else "✗" if one.required else "!"
            click.echo(f"{mark} {text(one.name, lang)}" + (f"  ({one.found})" if one.found else ""))
    return 1 if any(one.required and not one.good for one in items) else 0


@click.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
def backup_command(target: Path) -> int:
    """Write database, batches, evidence and the secret into one archive, TARGET. Keep it as safe as the secret itself.

    Example: entrepot backup entrepot-2026-11-25.tar.zst
    """
    open_desk()
    from entrepot.desk.operations.backup import backup

    done = backup(target)
    click.echo(f"{target}: {done['files']:,} files, {done['bytes']:,} bytes, {done['database']}")
    return 0


@click.command("restore")
@click.argument("source", type=click.Path(path_type=Path))
def restore_command(source: Path) -> int:
    """Put a backup, SOURCE, back into an empty ENTREPOT_HOME and an empty database; then verify the audit chain.

    Example: entrepot restore entrepot-2026-11-25.tar.zst
    """
    open_desk()
    from entrepot.desk.operations.backup import restore

    about = restore(source)
    click.echo(f"restored a backup of version {about['version']}; now run: entrepot audit verify")
    return 0


@click.command("demo")
@LANG
def demo_command(lang: str) -> int:
    """Make a demonstration in this installation: an organisation with a login for each role and the sample day cleared.

    Example: entrepot demo
    """
    open_desk()
    _prepare()
    from entrepot.desk.operations.demo import make_demo

    demo = make_demo()
    click.echo(text("operations.demo-made", lang, organisation=demo["organisation"].name))
    for login in demo["logins"]:
        click.echo(f"  {login['email']:<28} {login['role']}")
    click.echo(text("operations.demo-password", lang, password=demo["password"]))
    return 0


@click.command("manage", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def manage_command(arguments: tuple[str, ...]) -> int:
    """Run one of Django's own commands on the desk's database (for those who maintain it).

    Without words it lists them; `entrepot manage help migrate` tells about one.

    Example: entrepot manage migrate
    """
    open_desk()
    from django.core.management import execute_from_command_line

    execute_from_command_line(["entrepot manage", *arguments])
    return 0
