"""Making an organisation, choosing for whom to act, one's own profile, the organisation's settings."""

from typing import Any
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_POST
from django.views.i18n import set_language as set_cookie

from entrepot.desk.audit.chain import record
from entrepot.desk.people.acting import SESSION_KEY, choose
from entrepot.desk.people.forms import OrganisationForm, ProfileForm, SettingsForm
from entrepot.desk.people.logins import end_sessions, tell_of
from entrepot.desk.people.models import Organisation, User
from entrepot.desk.people.organisations import make_organisation
from entrepot.desk.told import posted, say_done

__all__ = ["administration", "organisation_new", "organisation_settings", "profile", "session_end", "set_language", "switch_organisation"]

CARDS = (
    ("members", "people.view", "people"),
    ("mandates", "people.view", "scales"),
    ("organisation", "people.manage", "organisation"),
    ("keys", "keys.manage", "key"),
    ("webhooks", "webhooks.manage", "webhook"),
    ("jobs", "jobs.view", "jobs"),
    ("loads", "operations.view", "data"),
    ("audit", "audit.view", "audit"),
)
"""Pages the overview leads to: name, permission, icon; one that is not plugged in is left out."""

SESSION_SALT = "session"


def administration(request: Any) -> HttpResponse:
    """What can be looked after, as far as one may."""
    cards = [(name, icon, url) for name, permission, icon in CARDS if request.acting.may(permission) and (url := _url(name))]
    return render(request, "people/administration.html", {"cards": cards})


def _url(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


def organisation_new(request: Any) -> HttpResponse:
    """Make an organisation; who makes it becomes its administrator."""
    form = OrganisationForm(posted(request))
    if request.method == "POST" and form.is_valid():
        organisation = make_organisation(request.user, **form.cleaned_data)
        request.session[SESSION_KEY] = str(organisation.id)
        return redirect("home")
    return render(request, "people/organisation_new.html", {"form": form})


@require_POST
def switch_organisation(request: HttpRequest) -> HttpResponse:
    """Act for another of one's organisations."""
    try:
        chosen = UUID(request.POST.get("organisation", ""))
    except ValueError:
        return HttpResponse(status=400)
    return redirect("home") if choose(request, chosen) else HttpResponse(status=404)


def organisation_settings(request: Any) -> HttpResponse:
    """The organisation's own settings; the audit log is told which changed, not to what."""
    with transaction.atomic():
        organisation = Organisation.objects.select_for_update().get(id=request.acting.organisation.id)
        form = SettingsForm(posted(request), instance=organisation)
        if request.method == "POST" and form.is_valid():
            if form.changed_data:
                form.save()
                record(request.acting, "organisation.changed", "organisation", organisation.id, fields=sorted(form.changed_data))
            say_done(request, "people.saved")
            return redirect("organisation")
    return render(request, "people/organisation.html", {"form": form})


def profile(request: Any) -> HttpResponse:
    """One's own name, language and telephone."""
    form = ProfileForm(posted(request), instance=User.objects.get(id=request.user.id))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            if form.changed_data:
                tell_of(request.user, "profile.changed", fields=sorted(form.changed_data))
        say_done(request, "people.saved")
        return redirect("profile")
    return render(request, "people/profile.html", {"form": form})


@require_POST
def session_end(request: Any) -> HttpResponse:
    """Log out one other browser of one's own; the page names it by a signed number. 404 for one that is not there."""
    try:
        number = signing.loads(request.POST.get("session", ""), salt=SESSION_SALT)
    except signing.BadSignature:
        return HttpResponse(status=400)
    session = UserSession.objects.filter(user=request.user, pk=number).exclude(session_key=request.session.session_key).first()
    if session is None:
        return HttpResponse(status=404)
    end_sessions([session])
    say_done(request, "people.session-ended")
    return redirect("usersessions_list")


@require_POST
def set_language(request: Any) -> HttpResponse:
    """Show pages in another language from now on; a person's choice is kept in the profile."""
    chosen = request.POST.get("language", "")
    if request.user.is_authenticated and chosen in dict(settings.LANGUAGES) and chosen != request.user.language:
        with transaction.atomic():
            User.objects.filter(id=request.user.id).update(language=chosen)
            tell_of(request.user, "profile.changed", fields=["language"])
    return set_cookie(request)
