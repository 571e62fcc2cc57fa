"""The summary of a batch as plain text: what the command line prints when it is done, 80 columns wide."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from entrepot.goods.errors import CallError
from entrepot.goods.texts import LANGUAGES, text
from entrepot.run.wording import (
    Pair,
    checked,
    clean,
    completed,
    day_or_dash,
    either,
    grouped,
    labelled,
    mode_name,
    money,
    named,
    paperless_sentence,
    ranked,
    ratio,
    share,
)

__all__ = ["summary_text"]

WIDTH = 80
MOST_ROWS = 6
MOST_MODES = 10
COUNTED = ("rows_in", "rows_decided", "rows_refused", "orders", "parcels")
FILES = ("lines.parquet", "problems.csv", "refused.csv", "messages/", "summary.json", "report.html")
Row = Sequence[str]


def summary_text(summary: Mapping[str, Any], language: str = "en", folder: Path | None = None) -> str:
    """The figures of a summary as a table for a terminal of 80 columns, in one language.

    `folder` is named as the place of the files. Raises CallError for a language that is not kept or a summary
    that lacks a figure.
    """
    if language not in LANGUAGES:
        raise CallError(f"language {language!r} is not kept: use one of {', '.join(LANGUAGES)}")
    page = _Page(language)
    _top(page, checked(summary))
    _decisions(page, summary)
    _causes(page, summary)
    _words(page, summary)
    _files(page, summary, folder)
    return page.text()


class _Page:
    """Collects sections; every word is printed as plain text, never read as markup or a terminal command."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.stream = StringIO()
        self.console = Console(file=self.stream, width=WIDTH, color_system=None, force_terminal=False,
                               legacy_windows=False, emoji=False, markup=False, highlight=False)

    def say(self, text_id: str, **numbers: Any) -> str:
        """A text of the summary in its language."""
        return text(text_id, self.language, **numbers)

    def of(self, words: Pair) -> str:
        """The one of a pair in its language."""
        return words[self.language]

    def heading(self, words: str) -> None:
        """Print a line of its own."""
        self.console.print(_plain(words))

    def table(self, rows: Iterable[Row], widths: Sequence[int | None], indent: int = 2) -> None:
        """Rows with numbers on the right; a column of width None holds words and takes what is left."""
        grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
        for width in widths:
            side: Literal["left", "right"] = "right" if width else "left"
            grid.add_column(width=width, ratio=None if width else 1, justify=side, overflow="fold")
        for row in rows:
            grid.add_row(*map(_plain, row))
        self.console.print(Padding(grid, (0, 0, 0, indent)))

    def listed(self, items: Iterable[str]) -> None:
        """Sentences with a dash before each."""
        grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
        grid.add_column(width=3, justify="right")
        grid.add_column(ratio=1, overflow="fold")
        for item in items:
            grid.add_row("-", _plain(item))
        self.console.print(grid)

    def gap(self) -> None:
        """Print an empty line."""
        self.console.print()

    def text(self) -> str:
        """All that was printed, without blanks at line ends."""
        return "\n".join(line.rstrip() for line in self.stream.getvalue().splitlines()) + "\n"


def _plain(words: str) -> Text:
    """Words on one line, without anything a terminal would obey."""
    return Text(clean(" ".join(words.split())))


def _top(page: _Page, summary: Mapping[str, Any]) -> None:
    page.heading(f"Entrepot {summary['code_version']}  {page.say('report.title')}")
    page.heading(f"{page.say('report.law')} {summary['law_hash']}")
    page.heading(f"{page.say('report.law-checked')} {day_or_dash(summary['law_checked_until'])}")
    page.gap()
    lines = [(page.say(f"report.{key.replace('_', '-')}"), grouped(summary[key])) for key in COUNTED]
    page.table(lines, (None, 14), indent=0)
    page.gap()
    released, parcels = summary["parcels_released"], summary["parcels"]
    page.table([(page.say("report.paperless"), ratio(released, parcels))], (None, 14), indent=0)
    counted = [page.say("report.paperless-of", released=grouped(released), parcels=grouped(parcels))] if parcels else []
    page.table([(words,) for words in (*counted, page.of(paperless_sentence(summary)))], (None,))


