"""Records of a topic as rows hold them, for messages that wait and messages that nobody could use."""

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Final

from usercore.adapters.sql.engine import Row
from usercore.messaging.values import Place, RawMessage

PLACE: Final = "topic, message_partition, message_offset, message_timestamp"
"""SQL for what names a record, in the order of :class:`Place`."""
RECORD: Final = f"{PLACE}, key, value, headers"
"""SQL for what :func:`record_of` reads, and in the order of :func:`record_columns`."""
RECORD_ARRAYS: Final = ("text[]", "int[]", "bigint[]", "bigint[]", "bytea[]", "bytea[]", "text[]")
"""The types of :func:`record_columns`."""


def record_columns(messages: Sequence[RawMessage]) -> tuple[list[object], ...]:
    """Return records column by column, as arrays."""
    return (
        [message.topic for message in messages],
        [message.partition for message in messages],
        [message.offset for message in messages],
        [message.timestamp_ms for message in messages],
        [message.key for message in messages],
        [message.value for message in messages],
        [_dump(message.headers) for message in messages],
    )


def record_of(row: Row) -> RawMessage:
    """Return the record in a row of :data:`RECORD`."""
    topic, partition, offset, timestamp_ms, key, value, headers = row
    pairs = tuple((name, b64decode(text)) for name, text in headers)
    return RawMessage(topic, partition, offset, timestamp_ms, key, value, pairs)


def place_of(row: Row) -> Place:
    """Return the place in a row of :data:`PLACE`."""
    topic, partition, offset, timestamp_ms = row
    return Place(topic, partition, offset, timestamp_ms)


def _dump(headers: Sequence[tuple[str, bytes]]) -> str:
    # Escaped, because a name may hold what PostgreSQL's text cannot.
    return json.dumps([(name, b64encode(value).decode()) for name, value in headers])
