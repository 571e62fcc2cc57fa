"""Nothing is opened without its permission: every page goes through `guarded`."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from entrepot.desk.plug import PUBLIC, SIGNED_IN, Page, roles_of

__all__ = ["guarded"]


def guarded(page: Page) -> Callable[..., Any]:
    """The view of a page behind its permission.

    A visitor is sent to log in; a person without an organisation to make or join one; a member without the permission
    is refused (403). The wrapped view carries `body_bytes_most`, which bounds what is sent to it.
    """
    view, permission = page.view, page.permission
    if permission not in (PUBLIC, SIGNED_IN):
        roles_of(permission)

    @wraps(view)
    def checked(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        if permission != PUBLIC:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if permission != SIGNED_IN:
                acting = request.acting  # type: ignore[attr-defined]
                if acting is None:
                    return redirect("organisation_new")
                if not acting.may(permission):
                    raise PermissionDenied(permission)
        answered: HttpResponse = view(request, *arguments, **named)
        return answered

    checked.body_bytes_most = page.body_bytes_most  # type: ignore[attr-defined]
    return checked
