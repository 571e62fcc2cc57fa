"""An explanation as a page shows it: the steps of a line in order, each with the rule that decided it, its figures and its law."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import NoReverseMatch, reverse

from entrepot.decide.release import GREEN
from entrepot.goods.texts import all_texts, text
from entrepot.run.wording import mode_name, rule_text, shown

__all__ = [
    "Cited", "Option", "Paper", "Step", "Tried", "explained_steps", "leaf_address", "options_of", "papers_of", "warnings_of",
]  # fmt: skip

Explained = Mapping[str, Any]
TONES = {"yes": "ok", "no": "bad", "unknown": "warn"}
STEPS = ("value", "limits", "mode", "form", "tax", "release")
VERDICT_TONES = {"release": "ok", "hold": "warn", "refuse": "bad", "invalid": "bad"}


@dataclass(frozen=True, slots=True)
class Cited:
    """A leaf of the law as it stood on the day of the line; `value` is empty where no row of a table was met."""

    path: str
    title: str
    href: str
    value: str = ""
    since: str = ""
    until: str = ""
    source: str = ""
    status: str = ""
    unconfirmed: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """A rule that was tried: what it says, whether it held, whether it decided, its figures and its law."""

    rule: str
    says: str
    answer: str
    held: bool
    decides: bool
    figures: list[tuple[str, str]]
    law: list[Cited]

    @property
    def tone(self) -> str:
        """ok, warn or bad, after its answer."""
        return TONES.get(self.answer, "")


@dataclass(frozen=True, slots=True)
class Paper:
    """A document or message a mode asks for."""

    name: str
    need: str
    needed: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a line's walk. `sentence` holds its figures in words; `decides` are the rules that decided it."""

    name: str
    title: str
    tone: str
    sentence: str = ""
    decides: list[Tried] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Option:
    """A mode of trade: taken, open but behind, or closed; and what it asks and gives."""

    mode: str
    name: str
    taken: bool
    open: bool
    rules: list[Tried]
    rank: int
    papers: list[Paper]
    rebate: str
    import_tax: str


def explained_steps(explained: Explained, language: str) -> list[Step]:
    """The steps of one line (`run.explain`), without the options; none of a line that was not decided."""
    found = {step["step"]: step for step in explained["steps"]}
    return [_step(found[name], explained, language) for name in STEPS if name in found]


def _step(step: Mapping[str, Any], explained: Explained, language: str) -> Step:
    name, figures = step["step"], step.get("figures", {})
    tried = [_tried(check, explained, language) for check in step["checks"]]
    decides = [one for one in tried if one.decides]
    if name == "release":
        decides = _reasons(tried, explained, language)
    said = {key: shown(value, unit) for key, (value, unit) in figures.items()}
    sentence = text(f"explain.figures-{name}", language, **said) if said else ""
    tone = VERDICT_TONES[explained["verdict"]] if name == "release" else _tone(decides)
    if name == "tax" and any(value is None for value, _ in figures.values()):
        tone = "warn"
    return Step(name, text(f"explain.{name}", language), tone, sentence, decides, tried)


def _tone(decides: Sequence[Tried]) -> str:
    """A step that was decided is done well; only an open question is worth a colour."""
    return "warn" if any(one.answer == "unknown" for one in decides) else "ok"


def _reasons(tried: Sequence[Tried], explained: Explained, language: str) -> list[Tried]:
    """Every reason why a line is not released, or the rule that released it."""
    held = [one for one in tried if one.held]
    if held:
        return held
    rule = explained["release_rule"]
    return [Tried(rule, rule_text(rule, language), "yes" if rule == GREEN else "unknown", True, True, [], [])]


def _tried(check: Mapping[str, Any], explained: Explained, language: str) -> Tried:
    figures = [(text(f"number.{name}", language), shown(value, unit)) for name, (value, unit) in check["numbers"].items()]
    law = [_cited(one, explained, language) for one in check["law"]]
    says = rule_text(check["rule"], language)
    return Tried(check["rule"], says, check["answer"], check["held"], check["decides"], figures, law)


def _cited(law: Mapping[str, Any], explained: Explained, language: str) -> Cited:
    href = leaf_address(law["path"], explained["declared_on"])
    title = law["title"].get(language) or law["title"].get("en", law["path"])
    if law["value"] is None:
        return Cited(law["path"], title, href)
    return Cited(
        law["path"], title, href, f"{law['value']} {law['unit']}".strip(), law["from"], law["until"] or "", law["source"],
        law["status"], law["mark"] == "?",
    )  # fmt: skip


def leaf_address(path: str, day: Any) -> str:
    """The page of a leaf of the law on a day; empty where the desk has no such page."""
    try:
        return f"{reverse('law_leaf', kwargs={'path': path})}?on={day}"
    except NoReverseMatch:
        return ""


def options_of(explained: Explained, language: str) -> list[Option]:
    """Every mode that was weighed: the one taken first, then the open ones, then the closed ones, each by rank."""
    found = [_option(step, explained, language) for step in explained["steps"] if step["step"].startswith("option ")]
    return sorted(found, key=lambda option: (not option.taken, not option.open, option.rank))


def _option(step: Mapping[str, Any], explained: Explained, language: str) -> Option:
    mode, of = step["step"].partition(" ")[2], step["consequences"]
    rules = [_tried(check, explained, language) for check in step["checks"] if check["decides"]]
    return Option(
        mode, mode_name(mode)[language], bool(step["taken"]), any(rule.answer != "no" for rule in rules), rules, of["rank"],
        list(_papers(of["documents"], language)), _known("rebate", of["rebate"], language),
        _known("import_tax", of["import_tax"], language),
    )  # fmt: skip


def _papers(documents: Mapping[str, str], language: str) -> Iterator[Paper]:
    for name, need in documents.items():
        yield Paper(text(f"document.{name}", language), text(f"need.{need}", language), need == "required")


def _known(kind: str, value: str | None, language: str) -> str:
    return text(f"{kind}.{value}", language) if value else ""


def papers_of(explained: Explained, language: str) -> list[Paper] | None:
    """The documents the mode taken asks for; None when that is unknown or no mode was taken."""
    taken = next((option for option in options_of(explained, language) if option.taken), None)
    return (taken.papers or None) if taken else None


def warnings_of(explained: Explained, language: str) -> list[str]:
    """What a reader must know although it stopped nothing, each as a sentence."""
    return [_known_text(warning, language) for warning in explained["warnings"]]


def _known_text(rule: str, language: str) -> str:
    return rule_text(rule, language) if rule.partition(":")[0] in all_texts() else rule
