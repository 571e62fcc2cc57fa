"""Pages of API keys."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from entrepot.desk.people.forms import KeyForm
from entrepot.desk.people.keys import issue, revoke_key
from entrepot.desk.people.models import ApiKey
from entrepot.desk.told import Told, changing, posted, say_done

__all__ = ["key_issue", "key_revoke", "keys"]


def keys(request: Any) -> HttpResponse:
    """The keys of the organisation and a form for a new one."""
    return _keys(request, KeyForm(request.acting))


def _keys(request: Any, form: KeyForm, key: ApiKey | None = None, token: str = "") -> HttpResponse:
    shown = {
        "keys": ApiKey.objects.of(request.acting).select_related("created_by").order_by("revoked_at", "-created_at")[:500],
        "form": form, "key": key, "token": token,
    }  # fmt: skip
    return render(request, "people/keys.html", shown, status=422 if form.errors else 200)


@never_cache
def key_issue(request: Any) -> HttpResponse:
    """Issue a key; the answer to this one request is the only place its token is ever shown."""
    form = KeyForm(request.acting, posted(request))
    if request.method != "POST" or not form.is_valid():
        return _keys(request, form) if request.method == "POST" else redirect("keys")
    given = form.cleaned_data
    try:
        key, token = issue(request.acting, given["name"], given["scopes"], form.expires_at, given["requests_per_minute"])
    except Told as error:
        form.add_error("expires_on" if error.text_id == "people.key-expiry" else None, error.said)
        return _keys(request, form)
    return _keys(request, KeyForm(request.acting), key, token)


@changing("keys")
def key_revoke(request: Any, key_id: UUID) -> None:
    """End a key now."""
    revoke_key(request.acting, key_id)
    say_done(request, "people.key-revoked")
