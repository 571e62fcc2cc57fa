"""The ASGI application that `entrepot serve` runs; what the first request would wait for is made before it listens."""

import os
from importlib import import_module

from django.core.asgi import get_asgi_application

__all__ = ["application"]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "entrepot.desk.settings")
inner = get_asgi_application()


def _warm() -> None:
    import_module("entrepot.desk.urls")
    law = import_module("entrepot.desk.lawbook.book").book()
    import_module("entrepot.run.quote").prepare(law)


_warm()
application = import_module("entrepot.desk.api.bounds").bounded(inner)
