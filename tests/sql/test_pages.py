"""A page costs the same wherever it stands in the list: PostgreSQL looks at about as many rows as it gives."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from attrs import evolve

from tests.builders import NOW, SECOND, a_profile, creation, update
from tests.keys import MASTER_KEYS
from tests.letters import a_letter, parked
from usercore.adapters.sql import SqlPorts, open_database, sql_ports
from usercore.adapters.sql.directory import Statement
from usercore.delivery.values import Recipient
from usercore.kernel.ids import UserId
from usercore.kernel.secret import Secret
from usercore.messaging.values import DeadLetterState, Settlement
from usercore.settings import DatabaseSettings
from usercore.users.queries import Position, Sort, UserQuery
from usercore.users.search import query_words
from usercore.users.values import AccountState

USERS = 20_000
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)

# Every tenth is deactivated; half of all are merged, and must not be waded through.
_FILL = """
INSERT INTO users (
    id, version, username, username_canonical, email, email_canonical, first_name, last_name, attributes, state,
    status_since, status_actor_kind, status_actor_id, restricted, created_at, updated_at, search_words
)
SELECT ('01970000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1, n, n, n, n, 'First' || n % 1000, 'Last',
       '{{}}', CASE WHEN n % 2 = 0 THEN 'MERGED' WHEN n % 10 = 1 THEN 'DEACTIVATED' ELSE 'ACTIVE' END,
       now(), 'OPERATOR', 'ada', false,
       timestamptz '2020-01-01 00:00Z' + n * interval '1 second',
       timestamptz '2021-01-01 00:00Z' + (n * 7919 % {users}) * interval '1 second',
       array_to_tsvector(ARRAY['first' || n % 1000, 'last', 'n' || n])
FROM generate_series(1, {users}) AS n
"""


@pytest.fixture
async def connection(migrated_database_url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection to a database with many users."""
    async with await psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True) as opened:
        await opened.execute(_FILL.format(users=USERS))
        await opened.execute("VACUUM ANALYZE users")
        yield opened


async def rows_looked_at(connection: psycopg.AsyncConnection[Any], query: UserQuery) -> int:
    statement = Statement(query)
    return await rows_of(connection, statement.text().encode(), statement.parameters)


async def rows_of(
    connection: psycopg.AsyncConnection[Any], statement: bytes, parameters: Sequence[Any], *, indexed: bool = False
) -> int:
    """Count the rows that a statement looks at, with the settings of a connection of ours where `indexed`."""
    if indexed:
        await connection.execute("SET enable_seqscan = off")
    cursor = psycopg.AsyncRawCursor(connection)
    await cursor.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters, prepare=False)
    [[[found]]] = await cursor.fetchall()
    return sum(_looked_at(node) for node in _nodes(found["Plan"]) if "Scan" in node["Node Type"])


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _looked_at(node: dict[str, Any]) -> int:
    dropped = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(node["Actual Loops"] * (node["Actual Rows"] + dropped))


def position(n: int) -> Position:
    return Position(BEGINNING + timedelta(seconds=n), UserId(f"01970000-0000-7000-8000-{n:012x}"))


