"""uvicorn's HTTP protocol with what it leaves open: a bound on heads, and problem documents before any application.

Without it a client may send headers for ever, in size and in time, and bytes that are no HTTP are answered in plain
text.
"""

from asyncio import TimerHandle
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from user_http.exchange import new_request_id
from user_http.problems import HEAD_TOO_LARGE, HEAD_TOO_SLOW, REQUEST_MALFORMED, Kind, answer_of_kind

HEAD_MAX_BYTES: Final = 65_536
"""A request line and headers: a token of 8 KiB and a query of 8 KiB fit well."""
HEAD_TIMEOUT_S: Final = 15.0
"""From the first byte of a request, or from the connection's beginning, to the end of its headers."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    head_timeout_s: float = HEAD_TIMEOUT_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- handed through
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True
        self._deadline: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 -- asyncio's transport
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._head_ended()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and refuse a head that does not end."""
        super().data_received(data)
        if not self._in_head:
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_MAX_BYTES:
            self._refuse(HEAD_TOO_LARGE)
        else:
            self._await_head()  # most heads come whole, and need no timer

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """Stop counting; the body has a bound of its own."""
        self._head_ended()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 -- uvicorn's signature
        """Answer what is no HTTP with a problem document, instead of the text given."""
        self._refuse(REQUEST_MALFORMED)

    def _await_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.head_timeout_s, self._refuse, HEAD_TOO_SLOW)

    def _head_ended(self) -> None:
        self._in_head = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, kind: Kind) -> None:
        self._head_ended()
        if self.transport.is_closing():
            return
        cycle = cast("RequestResponseCycle | None", self.cycle)  # there is none before the first request
        if cycle is None or cycle.response_complete:
            request_id = new_request_id()
            answer = answer_of_kind(kind, request_id)
            headers = (
                *answer.headers,
                (b"content-length", b"%d" % len(answer.body)),
                (b"x-request-id", request_id.encode()),
                (b"connection", b"close"),
            )
            lines = b"".join(b"%b: %b\r\n" % header for header in headers)
            self.transport.write(STATUS_LINE[kind.status] + lines + b"\r\n" + answer.body)
        self.transport.close()
