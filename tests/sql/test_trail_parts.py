"""History and the audit trail are parted under traffic, parts are made ahead, and no reader or writer notices."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from tests.builders import NOW, SetClock, creation, update
from tests.contracts.test_erasure import erasure
from tests.contracts.test_privacy_requests import a_request, noted
from tests.keys import MASTER_KEYS
from tests.sql.trails import Trail as Tale
from usercore.adapters.sql import Database, SqlPorts, downgrade, open_database, sql_ports, upgrade
from usercore.adapters.sql.migrating import Limits
from usercore.adapters.sql.quarters import AHEAD, KEYS, after
from usercore.kernel.secret import Secret
from usercore.observe.metrics import Metrics
from usercore.privacy.requests.values import RequestKind
from usercore.privacy.retention.values import Part, Trail
from usercore.settings import DatabaseSettings
from usercore.users.history import ReadPast
from usercore.users.ports import Change
from usercore.wiring.maintenance import Maintenance
from usercore.wiring.memory import memory_core

BEFORE = "0019"
DAY = timedelta(days=1)


async def sql(url: str, statement: str) -> Sequence[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        found = await connection.execute(statement.encode())
        return list(await found.fetchall()) if found.description else []


async def parts(ports: SqlPorts, trail: Trail) -> list[Part]:
    return [one for one in await ports.trail_parts.all() if one.trail is trail]


async def spread(url: str, table: str) -> dict[object, object]:
    """Give how many rows stand in each part that has any."""
    return dict(await sql(url, f"SELECT tableoid::regclass::text, count(*) FROM {table} GROUP BY 1"))  # type: ignore[arg-type]


async def beginning(ports: SqlPorts) -> datetime:
    """Give when the second part begins."""
    high = (await parts(ports, Trail.HISTORY))[0].high
    assert high is not None
    return high


async def lived(ports: SqlPorts, *times: datetime) -> list[Change]:
    """Commit a life whose changes happen at the times given."""
    changes = [creation(now=times[0])]
    for number, at in enumerate(times[1:]):
        changes.append(update(changes[-1].user, now=at, first_name=f"Grace {number}"))
    for change in changes:
        assert await ports.writer.commit([change]) == [None]
    return changes


async def test_tables_with_a_past_become_parts_while_others_write_and_go_back(
    database_url: str, tmp_path: Path
) -> None:
    await upgrade(database_url, BEFORE)
    async with open_database(DatabaseSettings(url=Secret(database_url))) as database:
        tale = Tale(database, tmp_path / "checkpoints.jsonl")
        people = await tale.born(3)
        await tale.live(people[0], 4)
        done = asyncio.Event()

        async def write(user_id: str) -> None:
            while not done.is_set():
                await tale.live(user_id, 2)  # type: ignore[arg-type]

        working = asyncio.gather(*(write(one) for one in people[:2]))
        await asyncio.sleep(0.2)
        patient = Limits(tries=200, pause_s=0.01, longest_pause_s=0.05)
        indexes = await sql(database_url, _INDEXES)
        await upgrade(database_url, limits=patient)
        await asyncio.sleep(0.2)
        done.set()
        await working
        await tale.checkpoint()

        assert (await tale.verify()).findings == ()
        # What was there is not built anew, and each index of a part belongs to one of its table.
        assert set(await sql(database_url, _INDEXES)) >= set(indexes)
        assert await sql(database_url, _STRAY) == []
        past = [await ports_history(tale.ports, one) for one in people]
        assert past == [list(range(tale.users[one].version, 0, -1)) for one in people]

        await downgrade(database_url, BEFORE, limits=patient)
        assert (await tale.verify()).findings == ()
        assert [await ports_history(tale.ports, one) for one in people] == past
        await upgrade(database_url, limits=patient)
        await tale.live(people[2], 1)
        assert (await tale.verify()).findings == ()


_INDEXES = f"""
SELECT i.indexrelid::bigint FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
WHERE c.relname ~ '^({"|".join(KEYS)})' AND c.relkind = 'r'
"""
_STRAY = f"""
SELECT i.indexrelid::regclass::text FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
WHERE c.relname ~ '^({"|".join(KEYS)})' AND c.relispartition AND NOT i.indisprimary
  AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = i.indexrelid)
