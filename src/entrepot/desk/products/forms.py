"""Forms of products."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from entrepot.desk.products.codes import FIRST_EDITION
from entrepot.desk.products.models import Product
from entrepot.desk.told import Told, later
from entrepot.goods.reference import countries, unit, units
from entrepot.goods.schema import FIELDS

__all__ = ["CertificateForm", "CodeForm", "ImageForm", "ImportForm", "ProductForm"]

E5 = 100_000
TRUTH = [("", later("desk.unknown")), ("true", later("products.yes")), ("false", later("products.no"))]


def _units() -> list[tuple[str, Any]]:
    known = [one for code in sorted(set(units().values())) if (one := unit(code))]
    return [("", later("desk.unknown")), *((one.code, f"{one.code} {one.name_zh} {one.rec20}") for one in known)]


def _day(label: str) -> forms.DateField:
    return forms.DateField(
        label=later(label), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class ProductForm(forms.ModelForm):  # type: ignore[type-arg]
    """A product; what is not known stays empty."""

    unit = forms.ChoiceField(label=later("products.unit"), choices=_units, required=False)
    content_quantity = forms.DecimalField(
        label=later("products.content-quantity"),
        required=False,
        max_digits=13,
        decimal_places=5,
        min_value=Decimal("0.00001"),
    )
    content_unit = forms.ChoiceField(
        label=later("products.content-unit"), required=False,
        choices=[("", later("desk.none")), *((one, one) for one in FIELDS["content_unit"].choices)],
    )  # fmt: skip

    class Meta:
        model = Product
        fields = ["sku", "name_zh", "name_en", "brand", "origin", "unit", "mass_g", "content_quantity", "content_unit",
                  "on_positive_list", "needs_licence", "source", "status"]  # fmt: skip
        labels = {
            name: later(f"products.{name.replace('_', '-')}")
            for name in (
                "sku",
                "name_zh",
                "name_en",
                "brand",
                "origin",
                "mass_g",
                "on_positive_list",
                "needs_licence",
                "source",
                "status",
            )
        }
        help_texts = {
            "origin": later("people.country-help"),
            "mass_g": later("products.mass-help"),
            "on_positive_list": later("products.positive-list-help"),
        }
        widgets = {name: forms.Select(choices=TRUTH) for name in ("on_positive_list", "needs_licence")} | {
            "status": forms.Select(choices=[(one, later(f"products.status-{one}")) for one in Product.Status.values])
        }

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if not self.instance._state.adding:  # other files and lines know it by its sku
            self.fields["sku"].disabled = True
        if self.instance.content_quantity_e5 is not None:
            self.fields["content_quantity"].initial = (Decimal(self.instance.content_quantity_e5) / E5).normalize()

    def clean_origin(self) -> str:
        """Empty, or two letters of the list."""
        code = str(self.cleaned_data["origin"]).strip().upper()
        if code and countries().get(code) != code:
            raise ValidationError(Told("people.country-unknown").said)
        return code

    def clean_mass_g(self) -> int | None:
        """Empty, or more than nothing and less than a thousand tonnes."""
        grams: int | None = self.cleaned_data["mass_g"]
        if grams is not None and not 0 < grams < 1_000_000_000:
            raise ValidationError(Told("products.mass-out").said)
        return grams

    def clean(self) -> dict[str, Any]:
        """Content and its unit come together; one sku is one product."""
        given: dict[str, Any] = super().clean() or {}
        if (given.get("content_quantity") is None) != (not given.get("content_unit")):
            self.add_error("content_quantity", Told("products.content-together").said)
        same = (
            Product.objects.of(self.instance.organisation).filter(sku=given.get("sku", "")).exclude(id=self.instance.id)
        )
        if same.exists():
            self.add_error("sku", Told("products.sku-taken").said)
        return given

    def save(self, commit: bool = True) -> Any:
        """Save with the content in hundred-thousandths."""
        quantity = self.cleaned_data["content_quantity"]
        self.instance.content_quantity_e5 = None if quantity is None else int(quantity * E5)
        return super().save(commit)


class CodeForm(forms.Form):
    """A decision on a code."""

    jurisdiction = forms.CharField(
        label=later("products.jurisdiction"), help_text=later("products.jurisdiction-help"), max_length=2, initial="CN"
    )
    edition = forms.IntegerField(
        label=later("products.edition"),
        help_text=later("products.edition-help"),
        min_value=FIRST_EDITION,
        max_value=9999,
    )
    code = forms.CharField(
        label=later("products.code"),
        max_length=20,
        widget=forms.TextInput(attrs={"class": "mono", "inputmode": "numeric"}),
    )
    reason = forms.CharField(
        label=later("desk.reason"),
        help_text=later("products.reason-help"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    confirmed = forms.BooleanField(
        label=later("products.confirmed"), help_text=later("products.confirmed-help"), required=False
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["edition"].initial = timezone.localdate().year


class ImageForm(forms.Form):
    """A picture."""

    image = forms.FileField(label=later("products.image"), help_text=later("products.image-help"),
                            widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}))  # fmt: skip


class CertificateForm(forms.Form):
    """A certificate with its file."""

    kind = forms.CharField(
        label=later("products.certificate-kind"), help_text=later("products.certificate-kind-help"), max_length=80
    )
    number = forms.CharField(label=later("products.certificate-number"), max_length=120, required=False)
    issuer = forms.CharField(label=later("products.certificate-issuer"), max_length=200, required=False)
    valid_from = _day("products.valid-from")
    valid_until = _day("products.valid-until")
    file = forms.FileField(label=later("products.certificate-file"), help_text=later("products.certificate-help"),
                           widget=forms.FileInput(attrs={"accept": "application/pdf,image/jpeg,image/png,image/webp"}))  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """It ends after it begins."""
        given: dict[str, Any] = super().clean() or {}
        begins, ends = given.get("valid_from"), given.get("valid_until")
        if begins and ends and ends < begins:
            self.add_error("valid_until", Told("products.ends-before-it-begins").said)
        return given


class ImportForm(forms.Form):
    """A catalogue file."""

    file = forms.FileField(label=later("products.import-file"), help_text=later("products.import-help"))
    edition = forms.IntegerField(
        label=later("products.edition"), help_text=later("products.edition-import-help"), min_value=FIRST_EDITION
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        this_year = timezone.localdate().year
        edition: Any = self.fields["edition"]
        edition.initial, edition.max_value = this_year, this_year
        edition.widget.attrs["max"] = this_year

    def clean_edition(self) -> int:
        """Not later than this year: its tariff is not in force."""
        edition: int = self.cleaned_data["edition"]
        if edition > timezone.localdate().year:
            raise ValidationError(
                Told("products.edition-out", first=FIRST_EDITION, last=timezone.localdate().year).said
            )
        return edition
