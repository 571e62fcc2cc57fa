"""What a line says of itself, in words: the list of facts on the pages of lines and cases."""

from entrepot.desk.consignments.listing import Row
from entrepot.goods.texts import text
from entrepot.run.wording import country_name, mode_name, port_name

__all__ = ["facts_of"]


def facts_of(stored: Row, lang: str) -> list[tuple[str, str]]:
    """The facts of a stored line, each with its label in a language; what is not known is left out."""
    country = {name: country_name(stored[name])[lang] for name in ("seller_country", "buyer_country", "origin_country") if stored[name]}
    told = {
        "goods": stored["description"] or stored["name_zh"], "sku": stored["sku"], "code": stored["hs_code"],
        "quantity": _quantity(stored), "price": _price(stored), "mass": _mass(stored["net_mass_g"]), "waybill": stored["waybill_no"],
        "carrier": stored["carrier"], "seller": stored["seller_name"] or stored["seller_id"], **country,
        "district": f"{stored['customs_district']} {port_name(stored['customs_district'])[lang]}" if stored["customs_district"] else "",
        "mode": f"{stored['mode']} {mode_name(stored['mode'])[lang]}" if stored["mode"] else "",
        "declared_on": str(stored["declared_on"] or ""), "incoterm": stored["incoterm"],
    }  # fmt: skip
    return [(text(f"consignments.fact-{name}", lang), str(value)) for name, value in told.items() if value]


def _quantity(stored: Row) -> str:
    return f"{_e5(stored['quantity_e5'])} × {stored['unit']}" if stored["quantity_e5"] is not None else ""


def _price(stored: Row) -> str:
    return f"{_e5(stored['unit_price_e5'])} {stored['currency'] or ''}" if stored["unit_price_e5"] is not None else ""


def _e5(value: int) -> str:
    whole, rest = divmod(value, 100_000)
    return f"{whole:,}" + (f".{rest:05d}".rstrip("0") if rest else "")


def _mass(grams: int | None) -> str:
    return f"{grams / 1000:g} kg" if grams is not None else ""
