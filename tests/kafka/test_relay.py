"""From a change to its event on the topic, with nothing in between left out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from attrs import evolve

from tests.builders import a_context
from tests.e2e.harness.waiting import until
from tests.kafka.topics import read_topic
from tests.keys import MASTER_KEYS_SETTING
from usercore.delivery.topics import OURS
from usercore.kernel.ids import UserId
from usercore.settings import CoreSettings, KafkaSettings, MessagingSettings, RelaySettings, TopicSettings, load
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.users.update_user import UpdateUserCommand
from usercore.wiring.messaging import Messaging, open_messaging
from usercore.wiring.service import Service, open_core


def core_settings(database_url: str) -> CoreSettings:
    return load(CoreSettings, {"DATABASE_URL": database_url, "USER_SERVICE_MASTER_KEYS": MASTER_KEYS_SETTING})


@pytest.fixture
async def service(migrated_database_url: str) -> AsyncIterator[Service]:
    async with open_core(core_settings(migrated_database_url)) as opened:
        yield opened


@pytest.fixture
def settings(kafka_settings: KafkaSettings) -> MessagingSettings:
    """Polls so seldom that only notifications can be what wakes the relay."""
    return MessagingSettings(kafka_settings, TopicSettings(partitions=3), RelaySettings(poll_s=60))


@asynccontextmanager
async def relaying(service: Service, settings: MessagingSettings) -> AsyncIterator[Messaging]:
    async with open_messaging(settings, service) as messaging:
        await messaging.topics.ensure(OURS)
        relay = asyncio.create_task(messaging.relay.run())
        yield messaging
        relay.cancel()
        await asyncio.wait([relay])
        assert relay.cancelled()


async def a_user_that_was_changed(service: Service, email: str) -> str:
    core, context = service.core, a_context()
    user = await core.create_user(CreateUserCommand(ProfilePatch(email=email, first_name="G", last_name="H")), context)
    await core.update_user(UpdateUserCommand(user.id, ProfilePatch(first_name="Grace")), context)
    await core.deactivate_user(DeactivateUserCommand(user.id), context)
    return user.id


async def nothing_waits(service: Service) -> bool:
    return await service.core.ports.outbox.pending() == 0


async def published(settings: MessagingSettings, topic: str) -> list[tuple[UserId, dict[str, bytes], bytes]]:
    records = await read_topic(",".join(settings.kafka.bootstrap), settings.kafka.topic_prefix + topic)
    return [(UserId(record.key.decode()), dict(record.headers), record.value) for record in records]


async def test_changes_become_events_and_profiles_at_once_without_polling(
    service: Service, settings: MessagingSettings
) -> None:
    async with relaying(service, settings):
        ident = await a_user_that_was_changed(service, "grace@example.com")
        await until(lambda: nothing_waits(service), "everything is published", deadline_s=20)

    sequences = {}
    for topic in ("user-created", "user-updated", "user-deactivated"):
        [(key, headers, _)] = await published(settings, topic)
        assert key == ident
        sequences[topic] = headers["ce_sequence"]
    assert sequences == {"user-created": b"1", "user-updated": b"2", "user-deactivated": b"3"}
    *_, (key, headers, profile) = await published(settings, "user-profiles")
    documents = await service.core.ports.profiles.documents([key])
    assert (headers["ce_sequence"], profile) == (b"3", documents[key].body)


async def test_what_was_written_while_no_broker_answered_is_published_when_one_does(
    service: Service, settings: MessagingSettings
) -> None:
    away = evolve(settings, kafka=KafkaSettings(bootstrap=("127.0.0.1:9",), idempotent=settings.kafka.idempotent))
    async with open_messaging(away, service) as messaging:
        relay = asyncio.create_task(messaging.relay.run())
        ident = await a_user_that_was_changed(service, "ada@example.com")

        async def failed_twice() -> bool:
            return 'user_service_relay_failures_total{code="unavailable"} 2.0' in service.metrics.scrape().decode()

        await until(failed_twice, "the relay failed and tried again", deadline_s=20)
        relay.cancel()
        await asyncio.wait([relay])
    assert await service.core.ports.outbox.pending() == 3

    async with relaying(service, settings):
        await until(lambda: nothing_waits(service), "everything is published", deadline_s=20)
    assert [key for key, _, _ in await published(settings, "user-deactivated")] == [ident]


async def test_several_relays_share_the_work_and_publish_each_event(
    service: Service, settings: MessagingSettings, migrated_database_url: str
) -> None:
    shared = evolve(settings, relay=RelaySettings(poll_s=0.05, shards=8, batch=5))
    async with (
        relaying(service, shared),
        open_core(core_settings(migrated_database_url)) as other,
        relaying(other, shared),
    ):
        idents = [await a_user_that_was_changed(service, f"user{number}@example.com") for number in range(20)]
        await until(lambda: nothing_waits(service), "everything is published", deadline_s=20)

    for topic in ("user-created", "user-updated", "user-deactivated"):
        assert sorted(key for key, _, _ in await published(settings, topic)) == sorted(idents)
