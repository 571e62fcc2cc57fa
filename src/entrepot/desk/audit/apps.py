"""The audit area as a Django app: guards the tables that only grow after every `migrate`."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from entrepot.desk.audit.append_only import guard_tables

__all__ = ["AuditConfig"]


class AuditConfig(AppConfig):
    """Names the app `audit`."""

    name = "entrepot.desk.audit"

    def ready(self) -> None:
        """Ask to be called after `migrate`."""
        post_migrate.connect(guard_tables, sender=self)
