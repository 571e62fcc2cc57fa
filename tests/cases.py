"""Reads the casebook under `cases/` and turns a case into real rows of a file.

A case file has `given` (what all its cases share) and `cases`; a case gives one row (`given`) or several
(`lines`), law rows of an example (`law`), opening balances (`spent`), and what is expected.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML

from entrepot.decide.chain import decide, without_rate
from entrepot.decide.release import add_release
from entrepot.goods.mapping import PLAIN
from entrepot.goods.nomenclature import Nomenclature
from entrepot.goods.parse import buyer_keys, parse
from entrepot.goods.read import read_batches
from entrepot.law import Law
from entrepot.run.result import as_result

CASES = Path(__file__).parent.parent / "cases"
KEY = b"the key of the casebook, 32 byte"
LAW = Law.load()


def case_files() -> Iterator[Path]:
    return iter(sorted(CASES.rglob("*.yaml")))


def load(path: Path) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(path.read_text(encoding="utf-8")))


def cases(kind: str) -> Iterator[tuple[str, dict[str, Any], Mapping[str, Any]]]:
    """Name, common givens and the case itself, of every case of a kind in the whole book."""
    for path in case_files():
        book = load(path)
        for case in book.get(kind, []):
            yield f"{path.relative_to(CASES)}: {case['name']}", dict(book.get("given", {})), case


def rows_of(common: Mapping[str, Any], case: Mapping[str, Any]) -> list[dict[str, str]]:
    base = {"order_id": "O-1", "line_no": 1, "description": "article of the case", **common, **case.get("given", {})}
    rows = [{**base, **line} for line in case.get("lines", [{}])]
    return [{name: str(value) for name, value in row.items()} for row in rows]


def law_of(case: Mapping[str, Any]) -> Law:
    law = LAW
    for path, rows in case.get("law", {}).items():
        law = law.with_table_rows(path, rows)
    return law


def balances_of(case: Mapping[str, Any], rows: list[dict[str, str]]) -> pl.DataFrame | None:
    spent = case.get("spent")
    if not spent:
        return None
    keys = buyer_keys(pl.Series(list(spent)), KEY)
    fen = [int(amount.replace(".", "")) for amount in spent.values()]
    return pl.DataFrame({"buyer_key": keys, "year": int(rows[0]["declared_on"][:4]), "spent_fen": fen})


def decided(common: Mapping[str, Any], case: Mapping[str, Any], folder: Path) -> pl.DataFrame:
    """The result lines of a case, read from a real CSV by the real reader."""
    rows, law = rows_of(common, case), law_of(case)
    path = folder / "case.csv"
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    checked = Nomenclature.load().check
    parsed = [checked(parse(raw, PLAIN, key=KEY, first_row_id=0)) for raw in read_batches(path)]
    problems = pl.concat([part.problems for part in parsed])
    assert problems.is_empty(), problems.select("field", "code", "given").rows()
    no = pl.lit(value=False)
    lines = pl.concat([part.lines for part in parsed]).with_columns(
        order_incomplete=no, waybill_reused=no, cancelled=no, sampled=no, message_rule=pl.lit(None, pl.String)
    )
    priced, unpriced = without_rate(lines, law)
    assert unpriced.is_empty(), "no rate for the currency and day of this case"
    return as_result(add_release(decide(priced, law, balances_of(case, rows)), law))
