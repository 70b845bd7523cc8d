"""What the outbox promises on PostgreSQL when relays meet, stall and die."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime

import psycopg
import pytest

from tests.builders import NOW, creation, update
from tests.e2e.harness.waiting import until
from tests.keys import MASTER_KEYS
from usercore.adapters.sql import Database, SqlPorts, open_database, sql_ports
from usercore.adapters.sql.listening import OutboxSignal, open_signal
from usercore.delivery.ports import OutboxBatch, OutboxMessage
from usercore.delivery.sharding import SHARDS
from usercore.kernel.errors import ExhaustedError, UnavailableError
from usercore.kernel.ids import UserId
from usercore.kernel.secret import Secret
from usercore.settings import DatabaseSettings
from usercore.users.model import User

Publish = Callable[[OutboxBatch], Awaitable[datetime]]


class Gate:
    """Publishes once it is opened, and says that it was reached."""

    def __init__(self) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        self.messages: list[OutboxMessage] = []

    async def __call__(self, batch: OutboxBatch) -> datetime:
        self.messages += batch.messages
        self.reached.set()
        await self.opened.wait()
        return NOW


async def drain(ports: SqlPorts, publish: Publish, patience_s: float = 30) -> OutboxBatch | None:
    return await ports.shards.drain(publish, shards=SHARDS, limit=1000, patience_s=patience_s)


async def taken(ports: SqlPorts) -> list[OutboxMessage]:
    gate = Gate()
    gate.opened.set()
    while await drain(ports, gate):
        pass
    return gate.messages


def kill_holders(url: str) -> int:
    """End every session that holds shards, as the death of its process would."""
    with psycopg.connect(url, autocommit=True) as connection:
        killed = connection.execute(
            "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity AS a JOIN pg_locks AS l ON l.pid = a.pid "
            "WHERE a.datname = current_database() AND a.state = 'idle in transaction' "
            "AND l.relation = 'outbox_shards'::regclass AND l.mode = 'RowShareLock'"
        ).fetchall()
    return len(killed)


async def test_when_a_relay_dies_another_one_publishes_what_it_held(
    ports: SqlPorts, migrated_database_url: str
) -> None:
    await ports.writer.commit([creation() for _ in range(5)])
    gate = Gate()
    dead = asyncio.create_task(drain(ports, gate))
    await gate.reached.wait()
    assert await taken(ports) == []

    assert await asyncio.to_thread(kill_holders, migrated_database_url) == 1

    # The server ends a session, and its locks, in a while of its own.
    found = await until(lambda: taken(ports), "the shards are free again")
    assert [one.event_id for one in found] == [one.event_id for one in gate.messages]
    gate.opened.set()
    with pytest.raises(UnavailableError):
        await dead
    assert await ports.outbox.pending() == 0


async def test_a_relay_that_stalls_loses_its_shards_and_marks_nothing(ports: SqlPorts) -> None:
    await ports.writer.commit([creation()])
    gate = Gate()
    stalled = asyncio.create_task(drain(ports, gate, patience_s=0.2))
    await gate.reached.wait()

    async def free() -> list[OutboxMessage]:
        return await taken(ports)

    again = await until(free, "the shards are free")

    assert [one.event_id for one in again] == [one.event_id for one in gate.messages]
    gate.opened.set()
    with pytest.raises(UnavailableError):
        await stalled


GATED = """
ALTER TABLE outbox_shards RENAME TO shards_behind;
CREATE FUNCTION at_gate() RETURNS boolean LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN true; END $$;
CREATE VIEW outbox_shards AS SELECT shard FROM shards_behind WHERE at_gate();
"""
"""Stops a statement that takes shards after it began, and so after it has its snapshot, and before it locks."""


async def test_what_another_published_between_the_look_and_the_lock_is_not_published_twice(
    ports: SqlPorts, migrated_database_url: str
) -> None:
    await ports.writer.commit([creation()])
    published: list[OutboxMessage] = []

    async def publish(batch: OutboxBatch) -> datetime:
        published.extend(batch.messages)
        return NOW

    connect = psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True)
    async with asyncio.timeout(20), await connect as other:
        await other.execute(GATED)
        await other.execute("SELECT pg_advisory_lock(4711)")
        late = asyncio.create_task(drain(ports, publish))

        async def stands_at_the_gate() -> bool:
            waiting = await other.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            return waiting.rowcount == 1

        await until(stands_at_the_gate, "the relay waits at the gate")
        await other.execute("UPDATE outbox SET published_at = now()")
        await other.execute("SELECT pg_advisory_unlock(4711)")
        batch = await late

    assert batch is not None, "it took the shard, which looked as if it had something"
    assert published == []


async def write(ports: SqlPorts, user: User, changes: int) -> None:
    for number in range(changes):
        change = update(user, first_name=f"Grace {number}")
        assert await ports.writer.commit([change]) == [None]
        user = change.user


async def test_writers_at_random_and_relays_that_are_killed_lose_nothing_and_keep_each_users_order(
    ports: SqlPorts, migrated_database_url: str
) -> None:
    created = [creation() for _ in range(10)]
    await ports.writer.commit(created)
    arrived: dict[UserId, list[int]] = defaultdict(list)
    written = asyncio.Event()

    async def publish(batch: OutboxBatch) -> datetime:
        for message in batch.messages:
            await asyncio.sleep(random.choice((0, 0, 0.001)))
            arrived[message.user_id].append(message.sequence)
        return NOW

    async def relay() -> None:
        settings = DatabaseSettings(url=Secret(migrated_database_url), pool_size=1)
        async with open_database(settings) as database:
            mine = sql_ports(database, MASTER_KEYS)
            while True:
                try:
                    if written.is_set() and await ports.outbox.pending() == 0:
                        return
                    await mine.shards.drain(publish, shards=8, limit=10, patience_s=10)
                except (UnavailableError, ExhaustedError):
                    continue

    async def kill() -> None:
        while not written.is_set():
            await asyncio.to_thread(kill_holders, migrated_database_url)
            await asyncio.sleep(random.uniform(0.01, 0.05))

    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        for work in (relay(), relay(), relay(), kill()):
            group.create_task(work)
        await asyncio.gather(*(write(ports, change.user, 20) for change in created))
        written.set()

    first_seen = {user_id: list(dict.fromkeys(versions)) for user_id, versions in arrived.items()}
    assert first_seen == {change.user.id: list(range(1, 22)) for change in created}


async def heard(signal: OutboxSignal) -> bool:
    """Whether a wait ended long before its time."""
    try:
        async with asyncio.timeout(10):
            await signal.wait(60)
    except TimeoutError:
        return False
    return True


async def test_a_write_wakes_whoever_listens(database: Database, ports: SqlPorts, migrated_database_url: str) -> None:
    async with open_signal(DatabaseSettings(url=Secret(migrated_database_url))) as signal:
        assert await heard(signal), "what came before it listened may have been missed"
        await ports.writer.commit([creation()])
        assert await heard(signal)


async def test_a_listener_whose_connection_was_killed_listens_again(
    ports: SqlPorts, migrated_database_url: str
) -> None:
    async with open_signal(DatabaseSettings(url=Secret(migrated_database_url))) as signal:
        assert await heard(signal)
        with psycopg.connect(migrated_database_url, autocommit=True) as connection:
            killed = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = 'user-service-listener'"
            ).fetchall()
        assert len(killed) == 1
        assert await heard(signal), "it says so once it listens again"
        await ports.writer.commit([creation()])
        assert await heard(signal)


async def test_without_a_word_a_wait_ends_in_time(migrated_database_url: str) -> None:
    async with open_signal(DatabaseSettings(url=Secret(migrated_database_url))) as signal:
        assert await heard(signal)
        async with asyncio.timeout(10):
            await signal.wait(0.05)