@pytest.mark.parametrize("sort", [Sort.CREATED_UP, Sort.CREATED_DOWN])
@pytest.mark.parametrize(
    "query",
    [
        UserQuery(limit=50),
        UserQuery(limit=50, states=frozenset({AccountState.DEACTIVATED})),
        UserQuery(limit=50, states=frozenset({AccountState.ACTIVE}), created_after=BEGINNING),
    ],
    ids=["all", "one state", "state and time"],
)
async def test_a_page_looks_at_as_few_rows_in_the_depth_as_at_the_beginning(
    connection: psycopg.AsyncConnection[Any], query: UserQuery, sort: Sort
) -> None:
    ordered = evolve(query, sort=sort)
    depths = (None, position(USERS // 2), position(USERS // 10), position(USERS * 9 // 10))

    looked_at = [await rows_looked_at(connection, evolve(ordered, after=depth)) for depth in depths]

    # One part for each state, each with the one row that tells that there is more, twice: scan and subquery scan.
    assert max(looked_at) <= 4 * 2 * (query.limit + 1)


async def test_a_search_looks_at_the_users_it_finds(connection: psycopg.AsyncConnection[Any]) -> None:
    rare = UserQuery(words=query_words("n1234 last"))

    assert await rows_looked_at(connection, rare) < USERS / 20


async def test_no_plan_that_is_kept_from_a_small_table_reads_all_of_it(migrated_database_url: str) -> None:
    async with open_database(DatabaseSettings(url=Secret(migrated_database_url), pool_size=1)) as database:
        ports = sql_ports(database, MASTER_KEYS)
        for _ in range(10):  # more often than PostgreSQL tries plans before it keeps one
            born = [creation(), creation()]
            assert await ports.writer.commit(born) == [None, None]
            assert await ports.writer.commit([update(change.user, first_name="x") for change in born]) == [None, None]
            ids = [change.user.id for change in born]
            assert len(await ports.users.get_many(ids)) == len(await ports.profiles.documents(ids)) == 2
            await ports.preferences.get_many(ids)
            await ports.history.entries(ids[0], below_version=None, limit=5)
            await _deliver(ports)
            await _set_aside(ports)

    # A backend tells its statistics when it ends.
    async with await psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True) as watcher:
        found = await watcher.execute(
            "SELECT relname FROM pg_stat_user_tables WHERE seq_scan > 0 AND relname <> 'schema_version'"
        )
        assert await found.fetchall() == []


async def _deliver(ports: SqlPorts) -> None:
    now, queue, records = NOW + SECOND, ports.deliveries, ports.delivery_records
    for recipient in Recipient:
        due = await queue.claim(recipient=recipient, now=now, lease_until=NOW + 9 * SECOND, limit=5)
        await queue.postpone(due[0], due_at=now, code="x")
        await queue.release(due[:1], due_at=now)
        await queue.fail(due[0], now=now, code="x")
        assert await records.retry(due[0].key, now=now)
        await queue.acknowledge(due[1:], now=now)
        assert await records.discard(due[0].key, now=now, by="x", reason="y")
        assert await records.get(due[0].key) is not None


async def _set_aside(ports: SqlPorts) -> None:
    letter, waits = a_letter(), parked()
    await ports.dead_letters.add([letter, a_letter()])
    await ports.dead_letters.get(letter.id)
    await ports.dead_letters.settle(letter.id, DeadLetterState.DISCARDED, Settlement(NOW, "OPERATOR:ada", "why"))
    await ports.dead_letters.count_waiting()
    await ports.parked.park([waits, parked()])
    await ports.parked.claim_ready(now=NOW + SECOND, lease_until=NOW + 9 * SECOND, limit=5)
    await ports.parked.page(after=waits.id, limit=5)
    await ports.parked.remove([waits.id])
    await ports.parked.count()


@pytest.mark.parametrize("word", ["O'Brien", "zoë", "ﬁ", "İ", "\\", "a&b", "x:*", "日本", "𐐷"])
async def test_words_of_any_script_are_found_and_nothing_in_them_is_syntax(ports: SqlPorts, word: str) -> None:
    change, other = creation(a_profile(first_name=f"{word}q")), creation()
    assert await ports.writer.commit([change, other]) == [None, None]

    page = await ports.directory.page(UserQuery(words=query_words(f"{word}q")))

    assert [document.user_id for document in page.items] == [change.user.id]


@pytest.mark.parametrize("word", ["'", "a'b", "\\'", "a\\", "a' | 'b", "!x", "():*", "a b"])
async def test_even_words_that_no_rule_would_let_through_are_no_syntax(ports: SqlPorts, word: str) -> None:
    assert await ports.writer.commit([creation()]) == [None]

    assert (await ports.directory.page(UserQuery(words=(word,)))).items == ()
