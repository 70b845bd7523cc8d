"""Events as Kafka messages: CloudEvents 1.0 in binary mode, and the compacted profiles.

Source: CloudEvents 1.0, Kafka protocol binding, 3.2.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.kafka.producer import TRACEPARENT, KafkaMessage, KafkaProducer, sending
from usercore.codec.scalars import timestamp
from usercore.delivery.ports import EventPublisher, OutboxMessage, ProfileState
from usercore.delivery.topics import PROFILES
from usercore.kernel.tracing import Span, SpanKind, Tracer, ended

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
        tracer: goes on with the traces of what caused the events, where there are traces.
    """

    producer: KafkaProducer
    source: str
    tracer: Tracer | None = None

    async def publish(self, messages: Sequence[OutboxMessage], profiles: Sequence[ProfileState]) -> None:
        """Publish in the order given and return once all are acknowledged."""
        source = ("ce_source", self.source.encode())
        with ExitStack() as stack:
            spans = {} if self.tracer is None else _spans(self.tracer, messages, stack)
            outgoing = [_event(message, source, spans.get(message.event_id)) for message in messages]
            outgoing += [_profile(profile, source) for profile in profiles]
            await self.producer.send_many(outgoing)


def _spans(tracer: Tracer, messages: Sequence[OutboxMessage], stack: ExitStack) -> Mapping[str, Span]:
    """Begin a span for each event whose trace is recorded, within that trace; all end with the stack."""
    found: dict[str, Span] = {}
    for message in messages:
        cause = dict(message.headers).get(TRACEPARENT)
        if cause is None:
            continue
        words = {**sending(message.topic), "messaging.message.id": message.event_id}
        name = f"send {message.topic}"
        span = tracer.begin(name, SpanKind.PRODUCER, parent=cause, ours=True, words=words)
        if span.recorded:
            found[message.event_id] = stack.enter_context(ended(span))
    return found


def _event(message: OutboxMessage, source: tuple[str, bytes], span: Span | None = None) -> KafkaMessage:
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
    headers.extend(further if span is None else _caused(span, further))
    return KafkaMessage(message.topic, subject, message.payload, headers)


def _caused(span: Span, headers: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Yield the headers, the span in place of what caused it: consumers go on behind it."""
    for name, value in headers:
        yield name, value if name != TRACEPARENT or span.traceparent is None else span.traceparent.encode()


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
