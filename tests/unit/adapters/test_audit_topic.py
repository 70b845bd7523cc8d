"""The AuditService as a topic."""

import json
from typing import Any

import pytest
from attrs import define, field

from tests.builders import creation
from usercore.adapters.kafka.audit import KafkaAuditService
from usercore.delivery.errors import RecipientRefusedError
from usercore.delivery.routing import deliveries_of
from usercore.delivery.values import Delivery, Recipient
from usercore.messaging.errors import MessageTooLargeError, TopicUnknownError


def an_entry() -> Delivery:
    return next(one for one in deliveries_of(creation()) if one.recipient is Recipient.AUDIT)


@define
class Sender:
    """Keeps what it is to send, unless an error comes first."""

    errors: list[Exception] = field(factory=list)
    sent: list[tuple[str, dict[str, Any]]] = field(factory=list)

    async def send(self, topic: str, **message: Any) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append((topic, message))


def service(sender: Sender, made: list[str] | None = None) -> KafkaAuditService:
    async def make() -> None:
        (made if made is not None else []).append("made")

    return KafkaAuditService(sender, "company.audit", make)


async def test_an_entry_is_a_cloud_event_keyed_by_the_user() -> None:
    sender, entry = Sender(), an_entry()

    await service(sender).record(entry)

    [(topic, message)] = sender.sent
    headers = dict(message["headers"])
    assert (topic, message["key"]) == ("company.audit", entry.user_id.encode())
    assert json.loads(message["value"]) == dict(entry.payload)
    assert headers["ce_id"] == entry.key.encode()
    assert headers["ce_type"] == b"RECORD_ENTRY"
    assert headers["ce_specversion"] == b"1.0"


async def test_a_topic_that_is_missing_is_made() -> None:
    sender, made = Sender([TopicUnknownError()]), list[str]()
    await service(sender, made).record(an_entry())
    assert (made, len(sender.sent)) == (["made"], 1)


async def test_an_entry_that_is_too_large_is_refused_for_good() -> None:
    with pytest.raises(RecipientRefusedError) as caught:
        await service(Sender([MessageTooLargeError()])).record(an_entry())
    assert caught.value.cause == "message_too_large"
