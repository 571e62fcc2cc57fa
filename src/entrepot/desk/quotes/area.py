"""Quotes: what a way to trade costs and needs, without a login."""

from entrepot.desk.plug import EVERYBODY, PUBLIC, Area, Entry, Page
from entrepot.desk.quotes import views

__all__ = ["AREA"]

AREA = Area(
    app="entrepot.desk.quotes",
    permissions={"quotes.view": EVERYBODY},
    pages=[
        Page("quote/", views.quote_form, "quote", PUBLIC),
        Page("quote/store/", views.quote_store, "quote_store", PUBLIC),
        Page("quote/<slug:slug>/", views.quote_shared, "quote_shared", PUBLIC),
    ],
    navigation=[Entry("quote", "desk.nav-quote", "quote", "quotes.view", 40)],
    api={"/quotes": "entrepot.desk.quotes.api:router"},
)
