"""Every decision explains itself by being made again; what was tampered with does not."""

import json
import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from entrepot.cli.explain import explanation_text
from entrepot.decide.chain import decide, without_rate
from entrepot.decide.release import add_release
from entrepot.goods.errors import CallError, InputError
from entrepot.goods.texts import LANGUAGES
from entrepot.law import Law
from entrepot.run.explain import ExplanationDiffersError, explain
from entrepot.run.result import DECIDED, as_result, as_working
from tests.run.days import cleared, lines_of, manifest_of, rows_of, sample_rows, write_day

WAYS = ("direction", "mode", "mode_rule", "verdict", "release_rule", "tax_rule", "limit_rule", "form_rule", "rate_kind")
TAXES = ("duty", "consumption_tax", "vat", "tax_total")
Explained = dict[str, Any]


@pytest.fixture(scope="module")
def stored(sample_day: Path, pytestconfig: pytest.Config) -> pl.DataFrame:
    """Lines of orders for every way a line of the sample day was decided; with --full all that an order names."""
    lines = lines_of(sample_day).filter(pl.col("order_id").is_not_null())
    if pytestconfig.getoption("--full", default=False):
        return lines
    ways = lines.unique([*WAYS, "reasons", "warnings"], keep="first", maintain_order=True)
    return lines.filter(pl.col("order_id").is_in(ways.get_column("order_id").implode()))


@pytest.fixture(scope="module")
def explained(sample_day: Path, stored: pl.DataFrame) -> list[Explained]:
    """These lines explained, order by order."""
    orders = stored.get_column("order_id").unique(maintain_order=True)
    return [one for order in orders for one in explain(sample_day, order)]


@pytest.fixture
def day(sample_day: Path, tmp_path: Path) -> Path:
    """A copy of the sample day to tamper with."""
    return Path(shutil.copytree(sample_day, tmp_path / "day"))


def step(one: Explained, name: str) -> dict[str, Any]:
    return dict(next(step for step in one["steps"] if step["step"] == name))


def test_every_line_is_decided_again_from_what_is_stored(sample_day: Path) -> None:
    """What `explain` does order by order, for the whole day at once."""
    law = Law.from_snapshot((sample_day / "law.json").read_bytes())
    lines = lines_of(sample_day).filter(~pl.col("release_rule").is_in(["release.invalid", "release.cancellation"]))
    rated, missing = without_rate(as_working(lines).drop(DECIDED.keys(), strict=False), law)
    again = as_result(add_release(decide(rated, law), law))
    assert missing.is_empty()
    assert_frame_equal(again.sort("row_id"), lines.sort("row_id"), check_column_order=False)


def test_every_line_shows_what_is_stored(stored: pl.DataFrame, explained: list[Explained]) -> None:
    shown = ("verdict", "lane", "mode", "mode_rule", "tax_rule", "release_rule", "reasons", "warnings", *TAXES)
    by_row = {row["row"]: row for row in stored.iter_rows(named=True)}
    assert sorted(one["row"] for one in explained) == sorted(by_row)
    for one in explained:
        assert {name: one[name] for name in shown} == {name: by_row[one["row"]][name] for name in shown}


def test_steps_lead_to_the_rules_stored(explained: list[Explained]) -> None:
    decided = [one for one in explained if one["steps"]]
    assert {one["verdict"] for one in decided} == {"release", "hold", "refuse"}
    for one in decided:
        taken = [part for part in one["steps"] if part.get("taken")]
        assert [part["decides"] for part in taken] == ([one["mode_rule"]] if one["mode"] else [])
        assert step(one, "tax")["decides"] == one["tax_rule"]
        assert step(one, "release")["decides"] == one["release_rule"]
        fen = {tax: value for tax, (value, _) in step(one, "tax")["figures"].items()}
        assert fen == {tax: None if one[tax] is None else int(one[tax] * 100) for tax in TAXES}


def test_options_not_taken_say_why(explained: list[Explained]) -> None:
    for one in explained:
        for part in one["steps"]:
            if part["step"].startswith("option"):
                deciding = [check for check in part["checks"] if check["decides"]]
                assert len(deciding) == 1, (one["order_id"], part["step"])
                assert deciding[0]["rule"] == part["decides"]


def test_law_is_cited_with_value_date_and_source(explained: list[Explained]) -> None:
    one = next(one for one in explained if one["order_id"] == "LIM-06")
    check = next(check for check in step(one, "limits")["checks"] if check["decides"])
    yearly = next(law for law in check["law"] if law["path"] == "cn/cbec/yearly_limit")
    assert check["rule"] == "cn.cbec.over-yearly-limit"
    assert (yearly["value"], yearly["from"], yearly["source"]) == ("26000.00", "2019-01-01", "财关税〔2018〕49号")
    assert check["numbers"]["spent"] == (2_300_000, "fen"), "the buyer's other orders are in the explanation"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_reads_as_text(language: str, explained: list[Explained]) -> None:
    for one in explained:
        told = explanation_text(one, language, every=True)
        assert told.startswith(f"{one['order_id']} / ")
        assert len(explanation_text(one, language)) <= len(told)
        assert not re.search(r"[{}]|\bNone\b|\bnull\b", told), told
        for rule in (*one["reasons"], *one["warnings"]):
            assert f"[{rule}]" in told


def test_every_line_is_json(explained: list[Explained]) -> None:
    again = json.loads(json.dumps(explained, default=str))
    assert [one["order_id"] for one in again] == [one["order_id"] for one in explained]


