"""Audit entries on a topic of a real broker."""

import json
from contextlib import AsyncExitStack

from attrs import evolve

from tests.builders import creation
from tests.kafka.topics import read_topic
from usercore.delivery.routing import deliveries_of
from usercore.delivery.values import Recipient
from usercore.settings import AuditSettings, KafkaSettings, ServicesSettings, TopicSettings
from usercore.settings.services import AuditAdapter
from usercore.wiring.services import open_services


async def test_entries_are_published_to_the_topic_of_the_settings_which_is_made(kafka_settings: KafkaSettings) -> None:
    settings = ServicesSettings(
        audit=AuditSettings(AuditAdapter.TOPIC, topic="company.audit"),
        kafka=kafka_settings,
        topics=TopicSettings(partitions=1),
    )
    entry = next(one for one in deliveries_of(creation()) if one.recipient is Recipient.AUDIT)
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings))
        await services.audit.record(entry)
        await services.audit.record(evolve(entry, attempts=1))

    name = kafka_settings.topic_prefix + "company.audit"
    first, second = await read_topic(",".join(kafka_settings.bootstrap), name)
    assert (first.key, json.loads(first.value)) == (entry.user_id.encode(), dict(entry.payload))
    assert dict(first.headers)["ce_id"] == dict(second.headers)["ce_id"] == entry.key.encode()
