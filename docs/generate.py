"""Writes the reference pages from the code, so that they say what the product does.

`python -m docs.generate` writes them, `python -m docs.generate --check` only says which differ. A test fails
while a committed page differs from what is written here.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import click
import polars as pl

from docs.columns import BATCH_FILES, ELEMENT_NOTES, FRAMES, RESULT_COLUMNS, SENDER_KEYS, SUMMARY_KEYS
from entrepot.cli import cli
from entrepot.decide.limits import limit_rules
from entrepot.decide.mode import choice_rules, form_rules, mode_rules
from entrepot.decide.release import reason_rules, warning_rules
from entrepot.decide.returns import return_rules
from entrepot.decide.rules import Rule
from entrepot.decide.tax import tax_rules
from entrepot.goods.faults import _allowed as allowed_in
from entrepot.goods.schema import FIELDS, INPUT_FIELDS, MAX_ORDER_ID, MAX_TEXT, Field
from entrepot.goods.texts import text, texts
from entrepot.law import Law
from entrepot.law.describe import describe_leaf, summarise_leaf
from entrepot.messages import ceb
from entrepot.run.result import RESULT

__all__ = ["DOCS", "main", "pages", "summary_keys"]

DOCS = Path(__file__).parent
NOTICE = "<!-- Written by `python -m docs.generate`; do not edit. -->\n"
AREAS = {
    "cbec": "Retail imports", "ct": "Consumption tax", "customs_rate": "Exchange rates", "duty": "Customs duty",
    "mode": "Modes", "pilot_zones": "Pilot zones", "returns": "Returned exports", "vat": "Value-added tax",
}  # fmt: skip
MANY_ROWS = 12
"""From here on a list of two columns is shown as one paragraph per value instead of one row per key."""


def pages() -> dict[str, str]:
    """Every reference page: its place under `docs/` and its text."""
    law = Law.load()
    made: dict[str, Callable[[], str]] = {
        "lines": lines_page, "problems": problems_page, "rules": lambda: rules_page(law),
        "law/index": lambda: law_index(law), "result": result_page, "summary": summary_page, "cli": cli_page,
        "messages": messages_page,
    }  # fmt: skip
    areas = {f"law/{area}": law_area(law, area) for area in areas_of(law)}
    written = {name: page() for name, page in made.items()} | areas
    return {f"reference/{name}.md": f"{content.rstrip()}\n\n{NOTICE}" for name, content in written.items()}


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with --check name those that differ; returns 1 when one does."""
    differing = [name for name, content in pages().items() if _read(name) != content]
    if "--check" in arguments:
        print("\n".join(differing) or "every reference page is up to date")
        return 1 if differing else 0
    for name, content in pages().items():
        (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / name).write_text(content, encoding="utf-8")
    print(f"{len(differing)} of {len(pages())} pages changed")
    return 0


def _read(name: str) -> str:
    path = DOCS / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def plain(words: object) -> str:
    """Words as Markdown shows them unchanged inside a table cell."""
    shown = str(words).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("*", "\\*")
    return " ".join(shown.split())


