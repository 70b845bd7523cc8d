"""The producer: what it sends arrives in the order given, or is sent again.

Order per key is kept by one rule: a message is sent only once the one before it, in its partition, is acknowledged, or
in one record batch behind it, which brokers append whole or not at all. It holds with the idempotent producer and
without. A producer that failed is thrown away with all that it still holds, so that nothing is sent behind our back,
and a new one is made for the next call ([ADR 8](docs/adr/0008-the-relay.md)).
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, MessageSizeTooLargeError, UnknownTopicOrPartitionError
from aiokafka.partitioner import murmur2

from usercore.adapters.kafka.access import check_access
from usercore.adapters.kafka.connection import client_options
from usercore.adapters.kafka.errors import translated
from usercore.delivery.topics import DEAD_LETTERS, OURS
from usercore.kernel.errors import UnavailableError
from usercore.kernel.tracing import NOTHING, During, Span, SpanKind, Word, current, step
from usercore.messaging.errors import TopicUnknownError
from usercore.messaging.ports import MessageSender
from usercore.settings import KafkaSettings

_BATCH_BYTES: Final = 256 * 1024
"""Of one record batch, which must fit what topics take as a message: 1 MiB where nobody changed it.
Source: Apache Kafka, `message.max.bytes`."""
_MESSAGE_MAX_BYTES: Final = 64 * 1024 * 1024
"""The most that `USER_SERVICE_TOPIC_MAX_MESSAGE_BYTES` allows; below it the brokers decide."""
_CLOSING_S: Final = 2.0
"""How long a producer that is thrown away may take to close its connections."""
# Source: Apache Kafka, org.apache.kafka.common.internals.Topic.
_LEGAL: Final = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)

TRACEPARENT: Final = "traceparent"
"""Source: W3C Trace Context, 3.2; the header of that name in Kafka too."""
_OURS: Final = frozenset(OURS)

Headers = Sequence[tuple[str, bytes]]


class KafkaMessage(NamedTuple):
    """One message on its way out; `topic` is without the deployment's prefix."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


class KafkaProducer:
    """Sends messages, each acknowledged by every replica in sync. Share it among the tasks of one event loop.

    Args:
        settings: where the brokers are.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._live: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()
        self._alone: set[str] = set()

    async def send(self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        """Send one message and return once the brokers have acknowledged it.

        Raises:
            UnavailableError: the brokers do not answer; the message may have arrived.
            MessageTooLargeError: the brokers do not take a message of this size.
            TopicUnknownError: there is no such topic, and the brokers make none.
            BrokerDeniedError: the brokers do not let us.
        """
        with _span(topic) as span, translated(topic):
            headers = _within(span, topic, headers)
            async with asyncio.timeout(self._send_timeout_s):
                live = await self._opened()
                name = await self._known(live, topic)
                try:
                    if key is None and value is None:
                        await self._send_bare(live, name, headers)
                    else:
                        await (await live.send(name, value=value, key=key, headers=list(headers)))
                except MessageSizeTooLargeError as error:
                    if _arrived_nowhere(error):
                        raise
                    await self._replace(live)
                    raise
                except KafkaError:
                    await self._replace(live)
                    raise

    async def _send_bare(self, live: AIOKafkaProducer, name: str, headers: Headers) -> None:
        """Send a message with neither key nor value, which Kafka takes and aiokafka's `send` does not."""
        batch = live.create_batch()
        batch.append(timestamp=None, key=None, value=None, headers=list(headers))
        partition = _partition(None, sorted(await live.partitions_for(name)))
        await (await live.send_batch(batch, name, partition=partition))

    async def send_many(self, messages: Sequence[KafkaMessage]) -> None:
        """Send messages and return once all are acknowledged; those of one key arrive in the order given.

        Where it raises or is cancelled, any of them may have arrived, and none arrives later of which another of its
        key was given before and has not arrived. Send all of them again.

        Raises:
            UnavailableError: the brokers do not answer.
            MessageTooLargeError: the brokers do not take a message of this size.
            TopicUnknownError: there is no such topic.
            BrokerDeniedError: the brokers do not let us.
        """
        if not messages:
            return
        with translated():
            live = await self._opened()
            try:
                lanes = await self._lanes(live, messages)
                await asyncio.gather(*(self._run(live, *place, lane) for place, lane in lanes.items()))
            except BaseException:
                await self._replace(live)
                raise

    async def close(self) -> None:
        """Close the connections; what was not acknowledged is dropped."""
        if self._live is not None:
            await self._replace(self._live)

    @property
    def _send_timeout_s(self) -> float:
        # One request to learn where the topic's leader is, one to send.
        return 2 * self._settings.request_timeout_s

    async def _opened(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._live is None:
                self._live = await self._open()
            return self._live

    async def _open(self) -> AIOKafkaProducer:
        made = AIOKafkaProducer(
            **client_options(self._settings),
            acks="all",
            enable_idempotence=self._settings.idempotent,
            linger_ms=0,
            max_batch_size=_BATCH_BYTES,
            max_request_size=_MESSAGE_MAX_BYTES,
        )
        try:
            # An idempotent producer asks for its id until it gets one.
            async with asyncio.timeout(self._send_timeout_s):
                await made.start()
        except BaseException as error:
            await _abandon(made)
            if isinstance(error, KafkaConnectionError):
                await check_access(self._settings)
            raise
        return made

    async def _replace(self, live: AIOKafkaProducer) -> None:
        """Throw a producer away; the next call makes a new one."""
        if self._live is live:
            self._live = None
        # Whoever is cancelled must not leave half a producer behind.
        await asyncio.shield(asyncio.ensure_future(_abandon(live)))

    async def _known(self, live: AIOKafkaProducer, topic: str) -> str:
        """Return a topic's name with the prefix, once the brokers have said where it is."""
        name = self._settings.topic_prefix + topic
        if not _LEGAL.fullmatch(name):
            raise TopicUnknownError("no topic can have such a name")
        try:
            await live.partitions_for(name)
        except UnknownTopicOrPartitionError:
            # Else every later question about topics would ask for it as well.
            live.client._topics.discard(name)  # noqa: SLF001 -- aiokafka lets us add a topic, and take none away
            raise
        return name

    async def _lanes(
        self, live: AIOKafkaProducer, messages: Sequence[KafkaMessage]
    ) -> dict[tuple[str, int], list[KafkaMessage]]:
        """Return the messages by topic, with its prefix, and partition."""
        partitions: dict[str, tuple[str, list[int]]] = {}
        lanes: dict[tuple[str, int], list[KafkaMessage]] = {}
        for message in messages:
            place = partitions.get(message.topic)
            if place is None:
                with translated(message.topic):
                    name = await self._known(live, message.topic)
                    place = partitions[message.topic] = (name, sorted(await live.partitions_for(name)))
            name, numbers = place
            lanes.setdefault((name, _partition(message.key, numbers)), []).append(message)
        return lanes

    async def _run(self, live: AIOKafkaProducer, name: str, partition: int, lane: list[KafkaMessage]) -> None:
        """Send the messages of one partition, a record batch at a time, each after the one before it arrived."""
        done = 0
        while done < len(lane):
            batch = live.create_batch()
            most = done + 1 if name in self._alone else len(lane)
            before = done
            while done < most:
                _, key, value, headers = lane[done]
                if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                    break
                done += 1
            with translated(lane[before].topic):
                try:
                    await (await live.send_batch(batch, name, partition=partition))
                except MessageSizeTooLargeError as error:
                    if done - before == 1:
                        raise
                    # Each may fit by itself.
                    self._alone.add(name)
                    detail = f"topic {name} takes no batches; its messages are sent one by one from now on"
                    structlog.get_logger().warning("batch too large", topic=name)
                    raise UnavailableError(detail) from error


def sending(topic: str) -> dict[str, Word]:
    """Return the attributes of a message's span. Source: OpenTelemetry semantic conventions for Kafka.

    The key is a user's id, and left out.
    """
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": _shown(topic),
    }


