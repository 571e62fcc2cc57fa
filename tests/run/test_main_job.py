"""The main job on the sample day: every line decided, every figure true, every bad row mendable."""

import re
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.run.days import cleared, documents, indexed, lines_of, rows_of, sample_rows, summary_of, write_day

SUMMARY = {
    "rows_in", "rows_decided", "rows_refused", "orders", "parcels", "parcels_released", "paperless_ratio", "by_mode",
    "by_verdict", "by_lane", "by_reason", "by_warning", "tax_total_cny", "law_hash", "code_version", "messages",
}  # fmt: skip
MONEY = pl.Decimal(18, 2)
COLUMNS = {
    "order_id": pl.String, "line_no": pl.Int64, "hs_code": pl.String, "mode": pl.String, "verdict": pl.String,
    "lane": pl.String, "duty": MONEY, "consumption_tax": MONEY, "vat": MONEY, "tax_total": MONEY,
    "mode_rule": pl.String, "tax_rule": pl.String, "release_rule": pl.String, "reasons": pl.List(pl.String),
    "warnings": pl.List(pl.String),
}  # fmt: skip
Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def summary(sample_day: Path) -> dict[str, Any]:
    return summary_of(sample_day)


@pytest.fixture(scope="module")
def lines(sample_day: Path) -> Lines:
    """Result lines as plain Python, read without our code."""
    rows: Lines = pq.read_table(sample_day / "lines.parquet").to_pylist()
    return rows


def test_rows_in_are_rows_decided_and_refused(summary: dict[str, Any], lines: Lines) -> None:
    assert set(summary) >= SUMMARY
    assert summary["rows_in"] == len(sample_rows()) == len(lines)
    assert summary["rows_in"] == summary["rows_decided"] + summary["rows_refused"]
    assert summary["rows_in"] == sum(summary["by_verdict"].values())
    assert summary["rows_refused"] == summary["by_verdict"]["invalid"] > 0


def test_every_input_row_is_one_result_line(lines: Lines) -> None:
    assert sorted(line["row_id"] for line in lines) == list(range(len(lines)))
    given = [row["order_id"] for row in sample_rows()]
    for line in lines:
        assert line["order_id"] in (given[line["row_id"]], None), line
        assert line["order_id"] or line["verdict"] == "invalid"


def test_result_columns_and_their_types(sample_day: Path) -> None:
    schema = pl.read_parquet_schema(sample_day / "lines.parquet")
    assert {name: schema[name] for name in COLUMNS} == COLUMNS
    invalid = lines_of(sample_day).filter(pl.col("verdict") == "invalid")
    assert invalid.height > 50
    assert invalid.select("mode", "lane", "tax_rule", "duty", "tax_total").null_count().row(0) == (invalid.height,) * 5


def test_unknown_tax_is_null_and_a_total_is_never_part_of_a_sum(lines: Lines) -> None:
    taxes = ("duty", "consumption_tax", "vat")
    imports = [line for line in lines if line["direction"] == "import" and line["verdict"] != "invalid"]
    unknown = [line for line in imports if line["tax_total"] is None]
    assert unknown
    assert all("release.tax-unknown" in line["reasons"] or line["verdict"] != "release" for line in unknown)
    for line in imports:
        parts = [line[tax] for tax in taxes]
        assert line["tax_total"] == (None if None in parts else sum(parts)), line["order_id"]


def test_summary_figures_counted_again_by_hand(summary: dict[str, Any], lines: Lines) -> None:
    decided = [line for line in lines if line["verdict"] != "invalid"]
    for name in ("mode", "lane", "tax_rule", "direction"):
        assert summary[f"by_{name}"] == Counter(line[name] for line in decided if line[name]), name
    assert summary["by_verdict"] == Counter(line["verdict"] for line in lines)
    assert summary["by_reason"] == Counter(reason for line in lines for reason in line["reasons"])
    assert summary["by_warning"] == Counter(warning for line in lines for warning in line["warnings"])
    total = sum((line["tax_total"] for line in decided if line["tax_total"] is not None), Decimal(0))
    assert Decimal(str(summary["tax_total_cny"])) == total > 0
    assert summary["tax_unknown_lines"] == sum(
        line["tax_total"] is None and line["line_kind"] == "sale" for line in decided)


def test_paperless_ratio_is_parcels_released_of_parcels_decided(summary: dict[str, Any], lines: Lines) -> None:
    parcels: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        if line["verdict"] != "invalid" and line["line_kind"] == "sale":
            parcels[line["order_id"]].append(line)
    released = {order for order, of in parcels.items() if all(line["verdict"] == "release" for line in of)}
    assert (summary["parcels"], summary["parcels_released"]) == (len(parcels), len(released))
    assert summary["paperless_ratio"] == round(len(released) / len(parcels), 6)
    assert sum(part["parcels"] for part in summary["paperless"]) == len(parcels)
    for name, column in (("port", "customs_district"), ("mode", "mode"), ("day", "declared_on")):
        counted = Counter(str(of[0][column] or {"port": "unknown", "mode": "none"}[name]) for of in parcels.values())
        shown: Counter[str] = Counter()
        for part in summary["paperless"]:
            shown[part[name]] += part["parcels"]
        assert shown == counted, name


