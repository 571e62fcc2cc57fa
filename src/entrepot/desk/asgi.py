"""The ASGI application that `entrepot serve` runs."""

import os

from django.core.asgi import get_asgi_application

__all__ = ["application"]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "entrepot.desk.settings")
application = get_asgi_application()
