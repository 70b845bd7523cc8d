"""The chain that PostgreSQL makes is the one that the library says, and nobody can change it."""

import asyncio
from datetime import UTC

import psycopg
import pytest
from psycopg import errors

from tests.builders import IDS, NOW, OPERATOR, creation, update
from usercore.adapters.sql import Database, SqlPorts, upgrade
from usercore.adapters.sql.migrating import downgrade
from usercore.audit.chain import GENESIS, digest_of, link
from usercore.audit.entry import SERVICE_CHAIN, AuditEntry
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import EventId, UserId

READ = """
SELECT user_id::text, sequence, event_id::text, occurred_at, actor_kind, actor_id, action, fields, correlation_id,
       causation_id, version, contents_hash, hash
FROM audit_entries ORDER BY user_id, sequence
"""


def a_reading(user_id: UserId, action: str = "UserRead") -> AuditEntry:
    return AuditEntry(user_id, IDS.event_id(), NOW, OPERATOR, action, ("profile",), "conversation-1", None)


async def chains(database: Database) -> dict[str, list[tuple[int, int | None, str]]]:
    """Recompute every chain, and return sequence, version and action of each entry."""
    found: dict[str, list[tuple[int, int | None, str]]] = {}
    previous: dict[str, bytes] = {}
    for row in await database.fetch(READ.encode()):
        user_id, sequence, event_id, at, kind, actor, action, fields, *said, kept = row
        who = Actor(ActorKind(kind), actor)
        entry = AuditEntry(UserId(user_id), EventId(event_id), at.astimezone(UTC), who, action, tuple(fields), *said)
        assert kept == link(previous.get(user_id, GENESIS), sequence, digest_of(entry))
        previous[user_id] = kept
        found.setdefault(user_id, []).append((sequence, entry.version, action))
    heads = await database.fetch(b"SELECT user_id::text, sequence, hash FROM audit_heads WHERE sequence > 0")
    assert {head[0]: head[1:] for head in heads} == {
        user_id: (len(entries), previous[user_id]) for user_id, entries in found.items()
    }
    return found


async def test_changes_and_readings_stand_in_one_chain_that_the_library_recomputes(
    database: Database, ports: SqlPorts
) -> None:
    born, other = creation(), creation()
    assert await ports.writer.commit([born, other]) == [None, None]
    await ports.trail.append([a_reading(born.user.id), a_reading(SERVICE_CHAIN), a_reading(born.user.id)])
    assert await ports.writer.commit(
        [update(born.user, first_name="Größe 𐐷"), update(other.user, first_name="Ada")]
    ) == [None, None]

    assert await chains(database) == {
        born.user.id: [(1, 1, "UserCreated"), (2, None, "UserRead"), (3, None, "UserRead"), (4, 2, "UserUpdated")],
        other.user.id: [(1, 1, "UserCreated"), (2, 2, "UserUpdated")],
        SERVICE_CHAIN: [(1, None, "UserRead")],
    }


async def test_many_who_write_and_read_at_once_leave_chains_without_a_gap(database: Database, ports: SqlPorts) -> None:
    born = [creation() for _ in range(5)]
    assert await ports.writer.commit(born) == [None] * 5

    async def write(number: int) -> None:
        user = born[number].user
        for step in range(20):
            change = update(user, first_name=f"step {step}")
            assert await ports.writer.commit([change]) == [None]
            user = change.user

    async def read(number: int) -> None:
        for step in range(20):
            ids = [born[number].user.id, born[(number + step) % 5].user.id, SERVICE_CHAIN]
            await ports.trail.append([a_reading(user_id) for user_id in dict.fromkeys(ids)])

    await asyncio.gather(*map(write, range(5)), *map(read, range(5)))

    found = await chains(database)
    assert len(found[SERVICE_CHAIN]) == 100
    assert [len([one for one in found[change.user.id] if one[1]]) for change in born] == [21] * 5


async def test_an_entry_that_stands_already_takes_none_of_the_others_with_it(
    database: Database, ports: SqlPorts
) -> None:
    born = creation()
    assert await ports.writer.commit([born]) == [None]
    broken = a_reading(born.user.id, action=None)  # type: ignore[arg-type]
    with pytest.raises(errors.NotNullViolation):
        await ports.trail.append([a_reading(born.user.id), broken])

    assert await chains(database) == {born.user.id: [(1, 1, "UserCreated")]}


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET actor_id = 'nobody'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "DELETE FROM audit_heads",
        "TRUNCATE audit_heads",
    ],
)
async def test_the_database_refuses_to_change_or_remove_an_entry(
    ports: SqlPorts, migrated_database_url: str, role: str, statement: str
) -> None:
    assert await ports.writer.commit([creation()]) == [None]

    with psycopg.connect(migrated_database_url) as connection:
        connection.execute(f"SET session_replication_role = {role}")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement.encode())


async def test_entries_from_before_there_were_chains_begin_them(
    database: Database, ports: SqlPorts, migrated_database_url: str
) -> None:
    born = [creation() for _ in range(3)]
    assert await ports.writer.commit(born) == [None] * 3
    grown = update(born[0].user, last_name="Hopper-Murray")
    assert await ports.writer.commit([grown]) == [None]
    await ports.trail.append([a_reading(born[0].user.id)])

    await downgrade(migrated_database_url, "0005")
    await upgrade(migrated_database_url)

    assert await chains(database) == {
        born[0].user.id: [(1, 1, "UserCreated"), (2, 2, "UserUpdated")],
        born[1].user.id: [(1, 1, "UserCreated")],
        born[2].user.id: [(1, 1, "UserCreated")],
    }
    assert await ports.writer.commit([update(grown.user, last_name="Murray")]) == [None]
    assert len((await chains(database))[born[0].user.id]) == 3
