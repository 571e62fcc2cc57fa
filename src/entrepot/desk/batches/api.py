"""API of batches: listed, read, their problems mended and fed back; lines sent at once in one call."""

from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import PermissionDenied
from ninja import Field, Path, Query, Router, Schema, Status

from entrepot.desk.api.auth import needs
from entrepot.desk.api.idempotency import idempotent, reading
from entrepot.desk.api.openapi import file_answer
from entrepot.desk.api.pages import PageOf, PageQuery, cursor_after, page_of, place_of
from entrepot.desk.api.problems import ApiError, answers
from entrepot.desk.batches.downloads import FILES, PERSONAL, file_response, personal_response
from entrepot.desk.batches.lines_sent import ARROW, JSON_BODY, batch_of_lines
from entrepot.desk.batches.mend import Fault, Row, feed_back, row_of, rows_page, save_row
from entrepot.desk.batches.models import Batch
from entrepot.desk.batches.schemas import BatchOut, batch_out
from entrepot.desk.consignments.schemas import ReasonIn
from entrepot.desk.told import Told

__all__ = ["router"]

router = Router(tags=["batches"])
NUMBER_MOST = 2**62


class FaultOut(Schema):
    """One thing that is wrong with a row; `field` is empty when it is the whole row."""

    field: str = Field(examples=["quantity"])
    code: str = Field(examples=["goods.not-positive"])
    message_en: str = Field(examples=["quantity (quantity) must be more than zero, but is -2."])
    message_zh: str = Field(examples=["数量(quantity)必须大于零，实际为 -2。"])
    given: str = Field("", examples=["-2"])
    allowed: str = Field("", examples=[""])


class RowOut(Schema):
    """A refused row: what is wrong with it, its values by column (personal ones are null), and whether it was fed back."""

    row_id: int = Field(examples=[17])
    row: int = Field(description="Data row in the file, from 1", examples=[18])
    source_file: str = Field(examples=["orders.csv"])
    order_id: str = Field(examples=["REX-018"])
    faults: list[FaultOut]
    left: list[FaultOut] = Field(description="What would still be wrong with it as it is changed now")
    changed: bool = Field(examples=[False])
    erased: bool = Field(description="Whether its person was erased; then it cannot be mended", examples=[False])
    fed_to: UUID | None = Field(None, description="The batch it was fed back with")
    values: dict[str, str | None] = Field(examples=[{"order_id": "REX-018", "quantity": "-2", "buyer_name": None}])


class ProblemsQuery(PageQuery):
    """Which refused rows."""

    code: str = Field("", max_length=80, description="Only rows with this problem", examples=["goods.missing"])


class RowIn(Schema):
    """New values of a refused row: by column of the file, or `field:NAME` for a field without a column."""

    values: dict[str, str] = Field(max_length=500, examples=[{"quantity": "2"}])


class FeedBackIn(Schema):
    """Rows to feed back besides the changed ones, as they are."""

    row_ids: list[Annotated[int, Field(ge=0, le=NUMBER_MOST)]] = Field(default_factory=list, max_length=10_000, examples=[[]])


class PersonalFileIn(ReasonIn):
    """A file that names persons, and why it is taken."""

    file: Literal["messages.zip", "refused.csv"] = Field(examples=["refused.csv"])


def _one(request: Any, batch: UUID) -> Batch:
    found: Batch = Batch.objects.select_related("job").one(request.acting, id=batch)
    return found


def _finished(request: Any, batch: UUID) -> Batch:
    one = _one(request, batch)
    if one.state != Batch.State.DONE:
        raise Told("batches.not-done")
    return one


def _fault(fault: Fault) -> dict[str, Any]:
    told = {"field": fault.field, "code": fault.code, "given": fault.given, "allowed": fault.allowed}
    return told | {"message_en": fault.message["en"], "message_zh": fault.message["zh"]}


def _row(row: Row) -> dict[str, Any]:
    names = ("row_id", "row", "source_file", "order_id", "changed", "erased")
    return {name: getattr(row, name) for name in names} | {
        "faults": [_fault(one) for one in row.faults], "left": [_fault(one) for one in row.left],
        "fed_to": row.fed_to.id if row.fed_to else None,
        "values": {cell.key: None if cell.personal else cell.value for cell in row.cells},
    }  # fmt: skip


@router.get(
    "", auth=needs("batches.view"), response=answers(PageOf[BatchOut]),
    operation_id="list_batches", summary="Batches, the newest first",
)  # fmt: skip
def list_batches(request: Any, page: Query[PageQuery]) -> Any:
    """Batches of the organisation in pages."""
    return page_of(Batch.objects.of(request.acting).select_related("job"), page, batch_out, ("-ordinal", "-id"))


