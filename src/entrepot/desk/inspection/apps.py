"""Inspection as a Django app: it listens to what is decided over parcels."""

from django.apps import AppConfig

__all__ = ["InspectionConfig"]


class InspectionConfig(AppConfig):
    """Names the app `inspection`."""

    name = "entrepot.desk.inspection"

    def ready(self) -> None:
        """Keep cases in step with decisions made elsewhere."""
        from entrepot.desk.consignments.settle import parcel_settled
        from entrepot.desk.inspection.cases import parcel_was_settled

        parcel_settled.connect(parcel_was_settled, dispatch_uid="inspection.cases")
