"""Bodies too large for any operation are turned away while they arrive: Django would write them to disk whole first."""

import json
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

from entrepot.desk.api.middleware import ARROW_BYTES

__all__ = ["bounded"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]
MOST = ARROW_BYTES + (1 << 20)
"""What the largest operation takes, and room for the frame of a form."""


def bounded(application: Application) -> Application:
    """The ASGI application with a bound on what is sent to `/api/`, whether its length was announced or not."""

    async def guarded(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await application(scope, receive, send)
            return
        body = _Counted(receive)
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) <= MOST:
            await application(scope, body, send)
        else:
            body.over = True
        if body.over:
            await _refuse(send)

    return guarded


class _Counted:
    """Passes messages on until there was too much; then the caller seems to be gone, and nothing more is kept."""

    def __init__(self, receive: Receive) -> None:
        self.receive, self.bytes, self.over = receive, 0, False

    async def __call__(self) -> Message:
        """The next message of the caller."""
        message = await self.receive()
        self.bytes += len(message.get("body", b""))
        self.over = self.over or self.bytes > MOST
        return {"type": "http.disconnect"} if self.over else message


async def _refuse(send: Send) -> None:
    detail = f"a body has {ARROW_BYTES >> 20} MB at most: send the lines in several calls"
    problem = {"type": "about:blank", "title": "Too large", "status": 413, "code": "too-large", "detail": detail, "request_id": "",
               "errors": []}  # fmt: skip
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})
