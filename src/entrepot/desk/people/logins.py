"""Logins and changes of accounts in the audit log. One of few places where the desk listens to signals: allauth logs people
in and out, changes passwords, addresses and second factors in its own pages and tells only this way, when it is done."""

from collections.abc import Callable, Sequence
from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as factors
from allauth.usersessions.models import UserSession
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import Signal

from entrepot.desk.audit.chain import record
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Membership, User
from entrepot.desk.plug import Role

__all__ = ["end_sessions", "listen", "tell_of"]

CHANGES: dict[str, tuple[Signal, ...]] = {
    "password.changed": (account.password_changed, account.password_set),
    "password.reset": (account.password_reset,),
    "email.added": (account.email_added,),
    "email.confirmed": (account.email_confirmed,),
    "email.changed": (account.email_changed,),
    "email.removed": (account.email_removed,),
    "factor.added": (factors.authenticator_added,),
    "factor.reset": (factors.authenticator_reset,),
    "factor.removed": (factors.authenticator_removed,),
}
"""What is told of an account when which signals are sent; the entry names no address and no secret."""


def listen() -> None:
    """Begin to listen; called once when the app is ready."""
    user_logged_in.connect(_logged_in, dispatch_uid="audit login")
    user_logged_out.connect(_logged_out, dispatch_uid="audit logout")
    user_login_failed.connect(_failed, dispatch_uid="audit failed login")
    for action, signals in CHANGES.items():
        for signal in signals:
            signal.connect(_teller(action), weak=False, dispatch_uid=f"audit {action}")


def _teller(action: str) -> Callable[..., None]:
    def changed(sender: object, user: User | None = None, email_address: Any = None, authenticator: Any = None, **_: object) -> None:
        detail = {"factor": str(authenticator.type)} if authenticator else {}
        tell_of(user or email_address.user, action, **detail)

    return changed


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


def tell_of(user: User, action: str, **detail: Any) -> None:
    """Write an action of a person into the chain of every organisation the person belongs to, or the installation's for one
    without any."""
    members = Membership.objects.filter(user=user).select_related("organisation").order_by("organisation_id")
    with transaction.atomic():
        for member in members:
            record(Acting(member.organisation, Role(member.role), user), action, "user", user.id, **detail)
        if not members:
            record(None, action, "user", user.id, **detail)


def end_sessions(sessions: Sequence[UserSession]) -> None:
    """Log out browsers of one person, all or none, with the entry of it."""
    with transaction.atomic():
        for session in sessions:
            session.end()
        if sessions:
            tell_of(sessions[0].user, "session.ended", sessions=len(sessions))
