"""The style guide: every part of the pages once, with example figures. Shown only while developing."""

import re
from importlib.resources import files

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ruamel.yaml import YAML

__all__ = ["ExampleForm", "icons", "styleguide"]

COLUMNS = ("order", "goods", "mode", "value", "tax", "verdict")


class ExampleForm(forms.Form):
    """A field of each look."""

    name = forms.CharField(label="Name of goods", help_text="As on the invoice")
    country = forms.ChoiceField(label="Country 国家", choices=[("CN", "China"), ("DE", "Germany")])
    value = forms.DecimalField(label="Value, CNY", widget=forms.TextInput)
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 4}))
    agree = forms.BooleanField(label="I have read the notice", help_text="Needed once")


def icons() -> list[str]:
    """The name of every symbol in `icons.svg`."""
    return re.findall(r'<symbol id="([^"]+)"', files("entrepot.desk").joinpath("static/desk/icons.svg").read_text())


def styleguide(request: HttpRequest) -> HttpResponse:
    """Every part of the pages; the form is shown as it looks with errors."""
    shown = YAML(typ="safe").load(files("entrepot.desk").joinpath("styleguide.yaml").read_text(encoding="utf-8"))
    form = ExampleForm({"name": "", "country": "CN", "value": "x"})
    form.add_error(None, "The order has no buyer.")
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in shown["rows"]]
    charts = [{"id": f"chart-{number}", **chart} for number, chart in enumerate(shown["charts"])]
    named = {"charts": charts, "rows": rows, "steps": shown["steps"], "form": form, "icons": icons()}
    return render(request, "desk/styleguide.html", named)