def code(words: object) -> str:
    """Words in code type inside a table cell."""
    return f"`{' '.join(str(words).split())}`".replace("|", "\\|") if str(words) else ""


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; cells are Markdown already."""
    head = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


def page(title: str, *parts: str) -> str:
    """A page of a title and paragraphs."""
    return "\n\n".join([f"# {title}", *(part.strip() for part in parts)])


# Lines and problems


def lines_page() -> str:
    """The line schema: what a file may say."""
    needed = [code(field.name) for field in INPUT_FIELDS if field.required]
    return page(
        "Line schema",
        "What a file of orders may say, one row per order line. A file or a [mapping](../howto/columns.md) names its "
        "columns like these (case, spaces and hyphens do not matter); further columns are passed over. Only the unit "
        "differs from the [result](result.md): a file gives `net_mass` in kg, a line holds `net_mass_g`.",
        f"**Required:** {', '.join(needed)}, and at least one of `description`, `hs_code`, `sku`.",
        "**Default** is what an absent value becomes; its use is counted in `defaults_used` of the summary. Where no "
        "default is named an absent value is *unknown*.",
        f"A text has at most {MAX_TEXT:,} characters, an order number {MAX_ORDER_ID}; the tighter limits of messages are checked later.",
        table(
            ("field", "what it is", "中文", "allowed", "default", "column of the line"), map(_field_row, INPUT_FIELDS)
        ),
        "Personal fields never enter the lines: they go to `persons.parquet`, and `buyer_id` leaves only the keyed "
        "hash `buyer_key` ([personal data](../explanation/personal-data.md)).",
    )


def _field_row(field: Field) -> tuple[str, ...]:
    name = f"**{field.name}**" if field.required else field.name
    held = "buyer_key" if field.name == "buyer_id" else "" if field.kind == "personal" else field.column
    allowed = "text" if field.kind in ("text", "personal") else allowed_in(field)
    return name, plain(field.en), plain(field.zh), plain(allowed), plain(field.default or ""), code(held)


def problems_page() -> str:
    """Codes of bad data with their texts."""
    warned = {rule.id for rule in warning_rules(Law.load())}
    rows = [
        (code(key), plain(entry["en"]), plain(entry["zh"]))
        for key, entry in texts("goods").items()
        if key.startswith("goods.") and key not in warned
    ]
    return page(
        "Problem codes",
        "One row of `problems.csv` per bad field, all of a file in one pass. The row is refused (`invalid`), the other "
        "rows go on. `given` and `allowed` say what came and what may come; values of personal fields read "
        "`(personal)`.",
        table(("code", "English", "中文"), rows),
    )


# Rules


def rules_page(law: Law) -> str:
    """Every rule of every table with its text and its law."""
    tables = mode_rules(law)
    modes = "\n\n".join(f"### Mode {mode}\n\n{_rules(rules)}" for mode, rules in tables.items())
    parts: dict[str, tuple[str, str]] = {
        "Modes": ("Asked once per order and mode; the deciding rule is stored in `option_<mode>`.", modes),
        "Choice of the mode": (
            "Stored in `mode_choice`; the rule of the chosen mode in `mode_rule`.",
            _rules(choice_rules(tables)),
        ),
        "Form of declaration": ("Stored in `form_rule`.", _rules(form_rules(law))),
        "Limits of retail import": ("Asked once per order; stored in `limit_rule`.", _rules(limit_rules(law))),
        "Tax": ("Asked per line; stored in `tax_rule`.", _rules(tax_rules(law))),
        "Returned exports": (
            "Whether import taxes are exempt when exports come back; a function of the library "
            "(`entrepot.decide.returns`) that `clear` does not call.",
            _rules(return_rules(law)),
        ),
        "Release": ("All that hold are listed in `reasons`, the first decides and is stored in `release_rule`. *no* "
                    "refuses, *unknown* holds. " + _verdicts(), _rules(reason_rules())),
        "Warnings": (
            "All that hold are listed in `warnings`; they stop nothing.",
            _rules(warning_rules(law), answers=False),
        ),
    }  # fmt: skip
    intro = (
        "A decision is an ordered table of rules, and **the first rule that holds decides**. A rule waiting for a fact "
        "that is not known does not hold, so unknowns are rules of their own. Why: [decision 1](../decisions/0001-rule-tables.md)."
    )
    return page("Rules", intro, *(f"## {name}\n\n{said}\n\n{rows}" for name, (said, rows) in parts.items()))


def _verdicts() -> str:
    extra = ("release.nothing-to-check", "release.order-held", "release.cancellation", "release.invalid")
    return "Besides: " + "; ".join(f"{code(rule)} ({plain(text(rule))})" for rule in extra) + "."


def _rules(rules: Iterable[Rule], *, answers: bool = True) -> str:
    names = ("rule", *(("answer",) if answers else ()), "English", "中文", "law")
    return table(names, (_rule_row(rule, answers) for rule in rules))


def _rule_row(rule: Rule, answers: bool) -> tuple[str, ...]:
    head, _, path = rule.id.partition(":")
    leaves = rule.law or ((path,) if path else ())
    cited = ", ".join(f"[{plain(leaf)}]({leaf_link(leaf, 'law/')})" for leaf in leaves)
    said = (plain(text(head, language, path=path)) for language in ("en", "zh"))
    return code(rule.id), *((rule.answer,) if answers else ()), *said, cited


# Law


def areas_of(law: Law) -> list[str]:
    """Second part of every path, each once."""
    return list(dict.fromkeys(path.split("/")[1] for path in law.paths()))


def leaf_link(path: str, folder: str = "") -> str:
    """Address of a leaf's heading from a page in the parent folder of the law pages."""
    return f"{folder}{path.split('/')[1]}.md#{path.replace('/', '').lower()}"


