"""The chain for one line that is an order of its own and the only one of its buyer: a quote, without any frame.

The steps are those of `chain`, the rules and lookups the very same; only nothing is planned, joined or converted. The line
is a mapping of columns to values, to which every step adds. `tests/run/test_quote.py` holds it equal to the chain.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from entrepot.decide.chain import LISTED, listing
from entrepot.decide.few import Columns
from entrepot.decide.limits import limit_rule, limit_scope
from entrepot.decide.mode import CREATED, MODES, RETAIL, district_lookups, mode_columns, wish_columns
from entrepot.decide.orders import order_of_one
from entrepot.decide.tax import CLASSES, CT_RATE, class_columns, price_tests, tax_columns
from entrepot.decide.value import AMOUNTS, PRICE, RATE, RATE_OF, USD_RATE
from entrepot.law import Law
from entrepot.law.kept import once_per_law

__all__ = ["Line", "decide_one"]

Line = dict[str, Any]
NOT_RETAIL = {"limit_applies": False, "limit_may_apply": False}
MEMORY = 4096
"""Facts of days and codes that are held, over all laws."""


def decide_one(line: Line, modes: Sequence[str], law: Law, spent_fen: int = 0) -> list[Line]:
    """The line decided once for each mode asked for; nothing when its currency has no rate that day.

    `line` has the columns the chain reads. Each answer has the option of its own mode alone, and a mode the law refuses
    has no tax columns. Raises NotPlainError when the engine must answer (`chain.decide`).
    """
    once = dict(line)
    RATE_OF.told(once, law)
    RATE.into(once)
    if once["rate_cny_e6"] is None:
        return []
    once |= {"exported_on": once["declared_on"], "spent_known": True, "spent_fen": spent_fen, "limit_uncertain": False}
    once |= _mode_facts(law, once["declared_on"], once["customs_district"])
    once |= _tax_facts(law, once["declared_on"], once["hs_code"] if once["direction"] == "import" else None)
    LISTED.told(once, law)
    for columns in _once(law):
        columns.into(once)
    return [_decided({**once, "mode_wanted": mode}, mode, law) for mode in modes]


@once_per_law
def _once(law: Law) -> tuple[Columns, ...]:
    """What is the same whichever mode is asked for."""
    return listing(complete=law.table(LISTED.path).complete), AMOUNTS, PRICE, order_of_one(), price_tests(law)


@lru_cache(maxsize=MEMORY)
def _mode_facts(law: Law, day: date, district: str | None) -> Mapping[str, Any]:
    """What `add_usd_rate` and `add_mode_facts` add."""
    line: Line = {"declared_on": day, "_district": None if district is None else district[:2] + "00", "_usd": "USD"}
    for lookup in (USD_RATE, *district_lookups()):
        lookup.told(line, law)
    for mode in MODES:
        line["_mode"] = mode
        CREATED.told(line, law)
        line[f"created_{mode}"] = line["created"]
    return line


@lru_cache(maxsize=MEMORY)
def _tax_facts(law: Law, day: date, code: str | None) -> Mapping[str, Any]:
    """What is joined to an imported line for its code."""
    line: Line = {"declared_on": day, "hs_code": code}
    for lookup in CLASSES:
        lookup.told(line, law)
    class_columns(law).into(line)
    CT_RATE.told(line, law)
    del line["hs_code"]
    return line


def _decided(line: Line, mode: str, law: Law) -> Line:
    if mode in RETAIL:
        limit_scope(law).into(line)
    else:
        line |= NOT_RETAIL
    limit_rule(law).into(line)
    wish_columns(law, mode).read_as(mode_columns(law)).into(line)
    if not line["mode_refused"]:
        tax_columns(law).into(line)
    return line
