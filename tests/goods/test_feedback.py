"""What is written for a person comes back: problems to read, refused rows to mend and feed in again."""

import csv
from pathlib import Path

import polars as pl
import pytest

from entrepot.goods.errors import WorldError
from entrepot.goods.mapping import PLAIN
from entrepot.goods.parse import Parsed, parse
from entrepot.goods.problems import no_problems, write_problems_csv, write_refused_csv
from entrepot.goods.read import RawBatch, read_batches
from tests.goods.helpers import KEY, codes, parsed, rows_of, write_csv


def _both(path: Path) -> tuple[RawBatch, Parsed]:
    (raw,) = read_batches(path)
    return raw, parse(raw, PLAIN, key=KEY, first_row_id=0)


def _refused(raw: RawBatch, found: Parsed) -> pl.DataFrame:
    return raw.frame.hstack([found.lines["row_id"]]).filter(~found.lines["valid"])


def _cells(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as source:
        return list(csv.DictReader(source))


def test_refused_rows_are_mended_and_read_again(tmp_path: Path) -> None:
    rows = rows_of({}, {"quantity": "-2", "description": "=HYPERLINK(1)"}, {"unit_price": "1,5", "sku": "+1"}, {})
    raw, found = _both(write_csv(tmp_path / "orders.csv", rows))
    refused = tmp_path / "refused.csv"
    write_refused_csv(_refused(raw, found), found.problems, refused)
    cells = _cells(refused)
    assert [row["line_no"] for row in cells] == ["2", "3"]
    assert cells[0]["description"] == "'=HYPERLINK(1)"
    assert cells[0]["quantity"] == "'-2"
    assert "must be more than zero" in cells[0]["_problems"]
    assert "必须大于零" in cells[0]["_problems"]
    assert codes(parsed(refused).problems) == codes(found.problems)
    cells[0]["quantity"], cells[1]["unit_price"] = "2", "1.5"
    again = parsed(write_csv(tmp_path / "mended.csv", cells))
    assert codes(again.problems) == []
    assert again.lines["description"].to_list() == ["=HYPERLINK(1)", "desk lamp"]
    assert again.lines["sku"].to_list() == [None, "+1"]


def test_a_row_that_is_none_keeps_its_text(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "orders.csv", rows_of({}))
    with path.open("a", encoding="utf-8") as target:
        target.write("A9,too,short\n")
    raw, found = _both(path)
    write_refused_csv(_refused(raw, found), found.problems, tmp_path / "refused.csv")
    assert _cells(tmp_path / "refused.csv")[0]["_raw"] == "A9,too,short"


def test_rows_of_differing_files_share_one_refused_file(tmp_path: Path) -> None:
    frames, problems = [], [no_problems()]
    for number, change in enumerate(({"quantity": "0"}, {"quantity": "0", "sku": "S"}, {"quantity": "0"})):
        (raw,) = read_batches(write_csv(tmp_path / f"{number}.csv", rows_of(change)))
        found = parse(raw, PLAIN, key=KEY, first_row_id=number)
        frames.append(_refused(raw, found))
        problems.append(found.problems)
    write_refused_csv(iter(frames), pl.concat(problems), tmp_path / "refused.csv")
    cells = _cells(tmp_path / "refused.csv")
    assert [row["sku"] for row in cells] == ["", "S", ""]
    assert [row["quantity"] for row in cells] == ["0", "0", "0"]
    assert len(codes(parsed(tmp_path / "refused.csv").problems)) == 3


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_starts_a_formula(tmp_path: Path, start: str) -> None:
    problems = no_problems().vstack(
        pl.DataFrame([dict.fromkeys(("field", "given"), f"{start}cmd")]).select(
            *(pl.lit(None, dtype=dtype).alias(name) if name not in ("field", "given") else pl.col(name)
              for name, dtype in no_problems().schema.items())
        )
    )  # fmt: skip
    write_problems_csv(problems, tmp_path / "problems.csv")
    assert _cells(tmp_path / "problems.csv")[0]["given"].startswith("'")


def test_a_file_that_cannot_be_written_is_the_worlds_fault(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="cannot write") as caught:
        write_problems_csv(no_problems(), tmp_path / "no" / "problems.csv")
    assert caught.value.retryable
    if Path("/dev/full").exists():
        rows = pl.concat([no_problems(), parsed(write_csv(tmp_path / "a.csv", rows_of({"quantity": "0"}))).problems])
        with pytest.raises(WorldError, match="No space left"):
            write_problems_csv(rows, "/dev/full")
