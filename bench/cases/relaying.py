"""The outbox on its way to the broker, against a producer that sends the same bytes; and how long an event takes."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from attrs import frozen

from bench.cases.sides import some_ids
from bench.lab import Lab
from bench.load.client import result_of
from bench.measure import By, Case, CaseFailedError, Goal, Measure, Sample, Sides
from usercore import Actor, ActorKind, CommandContext, ProfilePatch, UpdateUserCommand, UserId
from usercore.delivery.relay import RelayOutbox
from usercore.delivery.topics import OURS, PROFILES
from usercore.settings import CoreSettings, MessagingSettings, load
from usercore.wiring.core import Core
from usercore.wiring.messaging import Messaging, open_messaging
from usercore.wiring.service import open_core

_USERS: Final = 4_000
_EVENTS: Final = 10_000
_GROUP: Final = 100
_BATCH: Final = 1_000
"""The relay's own default, `USER_SERVICE_RELAY_BATCH`."""
_UPDATED: Final = "user-updated"
_EVERY_S: Final = 0.01
_PATIENCE_S: Final = 30.0
_CONTEXT: Final = CommandContext(Actor(ActorKind.SERVICE, "bench"), correlation_id="bench")


@frozen
class _Bench:
    """A core, what speaks Kafka around it, and where both are."""

    core: Core
    messaging: Messaging
    environ: dict[str, str]
    users: Sequence[str]
    connection: psycopg.AsyncConnection[Any]

    @classmethod
    @asynccontextmanager
    async def open(cls, lab: Lab) -> AsyncIterator["_Bench"]:
        """Open all of it on topics of its own, with nothing to be published."""
        database = await lab.database(lab.users)
        environ = lab.kafka_environ(database)
        async with (
            open_core(load(CoreSettings, environ)) as service,
            open_messaging(load(MessagingSettings, environ), service) as messaging,
            await psycopg.AsyncConnection.connect(database.url, autocommit=True) as connection,
        ):
            await messaging.topics.ensure(OURS)
            await connection.execute(b"UPDATE outbox SET published_at = now() WHERE published_at IS NULL")
            await connection.execute(b"VACUUM ANALYZE outbox")
            users = some_ids(_USERS, 1, database.users)
            yield cls(service.core, messaging, environ, users, connection)

    def topic(self, name: str) -> str:
        """Return a topic's name as the broker knows it."""
        return self.environ["USER_SERVICE_TOPIC_PREFIX"] + name

    async def change(self, number: int) -> int:
        """Change a user, and return the version that it got."""
        user = UserId(self.users[number % len(self.users)])
        command = UpdateUserCommand(user, ProfilePatch(first_name=f"Ada{number}"))
        return (await self.core.update_user(command, _CONTEXT)).version


@asynccontextmanager
async def _relay(lab: Lab) -> AsyncIterator[Sides]:
    async with _Bench.open(lab) as bench:
        await _write(bench, lab.numbers())
        ours = _relaying(bench)
        await ours(0)
        sent = [*await _records(bench, PROFILES), *await _records(bench, _UPDATED)]
        async with AIOKafkaProducer(bootstrap_servers=bench.environ["KAFKA_BOOTSTRAP"], acks="all") as producer:
            yield Sides(ours, _sending(producer, sent))


async def _write(bench: _Bench, first: int) -> None:
    for start in range(first, first + _EVENTS, _GROUP):
        await asyncio.gather(*(bench.change(number) for number in range(start, start + _GROUP)))
    await bench.connection.execute(
        b"CREATE TEMPORARY TABLE fresh AS SELECT id FROM outbox WHERE published_at IS NULL",
    )


def _relaying(bench: _Bench) -> Measure:
    relay: RelayOutbox = bench.messaging.relay.relay

    async def measured(_: float) -> Sample:
        await bench.connection.execute(
            b"UPDATE outbox SET published_at = NULL WHERE id IN (SELECT id FROM fresh)",
        )
        began, published = time.perf_counter(), 0
        while (relayed := await relay()) is not None:
            published += len(relayed.batch.messages)
        if published != _EVENTS:
            raise CaseFailedError(f"{published} events were published, not {_EVENTS}")
        return _sample(_EVENTS, time.perf_counter() - began)

    return measured


