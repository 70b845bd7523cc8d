"""A database that is slow, frozen, restarted or gone gives one clear error, in bounded time, and no wrong answer."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import psycopg
import pytest
from attrs import evolve

from tests.builders import NOW, SECOND, creation, update
from tests.facts import heard, points
from tests.keys import MASTER_KEYS
from tests.sql.wires import Wire, wire_to
from usercore.activity.values import FactKind
from usercore.adapters.sql import Database, SqlPorts, open_database, sql_ports
from usercore.adapters.sql.engine import fetch
from usercore.delivery.values import Recipient
from usercore.kernel.errors import ExhaustedError, UnavailableError
from usercore.kernel.ids import UserId
from usercore.kernel.receipts import IdempotencyKey
from usercore.kernel.secret import Secret
from usercore.settings import DatabaseSettings
from usercore.users.ports import Lookup, LookupKind
from usercore.users.queries import UserQuery

BOUND_S = 20
"""Far above every limit of the settings together: only a hang reaches it."""

CALLS: dict[str, Callable[[SqlPorts, UserId], Awaitable[object]]] = {
    "get_many": lambda ports, one: ports.users.get_many([one]),
    "find": lambda ports, _: ports.users.find(Lookup(LookupKind.EMAIL, "ada@example.com")),
    "due": lambda ports, _: ports.users.due_for_reactivation(NOW, 10),
    "commit": lambda ports, _: ports.writer.commit([creation()]),
    "commit batch": lambda ports, _: ports.writer.commit([creation(), creation()]),
    "documents": lambda ports, one: ports.profiles.documents([one]),
    "page": lambda ports, _: ports.directory.page(UserQuery()),
    "entries": lambda ports, one: ports.history.entries(one, below_version=None, limit=10),
    "version_at": lambda ports, one: ports.history.version_at(one, NOW),
    "schemas": lambda ports, _: ports.schemas.current(),
    "claim": lambda ports, _: ports.ledger.claim(
        IdempotencyKey("s", "k", b"f"), now=NOW, lease_until=NOW + SECOND, expires_at=NOW + SECOND
    ),
    "purge": lambda ports, _: ports.ledger.purge(NOW),
    "topics": lambda ports, _: ports.topics.all(),
    "preferences": lambda ports, one: ports.preferences.get_many([one]),
    "record": lambda ports, one: ports.activity_writer.record([heard(points("t1", one))]),
    "facts": lambda ports, one: ports.activity_reader.entries(one, kinds=frozenset(FactKind), after=None, limit=10),
    "tallies": lambda ports, one: ports.activity_reader.tallies([one]),
    "deliveries": lambda ports, _: ports.deliveries.claim(
        recipient=Recipient.AUDIT, now=NOW, lease_until=NOW + SECOND, limit=10
    ),
    "waiting": lambda ports, _: ports.deliveries.waiting(),
    "outbox": lambda ports, _: ports.outbox.messages(after=0, limit=10),
}


@asynccontextmanager
async def through_a_wire(settings: DatabaseSettings) -> AsyncIterator[tuple[Wire, Database]]:
    """Open the database through a wire that the test can cut or freeze."""
    async with wire_to(settings.url.reveal()) as wire, open_database(evolve(settings, url=Secret(wire.url))) as opened:
        yield wire, opened


async def comes_true(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(BOUND_S):
        while not await condition():  # noqa: ASYNC110 - it is the server's state, which tells nobody
            await asyncio.sleep(0.01)


async def unavailable(call: Awaitable[object]) -> UnavailableError:
    async with asyncio.timeout(BOUND_S):
        with pytest.raises(UnavailableError) as caught:
            await call
    return caught.value


@pytest.mark.parametrize("name", CALLS)
async def test_every_port_says_when_the_server_is_gone_and_works_when_it_is_back(
    settings: DatabaseSettings, name: str
) -> None:
    async with through_a_wire(settings) as (wire, database):
        ports, born = sql_ports(database, MASTER_KEYS), creation()
        assert await ports.writer.commit([born]) == [None]
        await wire.cut()

        await unavailable(CALLS[name](ports, born.user.id))

        await wire.open()
        await CALLS[name](ports, born.user.id)


async def test_a_frozen_server_is_given_up_in_bounded_time(settings: DatabaseSettings) -> None:
    async with through_a_wire(settings) as (wire, database):
        ports, born = sql_ports(database, MASTER_KEYS), creation()
        assert await ports.writer.commit([born]) == [None]
        await ports.profiles.documents([born.user.id])
        wire.freeze()

        await asyncio.gather(
            unavailable(ports.profiles.documents([born.user.id])),
            unavailable(ports.writer.commit([creation()])),
        )

        wire.thaw()
        assert born.user.id in await ports.profiles.documents([born.user.id])


async def test_connections_of_before_a_restart_fail_no_request(settings: DatabaseSettings) -> None:
    async with through_a_wire(evolve(settings, statement_timeout_s=5)) as (wire, database):
        ports, born = sql_ports(database, MASTER_KEYS), creation()
        assert await ports.writer.commit([born]) == [None]
        await asyncio.gather(*(ports.profiles.documents([born.user.id]) for _ in range(20)))
        await asyncio.gather(*(ports.writer.commit([creation()]) for _ in range(20)))

        wire.drop()

        found = await asyncio.gather(*(ports.profiles.documents([born.user.id]) for _ in range(20)))
        assert all(born.user.id in documents for documents in found)
        assert await asyncio.gather(*(ports.writer.commit([creation()]) for _ in range(20))) == [[None]] * 20


async def test_a_backend_that_is_ended_in_the_middle_of_a_transaction_takes_it_back(
    settings: DatabaseSettings,
) -> None:
    async with open_database(settings) as database:
        ports, born = sql_ports(database, MASTER_KEYS), creation()
        assert await ports.writer.commit([born]) == [None]
        async with await psycopg.AsyncConnection.connect(settings.url.reveal()) as other:
            await other.execute("SELECT FROM users FOR UPDATE")
            late = asyncio.create_task(ports.writer.commit([update(born.user, first_name="Late")]))
            await _end_who_waits(settings)

            await unavailable(late)

        assert await ports.users.get_many([born.user.id]) == {born.user.id: born.user}
        assert await ports.outbox.pending() == 1


async def _end_who_waits(settings: DatabaseSettings) -> None:
    """Wait until a backend of the service waits for a lock, and end it."""
    statement = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'user-service' AND wait_event_type = 'Lock'"
    )
    async with await psycopg.AsyncConnection.connect(settings.url.reveal(), autocommit=True) as killer:

        async def ended() -> bool:
            return await (await killer.execute(statement)).fetchone() is not None

        await comes_true(ended)


async def test_a_write_waits_for_a_lock_no_longer_than_its_limit(settings: DatabaseSettings) -> None:
    async with open_database(settings) as database:
        ports, born = sql_ports(database, MASTER_KEYS), creation()
        assert await ports.writer.commit([born]) == [None]
        async with await psycopg.AsyncConnection.connect(settings.url.reveal()) as other:
            await other.execute("SELECT FROM users FOR UPDATE")

            error = await unavailable(ports.writer.commit([update(born.user, first_name="Late")]))

            assert _cause(error) == "LockNotAvailable"
        change = update(born.user, first_name="In time")
        assert await ports.writer.commit([change]) == [None]


async def test_a_writing_statement_ends_at_its_limit_in_the_server(settings: DatabaseSettings) -> None:
    async with open_database(settings) as database:
        error = await unavailable(database.write(lambda opened: fetch(opened, b"SELECT pg_sleep(60)")))

        assert _cause(error) == "QueryCanceled"
        await _nothing_runs(settings)


async def test_a_reading_statement_ends_at_its_limit_in_the_server_too(settings: DatabaseSettings) -> None:
    async with open_database(settings) as database:
        await unavailable(database.fetch(b"SELECT pg_sleep(60)"))

        await _nothing_runs(settings)


async def test_a_reader_behind_a_locked_table_is_told_and_its_query_ended(settings: DatabaseSettings) -> None:
    async with open_database(settings) as database:
        ports, born = sql_ports(database, MASTER_KEYS), creation()
        assert await ports.writer.commit([born]) == [None]
        async with await psycopg.AsyncConnection.connect(settings.url.reveal()) as other:
            await other.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")

            await unavailable(ports.profiles.documents([born.user.id]))

            await _nothing_runs(settings)


async def _nothing_runs(settings: DatabaseSettings) -> None:
    statement = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'user-service' AND state <> 'idle'"
    )
    async with await psycopg.AsyncConnection.connect(settings.url.reveal(), autocommit=True) as watcher:

        async def quiet() -> bool:
            return await (await watcher.execute(statement)).fetchone() == (0,)

        await comes_true(quiet)


def _cause(error: BaseException) -> str:
    return type(error.__cause__).__name__


async def test_a_transaction_that_is_left_open_is_ended_by_the_server(settings: DatabaseSettings) -> None:
    async def dawdle(opened: psycopg.AsyncConnection[tuple[object, ...]]) -> Sequence[object]:
        await fetch(opened, b"SELECT 1")
        await asyncio.sleep(1.5)
        return await fetch(opened, b"SELECT 2")

    async with open_database(evolve(settings, idle_in_transaction_timeout_s=1, statement_timeout_s=10)) as database:
        await unavailable(database.write(dawdle))

        assert await database.write(lambda opened: fetch(opened, b"SELECT 3")) == [(3,)]


async def test_a_rollback_is_never_taken_for_a_commit(database: Database) -> None:
    async def overlook(opened: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        with suppress(psycopg.errors.DivisionByZero):
            await fetch(opened, b"SELECT 1/0")

    await unavailable(database.write(overlook))


async def test_when_every_connection_is_busy_a_caller_is_refused_in_time(settings: DatabaseSettings) -> None:
    few = evolve(settings, read_pool_size=1, pool_size=1, pool_timeout_s=0.2, statement_timeout_s=5)
    async with open_database(few) as database:
        busy = [
            asyncio.create_task(database.fetch(b"SELECT pg_sleep(2)")),
            asyncio.create_task(database.write(lambda opened: fetch(opened, b"SELECT pg_sleep(2)"))),
        ]

        async def all_busy() -> bool:
            return database.pool_use() == {"database_write": (1, 1), "database_read": (1, 1)}

        await comes_true(all_busy)

        with pytest.raises(ExhaustedError):
            await sql_ports(database, MASTER_KEYS).profiles.documents([creation().user.id])
        with pytest.raises(ExhaustedError):
            await sql_ports(database, MASTER_KEYS).writer.commit([creation()])

        await asyncio.gather(*busy)
        assert await sql_ports(database, MASTER_KEYS).writer.commit([creation()]) == [None]


async def test_after_every_kind_of_error_the_pools_are_whole_again(settings: DatabaseSettings) -> None:
    async with open_database(evolve(settings, pool_size=2, read_pool_size=2)) as database:
        for _ in range(5):
            with pytest.raises(psycopg.errors.DivisionByZero):
                await database.fetch(b"SELECT 1/0")
            with pytest.raises(psycopg.errors.DivisionByZero):
                await database.write(lambda opened: fetch(opened, b"SELECT 1/0"))

        assert database.pool_use() == {"database_write": (2, 0), "database_read": (2, 0)}
        assert await sql_ports(database, MASTER_KEYS).writer.commit([creation()]) == [None]


async def test_readers_that_are_cancelled_give_nobody_anothers_answer(database: Database) -> None:
    ports = sql_ports(database, MASTER_KEYS)
    born = [creation() for _ in range(50)]
    assert await ports.writer.commit(born) == [None] * 50
    ids = [change.user.id for change in born]

    async def read(one: UserId) -> None:
        documents = await ports.profiles.documents([one])
        assert list(documents) == [one]
        assert f'"id":"{one}"'.encode() in documents[one].body

    for turn in range(40):
        tasks = [asyncio.create_task(read(one)) for one in ids]
        for _ in range(turn % 8):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(one) for one in results if one is not None} <= {asyncio.CancelledError}

    assert all(in_use == 0 for _, in_use in database.pool_use().values())


async def test_a_cancelled_commit_is_whole_or_not_at_all(ports: SqlPorts, database: Database) -> None:
    for turn in range(30):
        change = creation()
        task = asyncio.create_task(ports.writer.commit([change]))
        for _ in range(turn):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        written = bool(await ports.users.get_many([change.user.id]))
        assert (await ports.history.entry(change.user.id, 1) is not None) is written
        [(events,)] = await database.fetch(b"SELECT count(*) FROM outbox WHERE aggregateid = $1::uuid", change.user.id)
        assert events == written


async def test_a_connect_that_was_cancelled_leaves_nobody_waiting_in_the_server(
    settings: DatabaseSettings, postgres_url: str
) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND state = 'starting'"
    gc.collect()
    gc.disable()  # which would find sooner or later what is forgotten here
    try:
        for turn in range(60):
            async with open_database(settings) as database:
                asking = asyncio.create_task(database.ping())
                await asyncio.sleep(turn / 2_000)
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

        async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as watching:

            async def none_waits() -> bool:
                return await (await watching.execute(waiting)).fetchone() == (0,)

            await comes_true(none_waits)
    finally:
        gc.enable()


async def test_a_database_without_tables_is_unavailable(database_url: str) -> None:
    async with open_database(DatabaseSettings(url=Secret(database_url))) as database:
        await unavailable(database.ping())
        await unavailable(sql_ports(database, MASTER_KEYS).profiles.documents([creation().user.id]))


async def test_a_ping_passes_where_the_database_is_ready(database: Database) -> None:
    await database.ping()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
async def test_a_url_may_be_written_in_every_usual_way(settings: DatabaseSettings, scheme: str) -> None:
    url = settings.url.reveal().replace("postgresql://", f"{scheme}://")

    async with open_database(evolve(settings, url=Secret(url))) as database:
        await database.ping()


async def test_statements_are_prepared_only_where_no_pooler_stands_between(settings: DatabaseSettings) -> None:
    counted = b"SELECT count(*) FROM pg_prepared_statements"
    prepared = []
    for posing in (False, True):
        async with wire_to(settings.url.reveal(), posing=posing) as wire:
            one = evolve(settings, url=Secret(wire.url), read_pool_size=1, pool_size=1)
            async with open_database(one) as database:
                ports = sql_ports(database, MASTER_KEYS)
                for _ in range(6):
                    assert await ports.writer.commit([creation()]) == [None]
                    await ports.profiles.documents([creation().user.id])
                [(reads,)] = await database.fetch(counted, prepare=False)
                [(writes,)] = await database.write(lambda opened: fetch(opened, counted, prepare=False))
                prepared.append((reads > 0, writes > 0))

    assert prepared == [(True, True), (False, False)]


async def test_no_session_keeps_a_setting_that_a_pooler_would_hand_on(settings: DatabaseSettings) -> None:
    asked = b"SELECT count(*) FROM pg_settings WHERE source = 'session' AND name LIKE '%timeout%'"
    async with open_database(evolve(settings, pool_size=1)) as database:
        assert await database.write(lambda opened: fetch(opened, b"SELECT 1")) == [(1,)]

        inside = await database.write(lambda opened: fetch(opened, asked))
        async with database._writes.connect() as connection:
            outside = (await connection.exec_driver_sql(asked.decode().replace("%", "%%"))).scalar_one()

    assert inside == [(3,)]
    assert outside == 0
