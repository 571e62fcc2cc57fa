"""The form of a webhook."""

from typing import Any

from django import forms

from entrepot.desk.plug import event_kinds
from entrepot.desk.told import later

__all__ = ["WebhookForm"]


class WebhookForm(forms.Form):
    """Address and kinds of events."""

    url = forms.URLField(max_length=500, label=later("webhooks.url"), help_text=later("webhooks.url-help"), assume_scheme="https")
    kinds = forms.MultipleChoiceField(label=later("webhooks.kinds"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        kinds: Any = self.fields["kinds"]
        kinds.choices = [(kind, kind) for kind in event_kinds()]
