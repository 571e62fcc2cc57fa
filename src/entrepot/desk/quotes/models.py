"""Quotes that were kept: what was asked and under which law, under a link nobody can guess."""

from django.db import models

__all__ = ["KeptQuote"]


class KeptQuote(models.Model):
    """A quote behind a link. It holds the question and the law's hash, from which the answer follows for ever.

    Whoever has the link may read it, so no personal data are in it; `organisation` is who kept it, None a visitor.
    """

    slug = models.CharField(max_length=22, primary_key=True)
    organisation = models.ForeignKey("people.Organisation", on_delete=models.PROTECT, null=True, related_name="+")
    frozen = models.JSONField()
    """As `run.quote.freeze` gives it."""
    on = models.DateField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-created_at", "-slug"]

    @property
    def title(self) -> str:
        """What was asked about: the product in words, else its code or article number."""
        asked = self.frozen["request"]
        return str(asked.get("description") or asked.get("hs_code") or asked.get("sku") or "")
