"""One request and its answer, as the outermost layer follows it."""

import re
from secrets import token_hex
from time import perf_counter
from typing import Any, Final

from litestar.types import Message, Send

from user_http.routes import UNMATCHED

SCOPE_KEY: Final = "user_http.exchange"
_SANE_ID = re.compile(rb"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
# Source: W3C Trace Context, 3.2.2; version ff and all-zero ids are not valid.
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Exchange:
    """Follows one request: who it is, which route it took, what it was answered.

    Args:
        scope: the ASGI scope.
        send: the server's channel.
        closing: whether to tell the client to open another connection next time.
    """

    __slots__ = ("_closing", "_send", "began", "method", "request_id", "route", "status", "traceparent")

    def __init__(self, scope: Any, send: Send, *, closing: bool) -> None:  # noqa: ANN401 -- ASGI's open mapping
        self.began = perf_counter()
        self.method: str = scope["method"]
        self.route = UNMATCHED
        self.status = 0
        self.request_id, self.traceparent = _identity(scope["headers"])
        self._send = send
        self._closing = closing

    async def send(self, message: Message) -> None:
        """Pass a message on; the head of the answer gets what every answer carries."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [
                *message["headers"],
                (b"x-request-id", self.request_id.encode()),
                (b"x-content-type-options", b"nosniff"),
            ]
            if self._closing:
                headers.append((b"connection", b"close"))
            message["headers"] = headers
        await self._send(message)


def _identity(headers: list[tuple[bytes, bytes]]) -> tuple[str, str | None]:
    """Return the request's id, the caller's own where it is sane, and its trace."""
    request_id, traceparent = None, None
    for name, value in headers:
        if name == b"x-request-id":
            request_id = value.decode() if _SANE_ID.fullmatch(value) else None
        elif name == b"traceparent":
            traceparent = value.decode() if _TRACEPARENT.fullmatch(value) else None
    return request_id or token_hex(16), traceparent
