"""Template tags of the desk: texts, amounts, permissions."""

from decimal import Decimal
from typing import Any

from django import template
from django.core import signing
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from entrepot.desk.context import language
from entrepot.goods.texts import text

__all__ = ["cny", "count", "may", "percent", "said", "say", "signed"]

register = template.Library()


@register.simple_tag
def say(text_id: str, **numbers: Any) -> SafeString:
    """The text of an id in the reader's language, escaped; `law.unconfirmed:PATH` names the leaf."""
    head, _, path = str(text_id).partition(":")
    return conditional_escape(text(head, language(), path=path, **numbers) if path else text(head, language(), **numbers))


@register.filter
def said(text_id: str) -> str:
    """The same as a filter, for ids without numbers."""
    return str(say(text_id))


@register.filter
def cny(fen: int | Decimal | str | None) -> str:
    """Fen as CNY with two decimals and thousands marks; unknown as a question mark."""
    return "?" if fen is None or fen == "" else f"{Decimal(fen) / 100:,.2f}"


@register.filter
def count(number: int | str | None) -> str:
    """A count with thousands marks; unknown as a dash."""
    return "–" if number is None or number == "" else f"{int(number):,}"


@register.filter
def percent(share: float | str | None) -> str:
    """A share of one as percent with one decimal; unknown as a dash."""
    return "–" if share is None or share == "" else f"{100 * Decimal(share):.1f} %"


@register.filter
def signed(value: int | str, salt: str) -> str:
    """A value that a form sends back and nobody can make up; read with `signing.loads` and the same salt."""
    return signing.dumps(value, salt=salt)


@register.filter
def may(acting: Any, permission: str) -> bool:
    """Whether the person may; visitors may nothing."""
    return bool(acting and acting.may(permission))
