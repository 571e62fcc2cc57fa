"""`entrepot manage reshelve`: make the lists of all batches again that lack one."""

from typing import Any

from django.core.management.base import BaseCommand

from entrepot.desk.batches.models import Batch
from entrepot.run.shelf import is_stale, shelve

__all__ = ["Command"]


class Command(BaseCommand):
    """Shelves are derived from results; after a restore they are made again."""

    help = "Make the lists of finished batches again where they are missing or stale."

    def handle(self, *arguments: Any, **options: Any) -> None:
        """Go through every finished batch, newest first."""
        made = 0
        for batch in Batch.objects.filter(state=Batch.State.DONE).order_by("-ordinal").iterator():
            if is_stale(batch.folder, batch.shelf):
                shelve(batch.folder, batch.shelf)
                made += 1
        self.stdout.write(f"{made} lists made")
