"""The quotes area of the desk."""

from entrepot.desk.plug import Area

__all__ = ["AREA"]

AREA = Area(app="entrepot.desk.quotes")
