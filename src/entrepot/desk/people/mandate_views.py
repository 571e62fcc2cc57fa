"""Pages of mandates, of the client and of the broker."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from entrepot.desk.people.acting import Acting
from entrepot.desk.people.forms import MandateForm
from entrepot.desk.people.mandates import broker_named, code_of, grant, granted, held, revoke
from entrepot.desk.people.models import Mandate, Organisation
from entrepot.desk.told import Told, changing, posted, say_done

__all__ = ["mandate_grant", "mandate_revoke", "mandates", "state_of"]


def state_of(mandate: Mandate) -> str:
    """Whether a mandate is `revoked`, `ended`, still `to-come` or `in-force` today."""
    today = timezone.localdate()
    if mandate.revoked_at:
        return "revoked"
    if mandate.ends_on and mandate.ends_on <= today:
        return "ended"
    return "to-come" if mandate.begins_on > today else "in-force"


def mandates(request: Any) -> HttpResponse:
    """Whom the organisation lets act for it, and for whom it may act itself."""
    return _mandates(request, MandateForm())


def _mandates(request: Any, form: MandateForm, found: Organisation | None = None) -> HttpResponse:
    acting: Acting = request.acting
    manages = acting.may("people.manage")
    reach = {one.organisation.id for one in request.organisations}
    own = acting.mandate is None
    shown = {
        "granted": [(one, state_of(one)) for one in granted(acting)[:200]] if manages else [],
        "held": [(one, state_of(one), one.organisation_id in reach) for one in held(acting.organisation)] if own else [],
        "code": code_of(acting.organisation) if own else "", "form": form, "found": found,
    }  # fmt: skip
    return render(request, "people/mandates.html", shown, status=422 if form.errors else 200)


def mandate_grant(request: Any) -> HttpResponse:
    """First find the broker and show its name, then grant the mandate once that is confirmed."""
    form = MandateForm(posted(request))
    if request.method != "POST" or not form.is_valid():
        return _mandates(request, form) if request.method == "POST" else redirect("mandates")
    try:
        broker = broker_named(request.acting, form.cleaned_data["broker"])
        if request.POST.get("confirmed") != str(broker.id):
            return _mandates(request, form, broker)
        grant(request.acting, broker, form.cleaned_data["begins_on"], form.cleaned_data["ends_on"])
    except Told as error:
        form.add_error("ends_on" if error.text_id == "people.mandate-ends-early" else "broker", error.said)
        return _mandates(request, form)
    say_done(request, "people.mandate-granted", broker=broker.name)
    return redirect("mandates")


@changing("mandates")
def mandate_revoke(request: Any, mandate_id: UUID) -> None:
    """End a mandate now."""
    revoke(request.acting, mandate_id)
    say_done(request, "people.mandate-revoked")
