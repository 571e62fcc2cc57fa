"""The house keeps its shape: arrows one way, names exported, texts in both languages, sizes in bounds."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from django.apps import apps
from ruamel.yaml import YAML

from entrepot.decide.mode import mode_rules
from entrepot.decide.release import reason_rules, warning_rules
from entrepot.desk.owned import Owned
from entrepot.goods.texts import LANGUAGES, ROOMS, all_texts, texts
from entrepot.law import Law
from entrepot.run.explain import rules_of

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "entrepot"
ARROW = ("goods", "law", "decide", "messages", "run", "desk", "cli")
MADE = {"migrations", "node_modules"}
"""Folders whose modules are made by a tool."""
MODULES = sorted(path for path in SOURCE.rglob("*.py") if not MADE & set(path.parts))


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_arrows_point_one_way(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0]
    if room not in ARROW:
        return
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] == "entrepot" and len(parts) > 1 and parts[1] in ARROW:
            assert ARROW.index(parts[1]) <= ARROW.index(room), f"{room} must not import {name}"


def test_no_room_but_cli_talks_to_a_terminal() -> None:
    for path in MODULES:
        if path.relative_to(SOURCE).parts[0] != "cli":
            assert not {"click", "rich"} & {name.split(".")[0] for name in imports_of(path)}, path


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_exported_names_exist_and_are_all_there(path: Path) -> None:
    if path.name == "settings.py" or (path.name == "__init__.py" and not path.read_text(encoding="utf-8").strip()):
        return
    name = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
    module = importlib.import_module(name)
    exported = getattr(module, "__all__", None)
    if exported is None:
        assert path.name == "__init__.py", f"{name} has no __all__"
        return
    assert not [one for one in exported if not hasattr(module, one)]


def test_modules_stay_small() -> None:
    assert not [(path.name, size) for path in MODULES if (size := path.read_text(encoding="utf-8").count("\n")) > 600]


def test_functions_stay_short() -> None:
    spans = [
        node.end_lineno - node.lineno + 1
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.end_lineno
    ]
    spans.sort()
    assert spans[len(spans) // 2] <= 10
    assert spans[int(len(spans) * 0.95)] <= 50


@pytest.mark.parametrize("room", ROOMS)
def test_texts_are_in_every_language_with_the_same_figures(room: str) -> None:
    for key, entry in texts(room).items():
        assert set(entry) == set(LANGUAGES), key
        assert all(entry.values()), key
        figures = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in entry.values()]
        assert figures[0] == figures[1], key


def test_text_ids_are_unique_over_rooms() -> None:
    ids = [key for room in ROOMS for key in texts(room)]
    assert len(ids) == len(set(ids))


def test_every_rule_reason_and_warning_has_its_text() -> None:
    law = Law.load()
    ids = {rule.id.partition(":")[0] for rule in [*rules_of(law), *warning_rules(law)]}
    assert not sorted(ids - set(all_texts()))


def test_rule_ids_are_unique_within_a_table() -> None:
    law = Law.load()
    for rules in [*mode_rules(law).values(), reason_rules(), warning_rules(law)]:
        ids = [rule.id for rule in rules]
        assert len(ids) == len(set(ids))


def test_every_code_written_in_the_source_has_its_text() -> None:
    """Problem and reason ids quoted anywhere in the source are known to the texts."""
    known = set(all_texts())
    for path in MODULES:
        for code in re.findall(
            r'"((?:goods|release|value|ceb)\.[a-z][a-zA-Z0-9-]+)"', path.read_text(encoding="utf-8")
        ):
            assert code in known or code.endswith((".csv", ".yaml")), f"{path.name}: {code}"


def test_no_secret_and_no_machine_path_in_the_repository() -> None:
    for path in [*MODULES, *(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]:
        text = path.read_text(encoding="utf-8")
        assert "BEGIN PRIVATE KEY" not in text.replace("BEGIN PRIVATE KEY-----\\n", ""), path
        assert not re.search(r"/(work|root|home/\w+)/", text), path


def test_case_files_are_plain_yaml() -> None:
    for path in (ROOT / "cases").rglob("*.yaml"):
        assert YAML(typ="safe").load(path.read_text(encoding="utf-8")), path


def test_what_a_request_reads_is_of_one_organisation() -> None:
    """Views and operations reach rows of an organisation through `of` and `one` alone."""
    owned = {model.__name__ for model in apps.get_models() if issubclass(model, Owned)}
    facing = [path for path in MODULES if "desk" in path.parts and re.search(r"(^|_)(views|api)", path.stem)]
    assert len(facing) > 10
    for path in facing:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for model, rest in re.findall(r"(\w+)\.objects\b(.*)", line):
                safe = ".of(" in rest or ".one(" in rest or re.match(r"\.(create|update_or_create|get_or_create)\(", rest)
                assert model not in owned or safe, f"{path.name}:{number}: {line.strip()}"
