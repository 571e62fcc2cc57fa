"""Inspection: parcels that wait for a person, and green ones drawn for an audit."""

from entrepot.desk.inspection import views
from entrepot.desk.inspection.evidence import VIDEO_MOST
from entrepot.desk.plug import FORM_BYTES, Area, Entry, Page, Role

__all__ = ["AREA"]

CASE = "inspection/<uuid:case>/"
VIEW, WORK = "inspection.view", "inspection.work"

AREA = Area(
    app="entrepot.desk.inspection",
    permissions={
        VIEW: frozenset({Role.INSPECTOR, Role.ADMINISTRATOR, Role.ANALYST, Role.BROKER}),
        WORK: frozenset({Role.INSPECTOR}),
    },
    pages=[
        Page("inspection/", views.inspection, "inspection", VIEW),
        Page(CASE, views.case, "case", VIEW),
        Page(CASE + "take/", views.take, "case_take", WORK),
        Page(CASE + "give-back/", views.give_back, "case_give_back", WORK),
        Page(CASE + "hand-over/", views.hand_over, "case_hand_over", WORK),
        Page(CASE + "take-over/", views.take_over, "case_take_over", WORK),
        Page(CASE + "answers/", views.answer, "case_answer", WORK),
        Page(CASE + "decide/", views.decide, "case_decide", WORK),
        Page(CASE + "evidence/", views.evidence_add, "case_evidence", WORK, VIDEO_MOST + FORM_BYTES),
        Page(CASE + "evidence/<uuid:evidence>/", views.evidence_file, "case_evidence_file", VIEW),
        Page(CASE + "sessions/", views.session_add, "case_session", WORK),
    ],
    navigation=[Entry("inspection", "desk.nav-inspection", "inspection", VIEW, 40)],
    api={"/inspection": "entrepot.desk.inspection.api:router"},
    batch_done="entrepot.desk.inspection.opening:open_cases",
    actor_changed="entrepot.desk.inspection.holders:release_cases",
)
