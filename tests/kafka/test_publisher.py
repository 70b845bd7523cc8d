"""Events as they stand on the topics, byte by byte."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve

from tests.builders import IDS, NOW
from tests.kafka.topics import read_topic
from tests.traces import CALLER, UNCHOSEN, Recording, traceparent, words
from usercore.adapters.kafka.producer import KafkaMessage, KafkaProducer, open_producer
from usercore.adapters.kafka.publisher import KafkaEventPublisher
from usercore.adapters.kafka.tail import tail
from usercore.adapters.kafka.topics import KafkaTopics, existing_topics
from usercore.delivery.ports import OutboxMessage, ProfileState
from usercore.delivery.topics import OURS
from usercore.kernel.errors import UnavailableError
from usercore.kernel.ids import EventId, UserId
from usercore.messaging.errors import TopicsMissingError, TopicUnknownError
from usercore.messaging.values import RawMessage
from usercore.settings import KafkaSettings, TopicSettings

USER = UserId("0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11")
EVENT = EventId("0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a12")
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
async def topics(kafka_settings: KafkaSettings) -> KafkaSettings:
    await KafkaTopics(kafka_settings, TopicSettings(partitions=3)).ensure(OURS)
    return kafka_settings


async def published(settings: KafkaSettings, topic: str) -> list[Any]:
    return await read_topic(",".join(settings.bootstrap), settings.topic_prefix + topic)


def user_event() -> OutboxMessage:
    return OutboxMessage(
        position=17,
        event_id=EVENT,
        message="UserUpdated",
        user_id=USER,
        sequence=3,
        occurred_at=NOW,
        payload='{"firstName":"Zoë"}'.encode(),
        headers=(
            ("ce_actor", "OPERATOR:ada"),
            ("ce_correlationid", "conversation-1"),
            ("ce_causationid", "request-1"),
            ("traceparent", TRACE),
        ),
        topic="user-updated",
    )


async def test_a_users_event_carries_the_headers_of_the_contract_and_the_user_as_its_key(
    topics: KafkaSettings,
) -> None:
    async with open_producer(topics) as producer:
        await KafkaEventPublisher(producer, "/user-service").publish([user_event()], [])

    [record] = await published(topics, "user-updated")
    assert (record.key, record.value) == (USER.encode(), '{"firstName":"Zoë"}'.encode())
    assert record.headers == (
        ("ce_specversion", b"1.0"),
        ("ce_id", EVENT.encode()),
        ("ce_source", b"/user-service"),
        ("ce_type", b"UserUpdated"),
        ("ce_time", b"2026-03-01T12:00:00.123456Z"),
        ("ce_subject", USER.encode()),
        ("content-type", b"application/json"),
        ("ce_sequence", b"3"),
        ("ce_actor", b"OPERATOR:ada"),
        ("ce_correlationid", b"conversation-1"),
        ("ce_causationid", b"request-1"),
        ("traceparent", TRACE.encode()),
    )


async def test_a_rejection_is_about_whom_the_command_named_and_has_no_sequence(topics: KafkaSettings) -> None:
    message = OutboxMessage(
        position=18,
        event_id=EVENT,
        message="UserCommandRejected",
        user_id=IDS.user_id(),
        sequence=1,
        occurred_at=NOW,
        payload=b"{}",
        headers=(("ce_subject", USER), ("ce_actor", "SERVICE:shop")),
        topic="user-command-rejected",
        aggregate="command",
    )
    async with open_producer(topics) as producer:
        await KafkaEventPublisher(producer, "/user-service").publish([message], [])

    [record] = await published(topics, "user-command-rejected")
    assert record.key == USER.encode()
    assert [value for name, value in record.headers if name == "ce_subject"] == [USER.encode()]
    assert {name for name, _ in record.headers}.isdisjoint({"ce_sequence"})
    assert record.headers[-1] == ("ce_actor", b"SERVICE:shop")


async def test_a_profile_is_a_state_with_its_version_and_an_erased_one_a_tombstone(topics: KafkaSettings) -> None:
    gone = IDS.user_id()
    async with open_producer(topics) as producer:
        publisher = KafkaEventPublisher(producer, "/user-service")
        await publisher.publish([], [ProfileState(USER, 3, b'{"id":1}'), ProfileState(gone, 9, None)])

    records = {record.key: record for record in await published(topics, "user-profiles")}
    state, tombstone = records[USER.encode()], records[gone.encode()]
    assert (state.value, tombstone.value) == (b'{"id":1}', None)
    assert state.headers == (
        ("ce_specversion", b"1.0"),
        ("ce_id", USER.encode() + b"/3"),
        ("ce_source", b"/user-service"),
        ("ce_type", b"UserProfile"),
        ("ce_subject", USER.encode()),
        ("ce_sequence", b"3"),
        ("content-type", b"application/json"),
    )
    assert ("ce_sequence", b"9") in tombstone.headers


async def test_the_partition_of_a_key_is_the_one_that_other_clients_choose(topics: KafkaSettings) -> None:
    keys = [IDS.user_id().encode() for _ in range(50)]
    async with open_producer(topics) as producer:
        await producer.send_many([KafkaMessage("user-created", key, b"many", []) for key in keys])
        for key in keys[:20]:
            await producer.send("user-created", key=key, value=b"one", headers=[])

    places: dict[bytes, set[int]] = {}
    for record in await published(topics, "user-created"):
        places.setdefault(record.key, set()).add(record.partition)
    assert all(len(partitions) == 1 for partitions in places.values())
    assert {partition for partitions in places.values() for partition in partitions} == {0, 1, 2}


async def test_messages_of_one_key_arrive_in_the_order_given_even_in_many_batches(topics: KafkaSettings) -> None:
    keys = [IDS.user_id().encode() for _ in range(7)]
    messages = [
        KafkaMessage("user-updated", keys[number % 7], b"%05d" % number + bytes(2_000), []) for number in range(1_500)
    ]
    async with open_producer(topics) as producer:
        await producer.send_many(messages)

    records = await published(topics, "user-updated")
    assert len(records) == 1_500
    for key in keys:
        numbers = [int(record.value[:5]) for record in records if record.key == key]
        assert numbers == sorted(numbers)


async def test_a_producer_that_could_not_send_everything_leaves_nothing_behind_to_send_later(
    topics: KafkaSettings,
) -> None:
    producer = KafkaProducer(topics)
    await producer.send("user-created", key=b"key", value=b"first", headers=[])
    live = producer._live
    big = [KafkaMessage("user-created", b"key", bytes(200_000), []) for _ in range(200)]
    sending = asyncio.create_task(producer.send_many(big))
    await asyncio.sleep(0)
    sending.cancel()
    await asyncio.wait([sending])

    assert producer._live is None
    assert live is not None
    assert live._sender.sender_task.done()
    before = len(await published(topics, "user-created"))
    await producer.send("user-created", key=b"key", value=b"last", headers=[])
    after = await published(topics, "user-created")
    assert len(after) == before + 1
    assert [record.value for record in after if record.key == b"key"][-1] == b"last"
    await producer.close()


async def test_where_no_broker_answers_it_says_so_and_can_be_used_again(topics: KafkaSettings) -> None:
    away = KafkaSettings(bootstrap=("127.0.0.1:9",), idempotent=topics.idempotent)
    async with open_producer(away) as producer:
        for _ in range(2):
            with pytest.raises(UnavailableError, match="the brokers do not answer"):
                await producer.send_many([KafkaMessage("user-created", b"key", b"value", [])])
            with pytest.raises(UnavailableError, match="the brokers do not answer"):
                await producer.send("user-created", key=b"key", value=b"value", headers=[])


async def test_a_name_that_no_topic_can_have_is_refused_at_once(kafka_settings: KafkaSettings) -> None:
    async with open_producer(kafka_settings) as producer:
        for name in ("with blank", "x" * 250, "übung"):
            with pytest.raises(TopicUnknownError):
                await producer.send(name, key=b"key", value=b"value", headers=[])


async def test_topics_are_made_once_and_kept_as_they_are(kafka_settings: KafkaSettings) -> None:
    settings = TopicSettings(partitions=2)
    await asyncio.gather(*(KafkaTopics(kafka_settings, settings).ensure(OURS) for _ in range(3)))
    assert await existing_topics(kafka_settings) == dict.fromkeys(OURS, 2)

    await KafkaTopics(kafka_settings, TopicSettings(partitions=5, create=False)).ensure(OURS)
    assert await existing_topics(kafka_settings) == dict.fromkeys(OURS, 2)


async def test_missing_topics_that_may_not_be_made_are_named_with_their_prefix(kafka_settings: KafkaSettings) -> None:
    topics = KafkaTopics(kafka_settings, TopicSettings(create=False))
    prefix = kafka_settings.topic_prefix
    with pytest.raises(TopicsMissingError, match=f"topics are missing: {prefix}user-created, {prefix}user-profiles"):
        await topics.ensure(["user-created", "user-profiles"])
    assert await existing_topics(kafka_settings) == {}


async def test_a_tail_shows_the_last_ones_and_then_what_comes(topics: KafkaSettings) -> None:
    async with open_producer(topics) as producer:
        for number in range(6):
            await producer.send("user-created", key=b"%d" % number, value=b"%d" % number, headers=[("n", b"v")])
            await asyncio.sleep(0.002)  # the topic's times have milliseconds
        shown: list[RawMessage] = []
        arrived = asyncio.Event()

        async def look(count: int) -> None:
            async for message in tail(topics, ["user-created", "user-updated"], last=2):
                shown.append(message)
                arrived.set()
                if len(shown) == count:
                    return

        looking = asyncio.create_task(look(3))
        await asyncio.wait_for(arrived.wait(), 10)
        await producer.send("user-updated", key=b"new", value=None, headers=[])
        await asyncio.wait_for(looking, 10)

    assert [message.key for message in shown] == [b"4", b"5", b"new"]
    assert (shown[0].topic, shown[0].headers, shown[2].value) == ("user-created", (("n", b"v"),), None)


class Line:
    """A producer that keeps what it is to send, or refuses it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.sent: list[KafkaMessage] = []
        self.error = error

    async def send_many(self, messages: Sequence[KafkaMessage]) -> None:
        self.sent += messages
        if self.error is not None:
            raise self.error


