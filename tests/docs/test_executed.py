"""The commands of the tutorial and the how-to pages print what the pages say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, EXECUTABLE, ROOT, Step, agrees, blocks, run, steps


def assert_prints(step: Step, folder: Path, page: Path) -> None:
    printed = run(step, folder)
    assert agrees(step.printed, printed), f"{page.name}:{step.line}: {step.command}\n--- said\n{step.printed}\n--- printed\n{printed}"


@pytest.mark.parametrize("page", EXECUTABLE, ids=lambda page: str(page.relative_to(DOCS)))
def test_page_runs_as_written(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.title:
            (tmp_path / block.title).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.title).write_text(block.content, encoding="utf-8")
        elif block.language == "console":
            for step in steps(block):
                assert_prints(step, tmp_path, page)


def test_messages_of_the_sample_day_pass_the_check_the_docs_show(data_folder: Callable[[str], Path], tmp_path: Path) -> None:
    samples = ROOT / "src" / "entrepot" / "samples"
    check = next(block for block in blocks(DOCS / "howto" / "schema.md") if block.title == "check.py")
    (tmp_path / "check.py").write_text(check.content, encoding="utf-8")
    cleared = f"entrepot clear {samples}/orders.csv --catalogue {samples}/catalogue.csv --out day1 > summary.txt"
    schemas = data_folder("china-ceb-messages") / "xsd202205"
    printed = run(Step(f"{cleared} && python check.py day1 {schemas}", "", 0), tmp_path).splitlines()
    assert {line.split("-")[0] for line in printed} == {"303", "603", "621"}
    assert all(line.endswith(" valid") for line in printed)


def test_the_tutorial_is_executable() -> None:
    assert DOCS / "tutorial.md" in EXECUTABLE


@pytest.mark.parametrize(
    ("said", "printed", "same"),
    [
        ("a\nb", "a\nb\n", True),
        ("a\nc", "a\nb\n", False),
        ("a\n...\nd", "a\nb\nc\nd\n", True),
        ("a\n...", "a\nb\nc\n", True),
        ("...\nc", "a\nb\nc\n", True),
        ("a\n...\nx", "a\nb\nc\n", False),
        ("", "", True),
        ("", "a\n", False),
        ("Law snapshot " + "0" * 64, "Law snapshot " + "f" * 64, True),
    ],
)
def test_gaps_and_hashes_are_the_only_allowance(said: str, printed: str, same: bool) -> None:
    assert agrees(said, printed) is same
