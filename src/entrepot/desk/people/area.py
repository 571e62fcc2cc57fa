"""People, organisations, mandates, keys: who may do what."""

from entrepot.desk.people import views
from entrepot.desk.plug import SIGNED_IN, Area, Page, Role

__all__ = ["AREA"]

AREA = Area(
    app="entrepot.desk.people",
    permissions={"people.manage": frozenset({Role.ADMINISTRATOR})},
    pages=[
        Page("organisation/new/", views.organisation_new, "organisation_new", SIGNED_IN),
        Page("organisation/switch/", views.switch_organisation, "switch_organisation", SIGNED_IN),
    ],
)
