"""The schema goes up and down, by one copy of the service at a time, stops nobody, and is what the tables say."""

import asyncio

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, PrimaryKeyConstraint, create_engine

from tests.builders import creation
from tests.keys import MASTER_KEYS
from tools.migrations_lint import RELEASED, judged, observed
from usercore.adapters.sql import downgrade, open_database, sql_ports, status, upgrade
from usercore.adapters.sql.engine import driver_url
from usercore.adapters.sql.migrating import Limits
from usercore.adapters.sql.tables import metadata
from usercore.kernel.errors import UnavailableError
from usercore.kernel.secret import Secret
from usercore.settings import DatabaseSettings

VERSIONS = tuple(f"{number:04}" for number in (*range(1, 20), *range(21, 26)))
NEWEST = VERSIONS[-1]


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in rows}


async def test_an_empty_database_says_what_is_to_come(database_url: str) -> None:
    before = await status(database_url)

    assert (before.current, before.newest, before.pending) == (None, NEWEST, VERSIONS)


async def test_an_upgrade_leaves_nothing_pending(database_url: str) -> None:
    reached = await upgrade(database_url)

    assert (reached.current, reached.pending) == (NEWEST, ())
    assert await status(database_url) == reached


async def test_an_upgrade_goes_no_further_than_asked(database_url: str) -> None:
    reached = await upgrade(database_url, "0002")

    assert (reached.current, reached.pending) == ("0002", VERSIONS[2:])
    assert "email_topics" not in tables(database_url)


async def test_an_upgrade_of_the_newest_changes_nothing_and_keeps_the_data(migrated_database_url: str) -> None:
    change = creation()
    async with open_database(DatabaseSettings(url=Secret(migrated_database_url))) as database:
        ports = sql_ports(database, MASTER_KEYS)
        assert await ports.writer.commit([change]) == [None]

        await upgrade(migrated_database_url)

        assert await ports.users.get_many([change.user.id]) == {change.user.id: change.user}


async def test_down_to_nothing_and_up_again_gives_a_schema_that_works(migrated_database_url: str) -> None:
    async with open_database(DatabaseSettings(url=Secret(migrated_database_url))) as database:
        ports = sql_ports(database, MASTER_KEYS)
        assert await ports.writer.commit([creation()]) == [None]

        down = await downgrade(migrated_database_url, "base")
        assert (down.current, tables(migrated_database_url)) == (None, {"schema_version"})
        await upgrade(migrated_database_url)

        change = creation()
        assert await ports.writer.commit([change]) == [None]
        assert await ports.users.get_many([change.user.id]) == {change.user.id: change.user}


async def test_one_step_down_and_up_keeps_what_the_step_does_not_concern(migrated_database_url: str) -> None:
    change = creation()
    async with open_database(DatabaseSettings(url=Secret(migrated_database_url))) as database:
        ports = sql_ports(database, MASTER_KEYS)
        assert await ports.writer.commit([change]) == [None]

        await downgrade(migrated_database_url, "0002")
        await upgrade(migrated_database_url)

        assert await ports.users.get_many([change.user.id]) == {change.user.id: change.user}
        assert len(await ports.outbox.messages(after=0, limit=10)) == 1


async def test_copies_that_start_together_all_find_the_newest_schema(database_url: str) -> None:
    reached = await asyncio.gather(*(upgrade(database_url) for _ in range(6)))

    assert {one.current for one in reached} == {NEWEST}


async def test_a_migrating_copy_keeps_others_waiting_no_longer_than_they_like(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await other.execute("SELECT pg_advisory_xact_lock(%s)", (0x75736572,))

        with pytest.raises(UnavailableError):
            await upgrade(database_url, limits=Limits(wait_s=0.3))

    assert tables(database_url) == set()


async def test_a_version_that_meets_a_locked_table_gives_up_and_is_left_whole(migrated_database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(migrated_database_url) as reader:
        await reader.execute("SELECT * FROM inactivity_notices")

        with pytest.raises(UnavailableError):
            await downgrade(migrated_database_url, "base", limits=Limits(lock_timeout_s=0.2, tries=2, pause_s=0.1))

    # 0011 drops what is locked; those behind it were transactions of their own.
    assert (await status(migrated_database_url)).current == "0011"
    assert {"inactivity_notices", "retention_runs"} <= tables(migrated_database_url)


async def test_a_server_that_is_not_there_is_told_of(database_url: str) -> None:
    nowhere = driver_url(database_url).set(port=1).render_as_string(hide_password=False)

    with pytest.raises(UnavailableError):
        await status(nowhere)


async def test_no_version_stops_the_traffic_but_those_on_record(database_url: str) -> None:
    findings, unused = judged(await observed(database_url), RELEASED)

    assert ([str(one) for one in findings], unused) == ([], [])
    assert all(reason for reason in RELEASED.values())


def test_the_migrations_make_what_the_tables_say(migrated_database_url: str) -> None:
    engine = create_engine(driver_url(migrated_database_url), use_native_hstore=False)
    try:
        with engine.connect() as connection:
            assert _differences(connection) == []
            assert _constraints(connection) == _declared()
    finally:
        engine.dispose()


def _differences(connection: Connection) -> list[object]:
    rows = connection.exec_driver_sql("SELECT relname FROM pg_class WHERE relispartition")
    partitions = {name for (name,) in rows}
    options = {
        "version_table": "schema_version",
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, kind, _: kind != "table" or name not in partitions,
    }
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def _constraints(connection: Connection) -> set[str]:
    """Give the names of all constraints; Alembic compares neither checks nor primary keys."""
    rows = connection.exec_driver_sql(
        "SELECT conname FROM pg_constraint JOIN pg_namespace n ON n.oid = connamespace "
        "WHERE nspname = 'public' AND contype <> 'n' AND conrelid <> 'schema_version'::regclass "
        "AND NOT EXISTS (SELECT FROM pg_class WHERE oid = conrelid AND relispartition)"
    )
    return {name for (name,) in rows}


def _declared() -> set[str]:
    constraints = (one for table in metadata.tables.values() for one in table.constraints)
    # A table whose parts have keys of their own has none itself.
    return {str(one.name) for one in constraints if not isinstance(one, PrimaryKeyConstraint) or len(one.columns)}
