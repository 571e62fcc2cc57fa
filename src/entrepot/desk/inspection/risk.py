"""How risky a parcel is, as points from 0 to 100 with the reason of each: which parcel an inspector looks at first.

The points are an assumption of ours, kept as data (`weights.yaml`); no decision depends on them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML

__all__ = ["Parcel", "Weights", "risk_of", "weights"]

Weights = Mapping[str, Any]
MOST = 100
NEUTRAL = ("release.nothing-to-check", "release.random-sample")
"""Rules that say nothing against a parcel: green, and drawn by lot (for which the lane counts)."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What counts of a parcel. `rules` are the rules that decided its lines; `value_fen` None is unknown."""

    lane: str
    rules: Sequence[str]
    value_fen: int | None
    tax_unknown: bool
    seller_new: bool


@cache
def weights() -> Weights:
    """The points as shipped."""
    source = files(__package__).joinpath("weights.yaml").read_text(encoding="utf-8")
    loaded: Weights = YAML(typ="safe").load(source)
    return loaded


def risk_of(parcel: Parcel, points: Weights) -> tuple[int, list[dict[str, Any]]]:
    """The risk of a parcel, 0 to 100, and why: `reason`, `about` (a lane or rule, else empty) and `points`, most first.

    Of several rules the weightiest counts. The sum is cut at 100; the reasons keep their points.
    """
    rule, rule_points = _weightiest(parcel.rules, points)
    counted = [
        ("lane", parcel.lane, points["lane"].get(parcel.lane, 0)),
        ("rule", rule, rule_points),
        ("value", "", _value_points(parcel.value_fen, points)),
        ("value-unknown", "", points["value_unknown"] if parcel.value_fen is None else 0),
        ("tax-unknown", "", points["tax_unknown"] if parcel.tax_unknown else 0),
        ("seller-new", "", points["seller_new"] if parcel.seller_new else 0),
    ]
    reasons = [{"reason": reason, "about": about, "points": given} for reason, about, given in counted if given]
    reasons.sort(key=lambda reason: -reason["points"])
    return min(MOST, sum(given for _, _, given in counted)), reasons


def _weightiest(rules: Sequence[str], points: Weights) -> tuple[str, int]:
    weighed = [(points["rule"].get(rule, points["other_rule"]), rule) for rule in sorted(rules) if rule not in NEUTRAL]
    given, rule = max(weighed, key=lambda pair: pair[0], default=(0, ""))
    return rule, given


def _value_points(value_fen: int | None, points: Weights) -> int:
    reached = [step["points"] for step in points["value_cny"] if value_fen is not None and value_fen >= step["from"] * 100]
    return max(reached, default=0)
