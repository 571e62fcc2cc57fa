"""Forms of people and organisations; labels and helps are texts in the reader's language."""

import re
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from entrepot.desk.people.keys import LONGEST, MOST_PER_MINUTE, grantable
from entrepot.desk.people.models import Organisation, User
from entrepot.desk.plug import Role
from entrepot.desk.told import Told, later
from entrepot.goods.errors import CallError
from entrepot.goods.reference import countries
from entrepot.messages.ceb import Sender

__all__ = ["InviteForm", "KeyForm", "MandateForm", "OrganisationForm", "ProfileForm", "SettingsForm", "role_of"]

LANGUAGES = [("", later("people.language-of-browser")), ("en", "English"), ("zh-hans", "简体中文")]
ROLES = [(role.value, later(f"role.{role.value}")) for role in Role]
PPM_PER_PERCENT = 10_000
SENDER_MOST = 20_000
YAML_ALIAS = re.compile(r"(^|[\s\[{,:-])[&*]\w")
"""Anchors and aliases: a small text can stand for a huge one."""


def role_of(typed: str | None) -> Role:
    """The role somebody chose; Told for none that exists."""
    try:
        return Role(typed or "")
    except ValueError:
        raise Told("people.role-unknown") from None


def _date(label: str, **more: Any) -> forms.DateField:
    return forms.DateField(label=later(label), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **more)


class OrganisationForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new organisation."""

    class Meta:
        model = Organisation
        fields = ["name", "registration_number", "country"]
        labels = {
            "name": later("people.organisation-name"),
            "registration_number": later("people.registration-number"),
            "country": later("people.country"),
        }
        help_texts = {"country": later("people.country-help"), "registration_number": later("people.registration-number-help")}

    def clean_country(self) -> str:
        """Two letters of the list."""
        code = str(self.cleaned_data["country"]).strip().upper()
        if countries().get(code) != code:
            raise ValidationError(Told("people.country-unknown").said)
        return code

    def clean_registration_number(self) -> str:
        """Without spaces around it."""
        return str(self.cleaned_data["registration_number"]).strip()


class SettingsForm(OrganisationForm):
    """The settings of an organisation."""

    sample_percent = forms.DecimalField(
        label=later("people.sample-share"), help_text=later("people.sample-share-help"), min_value=0, max_value=100, decimal_places=4
    )

    class Meta(OrganisationForm.Meta):
        fields = ["name", "registration_number", "country", "address", "telephone", "four_eyes", "sender"]
        labels = {
            **OrganisationForm.Meta.labels,
            "address": later("people.address"),
            "telephone": later("people.telephone"),
            "four_eyes": later("people.four-eyes"),
            "sender": later("people.sender"),
        }
        help_texts = {
            **OrganisationForm.Meta.help_texts,
            "four_eyes": later("people.four-eyes-help"),
            "sender": later("people.sender-help"),
            "address": later("people.sealed-help"),
            "telephone": later("people.sealed-help"),
        }
        widgets = {
            "address": forms.Textarea(attrs={"rows": 2, "maxlength": 400}),
            "telephone": forms.TextInput(attrs={"type": "tel", "maxlength": 40}),
            "sender": forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false"}),
        }

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["sample_percent"].initial = Decimal(self.instance.sample_ppm) / PPM_PER_PERCENT

    def clean_sender(self) -> str:
        """Empty, or a sender file that messages can be written with."""
        written = str(self.cleaned_data["sender"]).replace("\r\n", "\n").strip()
        if not written:
            return ""
        if len(written) > SENDER_MOST or YAML_ALIAS.search(written):
            raise ValidationError(Told("people.sender-too-much", most=SENDER_MOST).said)
        try:
            Sender.parse(written)
        except CallError as error:
            raise ValidationError(Told("people.sender-wrong", said=error).said) from None
        return written + "\n"

    def save(self, commit: bool = True) -> Any:
        """Save with the share as exact millionths."""
        self.instance.sample_ppm = int(self.cleaned_data["sample_percent"] * PPM_PER_PERCENT)
        return super().save(commit)


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person's own name, language and telephone."""

    language = forms.ChoiceField(label=later("people.language"), choices=LANGUAGES, required=False)

    class Meta:
        model = User
        fields = ["name", "language", "telephone"]
        labels = {"name": later("people.own-name"), "telephone": later("people.telephone")}
        help_texts = {"telephone": later("people.sealed-help")}
        widgets = {"telephone": forms.TextInput(attrs={"type": "tel", "maxlength": 40, "autocomplete": "tel"})}


class InviteForm(forms.Form):
    """Whom to invite, as what."""

    email = forms.EmailField(label=later("people.email"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(label=later("people.role"), choices=ROLES, initial=Role.TRADER.value)


class MandateForm(forms.Form):
    """Which broker may act, from when until when."""

    broker = forms.CharField(label=later("people.broker"), help_text=later("people.broker-help"), max_length=60)
    begins_on = _date("desk.from", initial=timezone.localdate)
    ends_on = _date("desk.until", required=False, help_text=later("people.mandate-until-help"))


class KeyForm(forms.Form):
    """A new key: its scopes are limited to what its issuer may do."""

    name = forms.CharField(label=later("people.key-name"), help_text=later("people.key-name-help"), max_length=120)
    expires_on = _date("people.key-expires-on", help_text=later("people.key-expires-help"))
    requests_per_minute = forms.IntegerField(label=later("people.key-rate-label"), min_value=1, max_value=MOST_PER_MINUTE, initial=600)
    scopes = forms.MultipleChoiceField(label=later("people.key-scopes"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, acting: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        scopes: Any = self.fields["scopes"]
        scopes.choices = [(name, later(f"permission.{name}")) for name in grantable(acting)]
        today = timezone.localdate()
        self.fields["expires_on"].initial = today + timedelta(days=90)
        self.fields["expires_on"].widget.attrs |= {"min": str(today), "max": str(today + LONGEST - timedelta(days=1))}

    @property
    def expires_at(self) -> datetime:
        """The end of the last day."""
        return timezone.make_aware(datetime.combine(self.cleaned_data["expires_on"], time.max))
