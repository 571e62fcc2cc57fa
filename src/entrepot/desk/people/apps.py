"""The people area as a Django app: listens to logins."""

from django.apps import AppConfig

__all__ = ["PeopleConfig"]


class PeopleConfig(AppConfig):
    """Names the app `people`."""

    name = "entrepot.desk.people"

    def ready(self) -> None:
        """Listen once the models are there."""
        from entrepot.desk.people.logins import listen

        listen()
