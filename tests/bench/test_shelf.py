"""The bench of the list measures every question it names, on lines that hold something for each."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from bench.shelf import NUMBER_BAR_MS, QUERIES, main
from bench.shelf_lines import result_lines

from entrepot.run.result import RESULT


def test_lines_look_like_results() -> None:
    lines = result_lines(0, 5000, date(2026, 3, 10))
    assert lines.schema == RESULT
    assert lines.select("order_id", "line_no").is_unique().all()
    assert lines["line_no"].min() == 1
    assert set(lines["verdict"]) == {"release", "hold", "invalid"}
    assert lines.select(pl.col("tax_total", "waybill_no", "mode").null_count()).row(0) > (0, 0, 0)
    assert lines[1000:1010].equals(result_lines(1000, 10, date(2026, 3, 10)))


def test_every_question_is_measured_in_one_batch_and_in_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--lines", "2000", "--batches", "3", "--runs", "2", "--keep", str(tmp_path)]
    assert main([*asked, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert list(facts["queries"]) == [query.name for query in QUERIES]
    for query in facts["queries"].values():
        assert query["bar_ms"] >= NUMBER_BAR_MS
        assert all(figures["p99_ms"] >= figures["median_ms"] > 0 for figures in (query["one_batch"], query["many_batches"]))
    assert facts["shelving"]["shelf_bytes"] > 0
    assert main(asked) == 0
    assert "first page by waybill" in capsys.readouterr().out
