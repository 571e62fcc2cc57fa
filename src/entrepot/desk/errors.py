"""Pages for what went wrong: refused, missing, our own fault. None shows a traceback."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

__all__ = ["fault", "forbidden", "missing"]


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The page of a refusal (403)."""
    return render(request, "desk/error.html", {"kind": "forbidden"}, status=403)


def missing(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The page of an address that is not there, or is another organisation's (404)."""
    return render(request, "desk/error.html", {"kind": "missing"}, status=404)


def fault(request: HttpRequest) -> HttpResponse:
    """The page of a fault of ours (500); made without the request, which may be what failed."""
    return HttpResponse(render_to_string("desk/fault.html"), status=500)