async def _records(bench: _Bench, name: str) -> list[ConsumerRecord]:
    """Return every record of a topic."""
    async with AIOKafkaConsumer(bootstrap_servers=bench.environ["KAFKA_BOOTSTRAP"], group_id=None) as consumer:
        await consumer._client.force_metadata_update()  # noqa: SLF001 -- it asks for topics by itself only when it subscribes
        places = [
            TopicPartition(bench.topic(name), one) for one in consumer.partitions_for_topic(bench.topic(name)) or ()
        ]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        found: list[ConsumerRecord] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            for some in (await consumer.getmany(timeout_ms=200)).values():
                found.extend(some)
    return found


def _sending(producer: AIOKafkaProducer, records: Sequence[ConsumerRecord]) -> Measure:
    """Return what sends the records again, in batches as large as the relay's, each acknowledged before the next."""

    async def measured(_: float) -> Sample:
        began = time.perf_counter()
        for start in range(0, len(records), _BATCH):
            under_way = [
                await producer.send(one.topic, one.value, key=one.key, headers=list(one.headers))
                for one in records[start : start + _BATCH]
            ]
            await asyncio.gather(*under_way)
        return _sample(_EVENTS, time.perf_counter() - began)

    return measured


def _sample(count: int, taken: float) -> Sample:
    return Sample(count / taken, 1000 * taken / count, 1000 * taken / count, count)


@asynccontextmanager
async def _latency(lab: Lab) -> AsyncIterator[Sides]:
    async with _Bench.open(lab) as bench:
        relay = asyncio.create_task(bench.messaging.relay.run())
        consumer = AIOKafkaConsumer(
            bench.topic(_UPDATED), bootstrap_servers=bench.environ["KAFKA_BOOTSTRAP"], fetch_max_wait_ms=1_000
        )
        await consumer.start()
        try:
            await consumer.seek_to_end()

            async def ours(seconds: float) -> Sample:
                return await _timed(bench, consumer, lab.numbers(), round(seconds / _EVERY_S))

            await ours(0.2)
            yield Sides(ours)
        finally:
            relay.cancel()
            await asyncio.gather(relay, return_exceptions=True)
            await consumer.stop()


async def _timed(bench: _Bench, consumer: AIOKafkaConsumer, first: int, count: int) -> Sample:
    """Change users at a steady rate, and time each from its COMMIT to its event."""
    committed: dict[tuple[str, int], float] = {}
    arrived: dict[tuple[str, int], float] = {}

    async def change(number: int) -> None:
        version = await bench.change(number)
        committed[bench.users[number % len(bench.users)], version] = time.perf_counter()

    async def listen() -> None:
        while len(arrived) < count:
            record = await consumer.getone()
            arrived[record.key.decode(), int(dict(record.headers)["ce_sequence"])] = time.perf_counter()

    listening = asyncio.create_task(listen())
    began, changes = time.perf_counter(), []
    for number in range(count):
        changes.append(asyncio.create_task(change(first + number)))
        await asyncio.sleep(_EVERY_S)
    await asyncio.gather(*changes)
    async with asyncio.timeout(_PATIENCE_S):
        await listening
    taken = [max(arrived[one] - at, 0.0) for one, at in committed.items()]
    found = result_of(taken, time.perf_counter() - began, body_bytes=0)
    return Sample(found.per_second, found.p50_ms, found.p99_ms, found.count)


RELAYING = (
    Case(
        "relay",
        "10,000 events, and the profiles that go with them, from the outbox to the broker",
        "a bare aiokafka producer that sends the same bytes, 1,000 messages at a time",
        By.RATE,
        Goal(at_least=0.5),
        _relay,
    ),
    Case(
        "commit-to-event",
        "p50 from a change's COMMIT to its event at a consumer, 100 changes a second",
        "no floor: p99 is what counts",
        By.MEDIAN,
        Goal(p99_ms=50),
        _latency,
    ),
)
