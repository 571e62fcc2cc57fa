"""Consignments: every line of every batch, why it was decided so, and what persons decide."""

from entrepot.desk.consignments import line_views, views
from entrepot.desk.plug import EVERYBODY, Area, Entry, Page, Role

__all__ = ["AREA"]

LINE = "consignments/<uuid:batch>/<int:row_id>/"
VIEW, EXPORT, DECIDE = "consignments.view", "consignments.export", "consignments.decide"
REVEAL, ERASE = "persons.reveal", "persons.erase"

AREA = Area(
    app="entrepot.desk.consignments",
    permissions={
        VIEW: EVERYBODY,
        EXPORT: EVERYBODY,
        DECIDE: frozenset({Role.BROKER, Role.INSPECTOR, Role.ADMINISTRATOR}),
        REVEAL: frozenset({Role.BROKER, Role.INSPECTOR, Role.ADMINISTRATOR}),
        ERASE: frozenset({Role.ADMINISTRATOR}),
    },
    pages=[
        Page("consignments/", views.consignments, "consignments", VIEW),
        Page("consignments/count/", views.counted, "consignments_count", VIEW),
        Page("consignments/decide/", views.decide_many, "consignments_decide", DECIDE),
        Page("consignments/export/", views.export, "consignments_export", EXPORT),
        Page("consignments/exports/<uuid:job>/", views.export_file, "consignments_file", EXPORT),
        Page(LINE, line_views.line, "line", VIEW),
        Page(LINE + "decide/", line_views.decide, "line_decide", DECIDE),
        Page(LINE + "proposals/<uuid:proposal>/", line_views.decide_proposed, "line_proposal", DECIDE),
        Page(LINE + "persons/", line_views.parcel_persons, "line_persons", VIEW),
        Page(LINE + "reveal/", line_views.reveal, "line_reveal", REVEAL),
        Page(LINE + "erase/", line_views.erase, "line_erase", ERASE),
        Page(LINE + "messages/", line_views.parcel_messages, "line_messages", VIEW),
        Page(LINE + "messages/<str:kind>/", line_views.message, "line_message", VIEW),
        Page(LINE + "messages/<str:kind>/file/", line_views.message_file, "line_message_file", REVEAL),
    ],
    navigation=[Entry("consignments", "desk.nav-consignments", "consignments", VIEW, 30)],
    jobs={
        "consignments.settle": "entrepot.desk.consignments.many:settle_job",
        "consignments.export": "entrepot.desk.consignments.many:export_job",
    },
    api={"/consignments": "entrepot.desk.consignments.api:router"},
    events=["parcel.settled"],
    periodic=["entrepot.desk.consignments.many:tidy_exports"],
)
