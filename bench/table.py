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
    """Whole chain, stages, tax stage and messages of `bench.day.Bench.measure` as text."""
    return "\n".join([*_day(facts), *_whole(facts), "", *_steps(facts), "", *_tax(facts), "", *_messages(facts)])


def _day(facts: Facts) -> list[str]:
    distinct = ", ".join(f"{name} {count:,}" for name, count in facts["distinct"].items())
    return [f"A day of {facts['lines']:,} lines, {facts['parcels']:,} parcels, seed {facts['seed']}; "
            f"{facts['cpus']} cores, load before {facts['load_before']:.1f}", f"  distinct: {distinct}"]


def _whole(facts: Facts) -> list[str]:
    seconds, copy = facts["seconds"], facts["copy_seconds"]
    day = f"{seconds * DAY_LINES / facts['lines']:.0f} s for 9 million lines at this rate"
    return [
        _row("whole chain", f"{seconds:.1f} s", f"{day} (bar {DAY_BAR_S}, goal {DAY_GOAL_S})"),
        _row("only copying the Parquet file", f"{copy:.1f} s", f"the chain takes {seconds / copy:.1f} times as long"),
        _row("lines a second", f"{facts['lines_per_s']:,}"),
        _row("processor seconds", f"{facts['cpu_seconds']:.1f} s",
             f"{facts['elsewhere_cpu_seconds']:.1f} s by other processes meanwhile"),
        _row("most memory", f"{facts['peak_rss_bytes'] / (1 << 30):.2f} GiB", f"bar {MEMORY_BAR >> 30} GiB"),
        _row("parcels released", f"{facts['parcels_released']:,}", f"{facts['paperless_ratio']:.1%} of those decided"),
        _row("lists written and compressed", f"{facts['lists']:,}", f"{facts['bytes']['messages'] / 1e6:.0f} MB"),
    ]


def _steps(facts: Facts) -> list[str]:
    stages, scaled, micro = facts["stages"], facts["scaled"], 1e6 / facts["lines"]
    peaks = {name: f"{peak / (1 << 30):.2f} GiB at most so far" for name, peak in facts["stage_peak_rss_bytes"].items()}
    measured = [_row(name, f"{stages[name]:.2f} s", peak) for name, peak in peaks.items()]
    steps = [_row(name, f"{stages[name]:.2f} s", f"{micro * stages[name]:.2f} µs a line, "
                  f"{micro * scaled['cpu_seconds'][name]:.2f} µs of processor") for name in scaled["stages"]]
    return ["Stages as they ran (two pieces are worked on at a time)", *measured, "",
            f"Steps one after another, on {scaled['from_lines']:,} lines, scaled to the day", *steps]


def _tax(facts: Facts) -> list[str]:
    bars = f"bar {TAX_BAR}, goal {TAX_GOAL}"
    rates = {(of, what): f"{round(facts['tax'][of]['lines'] / facts['tax'][of][what]):,}/s"
             for of in ("day", "imports") for what in ("seconds", "memory_seconds")}
    return [
        "Tax stage alone: read its columns, add the taxes, write Parquet",
        _row("lines of the day", rates["day", "seconds"], f"{facts['tax_ratio_to_copy']:.2f} x copying the day, {bars}"),
        _row("", "", f"{facts['tax_ratio']:.2f} x copying only these columns"),
        _row("imports only", rates["imports", "seconds"], f"{facts['tax_ratio_imports']:.2f} x copying only these"),
        _row("lines of the day, in memory", rates["day", "memory_seconds"]),
        _row("imports only, in memory", rates["imports", "memory_seconds"], "finds each code's classes itself"),
        _openfisca(facts),
    ]


def _openfisca(facts: Facts) -> str:
    peer, name = facts["openfisca"], "OpenFisca-core, same, in memory"
    if peer is None:
        return _row(name, "not installed")
    agrees = f"{peer['disagreements']:,} of {peer['lines']:,} differ by more than a fen"
    return _row(name, f"{facts['openfisca_lines_per_s']:,}/s", f"is given the classes; {agrees}")


def _messages(facts: Facts) -> list[str]:
    """Rates by kind; the main figure writes 603 unsigned and 621 signed."""
    rates = [_row(name, f"{rate['documents_per_s']:,}/s") for name, rate in facts["message_rates"].items()]
    lists = facts["one_core_lists_per_s"]
    own, checked, template = lists["written"], lists["written_checked_before"], lists["template_loop"]
    return [
        "Messages alone, from decided lines to compressed files, documents a second", *rates,
        _row("603, one core", f"{own:,}/s", f"{own / template:.1f} x a string template (bar {TEMPLATE_BAR:,}/s)"),
        _row("603, one core, checked before", f"{checked:,}/s", "as the chain writes them"),
        _row("603, string template, one core", f"{template:,}/s", "the same bytes, without checks"),
    ]
