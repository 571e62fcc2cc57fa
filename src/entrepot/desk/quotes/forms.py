"""The form of a quote. It only gathers fields: `run.quote` reads them and says what is wrong with each."""

import gettext
from collections.abc import Iterable
from functools import cache
from typing import Any

import pycountry
from django import forms

from entrepot.desk.context import language
from entrepot.desk.told import later
from entrepot.goods.reference import countries, currencies
from entrepot.goods.schema import FIELDS
from entrepot.goods.texts import text
from entrepot.run.quote import FLAGS, Problem

__all__ = ["FOLDED", "MAIN", "QuoteForm", "label_of", "value_of"]

MAIN = ("product", "seller_country", "buyer_country", "value", "currency", "quantity", "net_mass", "on", "buyer_kind")
FOLDED = (
    "hs_code", "seller_kind", "freight", "insurance", "incoterm", "unit", "content_quantity", "content_unit", "customs_district",
    "spent", *FLAGS,
)  # fmt: skip
FIRST_CURRENCIES = ("CNY", "USD", "EUR", "GBP", "JPY", "HKD", "KRW", "RUB", "AUD", "CAD", "SGD", "THB", "VND", "MYR", "IDR", "BRL")
CODE_DIGITS = range(4, 14)


def _decimal() -> forms.TextInput:
    return forms.TextInput(attrs={"inputmode": "decimal"})


class QuoteForm(forms.Form):
    """Product, from, to, value, day; further facts in a fold."""

    product = forms.CharField(max_length=500, label=later("quotes.product"), help_text=later("quotes.product-help"))
    seller_country = forms.ChoiceField(label=later("quotes.from"))
    buyer_country = forms.ChoiceField(label=later("quotes.to"))
    value = forms.CharField(max_length=30, label=later("quotes.value"), widget=_decimal())
    currency = forms.ChoiceField(label=later("quotes.currency"))
    quantity = forms.CharField(max_length=30, label=later("quotes.quantity"), required=False, widget=_decimal())
    net_mass = forms.CharField(max_length=30, label=later("quotes.net-mass"), required=False, widget=_decimal())
    on = forms.DateField(label=later("quotes.on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    buyer_kind = forms.ChoiceField(label=later("quotes.buyer-kind"), required=False)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        spoken = language()
        for name in FOLDED:
            self.fields[name] = _folded(name)
        self._choices("seller_country", _countries(spoken))
        self._choices("buyer_country", _countries(spoken))
        self._choices("currency", [(code, code) for code in (*FIRST_CURRENCIES, *sorted(set(currencies()) - set(FIRST_CURRENCIES)))])
        self._choices("buyer_kind", _kinds())

    def _choices(self, name: str, choices: Iterable[tuple[str, Any]]) -> None:
        field: Any = self.fields[name]
        field.choices = list(choices)

    @property
    def main(self) -> list[Any]:
        """What is asked of everybody."""
        return [self[name] for name in MAIN]

    @property
    def folded(self) -> list[Any]:
        """What only some goods need."""
        return [self[name] for name in FOLDED]

    def asked(self) -> dict[str, Any]:
        """The fields as `run.quote` reads them; a product that is only digits is a code."""
        given = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        product = str(given.pop("product"))
        digits = product.replace(".", "").replace(" ", "")
        is_code = digits.isascii() and digits.isdigit() and len(digits) in CODE_DIGITS
        return {**given, **({"hs_code": digits} if is_code else {"description": product})}

    def refuse(self, problems: Iterable[Problem]) -> None:
        """Show problems at their fields, in the reader's language."""
        for problem in problems:
            name = {"description": "product", "unit_price": "value"}.get(problem.field, problem.field)
            name = "product" if name == "hs_code" and not self.data.get("hs_code") else name
            self.add_error(name if name in self.fields else None, problem.message[language()])


def _folded(name: str) -> forms.Field:
    known, label = FIELDS.get(name), label_of(name)
    if name in FLAGS:
        return forms.ChoiceField(label=label, required=False, choices=_yes_no())
    if known is not None and known.choices:
        choices = _kinds() if name == "seller_kind" else [("", later("quotes.not-stated")), *((one, one) for one in known.choices)]
        return forms.ChoiceField(label=label, required=False, choices=choices)
    return forms.CharField(label=label, required=False, max_length=60)


def label_of(name: str) -> str:
    """What a field of a quote is called in the reader's language."""
    known = FIELDS.get(name)
    label = text(f"quote.field.{name}", language()) if known is None else known.zh if language() == "zh" else known.en
    return label[:1].upper() + label[1:]


def value_of(name: str, value: Any) -> str:
    """A field's value as a reader would say it: the words of a choice, else the value itself."""
    field: Any = QuoteForm().fields.get(name)
    wanted = str(value).lower() if isinstance(value, bool) else str(value)
    return str(dict(getattr(field, "choices", ())).get(wanted, value))


def _yes_no() -> list[tuple[str, Any]]:
    return [("", later("quotes.not-stated")), ("true", later("quotes.yes")), ("false", later("quotes.no"))]


def _kinds() -> list[tuple[str, Any]]:
    return [("", later("quotes.not-stated")), ("person", later("quotes.person")), ("business", later("quotes.business"))]


@cache
def _countries(spoken: str) -> tuple[tuple[str, str], ...]:
    """Codes and names, China first, then by name."""
    chinese = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=["zh_CN"], fallback=True)
    listed = set(countries().values())
    entries = {code: pycountry.countries.get(alpha_2=code) for code in listed}
    names = {code: getattr(entry, "common_name", None) or entry.name for code, entry in entries.items()}
    shown = {code: f"{chinese.gettext(name)} {code}" if spoken == "zh" else f"{name} ({code})" for code, name in names.items()}
    return tuple(sorted(shown.items(), key=lambda pair: (pair[0] != "CN", pair[1])))