def law_index(law: Law) -> str:
    """All leaves on one page."""
    leaves = [summarise_leaf(law.leaf(path)) for path in law.paths()]
    rows = [
        (
            f"[{plain(one['path'])}]({leaf_link(one['path'])})",
            plain(one["title"]["en"]),
            plain(one["title"]["zh"]),
            plain(one["unit"]),
            str(one["values"]),
            _status(one),
        )
        for one in leaves
    ]
    return page(
        "Law",
        "Every number and list that comes from a law is a dated value with its source. `entrepot law show PATH` "
        "prints one, `entrepot law diff DATE1 DATE2` what changes between two days. An *unconfirmed* value leaves a "
        "warning in every result that used it; *empty* answers unknown.",
        f"Law hash `{law.hash}`, sources last compared on {law.checked_until}.",
        table(("path", "title", "中文", "unit", "values", "status"), rows),
    )


def _status(one: Mapping[str, Any]) -> str:
    if not one["values"]:
        return "empty"
    return f"{one['unconfirmed']} unconfirmed" if one["unconfirmed"] else "confirmed"


def law_area(law: Law, area: str) -> str:
    """The leaves of one area with all their values."""
    paths = [path for path in law.paths() if path.split("/")[1] == area]
    intro = (
        "`until` is not included. Marks: **S** seen in a source, **K** known from the instrument and not re-read, **?** unconfirmed. "
        "All leaves: [Law](index.md)."
    )
    return page(f"Law: {AREAS.get(area, area)}", intro, *(_leaf(describe_leaf(law.leaf(path))) for path in paths))


def _leaf(leaf: Mapping[str, Any]) -> str:
    parts = [f"## {leaf['path']}", f"{plain(leaf['title']['en'])} · {plain(leaf['title']['zh'])}"]
    selected = f"Selected by the date of {leaf['selected_by']}."
    if "unit" in leaf:
        parts.append(f"Unit {code(leaf['unit'])}. {selected}")
    else:
        complete = (
            "Complete: no row means not in the list." if leaf["complete"] else "Not complete: no row means unknown."
        )
        parts.append(f"List by {', '.join(map(code, leaf['key']))}. {selected} {complete}")
    parts += [plain(leaf[name]) for name in ("note", "why_empty") if leaf.get(name)]
    return "\n\n".join([*parts, *([_values(leaf["values"])] if "values" in leaf else _blocks(leaf["rows"]))])


def _values(values: Sequence[Mapping[str, Any]]) -> str:
    rows = [(one["from"], one["until"] or "", code(one["value"]), *_sure(one)) for one in values]
    return table(("from", "until", "value", "status", "mark", "source", "checked on", "note"), rows)


def _sure(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        one["status"].replace("_", " "),
        one["mark"],
        plain(_source(one["source"])),
        one["checked_on"] or "",
        plain(one["note"] or ""),
    )


def _source(source: Mapping[str, str]) -> str:
    cited = " ".join(source[name] for name in ("doc", "article") if name in source)
    more = "; ".join(source[name] for name in ("note", "url") if name in source)
    return f"{cited} ({more})" if more else cited


