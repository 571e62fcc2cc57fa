"""Forms of an inspection."""

from datetime import datetime
from typing import Any

from django import forms

from entrepot.desk.inspection.evidence import KINDS
from entrepot.desk.told import later

__all__ = ["EvidenceForm", "SessionForm"]


class EvidenceForm(forms.Form):
    """A file to keep with a case."""

    file = forms.FileField(label=later("inspection.evidence-file"), help_text=later("inspection.evidence-help"),
                           widget=forms.ClearableFileInput(attrs={"accept": ",".join(KINDS)}))  # fmt: skip
    note = forms.CharField(label=later("inspection.evidence-note"), required=False, max_length=500)


class _Moment(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class SessionForm(forms.Form):
    """The record of an inspection by video."""

    participants = forms.CharField(label=later("inspection.session-participants"), max_length=1000)
    started_at = forms.DateTimeField(label=later("inspection.session-started"), widget=_Moment())
    ended_at = forms.DateTimeField(label=later("inspection.session-ended"), widget=_Moment())
    link = forms.URLField(label=later("inspection.session-link"), required=False, max_length=500, assume_scheme="https")
    notes = forms.CharField(label=later("inspection.session-notes"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))

    def clean(self) -> dict[str, Any]:
        """Nothing ends before it begins."""
        told: dict[str, Any] = super().clean() or {}
        started, ended = told.get("started_at"), told.get("ended_at")
        if isinstance(started, datetime) and isinstance(ended, datetime) and ended < started:
            self.add_error("ended_at", str(later("inspection.session-ends-first")))
        return told
