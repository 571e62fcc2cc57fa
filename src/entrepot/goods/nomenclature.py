"""The nomenclature codes are checked against: a small starter of chapters, or official lists the user loads.

Only a complete list can say that a code does not exist. The starter is partial, so it says "not checked".
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from io import StringIO
from pathlib import Path

import polars as pl

from entrepot.goods.errors import CallError
from entrepot.goods.parse import Parsed
from entrepot.goods.problems import problem_rows
from entrepot.goods.schema import ROW_COLUMNS

__all__ = ["CODES", "Nomenclature", "chapter_names"]

CODES: pl.Schema = pl.Schema(
    {"code": pl.String(), "name_en": pl.String(), "name_zh": pl.String(), "edition": pl.String(), "source": pl.String()}
)
LENGTHS = (2, 4, 6, 8, 10)
COMPLETE_FROM = {2: 96, 4: 1200, 6: 5000, 8: 8000, 10: 10_000}
"""A list with at least so many codes of a length is taken to hold all of them; 97 chapters, about 5,600 subheadings."""


@dataclass(frozen=True, slots=True)
class Nomenclature:
    """Known codes; `complete_digits` are the lengths of which every code is known."""

    frame: pl.DataFrame
    complete_digits: frozenset[int]
    name: str

    @classmethod
    def load(cls, paths: Iterable[Path | str] | None = None) -> "Nomenclature":
        """The starter, or official lists: an HS file (`hscode`, `description`) or a national one (`code`, `name_zh`).

        Raises CallError for a file that is neither, naming the columns found, and for a code that is none.
        """
        given = [Path(path) for path in paths or ()]
        starter = _starter()
        if not given:
            return cls(starter, frozenset(), "starter")
        frames = [_read(path) for path in given]
        complete = frozenset().union(*(_complete(frame) for frame in frames))
        merged = pl.concat([*frames, starter]).group_by("code", maintain_order=True).agg(pl.all().drop_nulls().first())
        return cls(merged, complete, ", ".join(path.name for path in given))

    def status(self, codes: pl.Series) -> pl.DataFrame:
        """`hs_code` and `code_status` of each distinct code: listed, unknown-code or not-checked.

        A code no longer than a complete list has been checked; a longer one is checked by its first digits only,
        and stays not-checked when they exist. Eight digits under a complete ten-digit list are a node of it.
        """
        distinct = codes.drop_nulls().unique().sort().alias("hs_code").to_frame()
        known = self._nodes()
        listed = pl.col("hs_code").is_in(known.implode())
        length = pl.col("hs_code").str.len_bytes()
        complete = length.is_in(sorted(self._complete_nodes()))
        wrong = ~listed & complete
        for digits in sorted(self._complete_nodes()):
            wrong = wrong | ((length > digits) & ~pl.col("hs_code").str.slice(0, digits).is_in(known.implode()))
        return distinct.with_columns(
            code_status=pl.when(wrong).then(pl.lit("unknown-code"))
            .when(listed & complete).then(pl.lit("listed"))
            .otherwise(pl.lit("not-checked"))
        )  # fmt: skip

    def _complete_nodes(self) -> frozenset[int]:
        """Complete lengths, and the shorter lengths that the first digits of a complete list make complete."""
        longest = max(self.complete_digits, default=0)
        return frozenset(digits for digits in LENGTHS if digits in self.complete_digits or digits < longest)

    def _nodes(self) -> pl.Series:
        codes = self.frame["code"]
        shorter = [codes.filter(codes.str.len_bytes() > digits).str.slice(0, digits) for digits in LENGTHS]
        return pl.concat([codes, *shorter]).unique()

    def check(self, parsed: Parsed) -> Parsed:
        """Add `code_status` to lines with a code; a code a complete list lacks is a problem and refuses its line."""
        lines = parsed.lines.drop("code_status")
        checked = lines.join(self.status(lines["hs_code"]), on="hs_code", how="left", maintain_order="left")
        wrong = checked.filter(pl.col("code_status") == "unknown-code")
        findings = wrong.select(
            *ROW_COLUMNS, field=pl.lit("hs_code"), code=pl.lit("goods.code-unknown"), given=pl.col("hs_code"),
            allowed=pl.lit(self.name),
        )  # fmt: skip
        refused = (pl.col("code_status") == "unknown-code").fill_null(False)
        return replace(
            parsed,
            lines=checked.with_columns(valid=pl.col("valid") & ~refused).select(parsed.lines.columns),
            problems=pl.concat([parsed.problems, problem_rows(findings)]).sort("row_id", maintain_order=True),
        )


@cache
def chapter_names() -> Mapping[str, Mapping[str, str]]:
    """Short names of the 2-digit chapters, own words: `{"61": {"en": ..., "zh": ...}}`."""
    rows = _starter().filter(pl.col("code").str.len_bytes() == 2).iter_rows(named=True)
    return {row["code"]: {"en": row["name_en"], "zh": row["name_zh"]} for row in rows}


def _starter() -> pl.DataFrame:
    text = files("entrepot.goods").joinpath("starter", "nomenclature.csv").read_text(encoding="utf-8")
    return pl.DataFrame(
        [[row[name] or None for name in CODES] for row in csv.DictReader(StringIO(text))], schema=CODES, orient="row"
    )


def _complete(frame: pl.DataFrame) -> frozenset[int]:
    counts = dict(frame.group_by(pl.col("code").str.len_bytes()).len().iter_rows())
    return frozenset(digits for digits, least in COMPLETE_FROM.items() if counts.get(digits, 0) >= least)


def _read(path: Path) -> pl.DataFrame:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as cause:
        raise CallError(f"nomenclature {str(path)!r} is not a readable UTF-8 file") from cause
    reader = csv.DictReader(StringIO(text, newline=""))
    found = set(reader.fieldnames or ())
    code_column = "hscode" if "hscode" in found else "code"
    if code_column not in found or not found & {"description", "name_en", "name_zh"}:
        raise CallError(
            f"nomenclature {str(path)!r}: columns found are {', '.join(sorted(found)) or 'none'}; "
            "needed are hscode and description, or code and name_zh"
        )
    rows = [_row(path, row, code_column) for row in reader if row[code_column] != "TOTAL"]
    return pl.DataFrame(rows, schema=CODES, orient="row").unique("code", keep="first", maintain_order=True)


def _row(path: Path, row: Mapping[str, str], code_column: str) -> list[str | None]:
    code = row[code_column].strip()
    if not (code.isascii() and code.isdigit() and len(code) in LENGTHS):
        raise CallError(f"nomenclature {str(path)!r}: {code!r} is no code; allowed are 2, 4, 6, 8 or 10 digits")
    english = row.get("description") or row.get("name_en")
    return [
        code,
        english or None,
        row.get("name_zh") or None,
        row.get("edition") or None,
        row.get("source") or path.name,
    ]
