"""What a person asks of a quote, read by the same rules as a file of orders, all faults at once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import polars as pl

from entrepot.goods.catalogue import Catalogue
from entrepot.goods.mapping import PLAIN
from entrepot.goods.nomenclature import Nomenclature
from entrepot.goods.parse import Parsed, parse
from entrepot.goods.read import RawBatch
from entrepot.goods.readers.jsonl import NESTED
from entrepot.goods.schema import FIELDS, REQUIRED, line_column
from entrepot.goods.texts import LANGUAGES, text

__all__ = ["ASKED", "FLAGS", "Problem", "QuoteRequest", "problem", "read_requests"]

FLAGS = (
    "platform_sale", "stocked_abroad", "in_market_cluster", "has_input_invoice", "pilot_zone", "bonded", "rebate_claimed",
    "needs_licence", "warehouse_filed", "on_positive_list", "buyer_verified",
)  # fmt: skip
SHARED = (
    "sku", "description", "hs_code", "seller_country", "buyer_country", "quantity", "unit", "unit_price", "currency",
    "freight", "insurance", "incoterm", "net_mass", "seller_kind", "buyer_kind", "customs_district", "content_quantity",
    "content_unit", *FLAGS,
)  # fmt: skip
"""Fields that mean what they mean in a file of orders."""
OWN = ("on", "value", "spent", "code_unconfirmed")
ASKED = (*SHARED, *OWN)
"""Every field a request may give: those of `SHARED`, `on` (the day of declaration), `value` (of the whole quantity, instead
of `unit_price`), `spent` (CNY the buyer has used of this year's limit) and `code_unconfirmed` (the code is a guess)."""
READ = (*SHARED, "declared_on")
STANDING = {"order_id": "quote", "line_no": "1", "direction": "export"}
"""What a file must give and a quote does not ask; the direction follows from the countries."""
ASIDE = {
    **STANDING, "declared_on": "2026-01-01", "seller_country": "CN", "buyer_country": "US", "description": "quote",
    "quantity": "1", "unit_price": "1", "currency": "CNY",
}  # fmt: skip
"""A good row in which an amount that no field of a file holds is read: `value` as its price, `spent` as its freight."""
WRITTEN = [(name, line_column(name), {"decimal": 5, "mass": 3}.get(FIELDS[name].kind)) for name in SHARED]
"""Each shared field with its column and the decimal places of its number."""
CENT_E5, ONE_E5, PRICE_LIMIT_E5 = 1000, 100_000, 10**14
COLUMNS = (*STANDING, *READ)
ALWAYS = {*REQUIRED, "description"}
"""Columns that are there although no request fills them, so that what is missing is told."""
KEY = bytes(32)
"""No field of a request makes a buyer's key, so nothing hangs on this one."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One bad field of a request, in the codes and words of `goods.problems`; `field` is empty for the whole request."""

    field: str
    code: str
    message: Mapping[str, str]
    given: str
    allowed: str


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """How one product is to be traded on one day.

    `given`: the fields as text, written one way, so that reading them again gives an equal request. `line`: the same as
    columns of a parsed line (amounts at 10⁻⁵, mass in grams, None unknown). `direction`: export from China or import to
    it. `spent_fen`: what the buyer has used of this year's limit, None when it was not said.
    """

    given: Mapping[str, str]
    line: Mapping[str, Any]
    direction: str
    on: date
    spent_fen: int | None = None

    @classmethod
    def from_mapping(cls, given: Mapping[str, object]) -> "QuoteRequest | tuple[Problem, ...]":
        """The request a form or an API call stands for (fields: `ASKED`), or everything that is wrong with it."""
        return read_requests([given])[0]


def read_requests(
    given: Sequence[Mapping[str, object]], *, catalogue: Catalogue | None = None, nomenclature: Nomenclature | None = None
) -> list[QuoteRequest | tuple[Problem, ...]]:
    """One request or its problems for each mapping of fields to values, in their order.

    Values are text as in a file; numbers (no floats of more digits than they print), booleans and days are taken as they
    are written. A catalogue fills what is missing by `sku`; without a nomenclature codes are not checked.
    """
    if not given:
        return []
    texts = [_texts(fields) for fields in given]
    aside = [place for place, fields in enumerate(texts) if "value" in fields or "spent" in fields]
    parsed = _completed(_parsed([*map(_row, texts), *(_aside(texts[place]) for place in aside)]), catalogue, nomenclature)
    found = _found(parsed, len(texts), aside)
    lines = parsed.lines.rows(named=True)
    amounts = {place: lines[len(texts) + number] for number, place in enumerate(aside)}
    return [
        _request(fields, lines[place], amounts.get(place), [*_unknown(fields), *found.get(place, [])])
        for place, fields in enumerate(texts)
    ]


def _texts(fields: Mapping[str, object]) -> dict[str, str]:
    """The fields that say something, as text."""
    read = {str(name): _text(value).strip() for name, value in fields.items()}
    return {name: text for name, text in read.items() if text}


def _text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if isinstance(value, int | float | date) else NESTED + json.dumps(value, ensure_ascii=False, default=str)[:200]


def _row(fields: Mapping[str, str]) -> dict[str, str]:
    row = {name: fields[name] for name in SHARED if name in fields}
    priced = {"unit_price": "1"} if "value" in fields and "unit_price" not in fields else {}
    day = {"declared_on": fields["on"]} if "on" in fields else {}
    return {"quantity": "1", **STANDING, **row, **priced, **day}


def _aside(fields: Mapping[str, str]) -> dict[str, str]:
    return {**ASIDE, "unit_price": fields.get("value", "1"), "freight": fields.get("spent", "0")}


def _parsed(rows: Sequence[Mapping[str, str]]) -> Parsed:
    names = [name for name in COLUMNS if name in ALWAYS or any(name in row for row in rows)]
    schema = {**dict.fromkeys([*names, "_fault", "_given", "_allowed", "_raw"], pl.String()), "_row": pl.Int64()}
    texts = [(*(row.get(name) for name in names), None, None, None, None, place) for place, row in enumerate(rows, 1)]
    frame = pl.DataFrame(texts, schema=schema, orient="row")
    return parse(RawBatch("quote", 1, frame, {name: name for name in names}), PLAIN, key=KEY, first_row_id=0)


def _completed(parsed: Parsed, catalogue: Catalogue | None, nomenclature: Nomenclature | None) -> Parsed:
    filled = catalogue.fill(parsed) if catalogue else parsed
    if nomenclature:
        return nomenclature.check(filled)
    status = [None if code is None else "not-checked" for code in filled.lines.get_column("hs_code").to_list()]
    lines = filled.lines.clone().replace_column(
        filled.lines.get_column_index("code_status"), pl.Series("code_status", status, pl.String)
    )
    return replace(filled, lines=lines)


def _found(parsed: Parsed, count: int, aside: Sequence[int]) -> dict[int, list[Problem]]:
    """The problems of each request, under the names its fields have here."""
    if parsed.problems.is_empty():
        return {}
    found: dict[int, list[Problem]] = {}
    for row in parsed.problems.rows(named=True):
        place, field = row["row_id"], row["field"]
        names = {"declared_on": "on"} if place < count else {"unit_price": "value", "freight": "spent"}
        own = problem(names[field], row["code"], row["given"], row["allowed"]) if field in names else _as_problem(row)
        found.setdefault(place if place < count else aside[place - count], []).append(own)
    return found


def problem(field: str, code: str, given: str = "", allowed: str = "") -> Problem:
    """A problem of a field a file does not have, in the words its code has."""
    names = {"en": f"{field} ({{}})", "zh": f"{{}}({field})"}
    called = {language: text(f"quote.field.{field}", language) for language in LANGUAGES}
    labels = {
        language: names[language].format(called[language]) if called[language] != f"quote.field.{field}" else field
        for language in LANGUAGES
    }
    words = {language: text(code, language, field=labels[language], given=given[:200], allowed=allowed) for language in LANGUAGES}
    return Problem(field, code, MappingProxyType(words), given[:200], allowed)


def _as_problem(row: Mapping[str, Any]) -> Problem:
    words = MappingProxyType({language: row[f"message_{language}"] for language in LANGUAGES})
    return Problem(row["field"] or "", row["code"], words, row["given"] or "", row["allowed"] or "")


def _unknown(fields: Mapping[str, str]) -> list[Problem]:
    return [problem(name[:50], "quote.unknown-field", name, ", ".join(ASKED)) for name in fields if name not in ASKED]


def _request(
    fields: Mapping[str, str], line: dict[str, Any], aside: Mapping[str, Any] | None, problems: list[Problem]
) -> "QuoteRequest | tuple[Problem, ...]":
    """The request of a parsed line, once everything that several fields together say is asked too."""
    direction = _direction(line["seller_country"], line["buyer_country"])
    guess = fields.get("code_unconfirmed", "false")
    bad = {one.field for one in problems}
    if direction is None and not {"seller_country", "buyer_country"} & bad:
        problems.append(problem("buyer_country", "quote.direction", f"{line['seller_country']} → {line['buyer_country']}"))
    if {"value", "unit_price"} <= fields.keys():
        problems.append(problem("value", "quote.value-and-price"))
    if guess not in ("true", "false"):
        problems.append(problem("code_unconfirmed", "goods.not-yes-no", guess, "true | false"))
    price = aside["unit_price_e5"] if aside and "value" in fields else None
    spent = aside["freight_e5"] if aside and "spent" in fields else None
    if spent is not None and spent % CENT_E5:
        problems.append(problem("spent", "goods.too-many-decimals", fields["spent"], "≤ 0.01"))
    if price is not None and line["quantity_e5"] and "unit_price" not in fields:
        price, rest = divmod(price * ONE_E5, line["quantity_e5"])
        line["unit_price_e5"] = price
        if rest or not 0 < price < PRICE_LIMIT_E5:
            problems.append(problem("value", "quote.value-not-exact", fields["value"], fields.get("quantity", "1")))
    if problems or direction is None:
        return tuple(problems)
    line["direction"] = direction
    line["code_unconfirmed"] = line["code_unconfirmed"] or guess == "true"
    spent_fen = None if spent is None else spent // CENT_E5
    said = _said(line, spent_fen)
    return QuoteRequest(MappingProxyType(said), MappingProxyType(line), direction, line["declared_on"], spent_fen)


def _direction(seller: str | None, buyer: str | None) -> str | None:
    """Export from China or import to it; None when neither or both ends are there."""
    if (seller == "CN") == (buyer == "CN"):
        return None
    return "export" if seller == "CN" else "import"


def _said(line: Mapping[str, Any], spent_fen: int | None) -> dict[str, str]:
    """The fields of a request as text, written one way."""
    shared = {name: _written(value, places) for name, column, places in WRITTEN if (value := line[column]) is not None}
    own = {"on": line["declared_on"].isoformat()}
    if spent_fen is not None:
        own["spent"] = f"{Decimal(spent_fen) / 100:.2f}"
    if line["code_unconfirmed"]:
        own["code_unconfirmed"] = "true"
    return {**own, **shared}


def _written(value: Any, places: int | None) -> str:
    if isinstance(value, str):
        return value
    return str(value).lower() if places is None else format(Decimal(value).scaleb(-places).normalize(), "f")