def _shown(topic: str) -> str:
    """Return a topic's name; one that others have named may hold anything."""
    return topic if topic in _OURS else "replies"


def _span(topic: str) -> During:
    if current() is None:
        return NOTHING
    return step(f"send {_shown(topic)}", SpanKind.PRODUCER, sending(topic))


def _within(span: Span, topic: str, headers: Headers) -> Headers:
    """Return the headers with the trace; a message that nobody could use is passed on as it came."""
    if span.traceparent is None or topic == DEAD_LETTERS:
        return headers
    return [*headers, (TRACEPARENT, span.traceparent.encode())]


@lru_cache(maxsize=65_536)
def _hash(key: bytes) -> int:
    """Return what Java's default partitioner makes of a key, so that both choose the same partition."""
    return int(murmur2(key)) & 0x7FFF_FFFF


def _partition(key: bytes | None, numbers: list[int]) -> int:
    if key is None:
        return random.choice(numbers)  # noqa: S311 -- any will do
    return numbers[_hash(key) % len(numbers)]


def _arrived_nowhere(error: MessageSizeTooLargeError) -> bool:
    """Return whether the client itself refused the message, before anything was sent."""
    return bool(error.args)


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Close a producer without sending what it still holds.

    aiokafka's own `stop` waits until all is sent: for ever, where the brokers are gone and it is idempotent.
    """
    sender, accumulator = producer._sender, producer._message_accumulator  # noqa: SLF001 -- see above
    if producer._closed:  # noqa: SLF001
        return
    producer._closed = True  # noqa: SLF001
    task = sender.sender_task
    if task is not None:
        task.cancel()
    accumulator.fail_all(KafkaConnectionError("the producer was closed"))
    with suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(_CLOSING_S):
            await producer.client.close()
            if task is not None:
                await asyncio.wait([task])


@asynccontextmanager
async def open_producer(settings: KafkaSettings) -> AsyncIterator[KafkaProducer]:
    """Give a producer, and close it at the end. It connects when it is first used.

    Args:
        settings: where the brokers are.
    """
    producer = KafkaProducer(settings)
    try:
        yield producer
    finally:
        await producer.close()


if TYPE_CHECKING:

    def _conforms(producer: KafkaProducer) -> MessageSender:
        return producer
