"""The product catalogue of an organisation: products, their codes as they were decided, pictures and certificates."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q

from entrepot.desk.owned import Owned

__all__ = ["Certificate", "Code", "Image", "Product"]


class Product(Owned):
    """An article the organisation trades, with what a catalogue file may say of it (`goods.catalogue_file`)."""

    class Status(models.TextChoices):
        """Whether it is still traded; nothing is ever deleted."""

        ACTIVE = "active"
        RETIRED = "retired"

    sku = models.CharField(max_length=120)
    name_en = models.CharField(max_length=300, blank=True)
    name_zh = models.CharField(max_length=300, blank=True)
    brand = models.CharField(max_length=120, blank=True)
    unit = models.CharField(max_length=3, blank=True)
    """Customs unit; empty: unknown."""
    mass_g = models.PositiveIntegerField(null=True, blank=True)
    """Net mass of one unit in grams."""
    origin = models.CharField(max_length=2, blank=True)
    on_positive_list = models.BooleanField(null=True)
    needs_licence = models.BooleanField(null=True)
    content_quantity_e5 = models.BigIntegerField(null=True, blank=True)
    """Content of one unit, in hundred-thousandths of `content_unit`."""
    content_unit = models.CharField(max_length=10, blank=True)
    source = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "sku"], name="one_product_per_sku")]
        indexes = [models.Index(fields=["organisation", "status", "sku"])]

    def __str__(self) -> str:
        return self.name_zh or self.name_en or self.sku


class Code(Owned):
    """One decision on a product's code. A later decision marks it as superseded and leaves it as it was."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="codes")
    jurisdiction = models.CharField(max_length=2)
    edition = models.PositiveSmallIntegerField()
    """The year of the tariff the code is taken from."""
    code = models.CharField(max_length=12)
    confirmed = models.BooleanField(default=False)
    """Whether somebody stands for it; lines with an unconfirmed code carry a warning."""
    reason = models.TextField(blank=True)
    decided_by = models.CharField(max_length=60)
    decided_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["product", "jurisdiction"], condition=Q(superseded_at=None), name="one_present_code"
            )
        ]
        indexes = [models.Index(fields=["organisation", "jurisdiction", "code"])]
        ordering = ["jurisdiction", "-edition", "-decided_at"]


class KeptFile(Owned):
    """A file that came with a product; `media_type` is what its first bytes say."""

    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=40)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    added_by = models.CharField(max_length=60)

    class Meta:
        abstract = True

    @property
    def path(self) -> Path:
        """Where the file lies."""
        place: Path = settings.DESK_FOLDER / "products" / str(self.organisation_id) / str(self.id)
        return place


class Image(KeptFile):
    """A picture of a product."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="images")


class Certificate(KeptFile):
    """A certificate of a product: conformity, origin, safety and so on."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="certificates")
    kind = models.CharField(max_length=80)
    number = models.CharField(max_length=120, blank=True)
    issuer = models.CharField(max_length=200, blank=True)
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)
    """The last day on which it is valid."""
