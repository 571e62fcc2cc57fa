"""`entrepot clear`: a day of orders in, a batch folder out."""

import re
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from entrepot.cli.summary_text import summary_text
from entrepot.goods.errors import CallError
from entrepot.goods.texts import LANGUAGES, text
from entrepot.run.clear import KINDS, Request, clear

__all__ = ["clear_command", "parse_kinds", "parse_share"]

FILES = click.Path(path_type=Path)


class _Rate(ProgressColumn):
    """Rows per second."""

    def render(self, task: Task) -> Text:
        """The rate as text, empty until there is one."""
        return Text(f"{task.speed:,.0f} rows/s" if task.speed else "")


class _Bar:
    """A progress bar per stage, with rate and time left, on standard error."""

    def __init__(self, language: str) -> None:
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self.language = language
        self.tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage not in self.tasks:
            self.tasks[stage] = self.bars.add_task(text(f"progress.{stage}", self.language), total=total)
        self.bars.update(self.tasks[stage], advance=done, total=total)


def parse_share(given: str) -> int:
    """A share such as 0.01 in ppm, exactly; CallError outside 0 to 1 or finer than a millionth."""
    found = re.fullmatch(r"([01])(?:\.([0-9]{1,6}))?", given)
    ppm = int(found[1]) * 1_000_000 + int((found[2] or "").ljust(6, "0")) if found else -1
    if not 0 <= ppm <= 1_000_000:
        raise CallError(f"--sample-share {given!r}: give a share from 0 to 1 with at most six decimals, such as 0.01")
    return ppm


def parse_kinds(given: str) -> tuple[str, ...]:
    """Message kinds of a list such as 303,603; each once, known ones in their own order, so that the order given is nothing."""
    asked = [kind.strip() for kind in given.split(",") if kind.strip()]
    return (*(kind for kind in KINDS if kind in asked), *(kind for kind in asked if kind not in KINDS))


@click.command("clear")
@click.argument("orders", nargs=-1, type=FILES, required=True)
@click.option("--out", type=FILES, required=True, help="Folder of the batch: new, empty, or one to go on with.")
@click.option("--mapping", help="Column mapping: a ready one (online-retail) or a YAML file.")
@click.option("--catalogue", "catalogues", type=FILES, multiple=True, help="Product catalogue CSV; may be repeated.")
@click.option(
    "--nomenclature", "nomenclatures", type=FILES, multiple=True, help="Official code list to check codes against."
)
@click.option("--law", "law_folders", type=FILES, multiple=True, help="Folder of further law values.")
@click.option("--rates", type=FILES, help="Exchange rates: ECB history or a CSV of customs rates.")
@click.option("--balances", type=FILES, help="CSV of buyer_id (or buyer_key), year, spent: what is used of the yearly limit.")
@click.option("--sender", type=FILES, help="YAML with the declarant's codes; without it messages carry a placeholder.")
@click.option("--signer", default="auto", help="auto (what must be signed), none, rsa (all); software test key.")
@click.option("--messages", "kinds", default=",".join(KINDS), show_default=True, help="Message kinds to write.")
@click.option("--message-time", help="YYYYMMDDhhmmss put into messages; default: the last day declared.")
@click.option("--sample-share", default="0.01", show_default=True, help="Share of parcels drawn for a check.")
@click.option("--seal", is_flag=True, help="Encrypt personal data at rest, so that persons can be erased.")
@click.option("--progress/--no-progress", default=None, help="Progress bar; by default on a terminal.")
@click.option("--strict", is_flag=True, help="Exit with 1 when a row was refused.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", help="Language of the summary.")
@click.option("--json", "as_json", is_flag=True, help="Print summary.json instead of the table.")
def clear_command(
    orders: tuple[Path, ...],
    out: Path,
    mapping: str | None,
    catalogues: tuple[Path, ...],
    nomenclatures: tuple[Path, ...],
    law_folders: tuple[Path, ...],
    rates: Path | None,
    balances: Path | None,
    sender: Path | None,
    signer: str,
    kinds: str,
    message_time: str | None,
    sample_share: str,
    seal: bool,
    progress: bool | None,
    strict: bool,
    lang: str,
    as_json: bool,
) -> int:
    """Decide every line of ORDERS (CSV, XLSX, JSON Lines, Parquet) and write messages, reasons and a report.

    Example: entrepot clear orders.csv --catalogue products.csv --out day1
    """
    request = Request(
        orders,
        out,
        mapping,
        catalogues,
        nomenclatures,
        law_folders,
        rates,
        balances,
        sender,
        signer,
        parse_kinds(kinds),
        parse_share(sample_share),
        message_time,
        seal=seal,
    )
    if progress if progress is not None else sys.stderr.isatty():
        bar = _Bar(lang)
        with bar.bars:
            summary = clear(request, bar)
    else:
        summary = clear(request)
    click.echo(
        (out / "summary.json").read_text(encoding="utf-8") if as_json else summary_text(summary, lang, out),
        nl=not as_json,
    )
    return 1 if strict and summary["rows_refused"] else 0
