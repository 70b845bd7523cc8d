"""A whole answer in one write.

ASGI sends an answer's head and its body as two messages, and uvicorn writes each to the socket by itself: a system
call more, and another one for a client that is woken by the first.
"""

from collections.abc import Sequence
from typing import Final

from litestar.types import Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_CONTROL: Final = {*range(ord(" ")), ord("\x7f")}
_NO_CONTROL: Final = bytes(byte for byte in range(256) if byte not in _CONTROL)
_LINE_END: Final = b"\r\n"


def send_at_once(send: Send, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
    """Send a whole answer where the channel is uvicorn's own and nothing out of the ordinary is to be done.

    Args:
        send: the server's channel.
        status: of an answer that has a body.
        headers: all of them, ``content-length`` as well.
        body: all of it.

    Returns:
        Whether it was sent. If not, nothing was, and it can be sent message by message.
    """
    cycle = getattr(send, "__self__", None)
    if not isinstance(cycle, RequestResponseCycle) or not _is_ordinary(cycle):
        return False
    every = [*cycle.default_headers, *headers]
    lines = b"".join([b"%b: %b\r\n" % header for header in every])
    if lines.translate(None, _NO_CONTROL) != _LINE_END * len(every):
        return False  # a control character, which uvicorn refuses
    cycle.transport.write(b"".join((STATUS_LINE[status], lines, _LINE_END, body)))
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.message_event.set()
    cycle.on_response()
    return True


def _is_ordinary(cycle: RequestResponseCycle) -> bool:
    """Return whether the answer to a request is a head and a body on a connection that stays open."""
    return (
        cycle.keep_alive
        and not cycle.response_started
        and not cycle.disconnected
        and not cycle.flow.write_paused
        and not cycle.access_log
        and cycle.scope["method"] != "HEAD"
    )
