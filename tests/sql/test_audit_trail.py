"""The audit trail verifies as long as nobody touched it, and the database refuses to touch it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest
from attrs import evolve

from tests.builders import IDS, OPERATOR, SetClock, change_of
from tests.sql.tampering import TABLES, TAMPERINGS, Crime, database_over
from tests.sql.trails import LOOK, Trail
from usercore.adapters.crypto.signing import Ed25519Signer
from usercore.adapters.local.checkpoints import read_notes
from usercore.adapters.sql import Database
from usercore.adapters.sql.archive import SqlAuditArchive
from usercore.adapters.sql.checkpoints import SqlCheckpointLog
from usercore.adapters.sql.engine import Row
from usercore.audit.entry import SERVICE_CHAIN
from usercore.audit.errors import AuditTamperedError
from usercore.audit.findings import AuditReport, FindingKind
from usercore.audit.verify_audit import VerifyAudit, VerifyCommand
from usercore.delivery.values import Operation, Recipient
from usercore.privacy.requests.events import ErasureRecord
from usercore.privacy.requests.model import RequestId


@pytest.fixture
def trail(database: Database, tmp_path: Path) -> Trail:
    return Trail(database, tmp_path / "checkpoints.jsonl")


async def test_an_empty_trail_verifies(trail: Trail) -> None:
    report = await trail.verify()

    assert (report.is_clean, report.entries, report.checkpoints) == (True, 0, 0)


async def test_a_trail_that_nobody_touched_verifies(trail: Trail) -> None:
    people = await trail.born(7)
    await trail.live(people[0], 6)
    await trail.checkpoint()
    await trail.live(people[1], 3)
    await trail.reads.listed(people[:3], ("q",), LOOK)
    await trail.reads.listed((), ("email",), LOOK)
    await trail.end(people[2])
    await trail.checkpoint()
    await trail.checkpoint()
    await trail.live(people[3], 2)

    report = await trail.verify()

    assert report.findings == ()
    assert (report.checkpoints, report.chains, report.leaves) == (3, 8, 7 + 3)
    assert (report.entries, report.unattested) == (7 + 9 + 4 + 2 + 1 + 2 + 1, 3)
    assert (await trail.verify(people[0])).findings == ()


@pytest.fixture
async def scene(trail: Trail, migrated_database_url: str) -> AsyncIterator[psycopg.AsyncConnection[Row]]:
    """A trail with some life, all of it attested, and a connection that no trigger hinders."""
    people = await trail.born(6)
    await trail.live(people[0], 7)
    await trail.reads.listed(people[:4], ("q",), LOOK)
    await trail.checkpoint()
    await trail.live(people[1], 3)
    await trail.end(people[2])
    await trail.born(2)
    await trail.reads.listed(people[3:], ("email",), LOOK)
    await trail.checkpoint()
    await trail.live(people[3], 4)
    await trail.reads.listed((), ("email",), LOOK)
    await trail.checkpoint()
    assert (await trail.verify()).findings == ()
    async with await psycopg.AsyncConnection[Row].connect(migrated_database_url, autocommit=True) as connection:
        for table in TABLES:
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
        await connection.set_autocommit(False)
        yield connection


async def test_a_thousand_random_tamperings_are_all_found(trail: Trail, scene: psycopg.AsyncConnection[Row]) -> None:
    random = Random(20261124)
    missed: list[str] = []
    kinds: set[FindingKind] = set()
    for number in range(1000):
        tamper = TAMPERINGS[number % len(TAMPERINGS)]
        crime = Crime(scene, random, list(read_notes(trail.file)))
        await tamper(crime)
        report = await verified(trail, crime)
        kinds |= {one.kind for one in report.findings}
        if report.is_clean:
            missed.append(f"{number}: {tamper.__name__}")
        await scene.rollback()

    assert missed == []
    assert kinds == set(FindingKind)
    assert (await trail.verify()).findings == ()


async def verified(trail: Trail, crime: Crime) -> AuditReport:
    """Verify what the open transaction sees, by the tampered file."""
    database = database_over(crime.connection)
    later = SetClock(trail.clock.time + timedelta(days=1))
    verify = VerifyAudit(SqlAuditArchive(database), SqlCheckpointLog(database), trail.verifier, later)
    return await verify(VerifyCommand(published=lambda: crime.lines))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("role", ["origin", "replica"])
async def test_the_database_lets_nobody_change_or_remove_what_is_recorded(
    trail: Trail, migrated_database_url: str, table: str, role: str
) -> None:
    people = await trail.born(2)
    await trail.reads.listed(people, (), LOOK)
    await trail.checkpoint()
    async with await psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True) as owner:
        await owner.execute(f"SET session_replication_role = {role}".encode())
        for statement in ("DELETE FROM {}", "TRUNCATE {}", *_UPDATES.get(table, ())):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                await owner.execute(statement.format(table).encode())

    assert (await trail.verify()).findings == ()


# Heads move with their chains; what they say is held against the leaves of the last checkpoint.
_UPDATES = {
    "audit_entries": ("UPDATE {} SET action = 'x'",),
    "audit_leaves": ("UPDATE {} SET sequence = 9",),
    "audit_checkpoints": ("UPDATE {} SET note = 'x'",),
    "audit_listed": ("UPDATE {} SET event_id = gen_random_uuid()",),
}


async def test_the_trail_verifies_after_keys_and_contents_are_gone_for_good(
    trail: Trail, migrated_database_url: str
) -> None:
    [person, other] = await trail.born(2)
    await trail.live(person, 5)
    await trail.checkpoint()
    async with await psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True) as owner:
        await owner.execute(b"DELETE FROM user_keys WHERE user_id = %s", (person,))
        assert (await trail.verify()).findings == ()
        # Erased: nothing of what was changed is kept.
        await owner.execute(b"UPDATE users SET state = 'ERASED' WHERE id = %s", (person,))
        await owner.execute(b"UPDATE user_history SET sealed = NULL WHERE user_id = %s", (person,))
        assert (await trail.verify()).findings == ()
        await owner.execute(b"DELETE FROM user_history WHERE user_id = %s", (person,))
        assert (await trail.verify()).findings == ()
        # Whoever is not erased has a history.
        await owner.execute(b"DELETE FROM user_history WHERE user_id = %s", (other,))
        assert [one.kind for one in (await trail.verify()).findings] == [FindingKind.CONTENTS_MISSING]


async def test_the_trail_verifies_after_an_erasure(trail: Trail) -> None:
    [person] = await trail.born(1)
    await trail.live(person, 5)
    await trail.reads.listed([person], ("q",), LOOK)
    await trail.checkpoint()
    step = trail.users[person].erase(now=trail.clock.time, actor=OPERATOR)
    erasure = change_of(step)
    record = ErasureRecord(person, erasure.event_id, RequestId(IDS.event_id()))
    assert await trail.ports.writer.commit([evolve(erasure, records=(record,))]) == [None]
    assert (await trail.verify()).findings == ()
    await trail.checkpoint()

    report = await trail.verify()

    assert report.findings == ()
    assert report.entries == 1 + 5 + 2 + 1 + 1


async def test_what_came_after_the_last_checkpoint_is_counted_as_protected_by_its_chain_alone(trail: Trail) -> None:
    [person] = await trail.born(1)
    await trail.checkpoint()
    await trail.reads(person, ("profile",), LOOK)

    assert (await trail.verify()).unattested == 1


async def test_verification_goes_on_while_writers_write_and_checkpoints_are_made(trail: Trail) -> None:
    people = await trail.born(20)
    await trail.checkpoint()
    stop = asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            for person in people:
                await trail.live(person, 2)
            await trail.checkpoint()

    async def verify() -> AuditReport:
        verify = VerifyAudit(trail.ports.archive, trail.ports.checkpoints, trail.verifier, trail.clock)
        return await verify(VerifyCommand(published=lambda: list(read_notes(trail.file))))

    writing = asyncio.create_task(write())
    try:
        while (report := await verify()).checkpoints < 4:
            assert report.findings == ()
    finally:
        stop.set()
        await writing


async def test_copies_that_make_checkpoints_together_make_one_chain(trail: Trail) -> None:
    people = await trail.born(3)
    await asyncio.gather(*(trail.make() for _ in range(4)))
    await trail.live(people[0], 1)
    await asyncio.gather(*(trail.make() for _ in range(4)))

    report = await trail.verify()

    assert report.findings == ()
    assert 2 <= report.checkpoints <= 8


async def test_a_checkpoint_that_is_young_enough_makes_another_unnecessary(trail: Trail) -> None:
    await trail.born(1)
    every = timedelta(minutes=10)

    assert await trail.make(every=every) is not None
    assert await trail.make(every=every) is None
    trail.clock.advance(minutes=11)
    made = await trail.make(every=every)

    assert made is not None
    assert (made.checkpoint.number, made.checkpoint.size) == (2, 1)


async def test_no_checkpoint_is_made_on_top_of_one_that_nobody_known_signed(trail: Trail) -> None:
    await trail.born(1)
    await trail.checkpoint()
    trail.signer = Ed25519Signer.generate("tests")

    with pytest.raises(AuditTamperedError):
        await trail.make()


async def test_the_topic_and_the_audit_service_are_told_of_each_checkpoint(trail: Trail) -> None:
    await trail.born(1)
    made = await trail.make()
    assert made is not None

    [message] = [one for one in await trail.ports.outbox.messages(after=0, limit=10) if one.aggregate == "checkpoint"]
    queue, now = trail.ports.deliveries, trail.clock.time
    due = await queue.claim(recipient=Recipient.AUDIT, now=now, lease_until=now, limit=10)
    told = [one for one in due if one.user_id == SERVICE_CHAIN]

    assert message.topic == "user-service.audit-checkpoints"
    assert json.loads(message.payload)["note"] == str(made.note)
    assert [(one.operation, one.payload["note"]) for one in told] == [(Operation.RECORD_CHECKPOINT, str(made.note))]
