"""A PostgreSQL server of one's own for the time of a command.

`python -m tests.desk.postgres -- COMMAND …` makes a cluster in a temporary folder, runs the command with DATABASE_URL set to
it, and ends with the command's exit code. PostgreSQL refuses to run as root, so root runs it as `postgres` or `nobody`.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

PLACES = ("/usr/lib/postgresql", "/usr/local/pgsql")


def program(name: str) -> str:
    """Where a program of PostgreSQL's server is; RuntimeError naming the package when it is nowhere."""
    found = shutil.which(name)
    newest = sorted((path for place in PLACES for path in Path(place).glob(f"**/bin/{name}")), reverse=True)
    if not found and not newest:
        raise RuntimeError(f"{name} is not installed: install the package postgresql")
    return str(newest[0]) if newest else str(found)


def _as_server(command: Sequence[str]) -> list[str]:
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", f"--reuid={_account().pw_uid}", f"--regid={_account().pw_gid}", "--clear-groups", *command]


def _account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("no account to run PostgreSQL as: make a user postgres")


@contextmanager
def postgres() -> Iterator[str]:
    """The address (DATABASE_URL) of a fresh server that listens on a socket in a temporary folder only."""
    with tempfile.TemporaryDirectory(prefix="pg-") as place:
        if os.geteuid() == 0:
            os.chown(place, _account().pw_uid, _account().pw_gid)
        data, password = f"{place}/data", token_hex(8)
        secret = Path(place) / "password"
        secret.write_text(password, encoding="ascii")
        secret.chmod(0o644)
        run(program("initdb"), "--pgdata", data, "--username", "entrepot", "--pwfile", str(secret), "--auth", "scram-sha-256",
            "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")  # fmt: skip
        options = f"-c listen_addresses='' -c unix_socket_directories={place} -c fsync=off -c max_connections=200"
        run(program("pg_ctl"), "--pgdata", data, "--log", f"{place}/log", "--wait", "--options", options, "start")
        try:
            yield f"postgresql://entrepot:{password}@/postgres?host={place}"
        finally:
            run(program("pg_ctl"), "--pgdata", data, "--mode", "immediate", "stop")


def run(*command: str) -> None:
    """Run a program of the server; RuntimeError with what it said when it fails."""
    done = subprocess.run(_as_server(command), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, cwd="/")
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr[-500:]}")


def main(arguments: Sequence[str]) -> int:
    """Run the command after `--`."""
    with postgres() as url:
        return subprocess.run(arguments[arguments.index("--") + 1 :], env={**os.environ, "DATABASE_URL": url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv))
