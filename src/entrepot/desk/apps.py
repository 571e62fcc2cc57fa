"""The desk as a Django app: templates, static files and template tags that all areas share."""

from django.apps import AppConfig

__all__ = ["DeskConfig"]


class DeskConfig(AppConfig):
    """Names the app `desk`."""

    name = "entrepot.desk"
    label = "desk"
