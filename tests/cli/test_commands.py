"""Every command says what it does with an example that works; every report is also JSON."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from entrepot import __version__
from entrepot.cli import cli
from tests.cli.conftest import Run
from tests.run.days import CATALOGUE, ORDERS, sample_rows, summary_of, write_day


def commands(command: click.Command, *names: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """A command and all below it, each with the words that call it."""
    yield names, command
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from commands(below, *names, name)


COMMANDS = dict(commands(cli))


def names_of(words: tuple[str, ...]) -> str:
    return " ".join(words) or "entrepot"


@pytest.mark.parametrize("words", COMMANDS, ids=names_of)
def test_help_says_what_it_does_with_an_example(words: tuple[str, ...], run: Run) -> None:
    said = run(*words, "--help")
    assert (said.code, said.err) == (0, "")
    assert "Example" in said.out
    command = COMMANDS[words]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, (words, parameter.name)
            assert set(parameter.opts) <= set(re.findall(r"--?[a-z][a-z-]*", said.out)), (words, parameter.name)
    if isinstance(command, click.Group):
        assert all(name in said.out for name in command.commands)


@pytest.mark.parametrize("words", COMMANDS, ids=names_of)
def test_the_example_can_be_called(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It parses: command, arguments, options and their values are ones we have."""
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"Examples?: entrepot ([^\n]+(?:\n {2,}[^\n]+)*)", COMMANDS[words].help or "")
    assert examples, words
    for example in examples:
        given, command = shlex.split(example), cli
        found: list[str] = []
        while isinstance(command, click.Group):
            found.append(given.pop(0))
            command = command.commands[found[-1]]  # type: ignore[assignment]
        assert found[: len(words)] == list(words)
        for folder in (word for word in given if word.endswith("/")):
            (tmp_path / folder).mkdir()
        command.make_context(found[-1], given)


def test_version_and_a_command_that_is_not_there(run: Run) -> None:
    assert run("--version").out.strip().endswith(__version__)
    said = run("cleer")
    assert said.code == 2
    assert "No such command" in said.err


def test_json_of_clear_is_the_summary(run: Run, home: Path, tmp_path: Path) -> None:
    write_day(tmp_path / "orders.csv", sample_rows("LIM", "BAD-1"))
    said = run("clear", tmp_path / "orders.csv", "--out", tmp_path / "out", "--json", "--progress")
    assert json.loads(said.out) == summary_of(tmp_path / "out")
    assert said.out == (tmp_path / "out" / "summary.json").read_text(encoding="utf-8")
    assert run("clear", tmp_path / "orders.csv", "--out", tmp_path / "out", "--json").out == said.out


@pytest.mark.parametrize(("language", "title"), [("en", "Clearance report"), ("zh", "通关报告")])
def test_summary_is_printed_alike_by_the_run_and_afterwards(
    language: str, title: str, run: Run, tmp_path: Path
) -> None:
    """Also the money: a total of 27.30 is not one of 27.3."""
    write_day(tmp_path / "orders.csv", sample_rows("TAX-02"))
    call = ("clear", tmp_path / "orders.csv", "--catalogue", CATALOGUE, "--out", tmp_path / "out", "--lang", language)
    first, again = run(*call), run(*call)
    assert title in first.out
    assert " 27.30\n" in first.out
    assert again.out == first.out


def test_kinds_of_messages_in_any_order_are_one_call(run: Run, tmp_path: Path) -> None:
    write_day(tmp_path / "orders.csv", sample_rows("REX-00", "RIM-00"))
    call = ("clear", tmp_path / "orders.csv", "--catalogue", CATALOGUE, "--out", tmp_path / "out", "--messages")
    assert run(*call, "603,303").code == 0
    assert run(*call, "303, 603,303").code == 0
    assert set(summary_of(tmp_path / "out")["messages"]) == {"303", "603"}
    assert run(*call, "621").code == 2


@pytest.mark.parametrize("language", ["en", "zh"])
def test_explain_prints_the_tree(language: str, sample_day: Path, run: Run) -> None:
    said = run("explain", sample_day, "LIM-06", "1", "--lang", language)
    assert (said.code, said.err) == (0, "")
    assert "cn.cbec.over-yearly-limit" in said.out
    assert "财关税〔2018〕49号" in said.out
    assert "23,000.00 CNY" in said.out
    assert ("个人年度交易限值" if language == "zh" else "yearly limit per person") in said.out


def test_explain_as_json_holds_every_line(sample_day: Path, run: Run) -> None:
    explained = json.loads(run("explain", sample_day, "EXP-11", "--json").out)
    assert [one["line_no"] for one in explained] == [1, 2, 3, 4, 5, 6, 7]
    assert all(step["step"] for one in explained for step in one["steps"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["NOPE"], 2), (["REX-001", "99"], 2), (["REX-001", "one"], 2), (["REX-001", "--lang", "fr"], 2), ([], 2)],
)
def test_explain_of_what_is_not_there(arguments: list[str], code: int, sample_day: Path, run: Run) -> None:
    said = run("explain", sample_day, *arguments)
    assert (said.code, said.out) == (code, "")
    assert said.err
    assert run("explain", ORDERS.parent, "REX-001").code == 3


@pytest.mark.parametrize(
    "arguments",
    [["law", "list"], ["law", "show", "cn/cbec/yearly_limit"], ["law", "history", "cn/cbec/yearly_limit"],
     ["law", "diff", "2018-12-31", "2019-01-01"]],
)  # fmt: skip
def test_reports_on_the_law_are_json_too(arguments: list[str], run: Run) -> None:
    said = run(*arguments, "--json")
    assert said.code == 0
    assert json.loads(said.out)
