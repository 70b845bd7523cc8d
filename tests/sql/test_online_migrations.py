"""Versions go up under traffic: each by itself, waiting a bounded time, and again from where they were broken off."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from tests.e2e.harness.waiting import until
from tests.sql.made_versions import Versions
from tests.sql.wires import wire_to
from usercore.adapters.sql import downgrade, status, upgrade
from usercore.adapters.sql.migrating import Limits
from usercore.adapters.sql.versions import Phase
from usercore.kernel.errors import UnavailableError

QUICK = Limits(lock_timeout_s=0.1, tries=3, pause_s=0.05, longest_pause_s=0.1, wait_s=5, beat_s=0.05)


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    """One version, which makes a table with 25 rows."""
    made = Versions(tmp_path)
    made.write("op.execute('CREATE TABLE things AS SELECT i AS id, 0 AS done FROM generate_series(1, 25) AS i')")
    return made


async def sql(url: str, statement: str) -> Sequence[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        found = await connection.execute(statement.encode())
        return list(await found.fetchall()) if found.description else []


async def seen(url: str, condition: str) -> bool:
    """Whether a session does something just now."""
    query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {condition}"
    return await sql(url, query) != [(0,)]


@asynccontextmanager
async def reading(url: str, table: str) -> AsyncIterator[psycopg.AsyncConnection[tuple[object, ...]]]:
    """Hold a table as a long read does."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute(f"SELECT * FROM {table}".encode())
        yield connection


async def test_a_version_that_fails_leaves_the_ones_before_it(database_url: str, versions: Versions) -> None:
    versions.write("op.execute('ALTER TABLE things ADD COLUMN name text'); op.execute('SELECT 1 / 0')")

    with pytest.raises(Exception, match="division by zero"):
        await upgrade(database_url, limits=QUICK, folder=versions.folder)

    assert (await status(database_url, folder=versions.folder)).current == "0001"
    assert await sql(
        database_url, "SELECT count(*) FROM pg_attribute WHERE attname = 'name' AND attrelid = 'things'::regclass"
    ) == [(0,)]


async def test_a_locked_table_is_tried_again_and_nobody_waits_long_behind(
    database_url: str, versions: Versions
) -> None:
    await upgrade(database_url, limits=QUICK, folder=versions.folder)
    versions.write("op.execute('ALTER TABLE things ADD COLUMN name text')")
    told: list[str] = []
    patient = Limits(lock_timeout_s=0.1, tries=100, pause_s=0.05, longest_pause_s=0.05)

    async with reading(database_url, "things") as reader:
        going = asyncio.create_task(upgrade(database_url, limits=patient, told=told.append, folder=versions.folder))
        while len(told) < 2:
            # Whoever comes while it waits stands behind it for as long as it waits, and no longer.
            await asyncio.wait_for(sql(database_url, "SET lock_timeout = '2s'; SELECT count(*) FROM things"), 5)
        assert not going.done()
        await reader.rollback()
        reached = await going

    assert (reached.current, told[-1]) == ("0002", "0002 (expand: Number 2.)")
    assert all("more tries" in line for line in told[:-1])


async def test_a_table_that_stays_locked_ends_it_and_says_which_version(database_url: str, versions: Versions) -> None:
    await upgrade(database_url, limits=QUICK, folder=versions.folder)
    versions.write("op.execute('ALTER TABLE things ADD COLUMN name text')")

    async with reading(database_url, "things"):
        with pytest.raises(UnavailableError, match="version 0002 did not get a table"):
            await upgrade(database_url, limits=QUICK, folder=versions.folder)


async def test_half_an_index_is_dropped_and_made_again(database_url: str, versions: Versions) -> None:
    versions.write(
        "online.create_index('ux_things_id', 'things (id)', unique=True)",
        down="online.drop_index('ux_things_id')",
        transactional=False,
    )
    await upgrade(database_url, "0001", limits=QUICK, folder=versions.folder)
    await sql(database_url, "INSERT INTO things VALUES (1, 0)")
    with pytest.raises(Exception, match="could not create unique index"):
        await upgrade(database_url, limits=QUICK, folder=versions.folder)
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ux_things_id')"
    assert await sql(database_url, valid) == [(False,)]

    await sql(database_url, "DELETE FROM things WHERE ctid = (SELECT max(ctid) FROM things)")
    reached = await upgrade(database_url, limits=QUICK, folder=versions.folder)

    assert (reached.current, await sql(database_url, valid)) == ("0002", [(True,)])
    await downgrade(database_url, "0001", limits=QUICK, folder=versions.folder)
    assert await sql(database_url, valid) == []