def test_a_released_parcel_has_its_documents_and_no_other_has_any(sample_day: Path, lines: Lines) -> None:
    assert sorted(documents(sample_day)) == sorted(indexed(sample_day))
    of_order = defaultdict(set)
    for kind, _, order in indexed(sample_day):
        of_order[order].add(kind)
    for line in lines:
        declared = of_order.get(line["order_id"] or "", set())
        if line["verdict"] != "release":
            assert not declared, line["order_id"]
        elif line["direction"] == "import":
            assert declared == {"621"}, line["order_id"]
        elif line["list_form"]:
            assert declared == {"303", "603"}, line["order_id"]


def test_every_refused_row_is_told_why_and_no_other(sample_day: Path, lines: Lines) -> None:
    told = {int(problem["row_id"]) for problem in rows_of(sample_day / "problems.csv")}
    assert told == {line["row_id"] for line in lines if line["verdict"] == "invalid"}
    assert told < set(to_mend(lines))
    assert len(rows_of(sample_day / "refused.csv")) == len(to_mend(lines))


def to_mend(lines: Lines) -> list[int]:
    """The rows a person gets back: the refused ones and the good rows of their orders."""
    waits = "release.order-incomplete"
    return sorted(line["row_id"] for line in lines if line["verdict"] == "invalid" or waits in line["reasons"])


def test_refused_rows_mended_and_fed_back_are_all_good(
    sample_day: Path, lines: Lines, tmp_path: Path, home: Path
) -> None:
    """Each row is mended in nothing but the fields its problems name; a row that is none is typed anew."""
    good = sample_rows("REX-001")[0] | {"net_mass": "0.01", "gross_mass": "", "content_quantity": ""}
    problems: dict[int, set[str]] = defaultdict(set)
    for problem in rows_of(sample_day / "problems.csv"):
        problems[int(problem["row_id"])].add(problem["field"])
    refused = rows_of(sample_day / "refused.csv")
    for number, (row, row_id) in enumerate(zip(refused, to_mend(lines), strict=True), start=900):
        mended = good | {"line_no": str(number), "order_id": f"MEND-{number}"}
        wrong = problems[row_id] if "" not in problems[row_id] else set(mended)
        row |= {field: mended[field] for field in wrong}
        if "content_quantity" in problems[row_id]:
            row["content_unit"] = ""
    again = cleared(tmp_path / "again", home, write_day(tmp_path / "refused.csv", refused))
    assert again["by_problem"] == {}
    assert (again["rows_in"], again["rows_refused"]) == (len(refused), 0)
    stored = pl.read_parquet(tmp_path / "again" / "persons.parquet").get_column("buyer_telephone")
    assert not stored.str.starts_with("'").any(), "the mark against formulas must not stay in the data"


def test_report_shows_the_summary_and_needs_no_network(sample_day: Path, summary: dict[str, Any]) -> None:
    page = (sample_day / "report.html").read_text(encoding="utf-8")
    assert f"{summary['rows_in']:,}" in page
    assert summary["law_hash"] in page
    assert {one for one in re.findall(r"https?://[^\s\"'<>)]+", page) if "//www.w3.org/" not in one} == set()
    assert not re.search(r"""(?:src|href|action)\s*=\s*["']?(?!#|data:|["'>])\S|@import|url\((?!["']?(?:#|data:))""", page)


def test_two_inputs_of_one_name_are_told_apart(tmp_path: Path, home: Path) -> None:
    (tmp_path / "monday").mkdir()
    first = write_day(tmp_path / "orders.csv", sample_rows("REX-001", "BAD-12"))
    second = write_day(tmp_path / "monday" / "orders.csv", sample_rows("REX-002", "REX-003", "BAD-13"))
    summary = cleared(tmp_path / "out", home, first, second)
    assert [(one["name"], one["rows"]) for one in summary["inputs"]] == [("orders.csv", 2), ("orders.csv (2)", 3)]
    problems = {(row["source_file"], row["row"]) for row in rows_of(tmp_path / "out" / "problems.csv")}
    assert problems == {("orders.csv", "2"), ("orders.csv (2)", "3")}


@pytest.mark.parametrize(("only", "expected"), [("BAD-1", {"invalid"}), ("CXL-02", {"hold"}), ("WHS-01", {"refuse"})])
def test_a_day_without_any_release_is_a_day_too(
    only: str, expected: set[str], sample_day: Path, tmp_path: Path, home: Path
) -> None:
    summary = cleared(tmp_path / "out", home, write_day(tmp_path / "orders.csv", sample_rows(only)))
    assert {verdict for verdict, count in summary["by_verdict"].items() if count} == expected
    assert documents(tmp_path / "out") == []
    assert lines_of(tmp_path / "out").schema == lines_of(sample_day).schema
    assert summary["paperless_ratio"] in (None, 0)
