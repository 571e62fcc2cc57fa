"""No unconfirmed value of the law is used in silence: every leaf the decisions read has a way to say so."""

from pathlib import Path

import entrepot.decide
from entrepot.decide.release import MARKED, readers, warning_rules
from entrepot.law import Law
from entrepot.law.leaves import ScalarLeaf, TableLeaf

SOURCE = "".join(path.read_text(encoding="utf-8") for path in sorted(Path(entrepot.decide.__file__).parent.glob("*.py")))
SAID_ELSEWHERE = {
    "cn/returns/last_day_inside": "relief_unconfirmed",
    "cn/mode/1039/simplified_excluded_first": "law.unconfirmed:{EXCLUDED_FIRST}",
    "cn/customs_rate/monthly": "value.not-customs-rate",
}


def unconfirmed_paths(law: Law) -> set[str]:
    found = set()
    for path in law.paths():
        leaf = law.leaf(path)
        dated = leaf.values if isinstance(leaf, ScalarLeaf) else leaf.rows if isinstance(leaf, TableLeaf) else ()
        if any(one.unconfirmed and one.computable for one in dated):
            found.add(path)
    return found


def test_every_unconfirmed_leaf_the_decisions_name_warns() -> None:
    law = Law.load()
    used = {path for path in unconfirmed_paths(law) if f'"{path}"' in SOURCE}
    assert {"cn/cbec/rounding_mode", "cn/ct/class_by_code", "cn/vat/class_by_code"} <= used
    warned = {rule.id.removeprefix("law.unconfirmed:") for rule in warning_rules(law)}
    assert used - set(SAID_ELSEWHERE) <= warned
    assert all(how in SOURCE for how in SAID_ELSEWHERE.values())


def test_every_table_a_rule_reads_carries_the_mark_of_its_row_or_has_none_unconfirmed() -> None:
    law = Law.load()
    tables = {path for path in readers(law) if path not in law.scalar_paths()}
    assert not (tables - set(MARKED)) & unconfirmed_paths(law)
