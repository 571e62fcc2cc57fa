"""Pages of the law: browse, one value, one rule, the calendar, two days compared; policy items; subscriptions."""

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed

from entrepot.desk.audit.chain import record
from entrepot.desk.context import language
from entrepot.desk.lawbook.affected import products_of, with_products
from entrepot.desk.lawbook.book import (
    NINE_AREAS,
    area_names,
    book,
    changed,
    find_leaves,
    find_rules,
    leaf_page,
    rule_lines,
    today,
)
from entrepot.desk.lawbook.models import PolicyItem, Subscription
from entrepot.goods.texts import text
from entrepot.law import LawError
from entrepot.law.coming import changes_by_day

__all__ = [
    "calendar",
    "changes_feed",
    "diff",
    "law",
    "law_leaf",
    "law_rule",
    "policies",
    "policy_edit",
    "policy_new",
    "rules",
    "subscriptions",
]

ROWS_SHOWN = 100
AHEAD_DAYS, BACK_DAYS = 730, 365
FEED_BACK_DAYS = 400


def _day(given: str | None, otherwise: dt.date) -> dt.date:
    try:
        return dt.date.fromisoformat(given) if given else otherwise
    except ValueError:
        return otherwise


def law(request: HttpRequest) -> HttpResponse:
    """The values that are loaded, as they stand on a day, found by words."""
    words, on = request.GET.get("q", "")[:200], _day(request.GET.get("on"), today())
    found = find_leaves(words, language(), on)
    shown = {"found": found, "q": words, "on": on, "law_hash": book().hash, "checked_until": book().checked_until}
    return render(
        request, "lawbook/law.html", {**shown, "rule_hits": find_rules(words, language())[:20] if words else []}
    )


def law_leaf(request: HttpRequest, path: str) -> HttpResponse:
    """One value or table with its whole history, its sources and the rules that read it."""
    try:
        leaf = leaf_page(path.strip("/"))
    except LawError as error:
        raise Http404(str(error)) from None
    words = request.GET.get("q", "")[:200]
    rows = [
        row
        for row in leaf.get("rows", [])
        if words.lower() in " ".join(str(cell) for cell in row["row"].values()).lower()
    ]
    page = Paginator(rows, ROWS_SHOWN).get_page(request.GET.get("page"))
    chart = {"points": leaf["points"], "today": str(today()), "unit": leaf.get("unit", "")} if leaf["points"] else None
    title = leaf["title"][language()]
    return render(
        request,
        "lawbook/leaf.html",
        {"leaf": leaf, "title": title, "rows": page, "q": words, "chart": chart, "today": str(today())},
    )


def rules(request: HttpRequest) -> HttpResponse:
    """Every rule of every decision, found by words."""
    words = request.GET.get("q", "")[:200]
    return render(request, "lawbook/rules.html", {"found": find_rules(words, language()), "q": words})


def law_rule(request: HttpRequest, rule: str) -> HttpResponse:
    """One rule: its text in both languages, what it answers, the law it reads."""
    line = next((one for one in rule_lines(language()) if one.id == rule), None)
    if line is None:
        raise Http404(rule)
    leaves = [{"path": path, "title": book().leaf(path).title[language()], "now": _now(path)} for path in line.law]
    other = "zh" if language() == "en" else "en"
    return render(
        request, "lawbook/rule.html", {"rule": line, "leaves": leaves, "other": text(rule, other), "other_code": other}
    )


def _now(path: str) -> Any:
    return book().value(path, today()) if path in book().scalar_paths() else None


def _acting(request: Any) -> Any:
    return request.acting


def calendar(request: HttpRequest) -> HttpResponse:
    """What changes next and what changed of late, day by day, with the products it bears on."""
    now = today()
    spans = (("coming", now, now + dt.timedelta(days=AHEAD_DAYS)), ("past", now - dt.timedelta(days=BACK_DAYS), now))
    shown = {name: _by_day(request, after, until) for name, after, until in spans}
    shown["past"].reverse()
    items = (
        PolicyItem.objects.of(_acting(request)).filter(begins_on__gt=now).order_by("begins_on")
        if _acting(request)
        else []
    )
    return render(request, "lawbook/calendar.html", {**shown, "items": items, "today": now})


def _by_day(request: HttpRequest, after: dt.date, until: dt.date) -> list[dict[str, Any]]:
    days = changes_by_day(book().leaves, after, until)
    return [
        {"day": day, "changes": with_products(_acting(request), changed(differing, language()))}
        for day, differing in days
    ]


def diff(request: HttpRequest) -> HttpResponse:
    """What changed between two days, and which of my products are affected."""
    now = today()
    before, after = (
        _day(request.GET.get("from"), dt.date(now.year - 1, now.month, 1)),
        _day(request.GET.get("until"), now),
    )
    found = with_products(_acting(request), changed(book().changes(before, after), language()))
    touched = {product["id"]: product for change in found for product in change["products"]}
    return render(
        request,
        "lawbook/diff.html",
        {"before": before, "after": after, "found": found, "touched": list(touched.values())},
    )


