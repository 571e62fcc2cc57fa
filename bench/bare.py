"""The peer of quotes: a django-ninja endpoint that reads a body and answers a kept text of the same size, nothing else."""

from typing import Any

from django.core.asgi import get_asgi_application
from django.urls import path
from ninja import Body, NinjaAPI

__all__ = ["application", "urlpatterns"]

api = NinjaAPI(docs_url=None, openapi_url=None)
kept: dict[str, Any] = {}


@api.post("/keep")
def keep(request: Any, payload: Body[dict[str, Any]]) -> dict[str, int]:
    """Keep an answer for the others; called once for each process until all have it."""
    kept["answer"] = payload
    return {"kept": len(payload)}


@api.post("/quotes")
def answer(request: Any, payload: Body[dict[str, Any]]) -> Any:
    """The kept answer, written as JSON anew."""
    return kept.get("answer", payload)


@api.get("/ready")
def ready(request: Any) -> dict[str, bool]:
    """Whether it answers."""
    return {"ready": True}


urlpatterns = [path("", api.urls)]
application = get_asgi_application()
