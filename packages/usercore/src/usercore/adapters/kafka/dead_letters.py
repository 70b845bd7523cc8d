"""Dead letters as a topic shows them: the message's own bytes, and headers of ours that say what was wrong."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.codec.scalars import timestamp
from usercore.delivery.topics import DEAD_LETTERS
from usercore.messaging.dead_letters import ORIGINAL, OURS, REDACTED
from usercore.messaging.errors import MessageTooLargeError
from usercore.messaging.ports import DeadLetterSink, MessageSender
from usercore.messaging.values import DeadLetter

TRUNCATED: Final = "dlq_truncated"
"""What was left out because the topic does not take it: ``value``, or all of the message."""
_KEPT: Final = (ORIGINAL, REDACTED)
"""Headers of ours that belong to the message itself."""


@frozen
class KafkaDeadLetterSink:
    """Publishes dead letters.

    A message that the topic does not take is published without its value; where that does not help either, only the
    headers of ours are. The table keeps it whole in any case.
    """

    producer: MessageSender

    async def publish(self, letter: DeadLetter) -> None:
        """Publish the message with `dlq_` headers."""
        message = letter.message
        own = [
            (name, value)
            for name, value in message.headers
            if name.lower() in _KEPT or not name.lower().startswith(OURS)
        ]
        ours = list(_headers(letter))
        without_value = [*own, *ours, (TRUNCATED, b"value")]
        nothing = [*ours, (TRUNCATED, b"key, value, headers")]
        try:
            await self._send(message.key, message.value, [*own, *ours])
        except MessageTooLargeError:
            try:
                await self._send(message.key, None, without_value)
            except MessageTooLargeError:
                await self._send(None, None, nothing)

    async def _send(self, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
        await self.producer.send(DEAD_LETTERS, key=key, value=value, headers=headers)


def _headers(letter: DeadLetter) -> Iterator[tuple[str, bytes]]:
    place = letter.message.place
    found = {
        "topic": place.topic,
        "partition": place.partition,
        "offset": place.offset,
        "timestamp": place.timestamp_ms,
        "code": letter.code,
        "detail": letter.detail,
        "attempts": letter.attempts,
        "time": timestamp(letter.died_at),
        "id": letter.id,
    }
    for name, value in found.items():
        yield OURS + name, str(value).encode()


if TYPE_CHECKING:

    def _conforms(producer: MessageSender) -> DeadLetterSink:
        return KafkaDeadLetterSink(producer)
