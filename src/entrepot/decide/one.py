"""The chain for one line that is an order of its own and the only one of its buyer: a quote, without any frame.

The steps are those of `chain`, the rules and lookups the very same; only nothing is planned, joined or converted. The line
is a mapping of columns to values, to which every step adds. `tests/run/test_quote.py` holds it equal to the chain.
"""

from collections.abc import Sequence
from typing import Any

from entrepot.decide.chain import LISTED, REFUSED, listing
from entrepot.decide.few import Columns
from entrepot.decide.limits import limit_rule, limit_scope
from entrepot.decide.mode import CREATED, MODES, district_lookups, mode_columns
from entrepot.decide.orders import order_of_one
from entrepot.decide.tax import CLASSES, CT_RATE, class_columns, price_tests, tax_columns
from entrepot.decide.value import AMOUNTS, PRICE, RATE, RATE_OF, USD_RATE
from entrepot.law import Law
from entrepot.law.kept import once_per_law

__all__ = ["Line", "decide_one"]

Line = dict[str, Any]


def decide_one(line: Line, modes: Sequence[str], law: Law, spent_fen: int = 0) -> list[Line]:
    """The line decided once for each mode asked for; nothing when its currency has no rate that day.

    `line` has the columns the chain reads. Raises NotPlainError when the engine must answer (`chain.decide`).
    """
    once = dict(line)
    RATE_OF.told(once, law)
    RATE.into(once)
    if once["rate_cny_e6"] is None:
        return []
    once |= {"exported_on": once["declared_on"], "spent_known": True, "spent_fen": spent_fen, "limit_uncertain": False}
    _tell_value(once, law)
    _tell_mode_facts(once, law)
    _tell_tax_facts(once, law)
    return [_decided({**once, "mode_wanted": mode}, law) for mode in modes]


def _tell_value(line: Line, law: Law) -> None:
    LISTED.told(line, law)
    listing(complete=law.table(LISTED.path).complete).into(line)
    for columns in (AMOUNTS, PRICE, order_of_one()):
        columns.into(line)
    line["_usd"] = "USD"
    USD_RATE.told(line, law)


def _tell_mode_facts(line: Line, law: Law) -> None:
    district = line["customs_district"]
    line["_district"] = None if district is None else district[:2] + "00"
    for lookup in district_lookups():
        lookup.told(line, law)
    for mode in MODES:
        line["_mode"] = mode
        CREATED.told(line, law)
        line[f"created_{mode}"] = line["created"]


def _tell_tax_facts(line: Line, law: Law) -> None:
    facts = {"declared_on": line["declared_on"], "hs_code": line["hs_code"] if line["direction"] == "import" else None}
    for lookup in CLASSES:
        lookup.told(facts, law)
    class_columns(law).into(facts)
    CT_RATE.told(facts, law)
    line |= {name: value for name, value in facts.items() if name != "hs_code"}
    price_tests(law).into(line)


def _decided(line: Line, law: Law) -> Line:
    for columns in _of_mode(law):
        columns.into(line)
    return line


@once_per_law
def _of_mode(law: Law) -> tuple[Columns, ...]:
    return limit_scope(law), limit_rule(law), mode_columns(law), REFUSED, tax_columns(law)
