"""Keys are wrapped anew beside whoever uses or deletes them, and what lies in the clear is sealed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import psycopg
import pytest

from tests.builders import IDS, NOW, SetClock, a_context, a_profile, creation, update
from tests.keys import MASTER_KEYS
from tests.letters import a_letter, a_message, parked
from usercore.adapters.crypto import AesMasterKeys
from usercore.adapters.sql import Database, SqlPorts, sql_ports
from usercore.delivery.ports import OutboxBatch
from usercore.kernel.reasons import ReasonInvalidError
from usercore.kernel.sealing import MasterKeyMissingError
from usercore.privacy.keys.ports import Plain
from usercore.privacy.keys.rotate_keys import RotateKeys
from usercore.privacy.keys.seal_plain import SealPlain

OLD_AND_NEW = AesMasterKeys.of({1: bytes(range(32)), 2: bytes(32)})
NEW_ALONE = AesMasterKeys.of({2: bytes(32)})
CANARY = "Canary4711"


@pytest.fixture
async def rotated(database: Database) -> SqlPorts:
    """The ports of a copy that knows the next master key as well."""
    return sql_ports(database, OLD_AND_NEW)


@pytest.fixture
async def connection(migrated_database_url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True) as opened:
        yield opened


async def rotate(ports: SqlPorts, reason: str = "yearly") -> int:
    work = RotateKeys(ports.key_store, ports.trail, SetClock(), IDS)
    return await work(reason, a_context(), lambda _: None)


async def seal(ports: SqlPorts) -> dict[Plain, int]:
    work = SealPlain(ports.key_store, ports.trail, SetClock(), IDS)
    return dict(await work("upgrade", a_context(), lambda *_: None))


async def born(ports: SqlPorts, count: int) -> Sequence[Any]:
    changes = [creation(a_profile(first_name=f"{CANARY}-{number}")) for number in range(count)]
    assert set(await ports.writer.commit(changes)) == {None}
    return changes


async def test_after_a_rotation_the_old_master_key_is_needed_no_more(
    ports: SqlPorts, rotated: SqlPorts, database: Database
) -> None:
    changes = await born(ports, 3)
    digest = await ports.keyed.digest("email", "x")

    assert await rotate(rotated) == 4
    assert await rotate(rotated) == 0

    standing = await rotated.key_store.standing()
    assert (standing.current, standing.users, standing.service, standing.outdated) == (2, {2: 3}, {2: 1}, 0)
    alone = sql_ports(database, NEW_ALONE)
    for change in changes:
        [entry] = await alone.history.entries(change.user.id, below_version=None, limit=5)
        assert entry.changes == change.changes
    assert await alone.keyed.digest("email", "x") == digest


async def test_the_audit_trail_knows_who_rotated_and_why(
    rotated: SqlPorts, connection: psycopg.AsyncConnection[Any]
) -> None:
    with pytest.raises(ReasonInvalidError):
        await rotate(rotated, " ")
    await rotate(rotated)

    said = await connection.execute("SELECT action, actor_id, causation_id FROM audit_entries")
    assert await said.fetchall() == [("KeysRotated", "ada", "reason: yearly")]


async def test_a_rotation_without_the_old_master_key_says_which_is_missing(ports: SqlPorts, database: Database) -> None:
    await born(ports, 1)
    with pytest.raises(MasterKeyMissingError):
        await rotate(sql_ports(database, NEW_ALONE))


async def test_a_key_that_is_deleted_during_a_rotation_stays_deleted(
    ports: SqlPorts, rotated: SqlPorts, migrated_database_url: str
) -> None:
    changes = await born(ports, 20)
    gone = changes[7].user.id
    async with await psycopg.AsyncConnection.connect(migrated_database_url) as erasing:
        await erasing.execute("DELETE FROM user_keys WHERE user_id = %s", (gone,))
        # The row is locked: it is passed over, and nobody waits.
        assert await rotate(rotated) == 19
        await erasing.commit()

    assert await rotate(rotated) == 0
    assert gone not in await rotated.history.vault.keys_of([change.user.id for change in changes])


async def test_copies_that_rotate_together_share_the_work_while_others_write(
    ports: SqlPorts, rotated: SqlPorts, database: Database
) -> None:
    changes = await born(ports, 200)
    writer = sql_ports(database, OLD_AND_NEW)

    async def write() -> None:
        for number, change in enumerate(changes):
            assert await writer.writer.commit([update(change.user, last_name=f"{number}")]) == [None]

    first, second, _ = await asyncio.gather(rotate(rotated), rotate(sql_ports(database, OLD_AND_NEW)), write())

    assert first + second == 200
    alone = sql_ports(database, NEW_ALONE)
    for change in changes:
        newest, oldest = await alone.history.entries(change.user.id, below_version=None, limit=5)
        assert (oldest.changes, newest.changes[0].field) == (change.changes, "last_name")


async def as_before_there_were_keys(connection: psycopg.AsyncConnection[Any], *ids: str) -> None:
    """Put history and published events into the clear, and take the keys away."""
    await connection.execute(
        """UPDATE user_history SET sealed = NULL, changes = '[["first_name", null, "Canary4711"]]'"""
    )
    await connection.execute("UPDATE outbox SET sealed = NULL, payload = json_build_object('userId', aggregateid)")
    await connection.execute("DELETE FROM user_keys")
    for table in ("dead_letters", "parked_messages"):
        await connection.execute(
            f"""
            UPDATE {table} SET sealed = NULL, value_bytes = NULL, user_id = NULL, headers = '[]', key = %s, value = %s
            """,
            (ids[0].encode(), CANARY.encode()),
        )


async def test_what_lay_in_the_clear_is_sealed_and_reads_as_before(
    ports: SqlPorts, database: Database, connection: psycopg.AsyncConnection[Any]
) -> None:
    changes = await born(ports, 3)
    erased = changes[2].user.id
    await ports.shards.drain(_published, shards=64, limit=100, patience_s=5)
    letter, waiting = a_letter(a_message()), parked()
    await ports.dead_letters.add([letter])
    await ports.parked.park([waiting])
    await as_before_there_were_keys(connection, changes[0].user.id)
    await connection.execute("UPDATE users SET state = 'ERASED' WHERE id = %s", (erased,))
    fresh = sql_ports(database, MASTER_KEYS)
    assert sum((await fresh.key_store.standing()).plain.values()) == 8

    assert await seal(fresh) == {Plain.HISTORY: 3, Plain.OUTBOX: 3, Plain.DEAD_LETTERS: 1, Plain.PARKED: 1}

    assert set((await fresh.key_store.standing()).plain.values()) == {0}
    assert set((await seal(fresh)).values()) == {0}
    said = {}
    for change in changes:
        [entry] = await fresh.history.entries(change.user.id, below_version=None, limit=5)
        said[change.user.id] = [one.after for one in entry.changes]
    assert list(said.values()) == [[CANARY], [CANARY], []]
    assert erased not in await fresh.history.vault.keys_of([erased])
    assert len(await fresh.outbox.messages(after=0, limit=10)) == 2
    kept = await fresh.dead_letters.get(letter.id)
    assert kept is not None
    assert (kept.message.key, kept.message.value) == (changes[0].user.id.encode(), CANARY.encode())
    for table in ("user_history", "outbox", "dead_letters", "parked_messages"):
        rows = await (await connection.execute(f"SELECT t::text FROM {table} AS t")).fetchall()
        assert CANARY not in str(rows)
    named = await (await connection.execute("SELECT user_id::text FROM dead_letters")).fetchall()
    assert named == [(changes[0].user.id,)]


async def _published(batch: OutboxBatch) -> Any:
    return NOW


async def test_a_user_of_old_who_is_written_while_sealing_has_one_key(
    ports: SqlPorts, database: Database, connection: psycopg.AsyncConnection[Any]
) -> None:
    changes = await born(ports, 100)
    await as_before_there_were_keys(connection, changes[0].user.id)
    sealer, writer = sql_ports(database, MASTER_KEYS), sql_ports(database, MASTER_KEYS)

    async def write() -> None:
        for change in reversed(changes):
            assert await writer.writer.commit([update(change.user, last_name="Later")]) == [None]

    await asyncio.gather(seal(sealer), write())

    reader = sql_ports(database, MASTER_KEYS)
    for change in changes:
        newest, oldest = await reader.history.entries(change.user.id, below_version=None, limit=5)
        assert newest.changes[0].after == "Later"
        assert oldest.changes[0].after == CANARY
