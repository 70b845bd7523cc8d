"""An export writes the same in PostgreSQL as in memory, and leaves nothing behind in the server."""

import asyncio

import psycopg
import pytest
from attrs import asdict, evolve
from hypothesis import given, settings

from tests.conditions import People, conditions
from tests.e2e.harness.waiting import until
from tests.strategies import ACCUMULATING
from usercore.adapters.sql import Database, SqlPorts
from usercore.adapters.sql.copying import copied
from usercore.adapters.sql.engine import fetch
from usercore.adapters.sql.exports import SqlUserExporter
from usercore.bulk.exports.fields import PROFILE, chosen_fields
from usercore.bulk.exports.values import ExportFormat, Restricted, Selection
from usercore.kernel.errors import UnavailableError
from usercore.users.conditions import Condition
from usercore.users.queries import UserQuery
from usercore.wiring.core import Ports
from usercore.wiring.memory import memory_ports

_TRANSACTIONS = b"""
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'user-service-export'
"""
_END_ONE = """
SELECT pg_terminate_backend(max(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'user-service-export'
"""
_EVERYBODY = Selection(UserQuery(), ("id",), ExportFormat.CSV, Restricted.INCLUDE)

TIERS = (("BRONZE", 0), ("=SILVER", 10), ("G,OLD", 100))


@pytest.fixture
async def people(ports: SqlPorts) -> People:
    found = People(memory_ports(), evolve(memory_ports(), **asdict(ports, recurse=False)))
    await found.move_in(30)
    return found


async def analysed(database: Database) -> None:
    """Let the planner know how few there are: it reads the table from end to end then."""
    async with database.dedicated("export-test") as opened:
        await opened.execute("ANALYZE users")


async def exported(ports: Ports, selection: Selection) -> tuple[tuple[str, ...], bytes]:
    async with ports.exporter.open(selection) as export:
        return export.columns, b"".join([chunk.data async for chunk in export.chunks()])


@pytest.mark.parametrize("form", ExportFormat)
@pytest.mark.parametrize(
    "fields", [(*PROFILE, "emailPreferences", "activity"), ("emailPreferences",), ("activity",), ("activity", "email")]
)
async def test_memory_and_postgresql_write_the_same_bytes(
    people: People, form: ExportFormat, fields: tuple[str, ...]
) -> None:
    memory, sql = people.stores
    selection = Selection(UserQuery(), chosen_fields(fields), form, Restricted.INCLUDE, in_order=True, tiers=TIERS)

    columns, written = await exported(memory, selection)

    assert (columns, written) == await exported(sql, selection)
    assert written.count(b"SILVER") > 1 or "activity" not in fields


@settings(ACCUMULATING, max_examples=40)
@given(condition=conditions())
async def test_whatever_values_a_filter_compares_with_memory_and_postgresql_export_the_same_users(
    people: People, condition: Condition
) -> None:
    """A COPY takes no parameters: values stand in its text, and nothing of them may be read as SQL."""
    memory, sql = people.stores
    selection = Selection(UserQuery(condition=condition), ("id",), ExportFormat.CSV, Restricted.INCLUDE, in_order=True)

    assert await exported(sql, selection) == await exported(memory, selection)


@pytest.mark.parametrize("form", ExportFormat)
async def test_two_connections_that_share_the_table_export_each_user_once_and_as_at_one_moment(
    people: People, database: Database, form: ExportFormat
) -> None:
    _, sql = people.stores
    exporter = SqlUserExporter(database, part_blocks=1)
    selection = Selection(UserQuery(), chosen_fields((*PROFILE, "emailPreferences")), form, Restricted.INCLUDE)
    await analysed(database)
    _, expected = await exported(sql, evolve(selection, in_order=True))

    async with exporter.open(selection) as export:
        async with database.dedicated("export-test") as opened:
            beside = await fetch(opened, _TRANSACTIONS)
            await opened.execute("UPDATE users SET first_name = 'Later'")
        written = b"".join([chunk.data async for chunk in export.chunks()])

    assert beside == [(2,)]
    assert sorted(written.split(b"\n")) == sorted(expected.split(b"\n"))


async def test_an_error_of_one_of_two_connections_ends_the_export(people: People, database: Database) -> None:
    assert people.stores
    await analysed(database)
    async with SqlUserExporter(database, part_blocks=1).open(_EVERYBODY) as export:
        async with database.dedicated("export-test") as opened:
            assert await fetch(opened, _TRANSACTIONS) == [(2,)]
            await opened.execute(_END_ONE)
        with pytest.raises(UnavailableError):
            [chunk async for chunk in export.chunks()]


async def test_many_rows_come_in_portions_and_each_once(database: Database) -> None:
    statement = b"COPY (SELECT repeat(n::text, 40) FROM generate_series(10001, 30000) AS n) TO STDOUT"

    async with database.dedicated("export-test") as opened:
        portions = [b"".join(rows) async for rows in copied(opened, statement)]

    assert len(portions) > 10
    assert b"".join(portions).split() == [str(number).encode() * 40 for number in range(10001, 30001)]


async def test_an_error_in_the_middle_of_a_copy_is_heard(database: Database) -> None:
    """Rows that came before it must not pass for all."""
    statement = b"COPY (SELECT 1 / (30000 - n) FROM generate_series(1, 40000) AS n) TO STDOUT"

    async with database.dedicated("export-test") as opened:
        with pytest.raises(psycopg.errors.DivisionByZero):
            [len(rows) async for rows in copied(opened, statement)]


async def test_what_is_cancelled_ends_in_the_server_too(database: Database, migrated_database_url: str) -> None:
    started = asyncio.Event()

    async def copy_for_ever() -> None:
        async with database.dedicated("export-test") as opened:
            started.set()
            async for _ in copied(opened, b"COPY (SELECT pg_sleep(600)) TO STDOUT"):
                pass

    task = asyncio.create_task(copy_for_ever())
    await started.wait()
    async with await psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True) as beside:

        async def runs() -> bool:
            query = "SELECT FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT pg_sleep%'"
            return bool(await (await beside.execute(query)).fetchall())

        async def ended() -> bool:
            return not await runs()

        await until(runs, "the copy runs")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(ended, "the copy ends")
