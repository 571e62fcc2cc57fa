"""Pages of webhooks: the list with a form for a new one, and one with its deliveries."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from entrepot.desk.api.pages import PageQuery, page_of
from entrepot.desk.api.problems import ApiError
from entrepot.desk.people.acting import Acting
from entrepot.desk.told import Told, changing, say_done
from entrepot.desk.webhooks import hooks
from entrepot.desk.webhooks.forms import WebhookForm
from entrepot.desk.webhooks.models import Delivery, Webhook

__all__ = ["webhook", "webhook_active", "webhook_redeliver", "webhook_remove", "webhook_test", "webhooks"]

SHOWN = 50


def _acting(request: Any) -> Acting:
    acting: Acting = request.acting
    return acting


def webhooks(request: HttpRequest) -> HttpResponse:
    """The organisation's webhooks; a POST adds one and shows its secret, once."""
    acting, form, made = _acting(request), WebhookForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        try:
            hook, secret = hooks.add(acting, form.cleaned_data["url"], form.cleaned_data["kinds"])
            made, form = {"hook": hook, "secret": secret}, WebhookForm()
        except Told as error:
            form.add_error(None, error.said)
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "webhooks/list.html", {"hooks": Webhook.objects.of(acting), "form": form, "made": made}, status=status)


def webhook(request: HttpRequest, webhook: UUID) -> HttpResponse:
    """One webhook: its kinds, its deliveries, what can be done with it. A POST changes address and kinds."""
    acting = _acting(request)
    hook = Webhook.objects.one(acting, id=webhook)
    form = WebhookForm(request.POST or None, initial={"url": hook.url, "kinds": hook.kinds})
    if request.method == "POST" and form.is_valid():
        try:
            hooks.change(acting, hook, form.cleaned_data["url"], form.cleaned_data["kinds"])
            say_done(request, "webhooks.said-changed")
            return redirect("webhook", hook.id)
        except Told as error:
            form.add_error(None, error.said)
    rows = Delivery.objects.of(acting).filter(webhook=hook)
    try:
        page = page_of(rows, PageQuery(limit=SHOWN, cursor=request.GET.get("cursor", "")[:2000]), lambda row: row, name=str(hook.id))
    except ApiError:
        return redirect("webhook", hook.id)
    rests_until = hook.rests_until if hook.rests_until and hook.rests_until > timezone.now() else None
    return render(request, "webhooks/one.html", {"hook": hook, "form": form, "page": page, "rests_until": rests_until})


@require_POST
def webhook_active(request: HttpRequest, webhook: UUID) -> HttpResponse:
    """Pause a webhook or start it again."""
    hook = Webhook.objects.one(_acting(request), id=webhook)
    hooks.change(_acting(request), hook, active=not hook.active)
    say_done(request, "webhooks.said-started" if hook.active else "webhooks.said-paused")
    return redirect("webhook", hook.id)


@changing("webhooks")
def webhook_remove(request: HttpRequest, webhook: UUID) -> HttpResponse | None:
    """Remove a webhook."""
    hooks.remove(_acting(request), Webhook.objects.one(_acting(request), id=webhook))
    say_done(request, "webhooks.said-removed")
    return None


@changing("webhooks")
def webhook_test(request: HttpRequest, webhook: UUID) -> HttpResponse | None:
    """Send a test event."""
    hook = Webhook.objects.one(_acting(request), id=webhook)
    hooks.send_test(_acting(request), hook)
    say_done(request, "webhooks.said-test")
    return redirect("webhook", hook.id)


@changing("webhooks")
def webhook_redeliver(request: HttpRequest, webhook: UUID, delivery: UUID) -> HttpResponse | None:
    """Send an ended delivery once more."""
    hooks.redeliver(_acting(request), Delivery.objects.one(_acting(request), id=delivery, webhook=webhook))
    say_done(request, "webhooks.said-redelivered")
    return redirect("webhook", webhook)
