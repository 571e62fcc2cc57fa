"""What belongs to an organisation: every row names it, and every query does too."""

import uuid
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404

if TYPE_CHECKING:
    from entrepot.desk.people.acting import Acting
    from entrepot.desk.people.models import Organisation

__all__ = ["Owned", "OwnedRows"]

Row = TypeVar("Row", bound=models.Model, covariant=True)


class OwnedRows(models.QuerySet[Row]):
    """Rows of owned models. `of` is the only way in: a test finds any other use."""

    def of(self, owner: "Organisation | Acting") -> Self:
        """The rows of one organisation (or of the one somebody acts for)."""
        organisation = getattr(owner, "organisation", owner)
        return self.filter(organisation=organisation)

    def one(self, owner: "Organisation | Acting", **key: Any) -> Row:
        """The row of an organisation with this key; Http404 when there is none, as for another's."""
        try:
            return self.of(owner).get(**key)
        except (self.model.DoesNotExist, ValueError, ValidationError):  # type: ignore[attr-defined]
            raise Http404(f"no such {self.model._meta.verbose_name}") from None


class Owned(models.Model):
    """A row of one organisation, with an id nobody can guess."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey("people.Organisation", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects: "models.Manager[Any]" = OwnedRows.as_manager()

    class Meta:
        abstract = True
