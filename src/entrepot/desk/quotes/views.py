"""The page of quotes: no login, every lawful way with its cost and papers, a link that always answers the same."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from entrepot.desk.api.limits import count_visit
from entrepot.desk.context import language
from entrepot.desk.lawbook.book import book, today
from entrepot.desk.people.acting import Acting
from entrepot.desk.quotes.forms import QuoteForm, label_of, value_of
from entrepot.desk.quotes.keeping import again, keep, kept_by, link
from entrepot.desk.quotes.shown import shown
from entrepot.goods.texts import text
from entrepot.run.quote import QuoteRequest, quote

__all__ = ["quote_form", "quote_shared", "quote_store"]

KEPT_SHOWN = 20
START = {"seller_country": "CN", "buyer_country": "US", "currency": "CNY", "quantity": "1"}


def quote_form(request: Any) -> HttpResponse:
    """The form; with fields in the address its answer too. A script asks for the answer alone."""
    if not request.GET.get("product"):
        form = QuoteForm(initial={**START, "on": today(), **{name: value for name, value in request.GET.items() if name in START}})
        return _page(request, form, {})
    if not count_visit(request):
        return _page(request, QuoteForm(initial=request.GET.dict()), {"busy": True}, 429)
    form = QuoteForm(request.GET)
    asked = _asked(form)
    if asked is None:
        return _page(request, form, {}, 422)
    fields = [(name, value) for name, value in request.GET.items() if name in form.fields and value]
    return _page(request, form, {"quote": shown(quote(asked, book())), "fields": fields, "chart_head": _head()})


def _head() -> list[str]:
    return [text("quotes.part", language()), text("quotes.amount", language())]


def _asked(form: QuoteForm) -> QuoteRequest | None:
    """The request of a form; None when something is wrong, which the form then says."""
    if not form.is_valid():
        return None
    read = QuoteRequest.from_mapping(form.asked())
    if isinstance(read, QuoteRequest):
        return read
    form.refuse(read)
    return None


def _page(request: Any, form: QuoteForm, more: dict[str, Any], status: int = 200) -> HttpResponse:
    acting: Acting | None = request.acting
    partial = request.headers.get("HX-Request") == "true"
    context = {"form": form, "partial": partial, "kept": kept_by(acting, KEPT_SHOWN) if acting and not partial else [], **more}
    return render(request, "quotes/answer.html" if partial else "quotes/page.html", context, status=status)


@require_POST
def quote_store(request: Any) -> HttpResponse:
    """Keep a quote and go to its link."""
    form = QuoteForm(request.POST)
    if not count_visit(request):
        return _page(request, form, {"busy": True}, 429)
    asked = _asked(form)
    if asked is None:
        return _page(request, form, {}, 422)
    return redirect("quote_shared", keep(request.acting, asked, book()).slug)


def quote_shared(request: HttpRequest, slug: str) -> HttpResponse:
    """A kept quote: the law and the day of then, whatever holds today."""
    if not count_visit(request):
        return render(request, "quotes/shared.html", {"busy": True}, status=429)
    kept, answer = again(slug)
    context = {
        "kept": kept, "quote": shown(answer), "link": link(kept), "law_is_current": answer.law_hash == book().hash, "chart_head": _head(),
        "asked": [(label_of(name), value_of(name, value)) for name, value in answer.input.items()],
    }  # fmt: skip
    return render(request, "quotes/shared.html", context)
