"""The first page: how the day goes."""

from entrepot.desk.home import views
from entrepot.desk.plug import EVERYBODY, Area, Entry, Page

__all__ = ["AREA"]

AREA = Area(
    app="entrepot.desk.home",
    permissions={"home.view": EVERYBODY},
    pages=[Page("", views.home, "home", "home.view")],
    batch_done="entrepot.desk.home.figures:keep_figures",
    navigation=[Entry("home", "desk.nav-home", "home", "home.view", 10)],
)