def changes_feed(request: HttpRequest) -> HttpResponse:
    """An Atom feed of the changes of the law, past year and announced; `?prefix=cn/cbec` narrows it."""
    prefix, now = request.GET.get("prefix", "")[:200], today()
    here = request.build_absolute_uri(reverse("law"))
    feed = Atom1Feed(
        title=text("lawbook.feed-title", language()), link=here, description="", feed_url=request.build_absolute_uri()
    )
    days = changes_by_day(book().leaves, now - dt.timedelta(days=FEED_BACK_DAYS), now + dt.timedelta(days=AHEAD_DAYS))
    for day, differing in reversed(days):
        for change in changed([one for one in differing if one.path.startswith(prefix)], language()):
            moment = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
            link = request.build_absolute_uri(reverse("law_leaf", args=[change["path"]]))
            feed.add_item(
                title=f"{day}: {change['title']} {change['key']}".strip(), link=link, pubdate=moment, updateddate=moment,
                description=f"{change['before_text'] or '–'} → {change['after_text'] or '–'}",
                unique_id=f"urn:entrepot:law:{change['path']}:{change['key']}:{day}",
            )  # fmt: skip
    return HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A policy item; labels and faults in the reader's language."""

    url = forms.URLField(required=False, assume_scheme="https", max_length=200)

    class Meta:
        model = PolicyItem
        fields = ["area", "title", "text", "issuer", "document", "url", "place", "begins_on", "ends_on", "codes"]
        widgets = {
            name: forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d") for name in ("begins_on", "ends_on")
        }

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        names = [(number, f"{number} · {area_names()[number][language()]}") for number in NINE_AREAS]
        self.fields["area"] = forms.TypedChoiceField(coerce=int, choices=[("", "—"), *names])
        for name, field in self.fields.items():
            field.label = text(f"lawbook.field-{name.replace('_', '-')}", language())
        for name in ("area", "begins_on"):
            self.fields[name].error_messages["required"] = text(f"lawbook.needs-{name.replace('_', '-')}", language())
        self.fields["codes"].help_text = text("lawbook.help-codes", language())

    def clean_codes(self) -> str:
        """Prefixes of 2 to 10 digits, separated by spaces or commas."""
        prefixes = self.cleaned_data["codes"].replace(",", " ").replace("，", " ").split()
        if any(not (prefix.isascii() and prefix.isdigit() and 2 <= len(prefix) <= 10) for prefix in prefixes):
            raise ValidationError(text("lawbook.bad-codes", language()))
        return " ".join(prefixes)

    def clean_ends_on(self) -> dt.date | None:
        """The first day it no longer holds, later than the first day it does."""
        begins, ends = self.cleaned_data.get("begins_on"), self.cleaned_data["ends_on"]
        if begins and ends and ends <= begins:
            raise ValidationError(text("lawbook.ends-before", language()))
        return ends  # type: ignore[no-any-return]


def policies(request: HttpRequest) -> HttpResponse:
    """The policy items by area: how many each area has, which have none, which products are touched."""
    items = list(PolicyItem.objects.of(_acting(request)))
    for item in items:
        item.products = products_of(_acting(request), item.prefixes)  # type: ignore[attr-defined]
    areas: list[dict[str, Any]] = [
        {
            "number": number,
            "name": area_names()[number][language()],
            "items": [one for one in items if one.area == number],
        }
        for number in NINE_AREAS
    ]
    empty = [area for area in areas if not area["items"]]
    chart = {"labels": [area["name"] for area in areas], "horizontal": True,
             "series": [{"name": text("lawbook.policies", language()), "values": [len(area["items"]) for area in areas]}]}  # fmt: skip
    return render(
        request, "lawbook/policies.html", {"areas": areas, "empty": empty, "chart": chart, "total": len(items)}
    )


def policy_new(request: HttpRequest) -> HttpResponse:
    """File a policy item."""
    return _edit(
        request, PolicyItem(organisation=_acting(request).organisation, filed_by=_acting(request).user), "policy.filed"
    )


def policy_edit(request: HttpRequest, policy: Any) -> HttpResponse:
    """Change a policy item."""
    return _edit(request, PolicyItem.objects.one(_acting(request), id=policy), "policy.changed")


def _edit(request: HttpRequest, item: PolicyItem, action: str) -> HttpResponse:
    form = PolicyForm(request.POST or None, instance=item)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            saved = form.save()
            record(
                _acting(request),
                action,
                "policy",
                saved.id,
                area=saved.area,
                begins_on=saved.begins_on,
                title=saved.title,
            )
        return redirect("policies")
    return render(request, "lawbook/policy.html", {"form": form, "item": item}, status=422 if form.errors else 200)


class SubscriptionForm(forms.ModelForm):  # type: ignore[type-arg]
    """What to be told of."""

    class Meta:
        model = Subscription
        fields = ["prefix", "only_products", "days_ahead"]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        for name, field in self.fields.items():
            field.label = text(f"lawbook.field-{name.replace('_', '-')}", language())
            field.help_text = text(f"lawbook.help-{name.replace('_', '-')}", language())


def subscriptions(request: HttpRequest) -> HttpResponse:
    """One's own subscriptions to changes of the law; POST adds one, or ends one."""
    acting = _acting(request)
    mine = Subscription.objects.of(acting).filter(user=acting.user)
    form = SubscriptionForm(request.POST if request.POST.get("action") == "add" else None)
    if request.method == "POST" and request.POST.get("action") == "end":
        one = Subscription.objects.one(acting, id=request.POST.get("subscription"), user=acting.user)
        with transaction.atomic():
            record(acting, "subscription.ended", "subscription", one.id, prefix=one.prefix)
            one.delete()
        return redirect("law_subscriptions")
    if request.method == "POST" and form.is_valid():
        wanted = {name: form.cleaned_data[name] for name in ("only_products", "days_ahead")}
        with transaction.atomic():  # what was told stays told when a subscription is saved again
            one, _ = Subscription.objects.update_or_create(
                organisation=acting.organisation, user=acting.user, prefix=form.cleaned_data["prefix"],
                defaults=wanted, create_defaults={**wanted, "told_until": today()},
            )  # fmt: skip
            record(acting, "subscription.made", "subscription", one.id, prefix=one.prefix)
        return redirect("law_subscriptions")
    feed = request.build_absolute_uri(reverse("law_feed"))
    return render(request, "lawbook/subscriptions.html", {"mine": mine, "form": form, "feed": feed})
