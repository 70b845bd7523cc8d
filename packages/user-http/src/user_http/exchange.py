"""One request and its answer, as the outermost layer follows it."""

import re
from collections.abc import Iterator
from os import urandom
from time import perf_counter
from typing import Any, Final

from litestar.types import Message, Send

from user_http.at_once import send_at_once
from user_http.headers import RequestHeaders
from user_http.routes import UNMATCHED

SCOPE_KEY: Final = "user_http.exchange"
_SANE_ID = re.compile(rb"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
# Source: W3C Trace Context, 3.2.2; version ff and all-zero ids are not valid.
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_ID_CHARS: Final = 32
_IDS_AT_ONCE: Final = 128


class Exchange:
    """Follows one request: who it is, which route it took, what it was answered.

    Args:
        scope: the ASGI scope.
        send: the server's channel.
        closing: whether to tell the client to open another connection next time.
    """

    __slots__ = (
        "_closing",
        "_send",
        "began",
        "headers",
        "limits",
        "method",
        "request_id",
        "route",
        "status",
        "traceparent",
    )

    def __init__(self, scope: Any, send: Send, *, closing: bool) -> None:  # noqa: ANN401 -- ASGI's open mapping
        self.began = perf_counter()
        self.method: str = scope["method"]
        self.route = UNMATCHED
        self.status = 0
        self.limits: tuple[tuple[bytes, bytes], ...] = ()
        """What the answer says of the caller's quota."""
        self.headers = RequestHeaders(scope["headers"])
        self.request_id = _own_id(self.headers) or new_request_id()
        self.traceparent = read_traceparent(self.headers)
        self._send: Send = send
        self._closing = closing

    async def send(self, message: Message) -> None:
        """Pass a message on; the head of the answer gets what every answer carries."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self._own_headers()]
        await self._send(message)

    def send_at_once(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send a whole answer in one write, if the server can; return whether it was sent."""
        sent = not self._closing and send_at_once(self._send, status, [*headers, *self._own_headers()], body)
        if sent:
            self.status = status
        return sent

    def end(self) -> None:
        """Let go of the server's channel, which leads back here: circles are left to the garbage collector."""
        self._send = _nobody

    def _own_headers(self) -> list[tuple[bytes, bytes]]:
        own = [(b"x-request-id", self.request_id.encode()), (b"x-content-type-options", b"nosniff"), *self.limits]
        return [*own, (b"connection", b"close")] if self._closing else own


async def _nobody(message: Message) -> None:
    """Drop what is sent after the end."""


def _own_id(headers: RequestHeaders) -> str | None:
    """Return the id that the caller gave the request, where it is sane."""
    value = headers.last(b"x-request-id")
    return value.decode() if value is not None and _SANE_ID.fullmatch(value) else None


def read_traceparent(headers: RequestHeaders) -> str | None:
    """Return the trace that the caller says the request belongs to, where that is well written."""
    value = headers.last(b"traceparent")
    if value is None or not _TRACEPARENT.fullmatch(value) or headers.is_repeated(b"traceparent"):
        return None
    return value.decode()


def _random_ids() -> Iterator[str]:
    """Yield random words; the system is asked for many at once."""
    while True:
        digits = urandom(_IDS_AT_ONCE * _ID_CHARS // 2).hex()
        for at in range(0, len(digits), _ID_CHARS):
            yield digits[at : at + _ID_CHARS]


new_request_id: Final = _random_ids().__next__
"""Returns an id that no other request has."""