def caused_by(traceparent: str | None) -> OutboxMessage:
    event = user_event()
    others = tuple(one for one in event.headers if one[0] != "traceparent")
    headers = others if traceparent is None else (*others, ("traceparent", traceparent))
    return evolve(event, event_id=EventId(f"{traceparent}"), headers=headers)


async def test_an_event_is_sent_within_the_trace_of_what_caused_it() -> None:
    recording, line = Recording.begun(ratio=0), Line()
    publisher = KafkaEventPublisher(line, "/user-service", recording.tracer)  # type: ignore[arg-type]
    await publisher.publish([caused_by(one) for one in (CALLER, UNCHOSEN, None)], [])
    [span] = recording.spans
    assert span.parent is not None
    assert (span.name, span.kind.name, f"{span.parent.trace_id:032x}") == (
        "send user-updated",
        "PRODUCER",
        CALLER[3:35],
    )
    told = [dict(one.headers).get("traceparent") for one in line.sent]
    assert told == [traceparent(span).encode(), UNCHOSEN.encode(), None]
    assert USER not in recording.text()


async def test_an_event_that_cannot_be_sent_is_told_of_in_its_trace() -> None:
    recording, line = Recording.begun(ratio=0), Line(UnavailableError("no broker answers"))
    publisher = KafkaEventPublisher(line, "/user-service", recording.tracer)  # type: ignore[arg-type]
    with pytest.raises(UnavailableError):
        await publisher.publish([caused_by(CALLER)], [])
    [span] = recording.spans
    assert (words(span)["error.type"], span.status.is_ok) == ("unavailable", False)
