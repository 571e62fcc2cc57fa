"""Every address of the desk: the areas' pages, each guarded by its permission, the API and the accounts."""

from collections.abc import Iterator

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from entrepot.desk.api.api import api
from entrepot.desk.guard import guarded
from entrepot.desk.plug import plugged
from entrepot.desk.styleguide import styleguide

__all__ = ["handler403", "handler404", "handler500", "urlpatterns"]

handler403 = "entrepot.desk.errors.forbidden"
handler404 = "entrepot.desk.errors.missing"
handler500 = "entrepot.desk.errors.fault"


def _pages() -> Iterator[URLPattern]:
    for area in plugged():
        for page in area.pages:
            yield path(page.route, guarded(page), name=page.name)


urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("allauth.urls")),
    path("api/v1/", api.urls),
    *_pages(),
]
if settings.DEBUG:
    urlpatterns.append(path("styleguide/", styleguide))
