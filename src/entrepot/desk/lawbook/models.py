"""Policy items an organisation keeps, and who wants to hear of changes."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from entrepot.desk.owned import Owned
from entrepot.desk.told import Told

__all__ = ["EventMark", "PolicyItem", "Subscription"]


class PolicyItem(Owned):
    """A measure of trade policy, filed in one of the nine areas, with the days it holds.

    A measure without an area or a first day is refused: it could not be counted and could never be in force.
    """

    area = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(9)])
    title = models.CharField(max_length=300)
    text = models.TextField(blank=True)
    issuer = models.CharField(max_length=200, blank=True)
    document = models.CharField(max_length=200, blank=True)
    url = models.URLField(blank=True)
    place = models.CharField(max_length=200, blank=True)
    begins_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    """First day on which it no longer holds."""
    codes = models.CharField(max_length=1000, blank=True)
    """Code prefixes it bears on, separated by spaces; empty: no particular goods."""
    filed_by = models.ForeignKey("people.User", on_delete=models.SET_NULL, null=True)

    class Meta:
        ordering = ["area", "-begins_on"]
        constraints = [
            models.CheckConstraint(condition=models.Q(area__gte=1, area__lte=9), name="policy_in_one_of_nine_areas"),
            models.CheckConstraint(
                condition=models.Q(ends_on=None) | models.Q(ends_on__gt=models.F("begins_on")),
                name="policy_ends_after_it_begins",
            ),
        ]

    def clean(self) -> None:
        """Refuse an end that is not after the beginning."""
        if self.begins_on and self.ends_on and self.ends_on <= self.begins_on:
            raise ValidationError({"ends_on": Told("lawbook.ends-before").said})

    @property
    def in_force(self) -> bool:
        """Whether it holds today."""
        day = timezone.localdate()
        return self.begins_on <= day and (self.ends_on is None or day < self.ends_on)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The code prefixes as a tuple."""
        return tuple(self.codes.split())


class Subscription(Owned):
    """A member's wish to hear of changes of the law, by e-mail, for paths that begin with a prefix."""

    user = models.ForeignKey("people.User", on_delete=models.CASCADE)
    prefix = models.CharField(max_length=200, blank=True)
    only_products = models.BooleanField(default=False)
    """Only changes that bear on products of the organisation."""
    days_ahead = models.PositiveSmallIntegerField(default=1, validators=[MaxValueValidator(90)])
    told_until = models.DateField()
    """Changes up to this day have been told."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "user", "prefix"], name="one_subscription_per_prefix")
        ]

    def covers(self, change: dict[str, Any]) -> bool:
        """Whether a change (as `book.changed` gives it) is of the wanted part of the law."""
        return str(change["path"]).startswith(self.prefix)


class EventMark(Owned):
    """Up to which day an organisation's webhooks were told of changes of the law; there while one asks for them."""

    told_until = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation"], name="one_event_mark")]