def _blocks(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows that share dates and source under one line that says them."""

    def shared(row: Mapping[str, Any]) -> tuple[str, ...]:
        return row["from"], row["until"] or "…", *_sure(row)

    blocks = []
    for (begins, until, status, mark, source, checked, note), group in groupby(sorted(rows, key=shared), key=shared):
        cells = [row["row"] for row in group]
        said = f"**{begins} – {until}**, {status}, mark {mark}, {source}, checked on {checked or 'no day'}." + (
            f" {note}." if note else ""
        )
        blocks += [said, _cells(cells)]
    return blocks


def _cells(rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(rows[0])
    if len(names) == 2 and len(rows) >= MANY_ROWS:
        by_value: dict[str, list[str]] = {}
        for row in rows:
            by_value.setdefault(str(row[names[1]]), []).append(str(row[names[0]]))
        return "\n\n".join(
            f"{plain(names[1])} {code(value)} for {plain(names[0])}: {', '.join(keys)}"
            for value, keys in by_value.items()
        )
    return table(names, ([plain("" if row[name] is None else row[name]) for name in names] for row in rows))


# Results


def result_page() -> str:
    """The files of a batch and the columns of `lines.parquet`."""
    rows = [(code(name), plain(dtype), plain(_meaning(name))) for name, dtype in RESULT.items()]
    frames = [f"## Columns of {name}\n\n{_frame(schema, said)}" for name, (schema, said) in FRAMES.items()]
    return page(
        "Result",
        "## Files of a batch",
        table(("file", "what it holds"), ((code(name), plain(said)) for name, said in BATCH_FILES.items())),
        "## Columns of lines.parquet",
        "Every row that came in, bad ones too, in the order of chunks; `row_id` gives the order of the files. Null is "
        "unknown. "
        "A column that ends in `_fen` holds hundredths of a CNY, `_e5` units of 10⁻⁵, `_e6` of 10⁻⁶, `_g` grams.",
        table(("column", "type", "what it holds"), rows),
        *frames,
    )


def _meaning(name: str) -> str:
    by_column = {field.column: field for field in FIELDS.values()}
    return RESULT_COLUMNS.get(name) or f"{by_column[name].en} ({by_column[name].zh})"


def _frame(schema: pl.Schema, said: Mapping[str, str]) -> str:
    return table(
        ("column", "type", "what it holds"),
        ((code(name), plain(dtype), plain(said.get(name, ""))) for name, dtype in schema.items()),
    )


def summary_keys() -> Mapping[str, str]:
    """The documented keys of `summary.json`."""
    return SUMMARY_KEYS


def summary_page() -> str:
    """The keys of `summary.json`."""
    return page(
        "summary.json",
        "One object. `tax_total_cny` is a number with two decimals, other amounts are texts with two decimals, so that "
        "no reader makes a binary float of them. Counts by something are objects, the largest first.",
        table(("key", "what it holds"), ((code(name), plain(said)) for name, said in SUMMARY_KEYS.items())),
    )


# Command line

EXITS = (
    ("0", "done", "All rows went through; bad rows are in `problems.csv`."),
    ("1", "done, with invalid rows", "Only under `--strict`, when a row was refused. The batch is complete."),
    ("2", "wrong call", "The call has to be changed: an option, a missing file, a folder with another batch."),
    ("3", "input or surroundings unusable", "An empty or truncated file, no permission, a full disk; an explanation "
     "that differs from what is stored."),
    ("130", "stopped by Ctrl-C", "The same command goes on where it stopped."),
)  # fmt: skip


def cli_page() -> str:
    """Help of every command, and the exit codes."""
    helps = "\n\n".join(f"## {name}\n\n```text\n{said}\n```" for name, said in _helps())
    exits = table(("code", "means", "when"), EXITS)
    return page(
        "Command line",
        helps,
        "## Exit codes",
        exits,
        "A problem is one line on standard error, `entrepot: …`; "
        "`ENTREPOT_DEBUG=1` shows the traceback of a fault. `ENTREPOT_HOME` names the folder of the installation's secret.",
    )


def _helps() -> Iterator[tuple[str, str]]:
    top = click.Context(cli, info_name="entrepot", terminal_width=90, max_content_width=90, **cli.context_settings)
    waiting: list[click.Context] = [top]
    while waiting:
        context = waiting.pop(0)
        yield context.command_path, "\n".join(line.rstrip() for line in context.command.get_help(context).splitlines())
        if isinstance(context.command, click.Group):
            waiting += [
                click.Context(command, info_name=name, parent=context)
                for name, command in sorted(context.command.commands.items())
            ]


# Messages


def messages_page() -> str:
    """Elements of each message and the rules checked before one is written."""
    kinds = "\n\n".join(_kind(kind) for kind in ceb.KINDS.values())
    rules = table(
        ("rule", "English", "中文"),
        ((code(rule), plain(text(rule, "en")), plain(text(rule, "zh"))) for rule in ceb.RULES),
    )
    sender = table(("key", "what it says"), ((code(key), plain(said)) for key, said in SENDER_KEYS.items()))
    return page(
        "Messages",
        "CEB messages of edition 202205: export order 303, export list 603, import list 621; at most 100 documents in "
        "one message. Format: `C36` exactly 36 characters, `C..60` at most 60, `N19,5` a number with up to 5 decimals, "
        "`int5` a whole number. **M** is mandatory.",
        kinds,
        "## Rules checked before a message is written",
        "An order that breaks one is written in no message and held with `release.message-incomplete`; every broken "
        "rule is a row of `message_problems.csv`. R6 holds because 303 and 603 are made of the same lines; R16 and R17 "
        "(limits, positive list) are decided in [Rules](rules.md); the others do not concern these messages.",
        rules,
        "## Keys of a sender file",
        "How to write one: [Sender and signature](../howto/sender.md).",
        sender,
    )


def _kind(kind: Any) -> str:
    signed = "must be signed" if kind.signed else "may be signed"
    said = f"`{kind.root}`, documents `{kind.document}` with at most {kind.items_at_most} items; {signed}. {ELEMENT_NOTES[kind.kind]}"
    parts: tuple[tuple[str, Any], ...] = ((kind.head, "head"), (kind.item, "item"))
    tables = [
        f"**{name}**\n\n"
        + table(
            ("element", "format", ""),
            ((code(one.name), code(one.format), "M" if one.required else "") for one in ceb.elements(kind.kind, part)),
        )
        for name, part in parts
    ]
    return "\n\n".join([f"## Message {kind.kind}", said, *tables])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
