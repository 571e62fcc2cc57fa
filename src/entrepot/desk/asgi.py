"""The ASGI application that `entrepot serve` runs; what the first request would wait for is made before it listens."""

import os
import tempfile
from importlib import import_module

from django.core.asgi import get_asgi_application

__all__ = ["application"]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "entrepot.desk.settings")
inner = get_asgi_application()


def _keep_bodies_at_home() -> None:
    """Django lays a large body into a temporary file; it may hold personal data, so not where others look."""
    place = import_module("django.conf").settings.DESK_FOLDER / "arriving"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    tempfile.tempdir = str(place)


def _warm() -> None:
    import_module("entrepot.desk.urls")
    law = import_module("entrepot.desk.lawbook.book").book()
    import_module("entrepot.run.quote").prepare(law)


_keep_bodies_at_home()
_warm()
application = import_module("entrepot.desk.api.bounds").bounded(inner)