"""


async def ports_history(ports: SqlPorts, user_id: str) -> list[int]:
    entries = await ports.history.entries(user_id, below_version=None, limit=10_000)  # type: ignore[arg-type]
    return [one.version for one in entries]


async def test_parts_are_made_ahead_without_a_gap_and_rows_go_where_their_time_is(
    ports: SqlPorts, migrated_database_url: str
) -> None:
    start = await beginning(ports)
    ahead = await ports.trail_parts.extend(after(start, 3) + DAY)

    assert ahead == {Trail.HISTORY: AHEAD, Trail.AUDIT: AHEAD}
    for trail in Trail:
        found = await parts(ports, trail)
        assert [one.low for one in found] == [None, *(after(start, count) for count in range(AHEAD + 4)), None]
        assert all(one.high == other.low for one, other in pairwise(found[:-1]))
    await lived(ports, NOW, start, after(start) - DAY, after(start), after(start, 99))
    assert sorted((await spread(migrated_database_url, "audit_entries")).values()) == [1, 1, 1, 2]  # type: ignore[type-var]
    assert await ports.trail_parts.extend(after(start, 3) + DAY) == ahead
    assert len(await parts(ports, Trail.AUDIT)) == AHEAD + 6


async def test_what_no_part_was_ready_for_stays_in_the_rest_and_parts_go_on_behind_it(
    ports: SqlPorts, migrated_database_url: str
) -> None:
    start = await beginning(ports)
    late = after(start, 20)
    await lived(ports, late)

    assert (await ports.trail_parts.extend(late + DAY))[Trail.AUDIT] == AHEAD
    assert await spread(migrated_database_url, "audit_entries") == {"audit_entries_rest": 1}
    await lived(ports, after(late))
    named = [one.name for one in await parts(ports, Trail.AUDIT) if one.low == after(late)]
    assert (await spread(migrated_database_url, "audit_entries")).keys() == {"audit_entries_rest", *named}


async def test_a_past_over_many_parts_is_read_as_one(ports: SqlPorts) -> None:
    start = await beginning(ports)
    await ports.trail_parts.extend(after(start, 6))
    times = [NOW, start, after(start, 2), after(start, 2) + DAY, after(start, 5), after(start, 40)]
    changes = await lived(ports, *times)
    user_id = changes[0].user.id
    past = ReadPast(ports.users, ports.history)

    assert await ports_history(ports, user_id) == [6, 5, 4, 3, 2, 1]
    for change, at in zip(changes, times, strict=True):
        assert await past.at(user_id, at) == change.user
        assert await past.at(user_id, at + DAY / 2) == change.user
    assert [one.version for one in await ports.history.entries(user_id, below_version=4, limit=2)] == [3, 2]


async def test_an_erasure_reaches_every_part(ports: SqlPorts, migrated_database_url: str) -> None:
    start = await beginning(ports)
    await ports.trail_parts.extend(after(start, 2))
    last = (await lived(ports, NOW, start, after(start), after(start, 40)))[-1]
    # As it was before there were keys: the values themselves have to go.
    await sql(migrated_database_url, """UPDATE user_history SET sealed = NULL, changes = '[["a", null, "Canary"]]'""")
    request = a_request(last.user, RequestKind.ERASURE)
    await ports.privacy_requests.add(noted(request))
    assert await ports.writer.commit([erasure(last.user, request.id)]) == [None]

    assert sum(dict(await spread(migrated_database_url, "user_history")).values()) == 5  # type: ignore[arg-type]
    assert len(await spread(migrated_database_url, "user_history")) == 4
    left = "SELECT count(*) FROM user_history WHERE changes::text LIKE '%Canary%'"
    assert await sql(migrated_database_url, left) == [(0,)]


@pytest.mark.parametrize("role", ["origin", "replica"])
async def test_every_part_refuses_to_change_or_lose_an_entry(
    ports: SqlPorts, migrated_database_url: str, role: str
) -> None:
    start = await beginning(ports)
    await ports.trail_parts.extend(after(start, 3))
    await lived(ports, NOW, start, after(start, 4), after(start, 40))
    async with await psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True) as owner:
        await owner.execute(f"SET session_replication_role = {role}".encode())
        for part in await spread(migrated_database_url, "audit_entries"):
            for statement in ("UPDATE {} SET action = 'x'", "DELETE FROM {}", "TRUNCATE {}"):
                with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
                    await owner.execute(statement.format(part).encode())


async def test_a_version_and_a_place_stand_once_in_a_part(ports: SqlPorts, migrated_database_url: str) -> None:
    await lived(ports, NOW)
    for table in KEYS:
        with pytest.raises(errors.UniqueViolation):
            await sql(migrated_database_url, f"INSERT INTO {table} SELECT * FROM {table}")


async def test_a_reader_who_takes_long_is_not_waited_for(ports: SqlPorts, migrated_database_url: str) -> None:
    start = await beginning(ports)
    async with await psycopg.AsyncConnection.connect(migrated_database_url) as reader:
        await reader.execute("SELECT * FROM user_history")
        ahead = await asyncio.wait_for(ports.trail_parts.extend(after(start, 1)), 5)
        assert ahead == {Trail.HISTORY: 0, Trail.AUDIT: AHEAD}
    assert (await ports.trail_parts.extend(after(start, 1)))[Trail.HISTORY] == AHEAD


async def test_a_role_that_owns_no_table_makes_no_part_and_that_is_seen(
    database: Database, ports: SqlPorts, migrated_database_url: str
) -> None:
    start, metrics = await beginning(ports), Metrics()
    role = f"guest_{migrated_database_url[-12:]}"
    await sql(migrated_database_url, f"CREATE ROLE {role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    try:
        as_guest = Secret(f"{migrated_database_url}?options=-c%20role%3D{role}")
        async with open_database(DatabaseSettings(url=as_guest)) as guest:
            clock = SetClock(after(start, 3))
            core = memory_core(clock=clock, trail_parts=sql_ports(guest, MASTER_KEYS).trail_parts)
            await Maintenance(core, metrics).once()
    finally:
        await sql(migrated_database_url, f"DROP OWNED BY {role}; DROP ROLE {role}")

    def told(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, labels)

    assert told("user_service_parts_ahead", trail="audit") == told("user_service_parts_ahead", trail="history") == 0
    assert told("user_service_maintenance_failures_total", task="parts_ahead") == 1
    assert (await parts(ports, Trail.HISTORY))[-2].low == after(start)
    # The owner's next look makes them, and the alarm ends.
    core = memory_core(clock=SetClock(after(start, 3)), trail_parts=ports.trail_parts)
    await Maintenance(core, metrics).once()
    assert told("user_service_parts_ahead", trail="audit") == AHEAD
    assert told("user_service_maintenance_failures_total", task="parts_ahead") == 1


async def test_an_upgrade_makes_parts_for_who_may_not(migrated_database_url: str, ports: SqlPorts) -> None:
    from usercore.wiring import migrations  # noqa: PLC0415

    for part in ("user_history", "audit_entries"):
        [(name,)] = await sql(
            migrated_database_url,
            f"SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = '{part}'::regclass"
            " AND inhrelid::regclass::text LIKE '%q_'",
        )
        await sql(migrated_database_url, f"DROP TABLE {name}")
    await migrations.upgrade(DatabaseSettings(url=Secret(migrated_database_url)))

    assert {one.trail for one in await ports.trail_parts.all()} == set(Trail)
    assert [len(await parts(ports, trail)) for trail in Trail] == [AHEAD + 2, AHEAD + 2]
