"""Bodies too large for any operation are turned away while they arrive: Django would write them to disk whole first."""

import json
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

from django.urls import Resolver404, resolve

from entrepot.desk.api.middleware import ARROW_BYTES
from entrepot.desk.plug import FORM_BYTES
from entrepot.goods.texts import LANGUAGES, text

__all__ = ["bounded"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]
MOST = ARROW_BYTES + (1 << 20)
"""What the largest operation of the API takes, and room for the frame of a form."""


def bounded(application: Application) -> Application:
    """The ASGI application with a bound on what is sent to each address, whether its length was announced or not."""

    async def guarded(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await application(scope, receive, send)
            return
        most = _most(scope["path"])
        body = _Counted(receive, most)
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) <= most:
            await application(scope, body, send)
        else:
            body.over = True
        if body.over:
            await _refuse(send, most, api=scope["path"].startswith("/api/"))

    return guarded


def _most(path: str) -> int:
    """What may be sent to an address: of a page what its area says, of any other a form."""
    if path.startswith("/api/"):
        return MOST
    try:
        return int(getattr(resolve(path).func, "body_bytes_most", FORM_BYTES))
    except Resolver404:
        return FORM_BYTES


class _Counted:
    """Passes messages on until there was too much; then the caller seems to be gone, and nothing more is kept."""

    def __init__(self, receive: Receive, most: int) -> None:
        self.receive, self.most, self.bytes, self.over = receive, most, 0, False

    async def __call__(self) -> Message:
        """The next message of the caller."""
        message = await self.receive()
        self.bytes += len(message.get("body", b""))
        self.over = self.over or self.bytes > self.most
        return {"type": "http.disconnect"} if self.over else message


async def _refuse(send: Send, most: int, *, api: bool) -> None:
    if not api:
        said = "\n".join(text("desk.body-too-large", language, most=most >> 20) for language in LANGUAGES)
        await _answer(send, b"text/plain; charset=utf-8", said.encode())
        return
    detail = f"a body has {ARROW_BYTES >> 20} MB at most: send the lines in several calls"
    problem = {"type": "about:blank", "title": "Too large", "status": 413, "code": "too-large", "detail": detail, "request_id": "",
               "errors": []}  # fmt: skip
    await _answer(send, b"application/problem+json", json.dumps(problem).encode())


async def _answer(send: Send, content_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", content_type), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
