"""The desk's addresses with the style guide, and a bare page with a side navigation, as only development shows them."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from entrepot.desk import urls
from entrepot.desk.styleguide import styleguide

NAVIGATION = [
    {"url": "/framed/", "title": "Home", "icon": "home", "active": True, "group": "main"},
    {"url": "/framed/#2", "title": "Consignments", "icon": "consignments", "active": False, "group": "main", "count": 12},
    {"url": "/framed/#3", "title": "Audit", "icon": "audit", "active": False, "group": "more"},
]


def framed(request: HttpRequest) -> HttpResponse:
    return render(request, "desk/base.html", {"navigation": NAVIGATION})


handler403, handler404, handler500 = urls.handler403, urls.handler404, urls.handler500
urlpatterns = [path("styleguide/", styleguide), path("framed/", framed), *urls.urlpatterns]
