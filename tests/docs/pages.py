"""The pages of the documentation, their fenced blocks, and a runner for those that are executable.

In a page of `EXECUTABLE`, a block with a `title` is a file of that name, and a `console` block is run: lines that
start with `$ ` are commands, the lines below are what they print. A line of `...` stands for any lines.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = sorted(DOCS.rglob("*.md"))
GAP = "..."
EXECUTABLE = tuple(path for path in PAGES if "\n```console" in path.read_text(encoding="utf-8"))
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, the file it is (or none), its text, its first line in the page."""

    language: str
    title: str | None
    content: str
    line: int


def blocks(path: Path) -> Iterator[Block]:
    page = path.read_text(encoding="utf-8")
    for found in FENCE.finditer(page):
        yield Block(found[1], found[2], found[3], page[: found.start()].count("\n") + 2)


@dataclass(frozen=True)
class Step:
    """A command with what the page says it prints."""

    command: str
    printed: str
    line: int


def steps(block: Block) -> Iterator[Step]:
    command, start = "", block.line
    printed: list[str] = []
    for number, line in enumerate(block.content.splitlines(), start=block.line):
        if line.startswith("$ "):
            if command:
                yield Step(command, "\n".join(printed), start)
            command, printed, start = line[2:], [], number
        elif command.endswith("\\"):
            command += "\n" + line
        else:
            printed.append(line)
    if command:
        yield Step(command, "\n".join(printed), start)


def commands(path: Path) -> Iterator[Step]:
    """Every command line a page shows: of `console` blocks, and the lines of `sh` blocks."""
    for block in blocks(path):
        if block.language == "console":
            yield from steps(block)
        elif block.language == "sh":
            whole = block.content.replace("\\\n", " ")
            yield from (Step(line, "", block.line) for line in whole.splitlines() if line and not line.startswith("#"))


def run(step: Step, folder: Path) -> str:
    """What a command prints, both streams, in a folder with an installation of its own."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "ENTREPOT_HOME": str(folder / ".home"), "COLUMNS": "80", "LANG": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", step.command], cwd=folder, env=environment, text=True, encoding="utf-8",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)  # fmt: skip
    return done.stdout


def settled(printed: str) -> str:
    """What is printed without what may differ between two true runs: hashes, the version, the day of the last check."""
    for pattern, name in ((r"\b[0-9a-f]{64}\b", "HASH"), (r"Entrepot \d+\.\d+\.\d+", "Entrepot VERSION"),
                          (r"Law checked until [\d-]+", "Law checked until DAY")):  # fmt: skip
        printed = re.sub(pattern, name, printed)
    return "\n".join(line.rstrip() for line in printed.replace("\ufeff", "").strip().splitlines())


def agrees(said: str, printed: str) -> bool:
    """Whether a page's output is what was printed, `...` standing for any lines."""
    lines = settled(said).splitlines()
    pattern = "".join(r"(?:.*\n)*?" if line == GAP else re.escape(line) + r"\n" for line in lines)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in settled(printed).splitlines())) is not None
