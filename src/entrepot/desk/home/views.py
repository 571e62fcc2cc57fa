"""The home page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

__all__ = ["home"]


def home(request: HttpRequest) -> HttpResponse:
    """Today's figures, each a link to its lines."""
    return render(request, "home/home.html")
