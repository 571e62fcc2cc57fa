"""What taking a mode brings with it: rank, papers and messages, rebate, import tax (trade-modes.md 1.1, 1.4, 1.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from entrepot.decide.mode import RANKED
from entrepot.law import Law
from entrepot.law.kept import once_per_law
from entrepot.law.leaves import COMPUTABLE

__all__ = ["Consequences", "consequences"]

CODES, DOCUMENTS = "cn/mode/codes", "cn/mode/documents"


@dataclass(frozen=True, slots=True)
class Consequences:
    """Of one mode on one day: `rank` from 1, `documents` to their need (required, optional, not_required), and the
    codes of the rebate on export or the tax on import; None where the law that is loaded does not say."""

    rank: int
    documents: Mapping[str, str]
    rebate: str | None
    import_tax: str | None


def consequences(law: Law, mode: str, direction: str, day: date) -> Consequences:
    """What a mode asks and gives for a direction (`export`, `import`) on a day."""
    codes = law.table(CODES).row(day, mode=mode) or {}
    documents = {
        name: need for name, need, from_, until in _documents(law, mode, direction)
        if from_ <= day and (until is None or day < until)
    }  # fmt: skip
    export = direction == "export"
    return Consequences(
        RANKED.index(mode) + 1, documents, codes.get("export_vat") if export else None,
        None if export else codes.get("import_duty"))


@once_per_law
def _documents(law: Law, mode: str, direction: str) -> list[tuple[str, str, date, date | None]]:
    """Every document a mode ever asked for in a direction: name, need, from, until."""
    asked = law.table(DOCUMENTS).frame.filter(
        (pl.col("mode") == mode) & (pl.col("direction") == direction) & pl.col("status").is_in(COMPUTABLE)
    )
    return asked.sort("document").select("document", "need", "from", "until").rows()
