"""The law to read: values, rules, calendar, policy items, subscriptions."""

from entrepot.desk.lawbook import views
from entrepot.desk.plug import EVERYBODY, PUBLIC, Area, Entry, Page, Role

__all__ = ["AREA"]

AREA = Area(
    app="entrepot.desk.lawbook",
    permissions={
        "policies.view": EVERYBODY,
        "policies.edit": frozenset({Role.ANALYST, Role.ADMINISTRATOR}),
        "lawbook.subscribe": EVERYBODY,
    },
    pages=[
        Page("law/", views.law, "law", PUBLIC),
        Page("law/values/<path:path>/", views.law_leaf, "law_leaf", PUBLIC),
        Page("law/rules/", views.rules, "law_rules", PUBLIC),
        Page("law/rules/<str:rule>/", views.law_rule, "law_rule", PUBLIC),
        Page("law/calendar/", views.calendar, "law_calendar", PUBLIC),
        Page("law/changes/", views.diff, "law_diff", PUBLIC),
        Page("law/changes.atom", views.changes_feed, "law_feed", PUBLIC),
        Page("law/subscriptions/", views.subscriptions, "law_subscriptions", "lawbook.subscribe"),
        Page("policies/", views.policies, "policies", "policies.view"),
        Page("policies/new/", views.policy_new, "policy_new", "policies.edit"),
        Page("policies/<uuid:policy>/", views.policy_edit, "policy", "policies.edit"),
    ],
    navigation=[
        Entry("law", "desk.nav-law", "law", "lawbook.subscribe", 60),
        Entry("policies", "lawbook.nav-policies", "document", "policies.view", 65),
    ],
    api={"/law": "entrepot.desk.lawbook.api:router", "/policies": "entrepot.desk.lawbook.api:policies_router"},
    events=["law.change"],
    periodic=["entrepot.desk.lawbook.digest:tell", "entrepot.desk.lawbook.digest:emit_changes"],
)
