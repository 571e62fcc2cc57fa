"""What every template knows: navigation, who acts for whom, languages."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language

from entrepot import __version__
from entrepot.desk.people.acting import Acting
from entrepot.desk.plug import plugged
from entrepot.goods.texts import text

__all__ = ["desk", "language"]


def language() -> str:
    """The language of the texts for the active one of Django: `zh` for every Chinese, else `en`."""
    return "zh" if (get_language() or "").startswith("zh") else "en"


def desk(request: HttpRequest) -> dict[str, Any]:
    """Django's context processor."""
    acting: Acting | None = getattr(request, "acting", None)
    return {
        "acting": acting,
        "navigation": _navigation(request, acting) if acting else [],
        "organisations": getattr(request, "organisations", []) if acting else [],
        "language": language(),
        "languages": [{"code": "en", "name": "English"}, {"code": "zh-hans", "name": "简体中文"}],
        "version": __version__,
    }


def _navigation(request: HttpRequest, acting: Acting) -> list[dict[str, Any]]:
    entries = sorted((entry for area in plugged() for entry in area.navigation), key=lambda entry: entry.place)
    shown = []
    for entry in entries:
        if acting.may(entry.permission):
            url = reverse(entry.name)
            active = request.path == url or (url != "/" and request.path.startswith(url))
            shown.append({"url": url, "title": text(entry.title, language()), "icon": entry.icon, "active": active, "group": entry.group})
    return shown
