"""The headers of a record, and the text that stands in them."""

import re
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from usercore.codec.messages.errors import UnreadableMessageError
from usercore.messaging.dead_letters import ORIGINAL
from usercore.messaging.values import RawMessage

PREFIX: Final = "ce_"
"""Source: CloudEvents 1.0, Kafka protocol binding, 3.2.3."""
CONTENT_TYPE: Final = "content-type"
REPLY_TO: Final = "reply-to"
CORRELATION: Final = "correlation-id"
TRACEPARENT: Final = "traceparent"
OURS: Final = frozenset({CONTENT_TYPE, REPLY_TO, CORRELATION, TRACEPARENT, ORIGINAL})
TEXT_MAX_CHARS: Final = 255
SCHEMA_MAX_CHARS: Final = 2048

# Source: CloudEvents 1.0, 2.2, String: no control characters, no surrogates.
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# Source: W3C Trace Context, 3.2.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
# Source: Kafka's `Topic.validate`: legal characters, and at most 249 of them.
_TOPIC = re.compile(r"(?!\.{1,2}\Z)[a-zA-Z0-9._-]{1,249}")


@frozen
class Headers:
    """The headers that mean something here, each once, names in lower case."""

    values: Mapping[str, bytes]

    def text(self, name: str, *, limit: int = TEXT_MAX_CHARS) -> str | None:
        """Return a header's text, or None where there is none.

        Raises:
            UnreadableMessageError: `header_invalid`.
        """
        raw = self.values.get(name)
        if raw is None:
            return None
        try:
            return check_text(raw.decode("utf-8"), limit=limit)
        except (UnicodeDecodeError, ValueError):
            detail = f"give headers 1 to {limit} characters of UTF-8, none of them a control character"
            raise UnreadableMessageError("header_invalid", detail) from None


def read_headers(raw: RawMessage) -> Headers:
    """Return the headers of a record that mean something here.

    Raises:
        UnreadableMessageError: `header_repeated`: one of them stands twice, so that nobody knows which one counts.
    """
    found: dict[str, bytes] = {}
    repeated = set()
    for written, value in raw.headers:
        name = written.lower()
        if name in found:
            repeated.add(name)
        elif name.startswith(PREFIX) or name in OURS:
            found[name] = value
    if TRACEPARENT in repeated:
        # Source: W3C Trace Context, 3.2: a trace that came twice is none.
        del found[TRACEPARENT]
        repeated.discard(TRACEPARENT)
    if repeated:
        raise UnreadableMessageError("header_repeated", "give each of the message's headers once")
    return Headers(found)


def check_text(text: str, *, limit: int = TEXT_MAX_CHARS) -> str:
    """Return text of 1 to `limit` characters, none of them a control character.

    Raises:
        ValueError: it is something else.
    """
    if not 1 <= len(text) <= limit or _UNWANTED.search(text):
        raise ValueError("no such text")
    return text


def trace(text: str | None) -> str | None:
    """Return a W3C traceparent, or None where there is no valid one: then the trace begins here."""
    return text if text is not None and _TRACEPARENT.fullmatch(text) else None


def reply_topic(headers: Headers) -> str | None:
    """Return the topic that the answer to a query is wanted in, or None where none is named.

    Raises:
        UnreadableMessageError: `reply_to_invalid`: no topic can have that name.
    """
    raw = headers.values.get(REPLY_TO)
    if raw is None:
        return None
    name = raw.decode("utf-8", "replace")
    if not _TOPIC.fullmatch(name):
        raise UnreadableMessageError("reply_to_invalid", "name a topic in reply-to")
    return name
