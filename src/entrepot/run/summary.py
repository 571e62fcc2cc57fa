"""The summary of a batch: one dictionary for `summary.json`, the report and the terminal."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from entrepot.goods.errors import InputError

__all__ = ["PAPERLESS_TARGET", "build_summary", "read_summary", "summary_bytes"]

PAPERLESS_TARGET = 0.9
"""90 % of parcels released without paper (seed text 004, row 122)."""

VERDICTS = ("release", "hold", "refuse", "invalid")


def _cny(fen: int | None) -> str:
    return f"{Decimal(fen or 0) / 100:.2f}"


def build_summary(rows: int, refused: int, counts: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of the whole batch from the sum of its chunks' counts; `about` is added as it is."""
    parcels = [[*key.split("\t"), *value] for key, value in sorted(counts.get("parcels", {}).items())]
    asked, released = sum(row[3] for row in parcels), sum(row[4] for row in parcels)
    tax = {name: _cny(fen) for name, fen in counts.get("tax_fen", {}).items()}
    return {
        "rows_in": rows, "rows_decided": rows - refused, "rows_refused": refused,
        "orders": asked, "parcels": asked, "parcels_released": released,
        "paperless_ratio": round(released / asked, 6) if asked else None, "paperless_target": PAPERLESS_TARGET,
        "by_verdict": {verdict: counts.get("by_verdict", {}).get(verdict, 0) for verdict in VERDICTS},
        **{name: _by_size(counts.get(name, {})) for name in (
            "by_mode", "by_lane", "by_direction", "by_country", "by_chapter", "by_reason", "by_warning",
            "by_tax_rule", "by_limit_rule", "by_form_rule")},
        "by_port": _grouped(parcels, 0, "port"), "by_day": _grouped(parcels, 2, "day"),
        "paperless": [dict(zip(("port", "mode", "day", "parcels", "released"), row, strict=True)) for row in parcels],
        "tax": {name: tax.get(name, "0.00") for name in ("duty", "consumption_tax", "vat")},
        "tax_total_cny": tax.get("tax_total", "0.00"),
        "tax_by_mode": {mode: _cny(fen) for mode, fen in sorted(counts.get("tax_by_mode_fen", {}).items())},
        "tax_unknown_lines": counts.get("tax_unknown_lines", 0),
        **about,
    }


def _by_size(tally: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(tally.items(), key=lambda item: (-item[1], item[0])))


def _grouped(parcels: list[list[Any]], place: int, name: str) -> list[dict[str, Any]]:
    sums: dict[str, list[int]] = {}
    for row in parcels:
        held = sums.setdefault(row[place], [0, 0])
        held[0] += row[3]
        held[1] += row[4]
    return [{name: key, "parcels": value[0], "released": value[1]} for key, value in sorted(sums.items())]


def summary_bytes(summary: Mapping[str, Any]) -> bytes:
    """`summary.json`: `tax_total_cny` as a number with exactly two decimals, other amounts as strings."""
    shown = {**summary, "tax_total_cny": "@tax_total@"}
    text = json.dumps(shown, ensure_ascii=False, indent=1)
    return (text.replace('"@tax_total@"', f"{Decimal(summary['tax_total_cny']):.2f}") + "\n").encode()


def read_summary(path: Path) -> dict[str, Any]:
    """A written `summary.json` as `build_summary` gave it: the total of tax is a text again.

    Raises InputError when the file is gone or damaged.
    """
    try:
        text = path.read_text(encoding="utf-8")
        total = json.loads(text, parse_float=Decimal)["tax_total_cny"]
        return {**json.loads(text), "tax_total_cny": f"{total:.2f}"}
    except (OSError, ValueError, KeyError):
        raise InputError(f"{path} is gone or damaged: clear the orders into a new folder") from None


def write_summary(summary: Mapping[str, Any], path: Path) -> None:
    """Write `summary.json`."""
    path.write_bytes(summary_bytes(summary))
