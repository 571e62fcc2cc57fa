"""`entrepot law`: read the dated law, compare two days, check law files."""

import datetime as dt
import json
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from entrepot.goods.texts import LANGUAGES, text
from entrepot.law import Law, LawError
from entrepot.law.describe import describe_change, describe_leaf, summarise_leaf
from entrepot.law.units import day as parse_day

__all__ = ["law"]

Command = Callable[..., Any]
GAP = "  "


class _Day(click.ParamType[dt.date]):
    """A legal day written YYYY-MM-DD; nothing else, and never a default."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """The day; LawError, in one line, says how to write one."""
        try:
            return parse_day(str(value))
        except ValueError as error:
            raise LawError(f"{param.human_readable_name if param else 'day'}: {error}") from error


def _said(command: Command) -> Command:
    """Add --json and --lang."""
    lang = click.option("--lang", type=click.Choice(LANGUAGES), default="en", help="Language of titles and headings.")
    command = lang(command)
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON value.")(command)


@click.group()
def law() -> None:
    """Read the law that decisions use: dated values, each with its source.

    Example: entrepot law show cn/cbec/yearly_limit
    """


@law.command("list")
@_said
def list_command(as_json: bool, lang: str) -> None:
    """List every leaf of the law.

    Example: entrepot law list --lang zh
    """
    loaded = Law.load()
    leaves = [summarise_leaf(loaded.leaf(path)) for path in loaded.paths()]
    if as_json:
        return _json(leaves)
    rows = [[one["path"], one["unit"], one["values"], one["unconfirmed"], one["last_from"] or "-", one["title"][lang]]
            for one in leaves]
    names = ("path", "unit", "values", "count-unconfirmed", "last-from", "title")
    return _table([text(f"law.{name}", lang) for name in names], rows)


@law.command("show")
@click.argument("path")
@click.option("--on", type=_Day(), help="Only what holds on this day (YYYY-MM-DD); without it, all values.")
@_said
def show_command(path: str, on: dt.date | None, as_json: bool, lang: str) -> None:
    """Show one leaf: its values or rows, with dates, sources and notes.

    Example: entrepot law show cn/cbec/yearly_limit --on 2018-12-31
    """
    leaf = describe_leaf(Law.load().leaf(path), on)
    if as_json:
        return _json(leaf)
    _head(leaf, lang)
    dated = leaf.get("values", leaf.get("rows", []))
    if not dated:
        why = leaf.get("why_empty")
        click.echo(text("law.empty-table", lang, why=why) if why else text("law.none-on", lang, day=on))
    for one in dated:
        _paragraph(one, lang)
    return None


@law.command("history")
@click.argument("path")
@_said
def history_command(path: str, as_json: bool, lang: str) -> None:
    """Show every value a leaf ever had, suspended and announced ones too, one a line.

    Example: entrepot law history cn/vat/standard
    """
    leaf = describe_leaf(Law.load().leaf(path))
    if as_json:
        return _json(leaf)
    _head(leaf, lang)
    rows = [[one["from"], one["until"] or text("law.open", lang), _value(one), _status(one, lang), one["mark"],
             one["checked_on"] or "-", _source(one)] for one in leaf.get("values", leaf.get("rows", []))]
    names = ("from", "until", "value", "status", "mark", "checked-on", "source")
    return _table([text(f"law.{name}", lang) for name in names], rows)


@law.command("diff")
@click.argument("date1", type=_Day())
@click.argument("date2", type=_Day())
@_said
def diff_command(date1: dt.date, date2: dt.date, as_json: bool, lang: str) -> None:
    """Show what changes from one day to another.

    Example: entrepot law diff 2018-12-31 2019-01-01
    """
    loaded = Law.load()
    found = [describe_change(one, loaded.leaf(one.path)) for one in loaded.changes(date1, date2)]
    if as_json:
        return _json(found)
    if not found:
        return click.echo(text("law.no-change", lang, before=date1, after=date2))
    rows = [[" ".join(part for part in (one["path"], one["key"]) if part), _held(one["before"], lang),
             _held(one["after"], lang), _source(one["after"] or one["before"])] for one in found]
    return _table([text(f"law.{name}", lang) for name in ("path", "before", "after", "source")], rows)


@law.command("check")
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False))
@_said
def check_command(folders: tuple[str, ...], as_json: bool, lang: str) -> None:
    """Load the law, and that of further FOLDERS, and report every fault with file and line.

    Example: entrepot law check my-law/
    """
    try:
        loaded = Law.load(*folders)
    except LawError as error:
        if not as_json:
            raise
        _json({"ok": False, "problems": list(error.problems)})
        raise click.exceptions.Exit(error.exit_code) from error
    leaves = [summarise_leaf(loaded.leaf(path)) for path in loaded.paths()]
    result = {
        "ok": True, "leaves": len(leaves), "values": sum(one["values"] for one in leaves),
        "unconfirmed": {one["path"]: one["unconfirmed"] for one in leaves if one["unconfirmed"]},
        "empty": [one["path"] for one in leaves if not one["values"]],
        "checked_until": str(loaded.checked_until), "law_hash": loaded.hash,
    }
    return _json(result) if as_json else _checked(result, lang)


def _checked(result: dict[str, Any], lang: str) -> None:
    unconfirmed = result["unconfirmed"]
    click.echo(text("law.check-leaves", lang, **result))
    number, paths = sum(unconfirmed.values()), ", ".join(unconfirmed)
    click.echo(text("law.check-unconfirmed", lang, number=number, paths=paths))
    click.echo(text("law.check-empty", lang, paths=", ".join(result["empty"])))
    click.echo(text("law.check-checked", lang, day=result["checked_until"]))
    click.echo(text("law.check-hash", lang, hash=result["law_hash"]))


def _json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _head(leaf: dict[str, Any], lang: str) -> None:
    unit = f" ({leaf['unit']})" if "unit" in leaf else ""
    click.echo(f"{leaf['path']}: {leaf['title'][lang]}{unit}")
    click.echo(text("law.selected-by", lang, date=text(f"law.{leaf['selected_by']}", lang)))
    if "complete" in leaf:
        click.echo(text("law.complete" if leaf["complete"] else "law.not-complete", lang))
    if leaf["note"]:
        click.echo(text("law.note", lang, text=leaf["note"]))
    click.echo()


def _paragraph(one: dict[str, Any], lang: str) -> None:
    until = one["until"] or text("law.open", lang)
    click.echo(f"{one['from']} .. {until}  {_value(one)}  [{_status(one, lang)}, {one['mark']}]")
    url = one["source"].get("url")
    click.echo(f"    {text('law.source', lang)}: {_source(one)}" + (f" <{url}>" if url else ""))
    for note in (one["source"].get("note"), one["note"]):
        if note:
            click.echo(f"    {text('law.note', lang, text=note)}")


def _value(one: dict[str, Any]) -> str:
    """The value, or the cells of a row as name=value."""
    if "value" in one:
        return str(one["value"])
    return ", ".join(f"{name}={cell}" for name, cell in one["row"].items() if cell is not None)


def _held(one: dict[str, Any] | None, lang: str) -> str:
    if one is None:
        return "-"
    return _value(one) if one["status"] == "in_force" else f"{_value(one)} ({_status(one, lang)})"


def _status(one: dict[str, Any], lang: str) -> str:
    return text("law.status-unconfirmed" if one["status"] == "unconfirmed" else f"law.{one['status']}", lang)


def _source(one: dict[str, Any]) -> str:
    return " ".join(part for part in (one["source"]["doc"], one["source"].get("article")) if part)


def _table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print columns that line up, also where characters are two cells wide."""
    cells = [list(names), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        click.echo(GAP.join(padded).rstrip())


def _width(cell: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in cell)
