"""The list of results: an index over finished batches that pages, searches, counts and exports tens of millions of lines.

`shelve` makes the shelf of a batch once; `Shelf` is the list over the shelves of some batches.
"""

from entrepot.run.shelf.columns import GROUPS, PAGE_COLUMNS, SORTS
from entrepot.run.shelf.export import EXPORTED
from entrepot.run.shelf.filters import UNKNOWN, Filters
from entrepot.run.shelf.make import shelve
from entrepot.run.shelf.shelf import LONGEST_PAGE, Entry, Page, Shelf
from entrepot.run.shelf.stored import Shelved, is_stale, read_shelved
from entrepot.run.shelf.totals import Total
from entrepot.run.shelf.view import OVERLAY

__all__ = [
    "EXPORTED", "GROUPS", "LONGEST_PAGE", "OVERLAY", "PAGE_COLUMNS", "SORTS", "UNKNOWN", "Entry", "Filters", "Page",
    "Shelf", "Shelved", "Total", "is_stale", "read_shelved", "shelve",
]  # fmt: skip
