"""The AuditService as a topic."""

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.codec.scalars import timestamp
from usercore.delivery.errors import RecipientRefusedError
from usercore.delivery.ports import AuditService
from usercore.delivery.values import Delivery
from usercore.messaging.errors import MessageTooLargeError, TopicUnknownError
from usercore.messaging.ports import MessageSender

SOURCE: Final = "/user-service"
"""The CloudEvents source."""


@frozen
class KafkaAuditService:
    """Publishes what is to be kept, keyed by the user, in the order in which it came about.

    Messages are CloudEvents in binary mode; `ce_id` is the idempotency key: a consumer that has it leaves the message.

    Args:
        sender: sends messages.
        topic: without the deployment's prefix.
        make_topic: makes the topic where it is missing.
    """

    sender: MessageSender
    topic: str
    make_topic: Callable[[], Awaitable[None]]

    async def record(self, delivery: Delivery) -> None:
        """Keep the entry; the same entry again has the same id.

        Raises:
            UnavailableError: try again later.
            RecipientRefusedError: the topic does not take a message of this size.
        """
        try:
            await self._send(delivery)
        except TopicUnknownError:
            await self.make_topic()
            await self._send(delivery)

    async def _send(self, delivery: Delivery) -> None:
        value = json.dumps(dict(delivery.payload), ensure_ascii=False, separators=(",", ":")).encode()
        try:
            await self.sender.send(
                self.topic, key=delivery.user_id.encode(), value=value, headers=tuple(_headers(delivery))
            )
        except MessageTooLargeError:
            raise RecipientRefusedError(cause="message_too_large") from None


def _headers(delivery: Delivery) -> list[tuple[str, bytes]]:
    """Return the CloudEvents attributes. Source: CloudEvents 1.0, Kafka protocol binding, 3.2."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": delivery.key,
        "ce_source": SOURCE,
        "ce_type": delivery.operation.value,
        "ce_time": timestamp(delivery.created_at),
        "ce_subject": delivery.user_id,
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in attributes.items()]


if TYPE_CHECKING:

    def _conforms(service: KafkaAuditService) -> AuditService:
        return service