def test_a_refused_row_shows_its_problems(sample_day: Path) -> None:
    one = explain(sample_day, "BAD-51", 1)[0]
    listed = [row["code"] for row in rows_of(sample_day / "problems.csv") if row["row"] == str(one["row"])]
    assert [problem["code"] for problem in one["problems"]] == listed
    assert len(listed) == 4
    assert "日期" in explanation_text(one, "zh")


def tamper(day: Path, order: str, column: str, value: pl.Expr) -> None:
    """Change one column of one order where results are stored."""
    lines = pl.read_parquet(day / "lines.parquet")
    here = pl.col("order_id") == order
    changed = pl.when(here).then(value).otherwise(column).cast(lines.schema[column]).alias(column)
    lines.with_columns(changed).write_parquet(day / "lines.parquet")


@pytest.mark.parametrize(
    ("order", "column", "value", "named"),
    [
        ("TAX-01", "vat", pl.lit(Decimal("0.01")), "vat"),
        ("TAX-01", "tax_total", pl.lit(None), "tax_total"),
        ("TAX-01", "unit_price_e5", pl.col("unit_price_e5") + 1_000, "goods_value_e5"),
        ("TAX-01", "hs_code", pl.lit("4901990000"), "tax_rule|consumption_tax"),
        ("TAX-17", "verdict", pl.lit("release"), "verdict"),
        ("TAX-17", "declared_on", pl.lit("2019-01-01").str.to_date(), "limit_rule"),
        ("WHS-01", "mode_rule", pl.lit("cn.9810.overseas-warehouse"), "mode_rule"),
        ("REX-001", "reasons", pl.lit(["release.random-sample"]), "reasons"),
        ("REX-001", "warnings", pl.lit([], pl.List(pl.String)), "warnings"),
        ("REX-001", "sampled", pl.lit(value=True), "verdict"),
        ("LIM-01", "quantity_e5", pl.col("quantity_e5") * 2, "goods_value_e5"),
        ("BAD-12", "verdict", pl.lit("release"), "verdict"),
        ("TAX-01", "release_rule", pl.lit("release.cancellation"), "verdict"),
        ("TAX-01", "release_rule", pl.lit("release.invalid"), "verdict"),
    ],
)
def test_what_was_tampered_with_is_not_explained(
    order: str, column: str, value: pl.Expr, named: str, day: Path
) -> None:
    tamper(day, order, column, value)
    with pytest.raises(ExplanationDiffersError, match=rf"another ({named}) than the one stored") as refused:
        explain(day, order)
    assert refused.value.exit_code == 3


def test_another_order_of_the_buyer_tampered_with_is_noticed(day: Path) -> None:
    tamper(day, "LIM-01", "quantity_e5", pl.col("quantity_e5") * 2)
    with pytest.raises(ExplanationDiffersError, match=r"another .* than the one stored"):
        explain(day, "LIM-06")
    with pytest.raises(ExplanationDiffersError, match="not the file this batch wrote"):
        explain(day, "REX-001")


@pytest.mark.parametrize("content", [None, b"", b"{}", b"changed"])
def test_another_law_is_not_explained_with(content: bytes | None, day: Path) -> None:
    law = day / "law.json"
    if content is None:
        law.unlink()
    else:
        law.write_bytes(law.read_bytes().replace(b"26000", b"27000") if content == b"changed" else content)
    with pytest.raises(ExplanationDiffersError, match=r"law\.json: the stored law is not the one"):
        explain(day, "LIM-06")


def test_opening_balances_are_part_of_the_explanation(tmp_path: Path, home: Path) -> None:
    orders = write_day(tmp_path / "orders.csv", sample_rows("LIM-0"))
    buyer, balances = sample_rows("LIM-01")[0]["buyer_id"], tmp_path / "balances.csv"
    balances.write_text(f"buyer_id,year,spent\n{buyer},2026,20000.50\n", encoding="utf-8")
    cleared(tmp_path / "day", home, orders, balances=balances)
    first = next(check for check in step(explain(tmp_path / "day", "LIM-01")[0], "limits")["checks"] if check["decides"])
    assert first["numbers"]["spent"] == (2_000_050, "fen")
    stored = tmp_path / "day" / "balances.parquet"
    pl.read_parquet(stored).with_columns(pl.col("spent_fen") - 1).write_parquet(stored)
    with pytest.raises(ExplanationDiffersError, match="spent_fen"):
        explain(tmp_path / "day", "LIM-01")
    stored.unlink()
    with pytest.raises(ExplanationDiffersError, match="spent_fen"):
        explain(tmp_path / "day", "LIM-01")


def test_unknown_order_and_line_are_wrong_calls(sample_day: Path) -> None:
    with pytest.raises(CallError, match="no order 'NOPE'") as refused:
        explain(sample_day, "NOPE")
    assert refused.value.exit_code == 2
    with pytest.raises(CallError, match=r"order 'EXP-11' has no line 9: it has 1, 2, 3, 4, 5, 6, 7"):
        explain(sample_day, "EXP-11", 9)


def test_only_a_finished_batch_is_explained(day: Path, tmp_path: Path) -> None:
    manifest = manifest_of(day) | {"state": "running"}
    (day / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for folder, said in ((day, "is not finished"), (tmp_path, "not a batch folder"), (tmp_path / "no", "not a batch")):
        with pytest.raises(InputError, match=said) as refused:
            explain(folder, "REX-001")
        assert refused.value.exit_code == 3


def test_a_truncated_result_is_named(day: Path) -> None:
    lines = day / "lines.parquet"
    lines.write_bytes(lines.read_bytes()[:5_000])
    with pytest.raises(InputError, match=r"lines\.parquet cannot be read"):
        explain(day, "REX-001")
