"""The audit area of the desk: who did what and when."""

from entrepot.desk.audit import views
from entrepot.desk.plug import Area, Entry, Page, Role

__all__ = ["AREA"]

AREA = Area(
    app="entrepot.desk.audit",
    permissions={
        "audit.view": frozenset({Role.ADMINISTRATOR, Role.INSPECTOR}),
        "audit.export": frozenset({Role.ADMINISTRATOR}),
    },
    pages=[
        Page("audit/", views.audit, "audit", "audit.view"),
        Page("audit/verify/", views.audit_verify, "audit_verify", "audit.view"),
        Page("audit/export/<str:file_format>/", views.audit_export, "audit_export", "audit.export"),
    ],
    navigation=[Entry("audit", "desk.nav-audit", "audit", "audit.view", 190, "more")],
    api={"": "entrepot.desk.audit.api:router"},
    jobs={"audit.verify": "entrepot.desk.audit.jobs:verify_job"},
)
