"""The outbox is partitioned under traffic, its partitions are made ahead and dropped whole, and no event is lost."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import psycopg

from tests.builders import NOW, creation, update
from tests.keys import MASTER_KEYS
from tests.sql.test_relay import taken
from usercore.adapters.sql import Database, SqlPorts, downgrade, open_database, sql_ports, upgrade
from usercore.adapters.sql.migrating import Limits
from usercore.adapters.sql.partitions import SPAN, OutboxPartitions
from usercore.delivery.ports import OutboxFilter
from usercore.kernel.ids import EventId
from usercore.kernel.secret import Secret
from usercore.settings import DatabaseSettings
from usercore.users.ports import Change

LATER = NOW + timedelta(days=1)


async def sql(url: str, statement: str) -> Sequence[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        found = await connection.execute(statement.encode())
        return list(await found.fetchall()) if found.description else []


async def spread(url: str) -> dict[object, object]:
    """Give how many rows stand in each partition that has any."""
    return dict(await sql(url, "SELECT tableoid::regclass::text, count(*) FROM outbox GROUP BY 1"))  # type: ignore[arg-type]


async def skip_to(url: str, number: int) -> None:
    """Let the next event have a number, as if all before it had been written."""
    await sql(url, f"SELECT setval('outbox_id_seq', {number}, false)")


async def names(database: Database) -> list[str]:
    return [one.name for one in await OutboxPartitions(database).all()]


async def written(ports: SqlPorts, count: int) -> list[Change]:
    changes = [creation() for _ in range(count)]
    assert await ports.writer.commit(changes) == [None] * count
    return changes


async def test_an_outbox_with_events_becomes_a_partition_while_others_write_and_publish(database_url: str) -> None:
    await upgrade(database_url, "0016")
    async with open_database(DatabaseSettings(url=Secret(database_url))) as database:
        ports = sql_ports(database, MASTER_KEYS)
        done = asyncio.Event()
        published: list[EventId] = []

        async def write() -> list[Change]:
            changes = []
            while not done.is_set():
                changes += await written(ports, 3)
                later = update(changes[-1].user, first_name="Lin")
                assert await ports.writer.commit([later]) == [None]
                changes.append(later)
            return changes

        async def publish() -> None:
            while not done.is_set():
                published.extend(one.event_id for one in await taken(ports))
                await asyncio.sleep(0)

        working = asyncio.gather(write(), write(), publish())
        await asyncio.sleep(0.2)
        await upgrade(database_url, limits=Limits(tries=200, pause_s=0.01, longest_pause_s=0.05))
        await asyncio.sleep(0.2)
        done.set()
        first, second, _ = await working
        published += [one.event_id for one in await taken(ports)]

        expected = [change.event_id for change in first + second]
        assert sorted(published) == sorted(expected)
        assert await ports.outbox.pending() == 0
        # And back into one table.
        await downgrade(database_url, "0016")
        assert await sql(database_url, "SELECT count(*) FROM outbox") == [(len(expected),)]
        assert await ports.shards.reopen(OutboxFilter(user_id=first[0].user.id)) == 1
        assert len(await written(ports, 1)) == 1


async def test_partitions_are_made_ahead_and_events_go_into_the_one_of_their_number(
    ports: SqlPorts, database: Database, migrated_database_url: str
) -> None:
    assert await names(database) == [
        "outbox_first",
        "outbox_p000001",
        "outbox_p000002",
        "outbox_p000003",
        "outbox_rest",
    ]
    await skip_to(migrated_database_url, SPAN)
    await written(ports, 1)
    await skip_to(migrated_database_url, 4 * SPAN)
    await written(ports, 2)
    assert await spread(migrated_database_url) == {"outbox_p000001": 1, "outbox_rest": 2}

    await ports.shards.purge(NOW)
    # What was passed over is full and empty.
    assert await names(database) == ["outbox_p000001", "outbox_p000006", "outbox_p000007", "outbox_rest"]
    await ports.shards.purge(NOW)
    await skip_to(migrated_database_url, 6 * SPAN)
    await written(ports, 1)
    assert (await spread(migrated_database_url))["outbox_p000006"] == 1
    assert len(await taken(ports)) == 4


async def test_a_full_partition_goes_whole_once_all_in_it_is_old_and_published(
    ports: SqlPorts, database: Database, migrated_database_url: str
) -> None:
    await written(ports, 2)
    assert len(await taken(ports)) == 2
    await skip_to(migrated_database_url, SPAN + 5)
    [waiting] = await written(ports, 1)

    await ports.shards.purge(NOW)
    assert "outbox_first" in await names(database)
    await ports.shards.purge(LATER)

    assert "outbox_first" not in await names(database)
    assert await sql(migrated_database_url, "SELECT to_regclass('outbox_first')") == [(None,)]
    assert [one.event_id for one in await taken(ports)] == [waiting.event_id]


async def test_what_is_not_published_keeps_its_partition_but_not_its_neighbours(
    ports: SqlPorts, database: Database, migrated_database_url: str
) -> None:
    await written(ports, 3)
    assert len(await taken(ports)) == 3
    [waiting] = await written(ports, 1)
    await skip_to(migrated_database_url, SPAN + 5)
    await written(ports, 1)

    assert await ports.shards.purge(LATER) == 3

    assert await spread(migrated_database_url) == {"outbox_first": 1, "outbox_p000001": 1}
    assert waiting.event_id in [one.event_id for one in await taken(ports)]
    await ports.shards.purge(LATER)
    assert "outbox_first" not in await names(database)


async def test_a_busy_outbox_is_left_as_it_is(ports: SqlPorts, database: Database, migrated_database_url: str) -> None:
    await written(ports, 1)
    assert len(await taken(ports)) == 1
    await skip_to(migrated_database_url, 3 * SPAN)
    await written(ports, 1)
    async with await psycopg.AsyncConnection.connect(migrated_database_url) as reader:
        await reader.execute("SELECT * FROM outbox")

        await asyncio.wait_for(ports.shards.purge(LATER), 5)
        assert "outbox_first" in await names(database)

    await ports.shards.purge(LATER)
    assert "outbox_first" not in await names(database)


async def test_a_role_that_owns_no_table_deletes_rows_and_leaves_the_partitions(
    ports: SqlPorts, database: Database, migrated_database_url: str
) -> None:
    await written(ports, 2)
    assert len(await taken(ports)) == 2
    await skip_to(migrated_database_url, 4 * SPAN)
    await written(ports, 1)
    assert len(await taken(ports)) == 1
    before = await names(database)
    role = f"guest_{migrated_database_url[-12:]}"
    await sql(migrated_database_url, f"CREATE ROLE {role}; GRANT SELECT, UPDATE, DELETE ON outbox TO {role}")
    try:
        as_guest = Secret(f"{migrated_database_url}?options=-c%20role%3D{role}")
        async with open_database(DatabaseSettings(url=as_guest)) as guest:
            assert await sql_ports(guest, MASTER_KEYS).shards.purge(LATER) == 3
    finally:
        await sql(migrated_database_url, f"DROP OWNED BY {role}; DROP ROLE {role}")

    assert (await names(database), await spread(migrated_database_url)) == (before, {})


async def test_rights_and_publications_follow(database_url: str) -> None:
    await upgrade(database_url, "0016")
    name = f"writer_{database_url[-12:]}"
    await sql(database_url, f"CREATE ROLE {name}")
    try:
        await sql(database_url, f"GRANT SELECT, INSERT ON outbox TO {name}")
        await sql(database_url, "CREATE PUBLICATION events FOR TABLE outbox")

        await upgrade(database_url)

        rights = (
            f"SELECT has_table_privilege('{name}', 'outbox', p) FROM unnest(ARRAY['SELECT', 'INSERT', 'DELETE']) AS p"
        )
        assert await sql(database_url, rights) == [(True,), (True,), (False,)]
        published = "SELECT tablename::text, pubviaroot FROM pg_publication_tables JOIN pg_publication USING (pubname)"
        assert await sql(database_url, published) == [("outbox", True)]
    finally:
        await sql(database_url, f"DROP OWNED BY {name}")
        await sql(database_url, f"DROP ROLE {name}")
