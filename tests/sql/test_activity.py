"""Facts in PostgreSQL: races with erasures and other writers, plans, and what cannot be stored."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from attrs import evolve

from tests.builders import NOW, SECOND, a_context, creation, update
from tests.facts import failure, heard, order, points, success
from tests.keys import MASTER_KEYS
from tests.sql.test_pages import rows_of
from usercore.activity.facts import Fact
from usercore.activity.pages import FactPosition
from usercore.activity.values import FactKind, FactResult
from usercore.adapters.sql import SqlPorts, open_database, sql_ports
from usercore.adapters.sql.activity import _rows
from usercore.adapters.sql.activity_statements import BEHIND, NEWEST, RECORD, TALLIES
from usercore.kernel.errors import InvalidError
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.secret import Secret
from usercore.settings import DatabaseSettings
from usercore.users.model import User

ALL = frozenset(FactKind)
RECORDED, IGNORED, KNOWN = FactResult.RECORDED, FactResult.IGNORED, FactResult.KNOWN


async def some_users(ports: SqlPorts, number: int) -> list[User]:
    changes = [creation() for _ in range(number)]
    assert await ports.writer.commit(changes) == [None] * number
    return [change.user for change in changes]


async def tell(ports: SqlPorts, *facts: Fact) -> list[FactResult]:
    return [one.result for one in await ports.activity_writer.record([heard(fact) for fact in facts])]


async def count(url: str, table: str) -> int:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        [(found,)] = await (await connection.execute(f"SELECT count(*) FROM {table}".encode())).fetchall()
    return int(found)


async def waits_for_a_lock(url: str) -> None:
    """Return once a session of the service waits for a lock in this database."""
    asked = (
        b"SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
        b"AND application_name = 'user-service'"
    )
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as watcher, asyncio.timeout(20):
        while not await (await watcher.execute(asked)).fetchone():  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


async def test_a_fact_waits_for_an_erasure_that_is_under_way_and_is_ignored(
    ports: SqlPorts, migrated_database_url: str
) -> None:
    [user] = await some_users(ports, 1)
    assert await tell(ports, order("o1", user.id)) == [RECORDED]
    async with await psycopg.AsyncConnection.connect(migrated_database_url) as eraser:
        await eraser.execute("UPDATE users SET state = 'ERASED', email = 'gone' WHERE id = %s", (user.id,))
        await eraser.execute("DELETE FROM activity_facts WHERE user_id = %s", (user.id,))

        late = asyncio.create_task(tell(ports, points("t1", user.id), failure("p1", "o1")))
        await waits_for_a_lock(migrated_database_url)
        await eraser.commit()

    assert await late == [IGNORED, IGNORED]
    assert await count(migrated_database_url, "activity_facts") == 0
    assert await count(migrated_database_url, "deliveries WHERE operation = 'SEND_PAYMENT_FAILED'") == 0


async def test_an_erasure_waits_for_facts_that_are_being_recorded_and_finds_them(
    ports: SqlPorts, migrated_database_url: str
) -> None:
    """Facts that lock the user are seen by whoever locks the user next."""
    [user] = await some_users(ports, 1)
    async with await psycopg.AsyncConnection.connect(migrated_database_url) as recorder:
        cursor = psycopg.AsyncRawCursor(recorder)
        await cursor.execute(RECORD, [_rows({0: heard(order("o1", user.id))})])
        assert await cursor.fetchall() == [(0, "RECORDED")]

        erasure = asyncio.create_task(ports.writer.commit([update(user, first_name="x")]))
        await waits_for_a_lock(migrated_database_url)
        await recorder.commit()

    assert await erasure == [None]
    assert len(await ports.activity_reader.entries(user.id, kinds=ALL, after=None, limit=9)) == 1


async def test_a_fact_that_another_copy_is_just_recording_is_known_once_that_is_committed(
    ports: SqlPorts, migrated_database_url: str
) -> None:
    """The statement that waited cannot see what it waited for; what builds on it is found all the same."""
    user, other = await some_users(ports, 2)
    async with await psycopg.AsyncConnection.connect(migrated_database_url) as first:
        cursor = psycopg.AsyncRawCursor(first)
        await cursor.execute(RECORD, [_rows({0: heard(order("o1", user.id))})])
        told = [failure("p1", "o1"), success("p1"), order("o1", user.id), order("o1", other.id)]
        second = asyncio.create_task(tell(ports, *told))
        await waits_for_a_lock(migrated_database_url)
        await first.commit()

    assert await second == [RECORDED, RECORDED, KNOWN, FactResult.CONFLICTING]
    assert len(await ports.activity_reader.entries(user.id, kinds=ALL, after=None, limit=9)) == 3


async def test_many_facts_and_many_changes_of_the_same_users_never_stand_in_each_others_way(ports: SqlPorts) -> None:
    users = await some_users(ports, 12)
    randomly = random.Random(7)

    async def change(turn: int) -> None:
        chosen = randomly.sample(users, 6)
        answers = await ports.writer.commit([update(user, first_name=f"turn {turn}") for user in chosen])
        assert {answer and answer.code for answer in answers} <= {None, "stale_version"}

    async def told(turn: int) -> list[FactResult]:
        facts: list[Fact] = [order(f"o{turn % 7} {n}", user.id) for n, user in enumerate(users)]
        facts += [failure(f"p{turn % 5} {n}", f"o{turn % 7} {n}", code=f"{turn % 7}") for n in range(12)]
        facts += [success(f"p{turn % 5} {n}", f"o{turn % 7} {n}") for n in range(12)]
        randomly.shuffle(facts)
        return await tell(ports, *facts)

    answers: list[Any] = await asyncio.gather(*(told(n) if n % 2 else change(n) for n in range(60)))

    found = Counter(result for answer in answers if answer for result in answer)
    assert set(found) == {RECORDED, KNOWN, FactResult.CONFLICTING}
    # Seven orders and five payments of twelve users.
    assert found[RECORDED] == 12 * (7 + 5 + 5)


async def test_the_users_row_and_version_stay_as_they_are(ports: SqlPorts, migrated_database_url: str) -> None:
    [user] = await some_users(ports, 1)
    rows = "SELECT ctid::text, xmin::text, version FROM users"
    async with await psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True) as connection:
        [was] = await (await connection.execute(rows)).fetchall()
        await tell(ports, order("o1", user.id), failure("p1", "o1"), points("t1", user.id))
        assert await (await connection.execute(rows)).fetchall() == [was]

    assert await count(migrated_database_url, "outbox") == await count(migrated_database_url, "user_history") == 1


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
@pytest.mark.parametrize("member", ["correlation_id", "causation_id"])
async def test_a_context_that_cannot_be_stored_is_refused_and_nothing_of_the_call_is_recorded(
    ports: SqlPorts, migrated_database_url: str, text: str, member: str
) -> None:
    [user] = await some_users(ports, 1)
    given: Any = {member: text}
    wrong = evolve(a_context(), **given)

    with pytest.raises(InvalidError):
        await ports.activity_writer.record([heard(points("t1", user.id)), heard(points("t2", user.id), context=wrong)])

    assert await count(migrated_database_url, "activity_facts") == 0
    assert await tell(ports, points("t1", user.id)) == [RECORDED]


FACTS, MINE = 40_000, 10_000
USER = UserId("01970000-0000-7000-8000-000000000001")

# Of one user every fourth fact is of each kind; the rest belong to 3,000 others.
_FILL = """
INSERT INTO activity_facts (kind, fact_id, user_id, event_id, occurred_at, order_id, amount, currency, points,
                            recorded_at, actor_kind, actor_id, correlation_id)
