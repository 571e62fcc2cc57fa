"""How often an organisation did something in the present hour or day, counted in the database by every process alike."""

import time
from datetime import timedelta

from django.db import transaction
from django.db.models import F

from entrepot.desk.people.models import Organisation, Tally

__all__ = ["DAY", "HOUR", "count"]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def count(organisation: Organisation, what: str, span: timedelta) -> int:
    """Count one more and return how many there are in the present span; undone with the transaction around it, if there is one."""
    window = int(time.time() // span.total_seconds())
    with transaction.atomic():
        Tally.objects.of(organisation).filter(what=what, window__lt=window).delete()
        row, _ = Tally.objects.get_or_create(organisation=organisation, what=what, window=window)
        Tally.objects.of(organisation).filter(id=row.id).update(number=F("number") + 1)  # holds the row until the commit
        row.refresh_from_db()
    number: int = row.number
    return number
