"""`entrepot law`: what it prints, as text and as JSON, and how it refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from entrepot.cli.law import law
from entrepot.law import Law, LawError
from tests.law.law_files import SCALAR, folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(law, arguments)


def test_list_names_every_leaf() -> None:
    lines = run("list").output.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(Law.load().paths())
    assert "个人年度交易限值" in run("list", "--lang", "zh").output
    assert len(json.loads(run("list", "--json").output)) == len(lines) - 1


def test_show_without_a_day_shows_all_values_and_never_todays() -> None:
    shown = run("show", "cn/cbec/yearly_limit").output
    assert "2016-04-08 .. 2019-01-01  20000.00  [in force, S]" in shown
    assert "2019-01-01 .. open  26000.00  [in force, S]" in shown
    assert "source: 财关税〔2018〕49号" in shown


def test_show_on_a_day_shows_that_days_value() -> None:
    shown = json.loads(run("show", "cn/cbec/yearly_limit", "--on", "2018-12-31", "--json").output)
    assert [(one["value"], one["unit"]) for one in shown["values"]] == [("20000.00", "CNY")]
    assert shown["on"] == "2018-12-31"
    assert "no value on 2015-01-01" in run("show", "cn/cbec/yearly_limit", "--on", "2015-01-01").output


def test_show_a_table_full_or_empty() -> None:
    assert "district=2200, joined=2020-09-01" in run("show", "cn/mode/9810_districts").output
    assert "district=2200" not in run("show", "cn/mode/9810_districts", "--on", "2020-08-31").output
    empty = run("show", "cn/duty/mfn_by_code").output
    assert "not complete: a key without a row is unknown" in empty
    assert "empty: No tariff is shipped" in empty


def test_history_is_one_line_a_value() -> None:
    lines = run("history", "cn/vat/standard").output.splitlines()
    assert [line.split()[2] for line in lines if line.startswith("20")] == ["0.17", "0.16", "0.13", "0.13"]
    assert json.loads(run("history", "cn/mode/codes", "--json").output)["rows"]


def test_diff_shows_before_and_after() -> None:
    shown = run("diff", "2018-12-31", "2019-01-01").output
    line = next(line for line in shown.splitlines() if line.startswith("cn/cbec/order_limit"))
    assert line.split()[1:3] == ["2000.00", "5000.00"]
    assert "nothing changes" in run("diff", "2018-02-01", "2018-02-02").output
    assert json.loads(run("diff", "2024-12-14", "2024-12-15", "--json").output)
    assert "(unconfirmed)" in shown


def test_check_counts_and_names_what_is_uncertain() -> None:
    shown = run("check").output
    assert "no fault" in shown
    assert "cn/cbec/rounding_mode" in shown
    assert "cn/duty/mfn_by_code" in shown
    found = json.loads(run("check", "--json").output)
    assert (found["ok"], found["law_hash"]) == (True, Law.load().hash)


def test_check_reports_faults_of_a_folder(tmp_path: Path) -> None:
    bad = str(folder(tmp_path, cn__leaf=SCALAR.replace("in_force", "valid")))
    found = run("check", bad, "--json")
    assert found.exit_code == 2
    assert len(json.loads(found.output)["problems"]) == 2
    assert isinstance(run("check", bad).exception, LawError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "cn/cbec/yearly"], "no law at 'cn/cbec/yearly'; nearest: cn/cbec/yearly_limit"),
        (["show", "cn/cbec/yearly_limit", "--on", "today"], "'today' is not a day: write YYYY-MM-DD"),
        (["diff", "2020-01-01", "2020-02-30"], "'2020-02-30' is not a day of the calendar"),
        (["history", "x"], "no law at 'x'"),
    ],
)
def test_refusals_are_one_line_and_a_wrong_call(arguments: list[str], message: str) -> None:
    error = run(*arguments).exception
    assert isinstance(error, LawError)
    assert error.exit_code == 2
    assert message in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("verb", [None, "list", "show", "history", "diff", "check"])
def test_help_ends_with_an_example(verb: str | None) -> None:
    shown = run(*([verb] if verb else []), "--help").output
    assert "Example: entrepot law" in shown
