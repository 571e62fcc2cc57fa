"""Sending files and streams in blocks, whatever serves the desk.

An ASGI server reads a plain iterator to its end before it sends the first byte; so it gets an asynchronous one.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, StreamingHttpResponse

__all__ = ["send_blocks", "send_file"]

BLOCK = 1 << 18


def send_blocks(
    request: HttpRequest, blocks: Iterable[bytes], name: str, content_type: str, *, inline: bool = False
) -> StreamingHttpResponse:
    """A response of these blocks, saved under `name` by the browser (shown, when `inline`)."""
    given = iter(blocks)
    content = _later(given) if isinstance(request, ASGIRequest) else given
    response = StreamingHttpResponse(content, content_type=content_type)
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "_" for char in name)
    kind = "inline" if inline else "attachment"
    response["Content-Disposition"] = f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    response["Cache-Control"] = "private, no-store"
    return response


def send_file(request: HttpRequest, path: Path, name: str, content_type: str, *, inline: bool = False) -> StreamingHttpResponse:
    """A response of a file with its length; Http404 when it is not there."""
    try:
        source = path.open("rb")
    except FileNotFoundError:
        raise Http404(f"no file {name}") from None
    size = path.stat().st_size
    response = send_blocks(request, _blocks(source), name, content_type, inline=inline)
    response["Content-Length"] = str(size)
    return response


def _blocks(source: BinaryIO) -> Iterator[bytes]:
    with source:
        while block := source.read(BLOCK):
            yield block


async def _later(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The blocks, each fetched in the one thread of the request, whose database connection ends with it; there too the
    iterator is closed when the reader goes away."""
    fetch = sync_to_async(lambda: next(blocks, None), thread_sensitive=True)
    try:
        while (block := await fetch()) is not None:
            yield block
    finally:
        if close := getattr(blocks, "close", None):
            await sync_to_async(close, thread_sensitive=True)()
