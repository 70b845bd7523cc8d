"""What the producer promises on a broker that numbers its batches, and that is killed while it sends."""

import asyncio
import random
import struct
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kafka.topics import make_topic, read_topic
from tools.apache_kafka import apache_kafka
from usercore.adapters.kafka.producer import KafkaMessage, KafkaProducer, open_producer
from usercore.kernel.errors import UnavailableError
from usercore.settings import KafkaSettings

pytestmark = pytest.mark.apache

TOPIC = "events"
KEYS = 40
PARTITIONS = 6
KILLS = 3
BATCH = 200
PACE_S = 0.01


class Batch(NamedTuple):
    """The head of a record batch. Source: Apache Kafka's documentation, "Record Batch"."""

    base_offset: int
    producer_id: int
    base_sequence: int
    records: int


def batches_of(log: Path) -> Iterator[Batch]:
    data, at = log.read_bytes(), 0
    while at + 61 <= len(data):
        base, length = struct.unpack_from(">qi", data, at)
        producer, _epoch, sequence, records = struct.unpack_from(">qhii", data, at + 43)
        yield Batch(base, producer, sequence, records)
        at += 12 + length


async def test_batches_carry_the_producers_id_and_follow_each_other_in_sequence(tmp_path: Path) -> None:
    async with apache_kafka(tmp_path / "node") as node:
        await make_topic(node.bootstrap, TOPIC)
        messages = [KafkaMessage(TOPIC, b"key", str(number).encode(), []) for number in range(50)]
        async with open_producer(KafkaSettings(bootstrap=(node.bootstrap,))) as producer:
            await producer.send_many(messages[:20])
            await producer.send_many(messages[20:])
        written = list(batches_of(tmp_path / "node" / "data" / f"{TOPIC}-0" / f"{0:020}.log"))
    assert {batch.producer_id for batch in written} == {written[0].producer_id}
    assert written[0].producer_id >= 0, "the producer is not idempotent"
    assert [batch.base_sequence for batch in written] == [batch.base_offset for batch in written]
    assert sum(batch.records for batch in written) == len(messages)


async def publish(producer: KafkaProducer, acknowledged: dict[bytes, int], stop: asyncio.Event) -> None:
    """Publish numbered messages of many keys as the relay does: what was not acknowledged is sent again."""
    choose = random.Random(1)
    while not stop.is_set():
        numbers = dict(acknowledged)
        messages = []
        for _ in range(BATCH):
            key = f"user-{choose.randrange(KEYS)}".encode()
            numbers[key] = numbers.get(key, 0) + 1
            messages.append(KafkaMessage(TOPIC, key, str(numbers[key]).encode(), []))
        await until_acknowledged(producer, messages)
        acknowledged.update(numbers)
        await asyncio.sleep(PACE_S)


async def until_acknowledged(producer: KafkaProducer, messages: list[KafkaMessage]) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await producer.send_many(messages)
            except UnavailableError:
                await asyncio.sleep(0.05)  # as the relay's back-off
            else:
                return


async def test_a_broker_that_is_killed_again_and_again_loses_nothing_acknowledged_and_keeps_each_keys_order(
    tmp_path: Path,
) -> None:
    acknowledged: dict[bytes, int] = {}
    async with apache_kafka(tmp_path / "node") as node:
        await make_topic(node.bootstrap, TOPIC, partitions=PARTITIONS)
        async with open_producer(KafkaSettings(bootstrap=(node.bootstrap,), request_timeout_s=5)) as producer:
            stop = asyncio.Event()
            load = asyncio.create_task(publish(producer, acknowledged, stop))
            for _ in range(KILLS):
                await more_than(sum(acknowledged.values()), acknowledged, load)
                await node.kill()
                await node.restart()
            await more_than(sum(acknowledged.values()), acknowledged, load)
            stop.set()
            await load
        records = await read_topic(node.bootstrap, TOPIC)

    arrived: dict[bytes, list[int]] = defaultdict(list)
    for record in records:
        arrived[record.key].append(int(record.value))
    assert {key: first_seen(numbers) for key, numbers in arrived.items()} == {
        key: list(range(1, last + 1)) for key, last in acknowledged.items()
    }


async def more_than(before: int, acknowledged: dict[bytes, int], load: "asyncio.Task[None]") -> None:
    """Wait until more was acknowledged."""
    async with asyncio.timeout(60):
        while sum(acknowledged.values()) == before:
            assert not load.done(), load.exception()
            await asyncio.sleep(PACE_S)


def first_seen(numbers: list[int]) -> list[int]:
    """In the order of arrival, without repetitions."""
    return list(dict.fromkeys(numbers))
