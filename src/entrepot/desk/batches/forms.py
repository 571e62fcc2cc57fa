"""The mapping page: what it shows of each column and field, and the choices its form sends back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from entrepot.desk.batches.choices import CHINESE_TIME, Choices, known_words, missing
from entrepot.desk.batches.guess import SURE, guess
from entrepot.desk.batches.look import Column, Seen
from entrepot.desk.batches.models import Upload
from entrepot.desk.context import language
from entrepot.desk.told import Told
from entrepot.goods import reference
from entrepot.goods.schema import CLASSIFIERS, FIELDS, INPUT_FIELDS, REQUIRED, Field

__all__ = ["choices_from", "mapping_page", "options_of", "suggestions"]

TELLING = ("platform_sale", "buyer_kind", "stocked_abroad", "pilot_zone", "rebate_claimed", "customs_district", "incoterm")
"""Fields nothing demands that yet decide a lot: they are asked for where the file lacks them."""
NEVER_CONSTANT = ("order_id", "line_no", "waybill_no", "buyer_id", "buyer_name", "buyer_telephone", "consignee_address", "placed_at")
CONSTANT_LENGTH = 400


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column of the file: the field it gives now, and whether that is a guess that deserves a look."""

    place: int
    column: Column
    field: str
    doubtful: bool


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field without a column: the value all rows have, as a choice (`options`) or a text, or the column it shares."""

    field: Field
    title: str
    value: str
    source: int | None
    options: tuple[tuple[str, str], ...]
    required: bool
    words: str
    constant: bool


def mapping_page(upload: Upload, choices: Choices, seen: Seen) -> dict[str, Any]:
    """What the mapping page shows."""
    given = {column: field for field, column in reversed(list(choices.columns.items()))}
    scores = {one.column: one.score for one in guess(upload.columns) if choices.columns.get(one.field) == one.column}
    columns = [
        ColumnRow(place, column, given.get(column.name, ""), column.name in given and scores.get(column.name, SURE) < SURE)
        for place, column in enumerate(seen.columns)
    ]
    shown = {row.field for row in columns}
    rows = [_field_row(field, choices, upload.columns) for field in INPUT_FIELDS if field.name not in shown]
    absent = missing(choices)
    needed = {*REQUIRED, *(["description"] if not shown & set(CLASSIFIERS) else [])}
    return {
        "choices": choices, "columns": columns, "missing": [_title(FIELDS[name]) for name in absent],
        "needed": [row for row in rows if row.field.name in needed and not (row.field.name == "line_no" and choices.number_lines)],
        "telling": [row for row in rows if row.field.name in TELLING],
        "others": [row for row in rows if row.field.name not in {*needed, *TELLING} and row.constant],
        "groups": _groups(), "used": sum(bool(row.field) for row in columns), "sheet": seen.sheet, "sheets": seen.sheets,
        "lines_lack": "line_no" not in choices.columns, **suggestions(),
    }  # fmt: skip


def suggestions() -> dict[str, Any]:
    """Codes of countries with their names, and of currencies, to choose from while typing."""
    return {"countries": _countries(), "currencies": sorted(reference.currencies())}


def _title(field: Field) -> str:
    return field.zh if language() == "zh" else field.en


def _field_row(field: Field, choices: Choices, columns: list[str]) -> FieldRow:
    shared = choices.columns.get(field.name)
    words = {"country": "countries", "currency": "currencies"}.get(field.kind, "")
    return FieldRow(
        field, _title(field), choices.constants.get(field.name, ""), columns.index(shared) if shared in columns else None,
        options_of(field), field.required, words, field.name not in NEVER_CONSTANT,
    )  # fmt: skip


def options_of(field: Field) -> tuple[tuple[str, str], ...]:
    """The values of a choice with what is shown for each; empty for free values. Yes and no are ids of texts."""
    if field.kind == "boolean":
        return (("true", "batches.yes"), ("false", "batches.no"))
    if field.kind == "choice":
        said = {} if field.name == "mode_wanted" else {"export", "import", "person", "business", "sale", "cancellation", "ml", "g", "piece"}
        return tuple((one, f"batches.choice-{one}" if one in said else one) for one in field.choices)
    return ()


def _groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Fields for the choice of a column: required ones, then the others, each with its title."""
    needed = {*REQUIRED, *CLASSIFIERS}
    named = [(field.name, _title(field)) for field in INPUT_FIELDS]
    return [
        ("batches.fields-required", [one for one in named if one[0] in needed]),
        ("batches.fields-more", [one for one in named if one[0] not in needed]),
    ]


def _countries() -> list[tuple[str, str]]:
    names: dict[str, str] = {}
    for word, code in known_words("buyer_country").items():
        if code not in names or (language() == "zh" and not word.isascii() and names[code].isascii()):
            names[code] = word
    return sorted(names.items())


def choices_from(upload: Upload, post: Mapping[str, str]) -> Choices:
    """The choices of a sent form. Raises Told when two columns are to give one field, or a value is too long."""
    if post.get("ready"):
        return Choices(ready=post["ready"])
    columns: dict[str, str] = {}
    for place, column in enumerate(upload.columns):
        name = post.get(f"field-{place}", "")
        if name in columns:
            raise Told("batches.field-twice", field=_title(FIELDS[name]), first=columns[name], second=column)
        if name in FIELDS:
            columns[name] = column
    columns |= _shared(upload.columns, post, columns)
    number_lines = "number_lines" in post and "line_no" not in columns
    sheet, zone = str(upload.choices.get("sheet", "")), post.get("time_zone") or CHINESE_TIME
    return Choices(columns, _constants(post, columns), number_lines, sheet, zone)


def _shared(columns: list[str], post: Mapping[str, str], taken: Iterable[str]) -> dict[str, str]:
    """Fields that take the column of another field too."""
    found = {}
    for name in FIELDS:
        place = post.get(f"from-{name}", "")
        if name not in taken and place.isdecimal() and int(place) < len(columns):
            found[name] = columns[int(place)]
    return found


def _constants(post: Mapping[str, str], columns: Iterable[str]) -> dict[str, str]:
    given = {name: post.get(f"constant-{name}", "").strip() for name in FIELDS if name not in columns and name not in NEVER_CONSTANT}
    if any(len(value) > CONSTANT_LENGTH or "\0" in value for value in given.values()):
        raise Told("batches.value-too-long", most=CONSTANT_LENGTH)
    return {name: value for name, value in given.items() if value}
