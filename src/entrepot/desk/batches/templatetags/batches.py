"""Template tags of the problems page."""

from typing import Any

from django import template

from entrepot.desk.batches.figures import tax_of
from entrepot.desk.batches.forms import options_of
from entrepot.desk.batches.look import covered as _covered
from entrepot.desk.batches.mend import Cell, Fault, Row
from entrepot.desk.context import language
from entrepot.goods.schema import FIELDS
from entrepot.goods.texts import text

__all__ = [
    "cell_id", "cell_list", "cell_options", "cell_title", "covered", "fault_said", "kind_of_problem", "same_of", "share",
    "tax_sum", "value_known",
]  # fmt: skip

register = template.Library()


@register.simple_tag
def kind_of_problem(code: str) -> str:
    """A kind of problem in few words; its code where there are none."""
    return text(f"batches.kind-{code}", language()).removeprefix("batches.kind-")


@register.filter
def fault_said(fault: Fault) -> str:
    """The message of a fault in the reader's language."""
    return str(fault.message[language()])


@register.filter
def cell_title(cell: Cell) -> str:
    """What a cell is called: the title of its field, else its column."""
    field = FIELDS.get(cell.field)
    return (field.zh if language() == "zh" else field.en) if field else cell.column


@register.simple_tag
def cell_id(row: Row, cell: Cell) -> str:
    """A unique id of a cell on the page."""
    return f"cell-{row.row_id}-{row.cells.index(cell)}"


@register.simple_tag
def cell_options(cell: Cell) -> tuple[tuple[str, str], ...]:
    """The values a cell may have, where they are few."""
    return options_of(FIELDS[cell.field]) if cell.field else ()


@register.filter
def value_known(cell: Cell) -> bool:
    """Whether the value of a cell is one of its options."""
    return any(cell.value == value for value, _ in options_of(FIELDS[cell.field]))


@register.simple_tag
def cell_list(cell: Cell) -> str:
    """The list of suggestions for a cell, by id; empty where there is none."""
    kind: Any = FIELDS[cell.field].kind if cell.field else ""
    return {"country": "countries", "currency": "currencies"}.get(kind, "")


@register.simple_tag
def same_of(row: Row, cell: Cell) -> int:
    """How many other rows have the same wrong value as a cell."""
    return row.same.get(cell.field, 0)


@register.filter
def covered(value: str) -> str:
    """A personal value, covered."""
    return _covered(value)


@register.filter
def tax_sum(summary: Any) -> str:
    """The sum of tax of a batch's summary; a dash while there is none."""
    return tax_of(summary) if summary else "–"


@register.filter
def share(ratio: Any) -> str:
    """A ratio as per cent with one decimal; unknown as a dash."""
    return "–" if ratio in (None, "") else f"{ratio * 100:.1f} %"
