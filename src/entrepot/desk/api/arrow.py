"""Arrow streams in and out of the API: plain columns, bounded rows, nothing packed that could grow when it is opened."""

import struct
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from django.http import HttpRequest, HttpResponse

from entrepot.desk.api.middleware import ARROW, ARROW_BYTES
from entrepot.desk.api.problems import ApiError

__all__ = ["ARROW", "arrow_response", "rows_of", "table_of"]

COLUMNS_MOST = 200
HEADER, BODY_OF_DICTIONARY, LENGTH, COMPRESSION = 2, 1, 0, 3
"""Places of fields in the tables of Arrow's messages (Message.fbs: Message, DictionaryBatch, RecordBatch)."""


def table_of(body: bytes, most: int) -> pa.Table:
    """The table of an Arrow stream; ApiError 400 for what is none, 422 for over `most` rows, packed or nested columns."""
    try:
        _look(body, most)
        table = pa.ipc.open_stream(body).read_all()
        table.validate(full=True)
    except (pa.ArrowException, ValueError, OSError, struct.error, MemoryError, OverflowError) as error:
        raise ApiError(400, "bad-request", f"the body is no Arrow stream: {' '.join(str(error).split())[:200]}") from None
    odd = [field.name for field in table.schema if not _is_plain(field.type)]
    if odd or table.num_columns > COLUMNS_MOST:
        detail = f"send at most {COLUMNS_MOST} plain columns, none nested, dictionary or run-length: {', '.join(odd)[:200] or '–'}"
        raise ApiError(422, "invalid", detail)
    if not 1 <= table.num_rows <= most:
        raise _too_many(most)
    if sum(_bytes_of(column) for column in table.columns) > ARROW_BYTES:
        raise ApiError(413, "too-large", f"the table has more than {ARROW_BYTES >> 20} MB of values: send the lines in several calls")
    return table


def _is_plain(of: pa.DataType) -> bool:
    """Whether a value costs what it is long: nested, dictionary and run-length columns write one value for many rows."""
    return not (pa.types.is_nested(of) or pa.types.is_dictionary(of) or pa.types.is_run_end_encoded(of))


def _bytes_of(column: pa.ChunkedArray) -> int:
    """Bytes of the values row by row; several views may share one text, so their buffers do not tell."""
    if pa.types.is_string_view(column.type) or pa.types.is_binary_view(column.type):
        return sum(len(value.as_buffer()) for value in column if value.is_valid)
    return int(column.nbytes)


def rows_of(request: HttpRequest, most: int) -> list[Mapping[str, Any]]:
    """The rows of an Arrow body as mappings of column to value."""
    rows: list[Mapping[str, Any]] = table_of(_body(request), most).to_pylist()
    return rows


def arrow_response(table: pa.Table) -> HttpResponse:
    """A table as an answer."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return HttpResponse(sink.getvalue().to_pybytes(), content_type=ARROW)


def _body(request: HttpRequest) -> bytes:
    """The whole body; a stream of Arrow may be larger than Django keeps for JSON."""
    body = request.read(ARROW_BYTES + 1)
    if len(body) > ARROW_BYTES:
        raise ApiError(413, "too-large", f"a body has {ARROW_BYTES >> 20} MB at most: send the lines in several calls")
    return bytes(body)


def _too_many(most: int) -> ApiError:
    return ApiError(422, "invalid", f"send 1 to {most:,} rows")


def _look(body: bytes, most: int) -> None:
    """Read the messages' own headers before anything is opened: no compression, no more rows than allowed."""
    reader, rows = pa.BufferReader(body), 0
    while reader.tell() < len(body):
        try:
            message = pa.ipc.read_message(reader)
        except EOFError:
            return
        metadata = message.metadata.to_pybytes()
        header = _table_at(metadata, struct.unpack_from("<I", metadata, 0)[0], HEADER)
        if message.type == "dictionary" and header is not None:
            header = _table_at(metadata, header, BODY_OF_DICTIONARY)
        if message.type in ("record batch", "dictionary") and header is not None:
            length = _field(metadata, header, LENGTH)
            rows += struct.unpack_from("<q", metadata, length)[0] if length else 0
            if _field(metadata, header, COMPRESSION) is not None:
                raise ApiError(422, "invalid", "send the Arrow stream without compression of its columns")
            if not 0 <= rows <= 2 * most:
                raise _too_many(most)


def _field(data: bytes, table: int, place: int) -> int | None:
    """Where a field of a flatbuffer table lies; None when it is left out."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    size = struct.unpack_from("<H", data, vtable)[0]
    offset = struct.unpack_from("<H", data, vtable + 4 + 2 * place)[0] if 4 + 2 * place < size else 0
    return table + offset if offset else None


def _table_at(data: bytes, table: int, place: int) -> int | None:
    """Where the table lies that a field points to."""
    found = _field(data, table, place)
    if found is None:
        return None
    pointer: int = struct.unpack_from("<I", data, found)[0]
    return found + pointer
