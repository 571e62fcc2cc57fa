"""Making an organisation and choosing for whom to act."""

from typing import Any
from uuid import UUID

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from entrepot.desk.audit.chain import record
from entrepot.desk.people.acting import Acting, choose
from entrepot.desk.people.models import Membership, Organisation
from entrepot.desk.plug import Role

__all__ = ["organisation_new", "switch_organisation"]


class OrganisationForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new organisation."""

    class Meta:
        model = Organisation
        fields = ["name", "registration_number", "country"]


def organisation_new(request: Any) -> HttpResponse:
    """Make an organisation; who makes it becomes its administrator."""
    form = OrganisationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            organisation = form.save()
            Membership.objects.create(organisation=organisation, user=request.user, role=Role.ADMINISTRATOR)
            record(Acting(organisation, Role.ADMINISTRATOR, request.user), "organisation.made", "organisation", organisation.id)
        request.session["organisation"] = str(organisation.id)
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
