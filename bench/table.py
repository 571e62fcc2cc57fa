"""The figures of a day as a table people read, each beside its peer or bar."""

from collections.abc import Mapping
from typing import Any

__all__ = ["table"]

DAY_LINES, DAY_BAR_S, DAY_GOAL_S, MEMORY_BAR = 9_000_000, 600, 300, 4 << 30
TAX_BAR, TAX_GOAL, TEMPLATE_BAR = 2.5, 1.5, 45_000
Facts = Mapping[str, Any]


def _row(name: str, figure: str, beside: str = "") -> str:
    return f"  {name:<34}{figure:>16}  {beside}".rstrip()


def table(facts: Facts) -> str:
    """Whole chain, stages, tax stage and messages of `bench.day.measure` as text."""
    return "\n".join([*_whole(facts), "", *_steps(facts), "", *_tax(facts), "", *_messages(facts)])


def _whole(facts: Facts) -> list[str]:
    lines, seconds, copy = facts["lines"], facts["seconds"], facts["copy_seconds"]
    day, gib = seconds * DAY_LINES / lines, facts["peak_rss_bytes"] / (1 << 30)
    distinct = ", ".join(f"{name} {count:,}" for name, count in facts["distinct"].items())
    return [
        f"A day of {lines:,} lines, {facts['parcels']:,} parcels, seed {facts['seed']}, {facts['cpus']} cores, load {facts['load_before']:.1f} before",
        f"  distinct: {distinct}",
        _row("whole chain", f"{seconds:.1f} s", f"{seconds / copy:.1f} x copying; 9 million lines at this rate {day:.0f} s, "
             f"bar {DAY_BAR_S} s, goal {DAY_GOAL_S} s"),
        _row("only copying the Parquet file", f"{copy:.1f} s"),
        _row("lines a second", f"{facts['lines_per_s']:,}"),
        _row("processor seconds", f"{facts['cpu_seconds']:.1f} s"),
        _row("most memory", f"{gib:.2f} GiB", f"bar {MEMORY_BAR >> 30} GiB"),
        _row("parcels released", f"{facts['parcels_released']:,}", f"{100 * facts['paperless_ratio']:.1f} % of parcels decided"),
        _row("lists written and compressed", f"{facts['lists']:,}", f"{facts['bytes']['messages'] / 1e6:.0f} MB"),
    ]


def _steps(facts: Facts) -> list[str]:
    scaled = facts["scaled"]
    measured = [_row(name, f"{seconds:.2f} s") for name, seconds in facts["stages"].items() if name not in scaled["stages"]]
    steps = [_row(name, f"{facts['stages'][name]:.2f} s", f"{1e6 * facts['stages'][name] / facts['lines']:.2f} µs a line")
             for name in scaled["stages"]]
    return ["Stages as they ran (two chunks are decided at a time)", *measured, "",
            f"Steps alone, one after another on {scaled['from_lines']:,} lines, scaled to the day", *steps]


def _tax(facts: Facts) -> list[str]:
    peer, own = facts["openfisca"], facts["tax"]
    bar = f"bar {TAX_BAR}, goal {TAX_GOAL}"
    return [
        "Tax stage alone: read its columns, add the taxes, write Parquet",
        _row("lines of the day", f"{own['day']['lines_per_s']:,}/s", f"{facts['tax_ratio_to_copy']:.2f} x copying the day ({bar})"),
        _row("", "", f"{facts['tax_ratio']:.2f} x copying only these columns"),
        _row("imports only", f"{own['imports']['lines_per_s']:,}/s", f"{facts['tax_ratio_imports']:.2f} x copying only these columns"),
        _row("OpenFisca-core, imports, in memory", f"{facts['openfisca_lines_per_s']:,}/s",
             f"classes given, no file written; {peer['disagreements']:,} of {peer['lines']:,} lines differ by more than a fen"),
    ]


def _messages(facts: Facts) -> list[str]:
    """Rates by kind; the main figure writes 603 unsigned and 621 signed."""
    rates = [_row(name, f"{rate['documents_per_s']:,}/s") for name, rate in facts["message_rates"].items()]
    alone = facts["message_rates_one_core"]
    template = alone["template"]["documents_per_s"]
    return [
        "Messages alone, from decided lines to compressed files", *rates,
        _row("603 unsigned, one core", f"{alone['603 unsigned']['documents_per_s']:,}/s",
             f"{alone['603 unsigned']['documents_per_s'] / template:.2f} x the string template (bar {TEMPLATE_BAR:,}/s)"),
        _row("string template, one core", f"{template:,}/s", "texts given; no checks, numbers or index"),
    ]
