"""The calendar of the law: the days on which something begins or ends."""

import datetime as dt
from collections.abc import Iterator, Mapping

from entrepot.law.changes import Change, changes
from entrepot.law.leaves import Leaf, ScalarLeaf, TableLeaf

__all__ = ["change_days", "changes_by_day"]

DAY = dt.timedelta(days=1)


def change_days(leaves: Mapping[str, Leaf], after: dt.date, until: dt.date) -> list[dt.date]:
    """Days later than `after`, up to and including `until`, on which a value or row of any status begins or ends."""
    return sorted({day for leaf in leaves.values() for day in _days(leaf) if after < day <= until})


def _days(leaf: Leaf) -> Iterator[dt.date]:
    dated = leaf.rows if isinstance(leaf, TableLeaf) else leaf.values if isinstance(leaf, ScalarLeaf) else ()
    for one in dated:
        yield one.from_
        if one.until:
            yield one.until


def changes_by_day(leaves: Mapping[str, Leaf], after: dt.date, until: dt.date) -> list[tuple[dt.date, list[Change]]]:
    """What changes on each of those days, compared with the day before it; days without a difference are left out."""
    found = ((day, changes(leaves, day - DAY, day)) for day in change_days(leaves, after, until))
    return [(day, differing) for day, differing in found if differing]
