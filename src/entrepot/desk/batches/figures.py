"""What the page of a finished batch shows: figures, plots and reasons, from its summary alone."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from entrepot.desk.batches.models import Batch
from entrepot.desk.context import language
from entrepot.goods.texts import text

__all__ = ["figures_of", "known_cny", "lines_url", "tax_of"]

VERDICTS = ("release", "hold", "refuse", "invalid")
TONES = {"release": "release", "hold": "yellow", "refuse": "refuse", "invalid": "invalid"}
SHOWN = 8


def lines_url(batch: Batch, **filters: str) -> str:
    """The list of consignments, filtered to a batch and more; empty where there is no such list."""
    try:
        return f"{reverse('consignments')}?{urlencode({'batch': str(batch.id), **filters})}"
    except NoReverseMatch:
        return ""


def figures_of(batch: Batch) -> dict[str, Any]:
    """Figures of a finished batch for its page."""
    summary = batch.summary
    return {
        "summary": summary,
        "parcels": summary["parcels"], "released": summary["parcels_released"],
        "ratio": summary["paperless_ratio"], "ratio_text": _percent(summary["paperless_ratio"]),
        "target": summary["paperless_target"], "held": summary["by_verdict"]["hold"],
        "tax_text": tax_of(summary),
        "taxes": [(f"batches.tax-{name}", known_cny(Decimal(cny), summary["tax_unknown_lines"])) for name, cny in summary["tax"].items()],
        "verdict_plot": _verdicts(batch), "verdict_rows": [[_verdict(name), count] for name, count in summary["by_verdict"].items()],
        "mode_plot": _modes(batch), "mode_rows": [list(one) for one in summary["by_mode"].items()],
        "verdict_head": [_said("batches.verdict"), _said("batches.lines")], "mode_head": [_said("batches.mode"), _said("batches.lines")],
        "reasons": _reasons(batch), "all_lines": lines_url(batch),
        "held_lines": lines_url(batch, verdict="hold"), "released_lines": lines_url(batch, verdict="release"),
        "problem_codes": list(summary["by_problem"].items())[:SHOWN],
    }  # fmt: skip


def _said(text_id: str) -> str:
    return text(text_id, language())


def tax_of(summary: Mapping[str, Any]) -> str:
    """The sum of tax of a summary in CNY; at least that much where it is unknown for some lines, and unknown where it is for all."""
    return known_cny(Decimal(summary["tax_total_cny"]), summary["tax_unknown_lines"])


def known_cny(cny: Decimal, unknown_lines: int) -> str:
    """A sum in CNY: at least that much where some lines are unknown, a question mark where nothing of it is known."""
    if not unknown_lines:
        return f"{cny:,.2f}"
    return f"≥ {cny:,.2f}" if cny else "?"


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{Decimal(str(ratio)) * 100:.1f} %"


def _verdict(name: str) -> str:
    return _said(f"verdict.{name}")


def _verdicts(batch: Batch) -> dict[str, Any]:
    counts = batch.summary["by_verdict"]
    return {
        "parts": [
            {"name": _verdict(name), "value": counts[name], "tone": TONES[name], "href": lines_url(batch, verdict=name)}
            for name in VERDICTS if counts[name]
        ]
    }  # fmt: skip


def _modes(batch: Batch) -> dict[str, Any]:
    modes = batch.summary["by_mode"]
    hrefs = [lines_url(batch, mode=mode) for mode in modes]
    series = [{"name": _said("batches.lines"), "values": list(modes.values()), "tone": "accent", "hrefs": hrefs}]
    return {"labels": list(modes), "series": series, "horizontal": True}


def _reasons(batch: Batch) -> list[dict[str, Any]]:
    """Why lines were not released at once, the most frequent first."""
    counted = list(batch.summary["by_reason"].items())[:SHOWN]
    return [{"rule": rule, "count": count, "href": lines_url(batch, reason=rule)} for rule, count in counted]
