"""A wrong call told by a text, so that a page says it in the reader's language and the API in English."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import lazystr
from django.views.decorators.http import require_POST

from entrepot.desk.context import language
from entrepot.goods.errors import CallError
from entrepot.goods.texts import said, text

__all__ = ["Told", "changing", "later", "posted", "said_of", "say_done"]


class Told(CallError):
    """What is not allowed, as the id of a text with its numbers; the message itself is the English text."""

    def __init__(self, text_id: str, **numbers: object) -> None:
        super().__init__(text(text_id, "en", **numbers))
        self.text_id = text_id
        self.told = text_id, numbers

    @property
    def said(self) -> str:
        """The text in the language of the reader."""
        return said_of(self)


def said_of(error: Exception) -> str:
    """What an error says, in the language of the reader; English where it has no text."""
    return said(error, language())


class _Later:
    """A text that is looked up when it is shown, in the language active then."""

    def __init__(self, text_id: str) -> None:
        self.text_id = text_id

    def __str__(self) -> str:
        return text(self.text_id, language())


def later(text_id: str) -> Any:
    """The text of an id for labels and choices of forms, which are made before the language is known."""
    return lazystr(_Later(text_id))


def posted(request: HttpRequest) -> Any:
    """What a form is bound to: the data of a POST, even an empty one; None when the page is only looked at."""
    return request.POST if request.method == "POST" else None


def say_done(request: HttpRequest, text_id: str, **numbers: object) -> None:
    """Show a text once, on the next page, as something that was done."""
    messages.success(request, text(text_id, language(), **numbers))


def changing(back: str) -> Callable[[Callable[..., HttpResponse | None]], Callable[..., HttpResponse]]:
    """Decorator of a view that only changes something: POST alone, then to the page `back` (or what the view returns).

    What is not allowed (`Told`) is shown there in the reader's language.
    """

    def around(view: Callable[..., HttpResponse | None]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def changed(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
            try:
                return view(request, *arguments, **named) or redirect(back)
            except Told as error:
                messages.error(request, error.said)
                return redirect(back)

        return require_POST(changed)

    return around
