"""What the law says on a day: dated values, lists and tables, each with its source."""

from entrepot.law.changes import Change
from entrepot.law.errors import LawError
from entrepot.law.law import Law
from entrepot.law.leaves import DatedValue, Jurisdiction, Leaf, Row, ScalarLeaf, Source, TableLeaf
from entrepot.law.tables import LawTable
from entrepot.law.units import show as show_value

__all__ = ["Change", "DatedValue", "Jurisdiction", "Law", "LawError", "LawTable", "Leaf", "Row", "ScalarLeaf", "Source",
           "TableLeaf", "show_value"]
