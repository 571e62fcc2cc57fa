"""The law as the pages read it: the current book, search, rules, what uses what."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML

from entrepot.decide.release import warning_rules
from entrepot.decide.returns import return_rules
from entrepot.decide.rules import Rule
from entrepot.goods.texts import all_texts, text
from entrepot.law import Change, Law
from entrepot.law.describe import describe_change, describe_dated, describe_leaf
from entrepot.law.leaves import Leaf, ScalarLeaf, TableLeaf
from entrepot.run.explain import rules_of

__all__ = [
    "NINE_AREAS", "LeafLine", "RuleLine", "area_names", "book", "changed", "find_leaves", "find_rules", "history_points", "leaf_page",
    "rule_lines", "today",
]  # fmt: skip

NINE_AREAS = tuple(range(1, 10))
CODE_COLUMNS = ("hs_prefix", "hs_code", "heading", "code")
CHINA = "cn"
POINTS_FAR = dt.date(2100, 1, 1)


@cache
def book() -> Law:
    """The law that is loaded here: what ships with Entrepot."""
    return Law.load()


def today() -> dt.date:
    """Today's legal day in China."""
    from zoneinfo import ZoneInfo

    return dt.datetime.now(ZoneInfo(book().jurisdictions[CHINA].time_zone)).date()


@cache
def area_names() -> Mapping[int, Mapping[str, str]]:
    """The nine areas by number, in each language."""
    loaded = YAML(typ="safe").load(files("entrepot.desk.lawbook").joinpath("areas.yaml").read_text(encoding="utf-8"))
    return {int(number): names for number, names in loaded.items()}


@dataclass(frozen=True, slots=True)
class LeafLine:
    """A leaf as the list shows it: what holds today, since when, how sure we are."""

    path: str
    title: str
    value: str | None
    unit: str
    since: dt.date | None
    until: dt.date | None
    rows: int | None
    unconfirmed: bool
    why_empty: str | None


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule as the list shows it: its text, its answer, the law it reads."""

    id: str
    text: str
    answer: str
    law: tuple[str, ...]


def _line(leaf: Leaf, language: str, on: dt.date) -> LeafLine:
    title = leaf.title[language]
    if isinstance(leaf, TableLeaf):
        held = [row for row in leaf.rows if row.holds(on) and row.computable]
        since = max((row.from_ for row in held), default=None)
        return LeafLine(
            leaf.path,
            title,
            None,
            "table",
            since,
            None,
            len(held),
            any(row.unconfirmed for row in held),
            leaf.why_empty,
        )
    assert isinstance(leaf, ScalarLeaf)
    value = book().value(leaf.path, on)
    if value is None:
        return LeafLine(leaf.path, title, None, leaf.unit, None, None, None, False, None)
    return LeafLine(leaf.path, title, value.text, leaf.unit, value.from_, value.until, None, value.unconfirmed, None)


def find_leaves(words: str, language: str, on: dt.date) -> list[LeafLine]:
    """Leaves whose path, titles, notes or sources hold every word; all without words."""
    wanted = words.lower().split()
    return [
        _line(leaf, language, on) for leaf in book().leaves.values() if all(word in _haystack(leaf.path) for word in wanted)
    ]


@cache
def _haystack(path: str) -> str:
    leaf = book().leaf(path)
    dated = leaf.rows if isinstance(leaf, TableLeaf) else leaf.values if isinstance(leaf, ScalarLeaf) else ()
    sources = {str(one.source) for one in dated}
    return " ".join([leaf.path, *leaf.title.values(), leaf.note or "", *sources]).lower()


@cache
def _rules() -> tuple[Rule, ...]:
    """Every rule once, in the order decisions ask them."""
    law = book()
    every = [*rules_of(law), *warning_rules(law), *return_rules(law)]
    return tuple({rule.id: rule for rule in every if rule.id.partition(":")[0] in all_texts()}.values())


def rule_lines(language: str) -> list[RuleLine]:
    """Every rule with its text."""
    return [
        RuleLine(rule.id, text(rule.id.partition(":")[0], language), rule.answer, rule.law)
        for rule in _rules()
        if ":" not in rule.id
    ]


def find_rules(words: str, language: str) -> list[RuleLine]:
    """Rules whose id or text (in either language) holds every word."""
    wanted = words.lower().split()
    known = all_texts()
    return [
        line for line in rule_lines(language)
        if all(word in f"{line.id} {line.text} {' '.join(known[line.id].values())}".lower() for word in wanted)
    ]  # fmt: skip


def history_points(leaf: Leaf) -> list[dict[str, Any]] | None:
    """The steps of a numeric value over time for the history plot; None where it is no number."""
    if not isinstance(leaf, ScalarLeaf):
        return None
    points = [
        {"from": str(one.from_), "until": str(one.until) if one.until else None, "value": one.text, "status": one.status,
         "note": str(one.source)}
        for one in leaf.values
    ]  # fmt: skip
    return points if points and all(_is_number(point["value"]) for point in points) else None


def _is_number(shown: object) -> bool:
    return str(shown).replace(".", "", 1).removeprefix("-").isdecimal()


def changed(differences: Sequence[Change], language: str) -> list[dict[str, Any]]:
    """Differences as rows of a page: title, key, before and after as a person reads them, codes they bear on."""
    law = book()
    rows = []
    for one in differences:
        leaf = law.leaf(one.path)
        said = describe_change(one, leaf)
        rows.append({**said, "title": leaf.title[language], "codes": _codes(one, leaf), "before_text": _short(said["before"]),
                     "after_text": _short(said["after"])})  # fmt: skip
    return rows


def _short(said: Mapping[str, Any] | None) -> str:
    if said is None:
        return ""
    if "value" in said:
        return f"{said['value']} {said['unit']}".strip()
    return ", ".join(f"{name} {value}" for name, value in said["row"].items() if value is not None)


def _codes(change: Change, leaf: Leaf) -> tuple[str, ...]:
    """The code prefixes a change bears on; empty when it is not bound to goods."""
    if not isinstance(leaf, TableLeaf):
        return ()
    found = set()
    for row in (change.before, change.after):
        if row is not None:
            cells = describe_dated(row, leaf)["row"]
            found |= {str(cells[name]) for name in CODE_COLUMNS if cells.get(name)}
    return tuple(sorted(found))


def leaf_page(path: str, on: dt.date | None = None) -> dict[str, Any]:
    """One leaf with everything it ever said; LawError for an unknown path."""
    leaf = book().leaf(path)
    used = [rule.id for rule in _rules() if path in rule.law]
    return {**describe_leaf(leaf, on), "used_by": used, "points": history_points(leaf)}
