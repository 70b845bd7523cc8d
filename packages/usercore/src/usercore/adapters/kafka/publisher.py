"""Events as Kafka messages: CloudEvents 1.0 in binary mode, and the compacted profiles.

Source: CloudEvents 1.0, Kafka protocol binding, 3.2.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.kafka.producer import KafkaMessage, KafkaProducer
from usercore.codec.scalars import timestamp
from usercore.delivery.ports import EventPublisher, OutboxMessage, ProfileState
from usercore.delivery.topics import PROFILES

PROFILE_TYPE: Final = "UserProfile"
"""The `ce_type` of a profile state."""
_USER: Final = "user"
_SUBJECT: Final = "ce_subject"
_SPEC: Final = ("ce_specversion", b"1.0")
_JSON: Final = ("content-type", b"application/json")


@frozen
class KafkaEventPublisher:
    """Publishes events to their topics, and states to the compacted one.

    Args:
        producer: of its own: it is thrown away where publishing fails.
        source: the CloudEvents source of what is published, a URI reference.
    """

    producer: KafkaProducer
    source: str

    async def publish(self, messages: Sequence[OutboxMessage], profiles: Sequence[ProfileState]) -> None:
        """Publish in the order given and return once all are acknowledged."""
        source = ("ce_source", self.source.encode())
        outgoing = [_event(message, source) for message in messages]
        outgoing += [_profile(profile, source) for profile in profiles]
        await self.producer.send_many(outgoing)


def _event(message: OutboxMessage, source: tuple[str, bytes]) -> KafkaMessage:
    subject, further = _subject(message)
    headers = [
        _SPEC,
        ("ce_id", message.event_id.encode()),
        source,
        ("ce_type", message.message.encode()),
        ("ce_time", timestamp(message.occurred_at).encode()),
        (_SUBJECT, subject),
        _JSON,
    ]
    if message.aggregate == _USER:
        headers.append(("ce_sequence", b"%d" % message.sequence))
    headers.extend(further)
    return KafkaMessage(message.topic, subject, message.payload, headers)


def _subject(message: OutboxMessage) -> tuple[bytes, Iterator[tuple[str, bytes]]]:
    """Return whom a message is about, which is its key, and its other stored headers."""
    subject: str = message.user_id
    if message.aggregate != _USER:
        # The answer to a command: about the user that the command named, or else about the command.
        subject = next((value for name, value in message.headers if name == _SUBJECT), subject)
    return subject.encode(), ((name, value.encode()) for name, value in message.headers if name != _SUBJECT)


def _profile(profile: ProfileState, source: tuple[str, bytes]) -> KafkaMessage:
    user_id, version = profile.user_id.encode(), b"%d" % profile.version
    headers = [
        _SPEC,
        ("ce_id", user_id + b"/" + version),
        source,
        ("ce_type", PROFILE_TYPE.encode()),
        (_SUBJECT, user_id),
        ("ce_sequence", version),
    ]
    if profile.body is not None:
        headers.append(_JSON)
    return KafkaMessage(PROFILES, user_id, profile.body, headers)


if TYPE_CHECKING:

    def _conforms(publisher: KafkaEventPublisher) -> EventPublisher:
        return publisher
