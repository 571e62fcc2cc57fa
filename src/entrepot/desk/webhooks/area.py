"""Webhooks: other systems are told when something happens."""

from entrepot.desk.plug import Area, Entry, Page, Role
from entrepot.desk.webhooks import views

__all__ = ["AREA"]

HERE = "administration/webhooks/"
MANAGE = "webhooks.manage"

AREA = Area(
    app="entrepot.desk.webhooks",
    permissions={MANAGE: frozenset({Role.ADMINISTRATOR})},
    pages=[
        Page(HERE, views.webhooks, "webhooks", MANAGE),
        Page(f"{HERE}<uuid:webhook>/", views.webhook, "webhook", MANAGE),
        Page(f"{HERE}<uuid:webhook>/active/", views.webhook_active, "webhook_active", MANAGE),
        Page(f"{HERE}<uuid:webhook>/remove/", views.webhook_remove, "webhook_remove", MANAGE),
        Page(f"{HERE}<uuid:webhook>/test/", views.webhook_test, "webhook_test", MANAGE),
        Page(f"{HERE}<uuid:webhook>/deliveries/<uuid:delivery>/", views.webhook_redeliver, "webhook_redeliver", MANAGE),
    ],
    navigation=[Entry("webhooks", "desk.nav-webhooks", "webhook", MANAGE, 230, "more")],
    api={"/webhooks": "entrepot.desk.webhooks.api:router"},
    periodic=["entrepot.desk.webhooks.deliver:tidy"],
)