SELECT (ARRAY['ORDER_PLACED', 'PAYMENT_FAILED', 'PAYMENT_SUCCEEDED', 'POINTS_EARNED'])[n % 4 + 1], 'f' || n / 4,
       ('01970000-0000-7000-8000-' || lpad(to_hex(CASE WHEN n <= {mine} THEN 1 ELSE n % 3000 + 2 END), 12, '0'))::uuid,
       ('01980000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       timestamptz '2020-01-01 00:00Z' + n * interval '1 second', 'f' || n / 4, 10, 'EUR', 1,
       now(), 'SERVICE', 'shop', 'x'
FROM generate_series(1, {facts}) AS n
"""


@pytest.fixture
async def connection(migrated_database_url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection to a database with many facts."""
    async with await psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True) as opened:
        await opened.execute(_FILL.format(facts=FACTS, mine=MINE).encode())
        await opened.execute("VACUUM ANALYZE activity_facts")
        yield opened


@pytest.mark.parametrize(
    "kinds", [list(ALL), [FactKind.POINTS_EARNED], [FactKind.ORDER_PLACED, FactKind.POINTS_EARNED]]
)
async def test_a_page_of_facts_looks_at_as_few_rows_in_the_depth_as_at_the_beginning(
    connection: psycopg.AsyncConnection[Any], kinds: set[FactKind]
) -> None:
    asked = (USER, sorted(kinds), 51)
    places = [FactPosition(NOW.replace(year=2020, month=1, day=1, hour=n), EventId(USER)) for n in (0, 1, 2, 23)]

    looked_at = [await rows_of(connection, NEWEST, asked)]
    looked_at += [await rows_of(connection, BEHIND, (*asked, place.at, place.event_id)) for place in places]

    # Each kind's part, twice: scan and subquery scan; and the list of kinds.
    assert max(looked_at) <= 4 * 2 * 51 + 2 * 4


