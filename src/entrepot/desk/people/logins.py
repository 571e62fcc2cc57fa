"""Logins in the audit log. The one place besides `migrate` where the desk listens to signals: allauth logs people in and
out in its own pages and tells only this way."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction

from entrepot.desk.audit.chain import record
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Membership, User
from entrepot.desk.plug import Role

__all__ = ["listen", "tell_of"]


def listen() -> None:
    """Begin to listen; called once when the app is ready."""
    user_logged_in.connect(_logged_in, dispatch_uid="audit login")
    user_logged_out.connect(_logged_out, dispatch_uid="audit logout")
    user_login_failed.connect(_failed, dispatch_uid="audit failed login")


def _logged_in(sender: object, request: Any, user: User, **_: object) -> None:
    tell_of(user, "login.done")


def _logged_out(sender: object, request: Any, user: User | None, **_: object) -> None:
    if user is not None:
        tell_of(user, "logout.done")


def _failed(sender: object, credentials: dict[str, Any], **_: object) -> None:
    """Into the chain of the installation, without the address that was typed: it is personal, or a password mistyped."""
    named = str(credentials.get("email") or credentials.get("username") or "").strip().lower()
    user = User.objects.filter(email=named).first()
    with transaction.atomic():
        record(None, "login.failed", "user" if user else "", user.id if user else "")


def tell_of(user: User, action: str) -> None:
    """Write an action of a person into the chain of every organisation the person belongs to, or the installation's for one without any."""
    members = Membership.objects.filter(user=user).select_related("organisation").order_by("organisation_id")
    with transaction.atomic():
        for member in members:
            record(Acting(member.organisation, Role(member.role), user), action, "user", user.id)
        if not members:
            record(None, action, "user", user.id)
