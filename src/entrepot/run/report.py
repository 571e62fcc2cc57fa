"""The report of a batch: one self-contained page made from its summary.

The page holds both languages, its own style and its plots; it fetches nothing and needs no script to be read.
Python prepares every figure as text here, so that the template only lays out.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from entrepot.goods.errors import WorldError
from entrepot.run.wording import (
    NOT_GIVEN,
    Pair,
    checked,
    clean,
    completed,
    country_name,
    day_or_dash,
    either,
    grouped,
    labelled,
    met,
    mode_name,
    money,
    named,
    pair,
    paperless_sentence,
    percent,
    port_name,
    ranked,
    ratio,
    same,
    share,
    target_of,
)

__all__ = ["render_report", "write_report"]

SHOWN_BARS = 10
SHOWN_ROWS = 200
MOST_DAY_BARS = 10
MOST_GAPS = 62
VERDICTS = ("release", "hold", "refuse", "invalid")
TAXES = ("duty", "consumption_tax", "vat")
TONES = {"release": "good", "hold": "wait", "refuse": "stop", "invalid": "idle",
         "green": "good", "yellow": "wait", "red": "stop"}
SCRIPT = """
const root = document.documentElement, chinese = document.getElementById("language-zh");
const english = document.getElementById("language-en");
const tell = () => { root.lang = chinese.checked ? "zh-Hans" : "en"; };
if (location.hash === "#zh") chinese.checked = true;
for (const choice of [chinese, english]) choice.addEventListener("change", tell);
addEventListener("pageshow", tell);
tell();
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a plot: what it is, its figures as text, and how far its bar goes in percent."""

    label: Pair
    code: str
    values: tuple[str, ...]
    percent: float
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Plot:
    """A table whose rows carry bars; `mark` is a target line in percent, `rest` the rows folded away."""

    title: Pair
    caption: Pair
    columns: tuple[Pair, ...]
    bars: Sequence[Bar]
    mark: float | None = None

    @property
    def shown(self) -> Sequence[Bar]:
        """The rows that are always open."""
        return self.bars if len(self.bars) <= SHOWN_BARS + 2 else self.bars[:SHOWN_BARS]

    @property
    def rest(self) -> Sequence[Bar]:
        """The rows behind a fold."""
        return self.bars[len(self.shown):]


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure on top: its number and the smaller figures under it."""

    title: Pair
    value: Pair
    under: tuple[tuple[Pair, str], ...] = ()
    sentence: Pair | None = None
    tone: str = "plain"
    percent: float | None = None
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One day of the paperless chart, in thousandths of the width and hundredths of the height."""

    left: float
    width: float
    height: float
    tone: str


def write_report(summary: Mapping[str, Any], path: Path, chapter_names: Mapping[str, Pair] | None = None) -> None:
    """Write the page of a summary to `path`, as a whole or not at all.

    `chapter_names` gives the names of tariff chapters (`{"61": {"en": ..., "zh": ...}}`); others show their number.
    Raises CallError when the summary lacks a figure, WorldError when the file cannot be written.
    """
    page = render_report(summary, chapter_names)
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise WorldError(f"the report cannot be written to {path}: {error.strerror}", retryable=True) from error


def render_report(summary: Mapping[str, Any], chapter_names: Mapping[str, Pair] | None = None) -> str:
    """The page of a summary as HTML; the same summary gives the same bytes. Raises CallError as `write_report`."""
    figures = checked(summary)
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return _template().render(
        s=figures, say=pair, grouped=grouped, script=Markup(SCRIPT), script_hash=digest, shown_rows=SHOWN_ROWS,
        target=percent(target_of(figures)), mark=float(target_of(figures) * 100), span=_span(figures),
        key_figures=_key_figures(figures), notes=_notes(figures), verdicts=_verdicts(figures), lanes=_lanes(figures),
        directions=_directions(figures), stops=_stops(figures), ports=_ports(figures), days=_days(figures),
        chart=_chart(figures), detail=_detail(figures), modes=_modes(figures), countries=_countries(figures),
        chapters=_chapters(figures, chapter_names or {}), tax_kinds=_tax_kinds(figures), tax_modes=_tax_modes(figures),
        defaults=_defaults(figures), messages=_messages(figures), sender_note=either(figures["sender_note"]),
        checked_until=day_or_dash(figures["law_checked_until"]), column_mapping=figures["mapping"],
    )


@cache
def _template() -> Template:
    source = files("entrepot.run").joinpath("report.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, finalize=clean, trim_blocks=True,
                              lstrip_blocks=True, keep_trailing_newline=True)
    return environment.from_string(source)


def _of(part: int, whole: int) -> float:
    return float(Fraction(100 * part, whole)) if whole else 0.0


# Plots ------------------------------------------------------------------------------------------------------------


def _code(code: str) -> str:
    return "" if code in NOT_GIVEN else code


def _columns(*names: str) -> tuple[Pair, ...]:
    return tuple(pair(f"report.column.{name}") for name in names)


def _counted(name: str, rows: Iterable[tuple[Pair, str, int]], whole: int, **numbers: Any) -> Plot:
    """A plot of line counts with their share of `whole`; the longest bar fills its track."""
    listed = list(rows)
    most = max((count for _, _, count in listed), default=0)
    bars = [Bar(label, _code(code), (grouped(count), share(count, whole)), _of(count, most), TONES.get(code, "plain"))
            for label, code, count in listed]
    caption = pair(f"report.{name}-caption", n=grouped(whole), **numbers)
    return Plot(pair(f"report.{name}"), caption, _columns("code", "lines", "share"), bars)


def _verdicts(summary: Mapping[str, Any]) -> Plot:
    known = summary["by_verdict"]
    rows = [(pair(f"report.verdict.{code}"), code, known.get(code, 0)) for code in VERDICTS]
    return _counted("verdicts", rows if summary["rows_in"] else [], summary["rows_in"])


def _lanes(summary: Mapping[str, Any]) -> Plot:
    known = {code: count for code, count in summary["by_lane"].items() if code not in NOT_GIVEN}
    order = ("green", "yellow", "red")
    codes = [*(code for code in order if code in known), *sorted(known.keys() - set(order))]
    return _counted("lanes", [(labelled("lane", code), code, known[code]) for code in codes], sum(known.values()))


def _directions(summary: Mapping[str, Any]) -> Plot:
    rows = [(labelled("direction", code), code, count) for code, count in ranked(summary["by_direction"])]
    return _counted("directions", rows, summary["rows_decided"])


def _modes(summary: Mapping[str, Any]) -> Plot:
    counts = completed(summary["by_mode"], summary["rows_decided"])
    rows = [(mode_name(code), code, count) for code, count in ranked(counts)]
    return _counted("modes", rows, summary["rows_decided"])


def _countries(summary: Mapping[str, Any]) -> Plot:
    counts = completed(summary["by_country"], summary["rows_decided"])
    rows = [(country_name(code), code, count) for code, count in ranked(counts)]
    return _counted("countries", rows, summary["rows_decided"])


def _chapters(summary: Mapping[str, Any], names: Mapping[str, Pair]) -> Plot:
    counts = completed(summary["by_chapter"], summary["rows_decided"])
    rows = [(_chapter_name(code, names), code if code in names else "", count) for code, count in ranked(counts)]
    return _counted("chapters", rows, summary["rows_decided"])


def _chapter_name(code: str, names: Mapping[str, Pair]) -> Pair:
    if code in NOT_GIVEN:
        return pair("report.without-code")
    return names.get(code) or pair("report.chapter", n=code)


def _stops(summary: Mapping[str, Any]) -> tuple[Plot, ...]:
    """Reasons, warnings and problems, each with its text for a person beside its id."""
    reasons, warnings = (
        _counted(name, [(named(key) or same(""), key, count) for key, count in ranked(summary[source])],
                 summary["rows_in"])
        for name, source in (("reasons", "by_reason"), ("warnings", "by_warning")))
    return reasons, warnings, _problems(summary["by_problem"])


def _problems(counts: Mapping[str, int]) -> Plot:
    most = max(counts.values(), default=0)
    bars = [Bar(named(key) or same(""), key, (grouped(count),), _of(count, most)) for key, count in ranked(counts)]
    return Plot(pair("report.problems"), pair("report.problems-caption"), _columns("code", "fields"), bars)


def _defaults(summary: Mapping[str, Any]) -> Plot:
    counts = summary["defaults_used"]
    bars = [Bar(same(""), field, (grouped(count),), _of(count, summary["rows_in"])) for field, count in ranked(counts)]
    return Plot(pair("report.defaults"), pair("report.defaults-caption"), _columns("field", "lines"), bars)


def _tax_kinds(summary: Mapping[str, Any]) -> Plot:
    caption = pair("report.tax-kinds-caption", total=money(summary["tax_total_cny"]))
    rows = [(pair(f"report.tax.{kind}"), "", summary["tax"].get(kind, "0")) for kind in TAXES]
    return _taxed("tax-kinds", caption, rows if any(Decimal(amount) for _, _, amount in rows) else [])


def _tax_modes(summary: Mapping[str, Any]) -> Plot:
    amounts = sorted(summary["tax_by_mode"].items(), key=lambda entry: (-Decimal(entry[1]), entry[0]))
    rows = [(mode_name(code), code, amount) for code, amount in amounts]
    return _taxed("tax-modes", pair("report.tax-modes-caption"), rows)


def _taxed(name: str, caption: Pair, rows: Sequence[tuple[Pair, str, str]]) -> Plot:
    most = max((Fraction(amount) for _, _, amount in rows), default=Fraction(0))
    bars = [Bar(label, _code(code), (money(amount),), float(100 * Fraction(amount) / most) if most > 0 else 0.0)
            for label, code, amount in rows]
    return Plot(pair(f"report.{name}"), caption, _columns("code", "cny"), bars)


def _messages(summary: Mapping[str, Any]) -> list[tuple[Pair, str, str, str]]:
    return [(labelled("message", kind), kind, grouped(entry["documents"]), grouped(entry["messages"]))
            for kind, entry in sorted(summary["messages"].items())]


# Paperless release ------------------------------------------------------------------------------------------------


def _ratio_bar(label: Pair, code: str, entry: Mapping[str, Any], target: Fraction) -> Bar:
    released, parcels = entry["released"], entry["parcels"]
    values = (grouped(parcels), grouped(released), ratio(released, parcels))
    return Bar(label, code, values, _of(released, parcels), "good" if met(released, parcels, target) else "wait")


def _ratio_plot(name: str, bars: Sequence[Bar], target: Fraction) -> Plot:
    caption = "report.paperless-caption" if name == "port" else "report.paperless-day-caption"
    return Plot(pair(f"report.paperless-{name}"), pair(caption, target=percent(target)),
                _columns(name, "parcels", "released", "share"), bars, float(target * 100))


def _ports(summary: Mapping[str, Any]) -> Plot:
    target = target_of(summary)
    busiest = sorted(summary["by_port"], key=lambda entry: (-entry["parcels"], str(entry["port"])))
    bars = [_ratio_bar(port_name(str(entry["port"])), _code(str(entry["port"])), entry, target) for entry in busiest]
    return _ratio_plot("port", bars, target)


def _sorted_days(summary: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return sorted(summary["by_day"], key=lambda entry: str(entry["day"]))


def _days(summary: Mapping[str, Any]) -> Plot:
    target = target_of(summary)
    bars = [_ratio_bar(same(str(entry["day"])), "", entry, target) for entry in _sorted_days(summary)]
    return _ratio_plot("day", bars, target)


def _chart(summary: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The columns of many days with their caption; None where a few rows of bars say it better."""
    days, target = _sorted_days(summary), target_of(summary)
    if len(days) <= MOST_DAY_BARS:
        return None
    step = 1000 / len(days)
    gap = 0.1 * step if len(days) <= MOST_GAPS else 0.0
    columns = [Column(step * place + gap, step - 2 * gap, _of(day["released"], day["parcels"]),
                      "good" if met(day["released"], day["parcels"], target) else "wait")
               for place, day in enumerate(days)]
    first, middle, last = (str(days[place]["day"]) for place in (0, len(days) // 2, -1))
    caption = pair("report.paperless-day-chart", first=first, last=last, target=percent(target), n=grouped(len(days)),
                   below=grouped(sum(column.tone == "wait" for column in columns)))
    return {"columns": columns, "caption": caption, "ticks": (first, middle, last)}


def _detail(summary: Mapping[str, Any]) -> list[tuple[Pair, str, Pair, str, str, tuple[str, ...]]]:
    ordered = sorted(summary["paperless"], key=lambda entry: tuple(str(entry[key]) for key in ("day", "port", "mode")))
    return [(port_name(str(entry["port"])), _code(str(entry["port"])), mode_name(str(entry["mode"])),
             _code(str(entry["mode"])), str(entry["day"]),
             (grouped(entry["parcels"]), grouped(entry["released"]), ratio(entry["released"], entry["parcels"])))
            for entry in ordered]


# The top of the page ----------------------------------------------------------------------------------------------


def _span(summary: Mapping[str, Any]) -> Pair | None:
    days = [str(entry["day"]) for entry in _sorted_days(summary)]
    if not days:
        return None
    return pair("report.day" if len(days) == 1 else "report.days", first=days[0], last=days[-1])


def _notes(summary: Mapping[str, Any]) -> list[Pair]:
    notes = [note for note in map(either, summary["notes"]) if note]
    if not summary["rows_in"]:
        notes.insert(0, pair("report.no-lines"))
    if summary["tax_unknown_lines"]:
        notes.append(pair("report.tax-unknown-note", n=grouped(summary["tax_unknown_lines"])))
    if summary["cancellations"].get("rows"):
        counts = {key: grouped(summary["cancellations"].get(key, 0)) for key in ("rows", "matched")}
        notes.append(pair("report.cancellations-text", **counts))
    return notes


def _key_figures(summary: Mapping[str, Any]) -> tuple[Figure, ...]:
    return _lines_figure(summary), _paperless_figure(summary), _held_figure(summary), _tax_figure(summary)


def _lines_figure(summary: Mapping[str, Any]) -> Figure:
    under = tuple((pair(f"report.{key.replace('_', '-')}"), grouped(summary[key]))
                  for key in ("rows_decided", "rows_refused", "orders", "parcels"))
    return Figure(pair("report.rows-in"), same(grouped(summary["rows_in"])), under)


def _paperless_figure(summary: Mapping[str, Any]) -> Figure:
    parcels, released, target = summary["parcels"], summary["parcels_released"], target_of(summary)
    title, mark = pair("report.paperless"), float(target * 100)
    if not parcels:
        return Figure(title, pair("report.paperless-unknown"), (), paperless_sentence(summary), "plain", 0.0, mark)
    of = (pair("report.paperless-of", released=grouped(released), parcels=grouped(parcels)), "")
    tone = "good" if met(released, parcels, target) else "wait"
    return Figure(title, same(ratio(released, parcels)), (of,), paperless_sentence(summary), tone,
                  _of(released, parcels), mark)


def _held_figure(summary: Mapping[str, Any]) -> Figure:
    verdicts, lanes = summary["by_verdict"], summary["by_lane"]
    under = [(labelled("lane", lane), grouped(lanes[lane])) for lane in ("yellow", "red") if lanes.get(lane)]
    under += [(pair("report.refused-by-law"), grouped(verdicts.get("refuse", 0))),
              (pair("report.released"), grouped(verdicts.get("release", 0)))]
    return Figure(pair("report.held"), same(grouped(verdicts.get("hold", 0))), tuple(under))


def _tax_figure(summary: Mapping[str, Any]) -> Figure:
    under = [(pair(f"report.tax.{kind}"), money(summary["tax"].get(kind, "0"))) for kind in TAXES]
    under.append((pair("report.tax-unknown"), grouped(summary["tax_unknown_lines"])))
    return Figure(pair("report.tax-total"), same(money(summary["tax_total_cny"])), tuple(under))
