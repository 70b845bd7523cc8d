"""The broker, past the service: what is sent to it, and how far a group has come."""

from collections.abc import Iterable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from tests.chaos.commands import Sent
from tests.chaos.conftest import Stage
from usercore.adapters.kafka.topics import KafkaTopics
from usercore.delivery.topics import OURS, RECEIVED
from usercore.settings import TopicSettings

PARTITIONS: Final = 3


async def make_topics(stage: Stage) -> None:
    """Make every topic of the deployment."""
    await KafkaTopics(stage.kafka, TopicSettings(partitions=PARTITIONS)).ensure(OURS)


async def send(stage: Stage, messages: Iterable[Sent]) -> None:
    """Send messages as any producer does, in the order given for each key."""
    async with AIOKafkaProducer(bootstrap_servers=stage.bootstrap) as producer:
        under_way: list[Any] = [
            await producer.send(stage.topic(one.topic), one.value, key=one.key.encode(), headers=one.headers)
            for one in messages
        ]
        for acknowledged in under_way:
            await acknowledged


async def all_consumed(stage: Stage) -> bool:
    """Whether the group has committed the end of every topic that the service reads."""
    places = [TopicPartition(stage.topic(name), number) for name in RECEIVED for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(bootstrap_servers=stage.bootstrap) as consumer:
        ends = await consumer.end_offsets(places)
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.bootstrap)
    await admin.start()
    try:
        committed = await admin.list_consumer_group_offsets(stage.topic("user-service"))
    finally:
        await admin.close()
    return all(end == 0 or (place in committed and committed[place].offset >= end) for place, end in ends.items())
