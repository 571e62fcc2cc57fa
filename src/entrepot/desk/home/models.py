"""Figures of a day, made once per batch from its result, so that the first page opens at once whatever lies behind it."""

from django.db import models

from entrepot.desk.owned import Owned

__all__ = ["DayFigure"]


class DayFigure(Owned):
    """One batch's parcels, values and taxes of one day, direction and partner country; amounts in fen."""

    batch = models.ForeignKey("batches.Batch", on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    direction = models.CharField(max_length=6)
    country = models.CharField(max_length=2, blank=True)
    """The partner's: buyer's of exports, seller's of imports; empty when unknown."""
    lines = models.PositiveBigIntegerField()
    parcels = models.PositiveBigIntegerField()
    released = models.PositiveBigIntegerField()
    """Parcels released without paper."""
    price_fen = models.BigIntegerField()
    tax_fen = models.BigIntegerField()
    tax_unknown_lines = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "day", "direction", "country"], name="one_figure_per_batch_day_partner"
            )
        ]
        indexes = [models.Index(fields=["organisation", "day"])]
