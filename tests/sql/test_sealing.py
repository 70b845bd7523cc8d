"""What is remembered and what has been published lies sealed, and is gone with the user's key."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime

import psycopg
import pytest

from tests.builders import NOW, a_profile, creation, update
from tests.keys import MASTER_KEYS
from tests.letters import a_letter, a_message, parked
from usercore.adapters.crypto import AesMasterKeys
from usercore.adapters.sql import Database, SqlPorts, sql_ports
from usercore.delivery.ports import OutboxBatch, OutboxFilter, OutboxMessage
from usercore.kernel.sealing import MasterKeyMissingError, SealBrokenError
from usercore.users.ports import Change, HistoryEntry

CANARY = "Canary4711"


async def published(ports: SqlPorts) -> Sequence[OutboxMessage]:
    """Publish everything, and return it."""
    gone: list[OutboxMessage] = []

    async def publish(batch: OutboxBatch) -> datetime:
        gone.extend(batch.messages)
        return NOW

    while await ports.shards.drain(publish, shards=64, limit=1000, patience_s=5):
        pass
    return gone


async def history(ports: SqlPorts, change: Change) -> Sequence[HistoryEntry]:
    return await ports.history.entries(change.user.id, below_version=None, limit=100)


def dump(url: str, *tables: str) -> str:
    with psycopg.connect(url) as connection:
        return "".join(str(connection.execute(f"SELECT t::text FROM {name} AS t").fetchall()) for name in tables)


async def test_history_is_sealed_and_reads_as_it_was_written(ports: SqlPorts, migrated_database_url: str) -> None:
    born = creation(a_profile(first_name=CANARY))
    changed = update(born.user, last_name=CANARY)
    assert await ports.writer.commit([born]) == [None]
    assert await ports.writer.commit([changed]) == [None]

    fresh = sql_ports(ports.writer.database, MASTER_KEYS)
    assert [entry.changes for entry in await history(fresh, born)] == [changed.changes, born.changes]
    assert CANARY not in dump(migrated_database_url, "user_history", "audit_entries", "user_keys")


async def test_a_payload_lies_in_the_clear_until_it_is_published_and_can_be_published_again(
    ports: SqlPorts, migrated_database_url: str
) -> None:
    born = creation(a_profile(first_name=CANARY))
    assert await ports.writer.commit([born]) == [None]
    assert CANARY in dump(migrated_database_url, "outbox")

    first = await published(ports)

    assert CANARY not in dump(migrated_database_url, "outbox")
    assert await ports.outbox.messages(after=0, limit=10) == first
    assert await ports.shards.reopen(OutboxFilter()) == 1
    assert await published(ports) == first
    assert CANARY not in dump(migrated_database_url, "outbox")


async def test_without_the_users_key_nothing_opens_and_the_event_is_forgotten(
    ports: SqlPorts, migrated_database_url: str
) -> None:
    shredded, other = creation(a_profile(first_name=CANARY)), creation()
    assert await ports.writer.commit([shredded, other]) == [None, None]
    await published(ports)
    with psycopg.connect(migrated_database_url) as connection:
        connection.execute("DELETE FROM user_keys WHERE user_id = %s", (shredded.user.id,))

    fresh = sql_ports(ports.writer.database, MASTER_KEYS)
    assert [(entry.message, entry.changes) for entry in await history(fresh, shredded)] == [("UserCreated", ())]
    assert [message.user_id for message in await fresh.outbox.messages(after=0, limit=10)] == [other.user.id]
    assert await fresh.shards.reopen(OutboxFilter()) == 2
    assert [message.user_id for message in await published(fresh)] == [other.user.id]
    assert (await fresh.outbox.standing()).published == 1


async def test_a_user_from_before_there_were_keys_gets_one_with_the_next_change(
    ports: SqlPorts, migrated_database_url: str
) -> None:
    born = creation()
    assert await ports.writer.commit([born]) == [None]
    with psycopg.connect(migrated_database_url) as connection:
        connection.execute("DELETE FROM user_keys")
        connection.execute("UPDATE user_history SET sealed = NULL, changes = '[]'")

    copies = [sql_ports(ports.writer.database, MASTER_KEYS) for _ in range(8)]
    changes = [update(born.user, first_name=f"{CANARY}{number}") for number in range(8)]
    outcomes = await asyncio.gather(*(one.writer.commit([change]) for one, change in zip(copies, changes, strict=True)))

    [winner] = [number for number, [outcome] in enumerate(outcomes) if outcome is None]
    for reader in (*copies, sql_ports(ports.writer.database, MASTER_KEYS)):
        [newest, _] = await history(reader, born)
        assert newest.changes == changes[winner].changes


async def test_a_row_moved_to_another_place_does_not_open(ports: SqlPorts, migrated_database_url: str) -> None:
    born = creation()
    assert await ports.writer.commit([born]) == [None]
    assert await ports.writer.commit([update(born.user, first_name="Another")]) == [None]
    with psycopg.connect(migrated_database_url) as connection:
        connection.execute(
            "UPDATE user_history AS h SET sealed = o.sealed FROM user_history AS o WHERE h.version <> o.version"
        )

    with pytest.raises(SealBrokenError):
        await history(ports, born)


async def test_a_process_without_the_master_key_says_which_is_missing(ports: SqlPorts, database: Database) -> None:
    born = creation()
    assert await ports.writer.commit([born]) == [None]

    stranger = sql_ports(database, AesMasterKeys.of({2: bytes(32)}))
    with pytest.raises(MasterKeyMissingError) as caught:
        await history(stranger, born)
    assert "master key 1 is missing" in str(caught.value)


@pytest.mark.parametrize("table", ["dead_letters", "parked_messages"])
async def test_what_is_set_aside_is_sealed_and_can_be_found_by_whom_it_names(
    ports: SqlPorts, migrated_database_url: str, table: str
) -> None:
    user_id = creation().user.id
    message = a_message(
        key=CANARY.encode(), value=json.dumps({"customerId": user_id, "x": CANARY}).encode(), headers=((CANARY, b"1"),)
    )
    if table == "dead_letters":
        await ports.dead_letters.add([a_letter(message)])
    else:
        await ports.parked.park([parked(message=message)])

    with psycopg.connect(migrated_database_url) as connection:
        [row] = connection.execute(f"SELECT t::text, user_id::text, sealed FROM {table} AS t").fetchall()
    assert row[1] == user_id
    assert CANARY not in row[0]
    assert CANARY.encode() not in row[2]


async def test_a_message_moved_to_another_row_does_not_open(ports: SqlPorts, migrated_database_url: str) -> None:
    one, other = a_letter(), a_letter()
    await ports.dead_letters.add([one, other])
    with psycopg.connect(migrated_database_url) as connection:
        connection.execute(
            "UPDATE dead_letters SET sealed = o.sealed FROM dead_letters AS o WHERE dead_letters.id <> o.id"
        )

    with pytest.raises(SealBrokenError):
        await ports.dead_letters.get(one.id)


async def test_copies_of_the_service_agree_on_the_key_for_looking_up(database: Database) -> None:
    copies = [sql_ports(database, MASTER_KEYS) for _ in range(8)]
    digests = await asyncio.gather(*(one.keyed.digest("email", "grace@example.com") for one in copies))
    assert len(set(digests)) == 1
    assert await copies[0].keyed.digest("phone", "grace@example.com") not in digests
