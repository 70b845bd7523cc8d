"""Records of a topic as rows hold them, for messages that wait and messages that nobody could use.

Key, value and headers lie sealed with a key of the service; a row from before there was one has them in the clear.
"""

from base64 import b64decode
from collections.abc import Sequence
from typing import Final

import msgspec
from attrs import frozen

from usercore.adapters.sql.engine import Row
from usercore.adapters.sql.keys import SqlServiceKeys
from usercore.kernel.sealing import DataKey
from usercore.messaging.subjects import subject_of
from usercore.messaging.values import Place, RawMessage

PLACE: Final = "topic, message_partition, message_offset, message_timestamp"
"""SQL for what names a record, in the order of :class:`Place`."""
WRITTEN: Final = f"{PLACE}, sealed, value_bytes, user_id"
"""SQL for what :meth:`MessageBox.columns` gives, in its order."""
WRITTEN_ARRAYS: Final = ("text[]", "int[]", "bigint[]", "bigint[]", "bytea[]", "int[]", "uuid[]")
"""The types of those columns."""
RECORD: Final = f"{PLACE}, key, value, headers, sealed"
"""SQL for what :meth:`MessageBox.record_of` reads."""
_SERVICE_KEY: Final = "messages"


class _Contents(msgspec.Struct, array_like=True):
    key: bytes | None
    value: bytes | None
    headers: list[tuple[bytes, bytes]]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Contents)


@frozen
class MessageBox:
    """Seals messages, and opens them.

    Args:
        table: where they lie; a row moved to another table does not open.
        keys: of the service.
    """

    table: str
    keys: SqlServiceKeys

    async def columns(self, ids: Sequence[str], messages: Sequence[RawMessage]) -> tuple[list[object], ...]:
        """Return records column by column, as arrays.

        Args:
            ids: under which each is kept.
            messages: the records.

        Raises:
            UnavailableError: the key cannot be read.
        """
        key = await self.keys.key(_SERVICE_KEY)
        return (
            [message.topic for message in messages],
            [message.partition for message in messages],
            [message.offset for message in messages],
            [message.timestamp_ms for message in messages],
            [self._seal(key, row_id, message) for row_id, message in zip(ids, messages, strict=True)],
            [None if message.value is None else len(message.value) for message in messages],
            [subject_of(message) for message in messages],
        )

    async def key(self) -> DataKey:
        """Return what opens them."""
        return await self.keys.key(_SERVICE_KEY)

    def record_of(self, key: DataKey, row_id: str, row: Row) -> RawMessage:
        """Return the record in a row of :data:`RECORD`.

        Raises:
            SealBrokenError: it was changed, or stands elsewhere than where it was put.
        """
        topic, partition, offset, timestamp_ms, plain_key, value, headers, sealed = row
        place = (topic, partition, offset, timestamp_ms)
        if sealed is None:
            pairs = tuple((name, b64decode(text)) for name, text in headers)
            return RawMessage(*place, plain_key, value, pairs)
        contents = _DECODER.decode(key.open(self._place(row_id), sealed))
        opened = tuple((name.decode("utf-8", "surrogatepass"), text) for name, text in contents.headers)
        return RawMessage(*place, contents.key, contents.value, opened)

    def _seal(self, key: DataKey, row_id: str, message: RawMessage) -> bytes:
        headers = [(name.encode("utf-8", "surrogatepass"), value) for name, value in message.headers]
        return key.seal(self._place(row_id), _ENCODER.encode(_Contents(message.key, message.value, headers)))

    def _place(self, row_id: str) -> bytes:
        return f"{self.table} {row_id}".encode()


def place_of(row: Row) -> Place:
    """Return the place in a row of :data:`PLACE`."""
    topic, partition, offset, timestamp_ms = row
    return Place(topic, partition, offset, timestamp_ms)
