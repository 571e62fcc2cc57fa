"""The API as a part of the desk: its reference page, and forgetting what is kept for a day."""

from entrepot.desk.api import views
from entrepot.desk.plug import PUBLIC, Area, Page

__all__ = ["AREA"]

AREA = Area(
    app="entrepot.desk.api",
    pages=[Page("api/v1/docs", views.reference, "api_docs", PUBLIC)],
    api={"": "entrepot.desk.api.basics:router"},
    periodic=["entrepot.desk.api.idempotency:forget_old_answers"],
)
