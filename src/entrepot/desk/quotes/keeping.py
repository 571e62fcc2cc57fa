"""Keeping a quote under a link, and answering it again: always the same, since request, day and law are pinned."""

import base64
import hmac
import json
from functools import cache

from django.conf import settings
from django.db import transaction
from django.http import Http404
from django.urls import reverse

from entrepot.desk.audit.chain import record
from entrepot.desk.people.acting import Acting
from entrepot.desk.quotes.models import KeptQuote
from entrepot.goods.errors import CallError
from entrepot.law import Law
from entrepot.run.home import open_home
from entrepot.run.quote import Quote, QuoteRequest, freeze, keep_law, quote, thaw

__all__ = ["again", "keep", "kept_by", "link"]

SLUG_BYTES = 16


@cache
def _key() -> bytes:
    return open_home().key("quote links")


def keep(acting: Acting | None, request: QuoteRequest, law: Law) -> KeptQuote:
    """Keep a quote for whoever asks. The same question of the same organisation under the same law has one link."""
    frozen = freeze(request, law)
    organisation = acting.organisation if acting else None
    named = json.dumps([str(organisation.id) if organisation else None, frozen], sort_keys=True, ensure_ascii=False)
    digest = hmac.new(_key(), named.encode(), "sha256").digest()[:SLUG_BYTES]
    slug = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    keep_law(law, settings.HOME.folder / "laws")
    with transaction.atomic():
        kept, fresh = KeptQuote.objects.get_or_create(
            slug=slug, defaults={"organisation": organisation, "frozen": frozen, "on": request.on}
        )
        if fresh and acting:
            record(acting, "quote.kept", "quote", slug)
    return kept


def again(slug: str) -> tuple[KeptQuote, Quote]:
    """A kept quote and its answer; Http404 for a link that was never given."""
    kept = KeptQuote.objects.filter(slug=slug).first()
    if kept is None:
        raise Http404("no such quote")
    try:
        request, law = thaw(kept.frozen, settings.HOME.folder / "laws")
    except CallError as error:
        raise Http404(str(error)) from None
    return kept, quote(request, law)


def kept_by(acting: Acting, most: int) -> list[KeptQuote]:
    """The latest quotes an organisation kept."""
    return list(KeptQuote.objects.filter(organisation=acting.organisation)[:most])


def link(kept: KeptQuote) -> str:
    """The whole address of a kept quote."""
    return f"{settings.ORIGIN}{reverse('quote_shared', args=[kept.slug])}"