def _decisions(page: _Page, summary: Mapping[str, Any]) -> None:
    """Verdicts, modes and tax."""
    verdicts = [(page.of(labelled("verdict", code)), code, count) for code, count in summary["by_verdict"].items()]
    _counted(page, "verdicts", verdicts, summary["rows_in"])
    known = completed(summary["by_mode"], summary["rows_decided"])
    modes = [(page.of(mode_name(code)), code, count) for code, count in ranked(known)]
    _counted(page, "modes", modes, summary["rows_decided"], MOST_MODES)
    taxes = [(page.say(f"report.tax.{kind}"), money(amount)) for kind, amount in summary["tax"].items()]
    page.gap()
    page.table([(page.say("report.tax-total"), money(summary["tax_total_cny"]))], (None, 24), indent=0)
    page.table([*taxes, (page.say("report.tax-unknown"), grouped(summary["tax_unknown_lines"]))], (None, 24))


def _causes(page: _Page, summary: Mapping[str, Any]) -> None:
    """Reasons, warnings and problems, the commonest first, with their ids."""
    for name in ("reasons", "warnings"):
        counts = summary[f"by_{name[:-1]}"]
        _counted(page, name, [(_meaning(page, key), key, count) for key, count in ranked(counts)], summary["rows_in"])
    problems = [(_meaning(page, key), key, count) for key, count in ranked(summary["by_problem"])]
    _counted(page, "problems", problems, None)


def _meaning(page: _Page, rule: str) -> str:
    words = named(rule)
    return page.of(words) if words else ""


def _counted(
    page: _Page, name: str, rows: Sequence[tuple[str, str, int]], whole: int | None, most: int = MOST_ROWS
) -> None:
    """A section of counts, `most` rows of it: text and id, count, share of `whole` (problems have none)."""
    if not rows:
        return
    page.gap()
    page.heading(page.say(f"report.{name}"))
    shown = [(f"{words} [{key}]" if words and key else words or key, grouped(count),
              "" if whole is None else share(count, whole)) for words, key, count in rows[:most]]
    if len(rows) > most:
        shown.append((page.say("report.terminal.more", n=grouped(len(rows) - most)), "", ""))
    page.table(shown, (None, 12, 7))


def _words(page: _Page, summary: Mapping[str, Any]) -> None:
    """What a reader must know: notes, cancellations, defaults, whether messages can be sent."""
    notes = [page.of(note) for note in map(either, summary["notes"]) if note]
    if summary["tax_unknown_lines"]:
        notes.append(page.say("report.tax-unknown-note", n=grouped(summary["tax_unknown_lines"])))
    if summary["cancellations"].get("rows"):
        counts = {key: grouped(count) for key, count in summary["cancellations"].items()}
        notes.append(page.say("report.cancellations-text", **counts))
    if summary["defaults_used"]:
        used = ", ".join(f"{field} {grouped(count)}" for field, count in ranked(summary["defaults_used"]))
        notes.append(page.say("report.terminal.defaults", used=used))
    if not summary["messages_sendable"]:
        note = either(summary["sender_note"])
        notes.append(page.say("report.terminal.not-sendable", note=page.of(note) if note else "").strip())
    if notes:
        page.gap()
        page.heading(page.say("report.notes"))
        page.listed(notes)


def _files(page: _Page, summary: Mapping[str, Any], folder: Path | None) -> None:
    page.gap()
    page.heading(page.say("report.files-text", folder=str(folder) if folder else page.say("report.output-folder")))
    page.table([(name, page.say(f"report.file.{name}")) for name in _written(summary)], (None, None))


def _written(summary: Mapping[str, Any]) -> Iterator[str]:
    """The files a reader looks for; there is nothing to mend where no row was refused."""
    return (name for name in FILES if name != "refused.csv" or summary["rows_refused"])
