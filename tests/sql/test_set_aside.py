"""However many messages are set aside, looking for those that can go on costs the same."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from tests.builders import NOW, SECOND, creation
from tests.letters import HOUR, parked
from tests.sql.test_pages import _FILL, USERS, rows_of
from usercore.activity.values import Awaited, WaitsFor
from usercore.adapters.sql import Database, SqlPorts
from usercore.adapters.sql.dead_letters import page_statement
from usercore.adapters.sql.parked import CLAIM, WINDOW, SqlParkedMessages
from usercore.messaging.values import DeadLetterFilter, DeadLetterState

PARKED = 100_000
LETTERS = 20_000

_PARK = f"""
INSERT INTO parked_messages (id, topic, message_partition, message_offset, message_timestamp, key, value, headers,
                             waits_for, waits_for_id, parked_at, expires_at, due_at)
SELECT ('01970000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'payment-failed', 0, n, 0, 'k',
       decode(repeat('7b', 300), 'hex'), '[]', (ARRAY['USER', 'ORDER', 'PAYMENT'])[n % 3 + 1], gen_random_uuid()::text,
       now(), timestamptz '2100-01-01 00:00Z' + n * interval '1 second', timestamptz '2020-01-01 00:00Z'
FROM generate_series(1, {PARKED}) AS n
"""
_RECORD = f"""
INSERT INTO activity_facts (kind, fact_id, user_id, event_id, occurred_at, recorded_at, actor_kind, actor_id,
                            correlation_id)
SELECT (ARRAY['ORDER_PLACED', 'PAYMENT_FAILED'])[n % 2 + 1], n::text, gen_random_uuid(), gen_random_uuid(), now(),
       now(), 'SERVICE', 'shop', 'x'
FROM generate_series(1, {USERS}) AS n
"""
_BURY = f"""
INSERT INTO dead_letters (id, topic, message_partition, message_offset, message_timestamp, headers, code, detail,
                          attempts, died_at, state)
SELECT gen_random_uuid(), 'create-user', 0, n, 0, '[]', 'not_json', 'x', 1, now(),
       CASE WHEN n % 1000 = 0 THEN 'WAITING' ELSE 'DISCARDED' END
FROM generate_series(1, {LETTERS}) AS n
"""


@pytest.fixture
async def connection(migrated_database_url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection to a database where much is known and many messages are parked, unknown to its statistics."""
    async with await psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True) as opened:
        for table in ("parked_messages", "users", "activity_facts"):
            await opened.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
        for statement in (_PARK, _FILL.format(users=USERS), _RECORD):
            await opened.execute(statement)
        yield opened


@pytest.mark.parametrize("analyzed", [False, True])
@pytest.mark.parametrize("start", [0, PARKED // 2])
async def test_a_claim_looks_at_a_window_of_what_is_parked_and_not_at_the_rest(
    connection: psycopg.AsyncConnection[Any], analyzed: bool, start: int
) -> None:
    if analyzed:
        await connection.execute("VACUUM ANALYZE")
    known = (("USER", "01970000-0000-7000-8000-000000000007"), ("ORDER", "8"), ("PAYMENT", "9"))
    for n, awaited in enumerate(known, start + 100):
        await connection.execute(
            "UPDATE parked_messages SET waits_for = %s, waits_for_id = %s WHERE message_offset = %s", (*awaited, n)
        )
    terms = (NOW, NOW + HOUR, 100, f"01970000-0000-7000-8000-{start:012x}", WINDOW)

    looked_at = await rows_of(connection, CLAIM, terms, indexed=True)

    # Once in the table, and a few times in what was made of it: probed, counted, and asked for the last.
    assert WINDOW <= looked_at <= 6 * WINDOW < PARKED
    claimed = await connection.execute("SELECT count(*) FROM parked_messages WHERE due_at = %s", (NOW + HOUR,))
    assert await claimed.fetchone() == (3,)


async def test_what_becomes_ready_is_found_wherever_it_stands(
    connection: psycopg.AsyncConnection[Any], ports: SqlPorts, database: Database
) -> None:
    change = creation()
    await ports.writer.commit([change])
    for n in (1, WINDOW, WINDOW + 1, PARKED // 2, PARKED):
        await connection.execute(
            "UPDATE parked_messages SET waits_for = 'USER', waits_for_id = %s WHERE message_offset = %s",
            (change.user.id, n),
        )
    store = SqlParkedMessages(database, ports.parked.box)
    found: list[int] = []

    for _ in range(PARKED // WINDOW + 1):
        taken = await store.claim_ready(now=NOW, lease_until=NOW + HOUR, limit=100)
        found += [one.message.offset for one in taken]

    assert found == [1, WINDOW, WINDOW + 1, PARKED // 2, PARKED]


async def test_a_window_with_more_than_was_asked_for_is_looked_at_again(ports: SqlPorts, database: Database) -> None:
    change = creation()
    await ports.writer.commit([change])
    ready = [parked(Awaited(WaitsFor.USER, change.user.id)) for _ in range(10)]
    await ports.parked.park(ready)
    store = SqlParkedMessages(database, ports.parked.box, window=5)

    taken = [await store.claim_ready(now=NOW + SECOND, lease_until=NOW + HOUR, limit=2) for _ in range(7)]

    assert [one.id for many in taken for one in many] == [one.id for one in ready]


@pytest.mark.parametrize("code", [None, "not_json"])
async def test_what_waits_for_a_decision_is_listed_without_wading_through_what_is_settled(
    migrated_database_url: str, code: str | None
) -> None:
    wanted = DeadLetterFilter(DeadLetterState.WAITING, code=code)
    async with await psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True) as opened:
        await opened.execute(_BURY)
        await opened.execute("VACUUM ANALYZE dead_letters")

        for after in (None, "80000000-0000-7000-8000-000000000000"):
            statement, parameters = page_statement(wanted, after, 500)
            looked_at = await rows_of(opened, statement, parameters, indexed=True)
            # By way of a bitmap each counts twice.
            assert 0 < looked_at <= 2 * LETTERS // 1000
