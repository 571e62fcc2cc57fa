"""Every worked example of the fact sheets, through the real reader and the whole chain of decisions."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from entrepot.decide.returns import add_return_relief
from entrepot.decide.simplified import simplified_declaration
from tests.cases import LAW, case_files, cases, decided, load, rows_of

AMOUNTS = {"duty", "consumption_tax", "vat", "tax_total"}
FEN = {"spent": "spent_fen", "price": "price_fen"}
CASES = list(cases("cases"))
SIMPLIFIED = list(cases("simplified"))
RETURNS = list(cases("returns"))


def _check(row: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    for name, wanted in expected.items():
        if name in FEN:
            assert row[FEN[name]] == int(str(wanted).replace(".", "")), name
        elif name in AMOUNTS:
            assert row[name] == (None if wanted is None else Decimal(wanted)), name
        elif name == "warnings":
            assert set(wanted) <= set(row["warnings"]), row["warnings"]
        else:
            assert row[name] == wanted, (name, row[name])


@pytest.mark.parametrize(
    ("common", "case"), [(common, case) for _, common, case in CASES], ids=[name for name, *_ in CASES]
)
def test_case(common: dict[str, Any], case: dict[str, Any], tmp_path: Path) -> None:
    result = decided(common, case, tmp_path)
    rows = {(row["order_id"], row["line_no"]): row for row in result.iter_rows(named=True)}
    assert len(rows) == len(rows_of(common, case))
    for expected in case.get("expect_lines", [case.get("expect", {})]):
        key = (expected.get("order_id", "O-1"), expected.get("line_no", 1))
        _check(rows[key], {name: value for name, value in expected.items() if name not in ("order_id", "line_no")})


@pytest.mark.parametrize("case", [case for *_, case in SIMPLIFIED], ids=[name for name, *_ in SIMPLIFIED])
def test_simplified_declaration(case: dict[str, Any]) -> None:
    kinds = pl.DataFrame([{"needs_licence": False, **kind} for kind in case["kinds"]])
    lines = kinds.select(
        "hs_code",
        "needs_licence",
        order_id=pl.lit("O-1"),
        declared_on=pl.lit("2026-03-01").str.to_date(),
        goods_fen=pl.col("value").cast(pl.Int64) * 100,
        quantity_e5=pl.lit(100_000, pl.Int64),
        unit=pl.lit("007"),
    )
    declared = simplified_declaration(lines, LAW)
    wanted = [(kind["hs_code"], int(kind["value"]) * 100, kind.get("kinds", 1)) for kind in case["expect"]]
    assert declared.select("hs_code", "value_fen", "kinds").rows() == wanted
    assert declared.get_column("quantity_e5").to_list() == [kinds * 100_000 for _, _, kinds in wanted]
    assert declared.get_column("declared_line").to_list() == list(range(1, len(wanted) + 1))


@pytest.mark.parametrize(
    ("common", "case"), [(common, case) for _, common, case in RETURNS], ids=[name for name, *_ in RETURNS]
)
def test_return(common: dict[str, Any], case: dict[str, Any]) -> None:
    schema = {"mode": pl.String, "exported_on": pl.Date, "returned_on": pl.Date, "food": pl.Boolean, "original_state": pl.Boolean}
    row = add_return_relief(pl.DataFrame([{**common, **case["given"]}], schema=schema), LAW).row(0, named=True)
    assert {name: row[name] for name in case["expect"]} == case["expect"]


@pytest.mark.parametrize("path", list(case_files()), ids=lambda path: path.name)
def test_every_case_file_names_its_source_and_expects_something(path: Path) -> None:
    book = load(path)
    assert book["source"]
    for case in [*book.get("cases", []), *book.get("simplified", []), *book.get("returns", [])]:
        assert case.get("expect") or case.get("expect_lines"), case["name"]


def test_every_worked_example_of_the_retail_tax_sheet_is_in_the_book() -> None:
    names = " ".join(name for name, *_ in CASES)
    for example in (f"T{number}" for number in range(1, 11)):
        assert f"{example} " in names, example
