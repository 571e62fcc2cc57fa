"""The audit pages: who did what and when, verifying the chain, taking it away as a file."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db import transaction
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from entrepot.desk.audit.chain import record, verify
from entrepot.desk.audit.export import FORMATS
from entrepot.desk.audit.models import AuditHead
from entrepot.desk.audit.reading import ACTION_TEXT, actions, actors, filtered, page, seen
from entrepot.desk.jobs.run import enqueue
from entrepot.desk.people.acting import Acting
from entrepot.desk.sending import send_blocks
from entrepot.desk.told import later

__all__ = ["VERIFIED_AT_ONCE", "audit", "audit_export", "audit_verify"]

VERIFIED_AT_ONCE = 20_000
"""Entries of a chain that are verified while a person waits; a longer one is a job."""


class FilterForm(forms.Form):
    """Which entries to show; anything not given is open."""

    actor = forms.ChoiceField(required=False, label=later("audit.actor"))
    action = forms.ChoiceField(required=False, label=later("audit.action"))
    object = forms.CharField(required=False, max_length=120, label=later("audit.object"))
    since = forms.DateField(required=False, label=later("desk.from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(required=False, label=later("desk.until"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    before = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    after = forms.IntegerField(required=False, min_value=0, max_value=2**62)

    def __init__(self, named: dict[str, str], given: Any) -> None:
        super().__init__(given)
        everybody: Any = later("audit.everybody")
        any_action: Any = later("audit.any-action")
        lists: Any = self.fields
        lists["actor"].choices = [("", everybody), *sorted(named.items(), key=lambda one: one[1])]
        lists["action"].choices = [("", any_action), *((one, later(f"{ACTION_TEXT}{one}")) for one in actions())]


def audit(request: Any) -> HttpResponse:
    """The entries of the organisation, the latest first."""
    return _audit(request, None)


def _audit(request: Any, verified: tuple[int, list[Any]] | None) -> HttpResponse:
    acting: Acting = request.acting
    named = actors(acting)
    form = FilterForm(named, request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    entries, older, newer = page(filtered(acting, asked), asked.get("before"), asked.get("after"))
    kept = {name: value for name, value in request.GET.items() if value and name not in ("before", "after")}
    shown = {
        "form": form, "rows": seen(acting, entries, named), "filtered": bool(kept), "verified": verified,
        "older": f"?{urlencode({**kept, 'before': older})}" if older else "",
        "newer": f"?{urlencode({**kept, 'after': newer})}" if newer else "",
        "query": urlencode(kept), "total": _length(acting), "formats": list(FORMATS), "prefix": ACTION_TEXT,
    }  # fmt: skip
    return render(request, "audit/audit.html", shown, status=422 if form.errors else 200)


def _length(acting: Acting) -> int:
    head = AuditHead.objects.filter(chain=str(acting.organisation.id)).first()
    return head.number if head else 0


@require_POST
def audit_verify(request: Any) -> HttpResponse:
    """Read the whole chain of the organisation and say what is wrong with it."""
    acting: Acting = request.acting
    if _length(acting) <= VERIFIED_AT_ONCE:
        return _audit(request, verify(str(acting.organisation.id)))
    with transaction.atomic():
        job = enqueue(acting, "audit.verify")
    return redirect("job", job.id)


@require_POST
def audit_export(request: Any, file_format: str) -> HttpResponseBase:
    """The filtered entries as a file, the oldest first. Taking them away is an entry too."""
    acting: Acting = request.acting
    if file_format not in FORMATS:
        raise Http404(file_format)
    form = FilterForm(actors(acting), request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    kept = {name: str(value) for name, value in asked.items() if value and name not in ("before", "after")}
    with transaction.atomic():
        last = record(acting, "audit.exported", "audit", "", file_format=file_format, filters=kept).number
    write, content_type = FORMATS[file_format]
    entries = filtered(acting, asked).filter(number__lte=last).order_by("number").iterator(chunk_size=2000)
    name = f"audit-{timezone.localdate()}.{file_format}"
    return send_blocks(request, write(entries), name, content_type)
