"""Pages of members and invitations."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from entrepot.desk.context import language
from entrepot.desk.people.acting import SESSION_KEY, Acting
from entrepot.desk.people.forms import ROLES, InviteForm, role_of
from entrepot.desk.people.members import (
    accept,
    change_role,
    invitation_of,
    invite,
    link_of,
    remove_member,
    send_invitation,
    withdraw,
)
from entrepot.desk.people.models import Invitation, Membership, hash_of
from entrepot.desk.told import Told, changing, posted, say_done
from entrepot.goods.errors import WorldError
from entrepot.goods.texts import text

__all__ = ["invitation", "invitation_withdraw", "member_remove", "member_role", "members", "members_invite"]


def members(request: Any) -> HttpResponse:
    """Who belongs to the organisation; a broker that only has a mandate does not see it."""
    return _members(request, InviteForm())


def _members(request: Any, form: InviteForm, link: str = "") -> HttpResponse:
    acting: Acting = request.acting
    if acting.mandate is not None:
        raise PermissionDenied("people.view")
    open_ones = Invitation.objects.of(acting).filter(accepted_at=None).order_by("-created_at")
    shown = {
        "members": Membership.objects.of(acting).select_related("user").order_by("created_at", "id"),
        "invitations": open_ones if acting.may("people.manage") else [],
        "now": timezone.now(), "form": form, "link": link, "roles": ROLES,
    }  # fmt: skip
    return render(request, "people/members.html", shown, status=422 if form.errors else 200)


@never_cache
def members_invite(request: Any) -> HttpResponse:
    """Invite somebody; the link is shown once, for where e-mail does not arrive."""
    form = InviteForm(posted(request))
    if request.method != "POST" or not form.is_valid():
        return _members(request, form) if request.method == "POST" else redirect("members")
    try:
        made, token = invite(request.acting, form.cleaned_data["email"], role_of(form.cleaned_data["role"]))
    except Told as error:
        form.add_error("email", error.said)
        return _members(request, form)
    try:
        send_invitation(made, token, language())
        say_done(request, "people.invited", email=made.email)
    except WorldError:
        messages.warning(request, text("people.invited-not-sent", language()))
    return _members(request, InviteForm(), link_of(token))


@changing("members")
def invitation_withdraw(request: Any, invitation_id: UUID) -> None:
    """End an invitation."""
    withdraw(request.acting, invitation_id)
    say_done(request, "people.invitation-withdrawn")


@changing("members")
def member_role(request: Any, member_id: UUID) -> None:
    """Give a member another role; whether there is such a member comes before what is asked."""
    Membership.objects.one(request.acting, id=member_id)
    change_role(request.acting, member_id, role_of(request.POST.get("role")))
    say_done(request, "people.role-changed")


@changing("members")
def member_remove(request: Any, member_id: UUID) -> None:
    """Take a member out."""
    remove_member(request.acting, member_id)
    say_done(request, "people.member-removed")


@never_cache
def invitation(request: Any, token: str) -> HttpResponse:
    """What an invited person opens: log in or make an account, then join."""
    found = invitation_of(hash_of(token))
    if found is None:
        return render(request, "people/invitation.html", {"invitation": None}, status=404)
    request.session["invitation"] = hash_of(token)  # sessions lie in the database: no token there
    if request.method == "POST" and request.user.is_authenticated:
        try:
            organisation = accept(request.user, token)
        except Told as error:
            messages.error(request, error.said)
            return redirect("invitation", token)
        request.session.pop("invitation", None)
        request.session[SESSION_KEY] = str(organisation.id)
        say_done(request, "people.joined", organisation=organisation.name)
        return redirect("home")
    own = request.user.is_authenticated and request.user.email.lower() == found.email.lower()
    return render(request, "people/invitation.html", {"invitation": found, "own": own})
