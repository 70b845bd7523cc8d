"""What goes back: a status, headers and bytes that are ready to be sent."""

from collections.abc import Iterable
from typing import Final, TypeAlias

from litestar.types import Receive, Scope, Send

from user_http.exchange import SCOPE_KEY, Exchange

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

JSON: Final = (b"content-type", b"application/json")
NO_STORE: Final = (b"cache-control", b"no-store")
REVALIDATE: Final = (b"cache-control", b"private, no-cache")
"""Kept by the caller's own cache at most, and never used without asking again."""


class Answer:
    """A whole response. It is an ASGI application that sends itself.

    Args:
        status: the HTTP status.
        body: the bytes to send.
        headers: all but ``content-length``, names in lower case.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes = b"", headers: Headers = ()) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- ASGI's signature
        """Send it."""
        headers = list(self.headers)
        if self.status not in _BODYLESS:
            headers.append((b"content-length", b"%d" % len(self.body)))
            exchange: Exchange = scope[SCOPE_KEY]  # type: ignore[typeddict-item]
            if exchange.send_at_once(self.status, headers, self.body):
                return
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class _NoAnswer(Answer):
    """Sends nothing: there is nobody left to send it to."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Do nothing."""


NO_ANSWER: Final = _NoAnswer(0)
_BODYLESS = frozenset({204, 304})


def etag(version: int) -> tuple[bytes, bytes]:
    """Return the ETag header of a version."""
    return (b"etag", b'"%d"' % version)


def json_answer(body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> Answer:
    """Return JSON that nobody may keep."""
    return Answer(status, body, (JSON, NO_STORE, *headers))


def versioned(body: bytes, version: int, *headers: tuple[bytes, bytes], status: int = 200) -> Answer:
    """Return JSON with the ETag of its version."""
    return Answer(status, body, (JSON, REVALIDATE, etag(version), *headers))


def not_modified(version: int) -> Answer:
    """Say that the caller's copy is the current one."""
    return Answer(304, b"", (REVALIDATE, etag(version)))


def items(bodies: Iterable[bytes], next_cursor: bytes) -> bytes:
    """Join ready documents into a page.

    Args:
        bodies: each item as JSON.
        next_cursor: the cursor as JSON: a string, or null.
    """
    return b'{"items":[' + b",".join(bodies) + b'],"nextCursor":' + next_cursor + b"}"