async def test_a_tally_looks_at_the_facts_of_its_users_alone(connection: psycopg.AsyncConnection[Any]) -> None:
    few = "{01970000-0000-7000-8000-000000000002,01970000-0000-7000-8000-000000000003}"

    # What is read is passed on, half a dozen times at most.
    assert await rows_of(connection, TALLIES, (few,)) < 200
    assert await rows_of(connection, TALLIES, (f"{{{USER}}}",)) < 6 * MINE


async def test_recording_looks_at_what_it_names_alone(connection: psycopg.AsyncConnection[Any]) -> None:
    told = [order(f"new {n}", USER) for n in range(50)] + [failure(f"new {n}", f"f{n}") for n in range(50)]
    told += [success(f"f{n}", at=NOW + SECOND) for n in range(50)]
    rows = _rows(dict(enumerate(map(heard, told))))

    assert await rows_of(connection, RECORD, (rows,)) < 200 * 40


async def test_no_plan_that_is_kept_from_a_small_table_reads_all_of_it(migrated_database_url: str) -> None:
    async with open_database(DatabaseSettings(url=Secret(migrated_database_url), pool_size=1)) as database:
        ports = sql_ports(database, MASTER_KEYS)
        for turn in range(10):  # more often than PostgreSQL tries plans before it keeps one
            [user] = await some_users(ports, 1)
            told = [order(f"o{turn}", user.id), failure(f"p{turn}", f"o{turn}"), success(f"p{turn}")]
            assert await tell(ports, *told) == [RECORDED] * 3
            page = await ports.activity_reader.entries(user.id, kinds=ALL, after=None, limit=5)
            after = FactPosition(page[0].fact.at, page[0].event_id)
            assert len(await ports.activity_reader.entries(user.id, kinds=ALL, after=after, limit=5)) == 2
            await ports.activity_reader.tallies([user.id])

    # A backend tells its statistics when it ends.
    async with await psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True) as watcher:
        found = await watcher.execute(
            "SELECT relname FROM pg_stat_user_tables WHERE seq_scan > 0 AND relname <> 'schema_version'"
        )
        assert await found.fetchall() == []
