"""`entrepot explain`: why a line was decided as it was."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from entrepot.decide.release import GREEN
from entrepot.goods.texts import LANGUAGES, text
from entrepot.run.explain import explain
from entrepot.run.wording import rule_text, shown

__all__ = ["explain_command", "explanation_text"]


def explanation_text(explained: Mapping[str, Any], language: str, every: bool = False) -> str:
    """The tree of one line: steps, the rule that decided each (or `every` rule tried), figures, law."""
    return "\n".join(_tree(explained, language, every))


def _tree(explained: Mapping[str, Any], language: str, every: bool) -> Iterator[str]:
    said = text(f"verdict.{explained['verdict']}", language)
    lane = f" ({text('lane.' + explained['lane'], language)})" if explained["lane"] else ""
    order_id, line_no, day = (explained[name] or "?" for name in ("order_id", "line_no", "declared_on"))
    yield f"{order_id} / {line_no}  {day}  {explained['description'] or ''}"
    yield f"  {text('explain.verdict', language)}: {said}{lane} — {text(explained['release_rule'], language)}"
    for step in explained["steps"]:
        yield from _step(step, language, every)
    for problem in explained["problems"]:
        yield f"  ✗ {problem['field']}: {problem['message_' + language]}"
    for kind in ("reasons", "warnings"):
        for rule in explained[kind]:
            yield f"  {'!' if kind == 'warnings' else '✗'} {rule_text(rule, language)} [{rule}]"


def _step(step: Mapping[str, Any], language: str, every: bool) -> Iterator[str]:
    name, _, mode = step["step"].partition(" ")
    title = text(f"explain.{name}", language, mode=mode)
    taken = f" ← {text('explain.taken', language)}" if step.get("taken") else ""
    figures = {key: shown(value, unit) for key, (value, unit) in step.get("figures", {}).items()}
    yield f"  {title}{taken}" + (": " + text(f"explain.figures-{name}", language, **figures) if figures else "")
    for check in step["checks"]:
        if every or check["decides"]:
            yield from _check(check, language)
    if step["checks"] and step["decides"] and not any(check["decides"] for check in step["checks"]):
        yield f"    {MARKS['yes' if step['decides'] == GREEN else 'no']} {text(step['decides'], language)} [{step['decides']}]"
    if "consequences" in step and any(check["decides"] and check["answer"] != "no" for check in step["checks"]):
        yield f"      {_consequences(step['consequences'], language)}"


def _consequences(of: Mapping[str, Any], language: str) -> str:
    """What an open option asks and gives, on one line."""
    papers = ", ".join(
        f"{text('document.' + name, language)} ({text('need.' + need, language)})" for name, need in of["documents"].items()
    )
    said = {"rank": str(of["rank"]), "documents": papers or text("consequence.unknown", language)}
    for kind in ("rebate", "import_tax"):
        if of[kind]:
            said[kind] = text(f"{kind}.{of[kind]}", language)
    return "; ".join(f"{text('consequence.' + name, language)}: {value}" for name, value in said.items())


def _check(check: Mapping[str, Any], language: str) -> Iterator[str]:
    mark = MARKS[check["answer"]] if check["decides"] else "·"
    numbers = {name: shown(value, unit) for name, (value, unit) in check["numbers"].items()}
    given = (
        "  (" + ", ".join(f"{text('number.' + name, language)} {value}" for name, value in numbers.items()) + ")"
        if numbers
        else ""
    )
    yield f"    {mark} {text(check['rule'], language)} [{check['rule']}]{given}"
    if check["decides"]:
        for law in check["law"]:
            yield f"        § {_cited(law, language)}"


def _cited(law: Mapping[str, Any], language: str) -> str:
    title = f"{law['title'][language]} ({law['path']})"
    if law.get("value") is None:
        return title
    until = law["until"] or "…"
    sure = "" if law["mark"] != "?" else f", {text('explain.unconfirmed', language)}"
    value = f"{law['value']} {law['unit']}".strip()
    return f"{title}: {value}, {law['from']} – {until}, {law['source']}{sure}"


MARKS = {"yes": "✓", "no": "✗", "unknown": "?"}


@click.command("explain")
@click.argument("result", type=click.Path(path_type=Path))
@click.argument("order_id")
@click.argument("line_no", type=int, required=False)
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.option("--all", "every", is_flag=True, help="Every rule tried, not only the one that decided.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", help="Language of the texts.")
def explain_command(result: Path, order_id: str, line_no: int | None, as_json: bool, every: bool, lang: str) -> int:
    """Rerun the decision of an order in the batch folder RESULT and show every rule, figure, date and source.

    Example: entrepot explain day1 SO-1001 1 --lang zh
    """
    explained = explain(result, order_id, line_no)
    if as_json:
        click.echo(json.dumps(explained, ensure_ascii=False, indent=1, default=str))
    else:
        click.echo("\n\n".join(explanation_text(one, lang, every) for one in explained))
    return 0
