"""Read what passes through topics, for people who look on. No consumer group, nothing is committed."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from usercore.adapters.kafka.access import connect
from usercore.adapters.kafka.connection import client_options
from usercore.adapters.kafka.errors import translated
from usercore.adapters.kafka.topics import existing_topics
from usercore.messaging.errors import TopicUnknownError
from usercore.messaging.values import RawMessage
from usercore.settings import KafkaSettings

_POLL_MS: Final = 500


async def tail(
    settings: KafkaSettings, topics: Sequence[str], *, last: int | None = 0, ready: Callable[[], None] = lambda: None
) -> AsyncGenerator[RawMessage, None]:
    """Yield messages as they come, for ever.

    Args:
        settings: where the brokers are.
        topics: without the deployment's prefix.
        last: how many of those that are there already come first, the oldest of them first; None for all.
        ready: called once it is settled where reading begins: what is sent from then on is not missed.

    Raises:
        TopicUnknownError: one of the topics is not there.
        UnavailableError: the brokers do not answer.
        BrokerDeniedError: they do not let us.
    """
    partitions = await _partitions(settings, topics)
    with translated():
        async with _consumer(settings) as consumer:
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            begins = await consumer.beginning_offsets(partitions)
            for place in partitions:
                back = begins[place] if last is None else max(begins[place], ends[place] - last)
                consumer.seek(place, back)
            ready()
            if last != 0:
                for record in (await _past(consumer, ends))[-last if last else None :]:
                    yield _raw(record, settings.topic_prefix)
            while True:
                found = await consumer.getmany(timeout_ms=_POLL_MS)
                for record in sorted((one for some in found.values() for one in some), key=_time):
                    yield _raw(record, settings.topic_prefix)


async def _partitions(settings: KafkaSettings, topics: Sequence[str]) -> list[TopicPartition]:
    there = await existing_topics(settings)
    missing = [topic for topic in topics if topic not in there]
    if missing:
        raise TopicUnknownError(f"there is no such topic: {', '.join(missing)}")
    return [TopicPartition(settings.topic_prefix + topic, number) for topic in topics for number in range(there[topic])]


@asynccontextmanager
async def _consumer(settings: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(**client_options(settings), group_id=None, enable_auto_commit=False)
    try:
        await connect(consumer.start, settings)
        yield consumer
    finally:
        await consumer.stop()


async def _past(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> list[ConsumerRecord]:
    """Return what stood in the topics before `ends`, by time."""
    found: list[ConsumerRecord] = []
    behind = [place for place, end in ends.items() if await consumer.position(place) < end]
    while behind:
        for records in (await consumer.getmany(*behind, timeout_ms=_POLL_MS)).values():
            found.extend(records)
        behind = [place for place in behind if await consumer.position(place) < ends[place]]
    return sorted(found, key=_time)


def _time(record: ConsumerRecord) -> tuple[int, str, int, int]:
    return record.timestamp, record.topic, record.partition, record.offset


def _raw(record: ConsumerRecord, prefix: str) -> RawMessage:
    return RawMessage(
        topic=record.topic.removeprefix(prefix),
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key=record.key,
        value=record.value,
        headers=tuple((name, value or b"") for name, value in record.headers),
    )
