"""Keeping the installation: health, figures for monitoring, loaded data."""

from entrepot.desk.operations.health import healthz, readyz
from entrepot.desk.operations.loads import loads_page
from entrepot.desk.operations.metrics import metrics
from entrepot.desk.plug import PUBLIC, Area, Page, Role

__all__ = ["AREA"]

AREA = Area(
    app="entrepot.desk.operations",
    permissions={"operations.view": frozenset({Role.ADMINISTRATOR})},
    pages=[
        Page("healthz", healthz, "healthz", PUBLIC),
        Page("readyz", readyz, "readyz", PUBLIC),
        Page("metrics", metrics, "metrics", PUBLIC),
        Page("administration/loads/", loads_page, "loads", "operations.view"),
    ],
)
