"""What speaks Kafka, around a running core: the relay, a sender for everybody else, and the topics."""

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from attrs import frozen

from usercore.adapters.crypto.signers import SigningKey, read_signer_keys, read_signing_key
from usercore.adapters.kafka.connection import client_options
from usercore.adapters.kafka.producer import open_producer
from usercore.adapters.kafka.publisher import KafkaEventPublisher
from usercore.adapters.kafka.tail import tail
from usercore.adapters.kafka.topics import KafkaTopics
from usercore.codec.messages.signatures import SignedTopics
from usercore.delivery.ports import EventPublisher
from usercore.delivery.relay import RelayLimits, RelayOutbox
from usercore.messaging.ports import MessageSender
from usercore.messaging.values import RawMessage
from usercore.settings import (
    KafkaSettings,
    MessagingSettings,
    Problem,
    RelaySettings,
    SettingsError,
    SigningSettings,
    StreamSettings,
    TopicSettings,
)
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
        publisher = KafkaEventPublisher(producer, settings.relay.source, service.tracer)
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


def signed_topics(settings: SigningSettings, kept_h: int) -> SignedTopics:
    """Return which messages must be signed, and by whom.

    Args:
        settings: the topics, and the file of the keys.
        kept_h: hours that the inbox remembers messages.

    Raises:
        SettingsError: the file holds no such keys.
    """
    if settings.keys_file is None:
        return SignedTopics()
    try:
        signers = read_signer_keys(settings.keys_file.read_text(encoding="utf-8"))
    except OSError as error:
        raise _bad_keys(f"the file it names cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise _bad_keys(str(error)) from None
    return SignedTopics(frozenset(settings.topics), signers, settings.window_s, kept_h * 3600.0)


def _bad_keys(detail: str) -> SettingsError:
    return SettingsError(problems=(Problem("USER_SERVICE_SIGNER_KEYS_FILE", detail),))


def signing_key(text: str, key_id: str | None) -> SigningKey:
    """Return the private key in a PEM file's text.

    Raises:
        ValueError: there is none, or nobody knows what it is called.
    """
    return read_signing_key(text, key_id)


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
