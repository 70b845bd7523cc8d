"""What speaks Kafka, around a running core: the relay, a sender for everybody else, and the topics."""

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from attrs import frozen

from usercore.adapters.kafka.connection import client_options
from usercore.adapters.kafka.producer import open_producer
from usercore.adapters.kafka.publisher import KafkaEventPublisher
from usercore.adapters.kafka.tail import tail
from usercore.adapters.kafka.topics import KafkaTopics
from usercore.delivery.ports import EventPublisher
from usercore.delivery.relay import RelayLimits, RelayOutbox
from usercore.messaging.ports import MessageSender
from usercore.messaging.values import RawMessage
from usercore.settings import KafkaSettings, MessagingSettings, RelaySettings, StreamSettings, TopicSettings
from usercore.wiring.relaying import Relay
from usercore.wiring.service import Service


@frozen
class Messaging:
    """What speaks Kafka.

    Args:
        sender: sends single messages: replies, dead letters.
        publisher: publishes events and profiles, as the relay does.
        relay: publishes the outbox for as long as its `run` runs.
        topics: makes topics, or looks whether they are there.
    """

    sender: MessageSender
    publisher: EventPublisher
    relay: Relay
    topics: KafkaTopics


@asynccontextmanager
async def open_messaging(settings: MessagingSettings | StreamSettings, service: Service) -> AsyncIterator[Messaging]:
    """Open what the settings name, and close it at the end. Nothing connects to a broker before it is used.

    The relay has a producer of its own: it throws it away with all that it holds where publishing fails, which must
    not harm what others send.

    Args:
        settings: where the brokers are, how topics are made, how events leave.
        service: the running core whose outbox is published.
    """
    async with (
        open_producer(settings.kafka) as sender,
        open_producer(settings.kafka) as producer,
        service.wakeups() as wakeups,
    ):
        publisher = KafkaEventPublisher(producer, settings.relay.source)
        ports = service.core.ports
        relay = RelayOutbox(ports.shards, publisher, ports.clock, _limits(settings.relay))
        yield Messaging(
            sender=sender,
            publisher=publisher,
            relay=Relay(relay, wakeups, settings.relay, service.metrics),
            topics=KafkaTopics(settings.kafka, settings.topics),
        )


def _limits(settings: RelaySettings) -> RelayLimits:
    return RelayLimits(settings.batch, settings.shards, settings.publish_timeout_s)


def tls_context(settings: KafkaSettings) -> ssl.SSLContext | None:
    """Return how connections to the brokers are secured, for a client that somebody else makes.

    Raises:
        OSError: a file of certificates cannot be read.
    """
    context: ssl.SSLContext | None = client_options(settings)["ssl_context"]
    return context


@asynccontextmanager
async def open_sender(settings: KafkaSettings) -> AsyncIterator[MessageSender]:
    """Give a sender alone, for whoever needs no core, and close it at the end."""
    async with open_producer(settings) as sender:
        yield sender


async def ensure_topics(kafka: KafkaSettings, topics: TopicSettings, names: Sequence[str]) -> None:
    """Return once topics are there; see :meth:`KafkaTopics.ensure`."""
    await KafkaTopics(kafka, topics).ensure(names)


def tail_topics(
    settings: KafkaSettings, topics: Sequence[str], *, last: int | None = 0, ready: Callable[[], None] = lambda: None
) -> AsyncGenerator[RawMessage, None]:
    """Yield messages of topics as they come, after the `last` of those that are there; None for all of them.

    Args:
        settings: where the brokers are.
        topics: without the deployment's prefix.
        last: how many of those that are there come first.
        ready: called once it is settled where reading begins.

    Raises:
        TopicUnknownError: one of the topics is not there.
        UnavailableError: the brokers do not answer.
        BrokerDeniedError: they do not let us.
    """
    return tail(settings, topics, last=last, ready=ready)
