"""API of uploads: begun, sent in pieces, finished, mapped, cleared."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from uuid import UUID

from ninja import Field, Router, Schema, Status

from entrepot.desk.api.auth import needs
from entrepot.desk.api.idempotency import HEADER, idempotent
from entrepot.desk.api.problems import ApiError, FieldError, answers
from entrepot.desk.batches import uploads
from entrepot.desk.batches.choices import Choices, missing
from entrepot.desk.batches.clear import start
from entrepot.desk.batches.guess import guess
from entrepot.desk.batches.look import seen_of
from entrepot.desk.batches.models import Upload
from entrepot.desk.batches.schemas import BatchOut, batch_out
from entrepot.desk.told import Told, said_of
from entrepot.goods.errors import CallError, InputError
from entrepot.goods.mapping import ready_mappings
from entrepot.goods.schema import FIELDS

__all__ = ["router"]

router = Router(tags=["uploads"])
OPERATION: dict[str, Any] = {"auth": needs("batches.upload")}


class UploadIn(Schema):
    """A file that is about to be sent."""

    name: str = Field(min_length=1, max_length=1000, examples=["orders-2026-03-10.csv"])
    bytes_total: int = Field(gt=0, description="Size of the whole file, at most 2 GiB", examples=[20480])


class UploadOut(Schema):
    """An upload: how much of it is here and, when it is finished, what its content is."""

    id: UUID
    name: str = Field(examples=["orders-2026-03-10.csv"])
    bytes_total: int = Field(examples=[20480])
    bytes_received: int = Field(description="The next piece begins here", examples=[0])
    piece_bytes_most: int = Field(uploads.PIECE_MOST, examples=[uploads.PIECE_MOST])
    finished: bool = Field(examples=[False])
    kind: str = Field("", description="text, workbook, json or parquet, once it is finished", examples=["text"])
    sha256: str = Field("", description="Of the whole file, once it is finished")
    columns: list[str] = Field(default_factory=list, examples=[["order_id", "品名", "数量"]])
    sheets: list[str] = Field(default_factory=list, examples=[[]])
    created_at: datetime
    removed: bool = Field(description="Whether the file is gone: cleared, discarded or abandoned", examples=[False])


class FinishIn(Schema):
    """The end of an upload."""

    sha256: str = Field("", pattern="^([0-9a-fA-F]{64})?$", description="When given, compared with what arrived", examples=[""])


class ColumnOut(Schema):
    """A column of the file, a few of its values (covered where they may be personal) and the field it is guessed to give."""

    name: str = Field(examples=["品名"])
    samples: list[str] = Field(examples=[["陶瓷马克杯", "LED台灯"]])
    personal: bool = Field(examples=[False])
    field: str | None = Field(None, examples=["description"])
    score: int | None = Field(None, description="100: written like the field; below 90: look at it", examples=[95])


class ColumnsOut(Schema):
    """The columns of a finished upload and what is still missing under the guess."""

    sheet: str = Field(examples=[""])
    sheets: list[str] = Field(examples=[[]])
    columns: list[ColumnOut]
    missing: list[str] = Field(description="Required fields nothing gives yet", examples=[["direction", "currency"]])
    ready_mappings: list[str] = Field(examples=[["online-retail"]])


class MappingIn(Schema):
    """Which column gives which field, and what all rows have."""

    columns: dict[str, str] = Field(default_factory=dict, examples=[{"order_id": "订单号", "description": "品名"}])
    constants: dict[str, str] = Field(default_factory=dict, examples=[{"direction": "export", "currency": "USD"}])
    number_lines: bool = Field(
        False, description="Number lines 1, 2, … within each order, where the file has no line numbers", examples=[True]
    )
    sheet: str = Field("", max_length=200, examples=[""])
    time_zone: str = Field("Asia/Shanghai", max_length=60, examples=["Asia/Shanghai"])
    ready: str = Field("", max_length=60, description="Name of a ready mapping that is taken as it is", examples=[""])


class MappingOut(MappingIn):
    """The mapping of an upload, and the required fields it does not give."""

    missing: list[str] = Field(examples=[[]])


def _told(view: Callable[..., Any]) -> Callable[..., Any]:
    """Errors of uploads with their own status; a person reads them in their language."""

    @wraps(view)
    def telling(request: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return view(request, *arguments, **named)
        except uploads.WrongOffset as error:
            where = FieldError(path="offset", code="wrong-offset", message=str(error.expected))
            raise ApiError(409, "wrong-offset", _detail(request, error), [where]) from None
        except uploads.TooLarge as error:
            raise ApiError(413, "too-large", _detail(request, error)) from None
        except Told as error:
            raise ApiError(422, error.text_id.partition(".")[2], _detail(request, error)) from None
        except CallError as error:
            raise ApiError(422, "invalid", _detail(request, error)) from None
        except InputError as error:
            raise ApiError(422, "unusable-input", _detail(request, error)) from None

    return telling


def _detail(request: Any, error: Exception) -> str:
    return str(error) if request.acting.key else said_of(error)


def _out(upload: Upload) -> dict[str, Any]:
    names = ("id", "name", "bytes_total", "bytes_received", "kind", "sha256", "columns", "sheets", "created_at")
    return {name: getattr(upload, name) for name in names} | {"finished": upload.whole, "removed": upload.removed_at is not None}


def _one(request: Any, upload: UUID) -> Upload:
    found: Upload = Upload.objects.one(request.acting, id=upload)
    return found


def _finished(request: Any, upload: UUID) -> Upload:
    found = _one(request, upload)
    if not found.whole or found.removed_at:
        raise Told("batches.file-gone")
    return found


@router.post(
    "", response=answers(UploadOut, 413, status=201),
    operation_id="begin_upload", summary="Begin an upload", **OPERATION,
)  # fmt: skip
@idempotent
@_told
def begin_upload(request: Any, payload: UploadIn) -> Any:
    """Say how large the file is; then send its pieces in order, each where the file ends."""
    return Status(201, _out(uploads.begin(request.acting, payload.name, payload.bytes_total)))


@router.get(
    "/{uuid:upload}", response=answers(UploadOut),
    operation_id="get_upload", summary="How much of an upload is here", **OPERATION,
)  # fmt: skip
def get_upload(request: Any, upload: UUID) -> Any:
    """The upload; its `bytes_received` is where the next piece begins."""
    return _out(_one(request, upload))


def _repeatable(request: Any) -> bool:
    """A piece says where it goes: sent again it changes nothing, key or not."""
    return HEADER not in request.headers


@router.put(
    "/{uuid:upload}/pieces/{int:offset}", response=answers(UploadOut, 409, 413), operation_id="put_piece", summary="Send a piece",
    openapi_extra={"requestBody": {"required": True, "content": {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    }}},
    **OPERATION,
)  # fmt: skip
@idempotent(unless=_repeatable)
@_told
def put_piece(request: Any, upload: UUID, offset: int) -> Any:
    """At most 8 MiB of the file, from `offset` on. A piece that is here already is taken as sent; one that begins elsewhere
    than the file ends is refused with 409, and the answer says where to go on."""
    if int(request.headers.get("Content-Length") or 0) > uploads.PIECE_MOST:
        raise uploads.TooLarge("batches.piece-too-large", most=uploads.PIECE_MOST >> 20)
    return _out(uploads.put_piece(request.acting, upload, offset, request.body))


@_told
def _look(request: Any, upload: UUID, payload: FinishIn) -> None:
    request.looked = uploads.look(request.acting, upload, payload.sha256)


@router.post(
    "/{uuid:upload}/finish", response=answers(UploadOut, 422),
    operation_id="finish_upload", summary="Finish an upload", **OPERATION,
)  # fmt: skip
@idempotent(first=_look)
@_told
def finish_upload(request: Any, upload: UUID, payload: FinishIn) -> Any:
    """Hash the file, tell its kind, read its columns. A file that cannot be orders is refused."""
    return _out(uploads.enter(request.acting, request.looked))


@router.delete(
    "/{uuid:upload}", response=answers(None, 422, status=204),
    operation_id="discard_upload", summary="Discard an upload", **OPERATION,
)  # fmt: skip
@idempotent
@_told
def discard_upload(request: Any, upload: UUID) -> Any:
    """Remove the file."""
    one = _one(request, upload)
    if not one.removed_at:
        uploads.discard(request.acting, one)
    return Status(204, None)


@router.get(
    "/{uuid:upload}/columns", response=answers(ColumnsOut, 422),
    operation_id="get_columns", summary="Columns and the guess", **OPERATION,
)  # fmt: skip
@_told
def get_columns(request: Any, upload: UUID, sheet: str = "") -> Any:
    """The columns of a finished upload (of one sheet of a workbook) with the fields they are guessed to give."""
    one = _finished(request, upload)
    if sheet and sheet not in one.sheets:
        raise Told("batches.no-such-sheet")
    seen = seen_of(one.folder, one.path, one.kind, sheet or None)
    found = {match.column: match for match in guess(column.name for column in seen.columns)}
    given = Choices({match.field: match.column for match in found.values()})
    return {
        "sheet": seen.sheet, "sheets": list(seen.sheets), "missing": missing(given), "ready_mappings": list(ready_mappings()),
        "columns": [
            {"name": one.name, "samples": list(one.samples), "personal": one.personal,
             "field": found[one.name].field if one.name in found else None, "score": found[one.name].score if one.name in found else None}
            for one in seen.columns
        ],
    }  # fmt: skip


def _mapping_out(upload: Upload) -> dict[str, Any]:
    choices = Choices.of(upload.choices)
    return {**choices.stored(), "missing": missing(choices)}


@router.get(
    "/{uuid:upload}/mapping", response=answers(MappingOut, 422),
    operation_id="get_mapping", summary="The mapping of an upload", **OPERATION,
)  # fmt: skip
@_told
def get_mapping(request: Any, upload: UUID) -> Any:
    """The mapping it would be cleared with: the guess, or what was set."""
    return _mapping_out(_finished(request, upload))


@router.put(
    "/{uuid:upload}/mapping", response=answers(MappingOut, 422),
    operation_id="set_mapping", summary="Set the mapping", **OPERATION,
)  # fmt: skip
@idempotent
@_told
def set_mapping(request: Any, upload: UUID, payload: MappingIn) -> Any:
    """Replace the mapping; unknown fields and columns are refused."""
    one = _finished(request, upload)
    if payload.sheet and payload.sheet != (one.choices.get("sheet") or (one.sheets or [""])[0]):
        if payload.sheet not in one.sheets:
            raise Told("batches.no-such-sheet")
        one.columns = [column.name for column in seen_of(one.folder, one.path, one.kind, payload.sheet).columns]
    errors = list(_mapping_errors(payload, one))
    if errors:
        raise ApiError(422, "invalid", f"{len(errors)} value(s) of the mapping are not valid", errors)
    one.choices = Choices(**payload.dict()).stored()
    one.save(update_fields=["choices", "columns"])
    return _mapping_out(one)


def _mapping_errors(payload: MappingIn, upload: Upload) -> list[FieldError]:
    known = ", ".join(FIELDS)
    errors = [
        FieldError(path=f"{part}.{name}", code="unknown-field", message=f"fields are {known}")
        for part, given in (("columns", payload.columns), ("constants", payload.constants)) for name in given if name not in FIELDS
    ]  # fmt: skip
    errors += [
        FieldError(path=f"columns.{name}", code="unknown-column", message=f"the file has no column {column[:80]!r}")
        for name, column in payload.columns.items() if column not in upload.columns
    ]  # fmt: skip
    if payload.ready and payload.ready not in ready_mappings():
        errors.append(FieldError(path="ready", code="unknown-mapping", message=f"ready mappings are {', '.join(ready_mappings())}"))
    both = sorted(payload.columns.keys() & payload.constants.keys())
    said = "a field is in columns or in constants"
    return errors + [FieldError(path=f"constants.{name}", code="given-twice", message=said) for name in both]


@router.post(
    "/{uuid:upload}/clear", response=answers(BatchOut, 422, status=202),
    operation_id="clear_upload", summary="Clear an upload", **OPERATION,
)  # fmt: skip
@idempotent
@_told
def clear_upload(request: Any, upload: UUID) -> Any:
    """Ask for the file to be cleared under its mapping; answers with the batch, whose `job` tells how far it is."""
    one = _finished(request, upload)
    return Status(202, batch_out(start(request.acting, one, Choices.of(one.choices))))