@router.post(
    "/lines", auth=needs("batches.upload"), response=answers(BatchOut, 413, 415, 422, status=202), operation_id="clear_lines",
    summary="Clear up to 10,000 lines", openapi_extra={"requestBody": {"required": True, "content": {
        "application/json": JSON_BODY,
        ARROW: {"schema": {"type": "string", "format": "binary", "description": "An Arrow IPC stream of one table"}},
    }}},
)  # fmt: skip
@idempotent
def clear_lines(request: Any) -> Any:
    """Send lines as JSON, or as an Arrow IPC stream whose columns are fields; answers with the batch and its job.

    A field that is absent or null is unknown. Bad values do not fail the call: they are problems of the batch.
    """
    return Status(202, batch_out(batch_of_lines(request.acting, request.content_type, request.body)))


@router.get(
    "/{uuid:batch}", auth=needs("batches.view"), response=answers(BatchOut),
    operation_id="get_batch", summary="A batch",
)  # fmt: skip
def get_batch(request: Any, batch: UUID) -> Any:
    """A batch with its job and, once it is done, its figures."""
    return batch_out(_one(request, batch))


@router.get(
    "/{uuid:batch}/files/{name}", auth=needs("consignments.export"), response=answers(None, 404), operation_id="get_batch_file",
    summary="A file of a batch", openapi_extra=file_answer(FILES.values()),
)  # fmt: skip
def get_batch_file(request: Any, batch: UUID, name: Path[str]) -> Any:
    """A result file: report.html, lines.csv, lines.parquet, problems.csv, message_problems.csv, declarations_1039.csv,
    refused.csv (personal data covered; needs `batches.upload` too) or summary.json. 404 when the batch has none of that name."""
    try:
        return file_response(request, request.acting, _one(request, batch), name)
    except PermissionDenied as error:
        raise ApiError(403, "not-permitted", f"this file needs the permission '{error}' too") from None


@router.post(
    "/{uuid:batch}/personal-files", auth=needs("persons.reveal"), response=answers(None, 422), operation_id="take_personal_file",
    summary="A file that names persons", openapi_extra=file_answer(PERSONAL.values()),
)  # fmt: skip
@reading
def take_personal_file(request: Any, batch: UUID, payload: PersonalFileIn) -> Any:
    """The customs messages, or the refused orders as they came. That they were taken, by whom and why, is kept each time."""
    return personal_response(request, request.acting, _finished(request, batch), payload.file, payload.reason)


@router.get(
    "/{uuid:batch}/problems", auth=needs("batches.upload"), response=answers(PageOf[RowOut], 422), operation_id="list_problems",
    summary="Refused rows and what is wrong with them",
)  # fmt: skip
def list_problems(request: Any, batch: UUID, query: Query[ProblemsQuery]) -> Any:
    """Refused rows in pages, each with everything that is wrong with it."""
    one, name = _finished(request, batch), f"problems:{batch}:{query.code}"
    after = int(place_of(name, query.cursor)[0]) if query.cursor else -1
    rows, following = rows_page(one, after=after, code=query.code, rows=query.limit)
    return {"items": [_row(row) for row in rows], "next": cursor_after(name, [following]) if following is not None else None}


@router.put(
    "/{uuid:batch}/problems/{int:row_id}", auth=needs("batches.upload"), response=answers(RowOut, 422), operation_id="mend_row",
    summary="Mend a refused row",
)  # fmt: skip
@idempotent
def mend_row(request: Any, batch: UUID, row_id: int, payload: RowIn) -> Any:
    """Keep new values of a row; answers with the row and what would still be wrong with it. The batch itself never changes."""
    one = _finished(request, batch)
    known = {cell.key: cell.value for cell in row_of(one, _number(row_id)).cells}
    return _row(save_row(request.acting, one, row_id, {**known, **payload.values}))


def _number(row_id: int) -> int:
    if row_id > NUMBER_MOST:
        raise Told("batches.no-such-row")
    return row_id


@router.post(
    "/{uuid:batch}/feed-back", auth=needs("batches.upload"), response=answers(BatchOut, 422, status=202), operation_id="feed_back",
    summary="Feed mended rows back",
)  # fmt: skip
@idempotent
def feed_rows_back(request: Any, batch: UUID, payload: FeedBackIn) -> Any:
    """Clear the changed rows, and those named, with the rest of their orders as a new batch; rows fed back before are left out."""
    return Status(202, batch_out(feed_back(request.acting, _finished(request, batch), payload.row_ids)))