async def test_a_backfill_goes_on_where_it_was_broken_off(database_url: str, versions: Versions) -> None:
    statement = (
        "UPDATE things SET done = 100 / (id - 17 + done) * 0 + 1 WHERE id IN"
        " (SELECT id FROM things WHERE done = 0 ORDER BY id LIMIT :batch)"
    )
    versions.write(f"online.backfill({statement!r}, batch=5)", phase="data", transactional=False)
    with pytest.raises(Exception, match="division by zero"):
        await upgrade(database_url, limits=QUICK, folder=versions.folder)
    assert await sql(database_url, "SELECT count(*) FROM things WHERE done = 1") == [(15,)]

    await sql(database_url, "UPDATE things SET id = 18 WHERE id = 17")
    reached = await upgrade(database_url, limits=QUICK, folder=versions.folder)

    assert reached.pending == ()
    assert await sql(database_url, "SELECT count(*) FROM things WHERE done = 1") == [(25,)]


async def test_a_constraint_is_added_and_then_validated(database_url: str, versions: Versions) -> None:
    versions.write("online.add_constraint('things', 'ck_things_id', 'CHECK (id > 1)')", transactional=False)
    with pytest.raises(Exception, match="ck_things_id"):
        await upgrade(database_url, limits=QUICK, folder=versions.folder)
    await sql(database_url, "DELETE FROM things WHERE id = 1")

    await upgrade(database_url, limits=QUICK, folder=versions.folder)

    assert await sql(database_url, "SELECT convalidated FROM pg_constraint WHERE conname = 'ck_things_id'") == [(True,)]


async def test_what_older_copies_use_is_taken_away_only_when_asked(database_url: str, versions: Versions) -> None:
    await upgrade(database_url, limits=QUICK, folder=versions.folder)
    versions.write("op.execute('ALTER TABLE things ADD COLUMN name text')")
    versions.write("op.execute('ALTER TABLE things DROP COLUMN done')", phase="contract")
    versions.write("op.execute('ALTER TABLE things ADD COLUMN more text')")

    stopped = await upgrade(database_url, contract=False, limits=QUICK, folder=versions.folder)

    assert (stopped.current, stopped.pending) == ("0002", ("0003", "0004"))
    assert [one.phase for one in stopped.versions] == [Phase.EXPAND, Phase.EXPAND, Phase.CONTRACT, Phase.EXPAND]
    assert (await upgrade(database_url, limits=QUICK, folder=versions.folder)).pending == ()


async def test_an_empty_database_has_no_older_copies(database_url: str, versions: Versions) -> None:
    versions.write("op.execute('ALTER TABLE things DROP COLUMN done')", phase="contract")

    reached = await upgrade(database_url, contract=False, limits=QUICK, folder=versions.folder)

    assert reached.pending == ()


async def test_the_turn_is_kept_from_version_to_version(database_url: str, versions: Versions) -> None:
    await upgrade(database_url, limits=QUICK, folder=versions.folder)
    versions.write("op.execute('ALTER TABLE things ADD COLUMN name text')")
    versions.write("online.create_index('ix_things_id', 'things (id)')", transactional=False)

    async with reading(database_url, "schema_version"), await psycopg.AsyncConnection.connect(database_url) as writer:
        await upgrade(database_url, "0002", limits=QUICK, folder=versions.folder)
        await writer.execute("UPDATE things SET done = 0")
        # The index waits for the open transaction, between two versions as far as any transaction is concerned.
        going = asyncio.create_task(upgrade(database_url, limits=QUICK, folder=versions.folder))
        waits = "query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'"
        await until(lambda: seen(database_url, waits), "the index waits")
        with pytest.raises(UnavailableError, match="another copy migrates"):
            await upgrade(database_url, limits=Limits(wait_s=0.3), folder=versions.folder)
        await writer.rollback()
        assert (await going).pending == ()


async def test_what_is_no_transaction_is_not_done_through_a_pooler(database_url: str, versions: Versions) -> None:
    versions.write("online.create_index('ix_things_id', 'things (id)')", transactional=False)

    async with wire_to(database_url, posing=True) as wire:
        with pytest.raises(UnavailableError, match="0002 cannot run through a pooler: USER_SERVICE_DB_MIGRATION_URL"):
            await upgrade(wire.url, limits=QUICK, folder=versions.folder)

    assert (await status(database_url, folder=versions.folder)).current == "0001"


async def test_who_loses_the_turn_stops(database_url: str, versions: Versions) -> None:
    await upgrade(database_url, limits=QUICK, folder=versions.folder)
    versions.write("op.execute('SELECT pg_sleep(20)')")
    going = asyncio.create_task(upgrade(database_url, limits=QUICK, folder=versions.folder))
    sleeping = "query LIKE 'SELECT pg_sleep%'"
    await until(lambda: seen(database_url, sleeping), "the version is under way")

    await sql(
        database_url,
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )

    with pytest.raises(UnavailableError, match="the turn to migrate was lost"):
        await asyncio.wait_for(going, 10)
    assert (await status(database_url, folder=versions.folder)).current == "0001"
