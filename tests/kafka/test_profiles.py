"""The topic of profiles, as brokers clean it: the latest state of each user, and nothing of who is gone."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.harness.waiting import until
from tests.kafka.topics import read_topic
from tools.apache_kafka import apache_kafka
from usercore.adapters.kafka.producer import open_producer
from usercore.adapters.kafka.publisher import KafkaEventPublisher
from usercore.adapters.kafka.topics import KafkaTopics
from usercore.delivery.ports import ProfileState
from usercore.delivery.topics import PROFILES
from usercore.kernel.ids import UserId
from usercore.settings import KafkaSettings, TopicSettings

pytestmark = pytest.mark.apache

# Segments end, and are cleaned, as soon as somebody writes again.
QUICK: Mapping[str, str] = {
    "log.roll.ms": "200",
    "log.cleaner.min.cleanable.ratio": "0.01",
    "log.cleaner.delete.retention.ms": "100",
}
USERS = [UserId(f"0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a{number:02}") for number in range(10)]
ERASED = USERS[:3]
TICKER = UserId("0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4aff")
VERSIONS = 5


def state(user: UserId, version: int) -> ProfileState:
    body = None if version == VERSIONS and user in ERASED else f'{{"id":"{user}","version":{version}}}'.encode()
    return ProfileState(user, version, body)


async def test_the_latest_state_of_each_user_stays_and_erased_users_vanish(tmp_path: Path) -> None:
    async with apache_kafka(tmp_path / "node", properties=QUICK) as node:
        settings = KafkaSettings(bootstrap=(node.bootstrap,))
        await KafkaTopics(settings, TopicSettings(partitions=1)).ensure([PROFILES])
        async with open_producer(settings) as producer:
            publisher = KafkaEventPublisher(producer, "/user-service")
            for version in range(1, VERSIONS + 1):
                await publisher.publish([], [state(user, version) for user in USERS])
            before = [record.key.decode() for record in await read_topic(node.bootstrap, PROFILES)]
            assert sorted(before) == sorted(USERS * VERSIONS)
            ticks = 0

            async def cleaned() -> dict[str, bytes] | None:
                nonlocal ticks
                ticks += 1
                await publisher.publish([], [ProfileState(TICKER, ticks, b"{}")])
                records = [one for one in await read_topic(node.bootstrap, PROFILES) if one.key.decode() != TICKER]
                left = {record.key.decode(): record.value for record in records}
                return left if len(left) == len(records) and not any(user in left for user in ERASED) else None

            assert await until(cleaned, "the topic is cleaned", 60.0) == {
                user: state(user, VERSIONS).body for user in USERS if user not in ERASED
            }
