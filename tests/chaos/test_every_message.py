"""Promise 3: each message, good, failing or poison, ends applied, rejected with an answer, parked or dead-lettered."""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from attrs import Factory, define

from tests.chaos import broker
from tests.chaos.cast import playing
from tests.chaos.commands import cloud_event
from tests.chaos.conftest import Stage
from tests.chaos.scale import Scale
from tests.e2e.harness.rows import rows
from tests.e2e.harness.waiting import until
from tests.kafka.topics import read_topic
from tests.keys import MASTER_KEYS
from usercore import Actor, ActorKind, CommandContext, CreateUserCommand, ProfilePatch
from usercore.adapters.sql import open_database
from usercore.adapters.sql.keys import SqlServiceKeys
from usercore.adapters.sql.records import RECORD, MessageBox
from usercore.delivery.topics import DEAD_LETTERS
from usercore.kernel.secret import Secret
from usercore.settings import CoreSettings, DatabaseSettings, load
from usercore.wiring.service import open_core

pytestmark = pytest.mark.apache

_USERS: Final = 20
_TIME: Final = "2026-03-01T09:00:00Z"

# Of the statements that write, three of ten fail for a reason that passes.
_FAILING: Final = """
CREATE FUNCTION failing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.3 THEN
        RAISE EXCEPTION 'not now' USING ERRCODE = 'query_canceled';
    END IF;
    RETURN NULL;
END $$;
"""
_TABLES: Final = ("users", "activity_facts", "inbox", "parked_messages", "dead_letters")

Place = tuple[str, int, int]


@define
class Ends:
    """Where messages are to end: what identifies each, by the way it goes."""

    applied: set[str] = Factory(set)
    rejected: set[str] = Factory(set)
    parked: set[str] = Factory(set)
    buried: set[Place] = Factory(set)

    def missing(self, wanted: "Ends") -> dict[str, list[object]]:
        """Return what should have ended in each way and did not, where there is any."""
        pairs = {name: getattr(wanted, name) - getattr(self, name) for name in wanted.counts}
        return {name: sorted(lost) for name, lost in pairs.items() if lost}

    @property
    def counts(self) -> Mapping[str, int]:
        """How many messages end in each way."""
        return {name: len(getattr(self, name)) for name in ("applied", "rejected", "parked", "buried")}


async def test_every_message_is_accounted_for(stage: Stage, scale: Scale) -> None:
    rng = random.Random(20_261_126)
    await broker.make_topics(stage)
    users = await _users(stage)
    for statement in (_FAILING, *map(_fails, _TABLES)):
        await rows(stage.world.database_url, statement)
    async with asyncio.timeout(scale.deadline_s), playing([stage.worker(1)], stage.world.folder) as cast:
        sent = await _send(stage, users, scale.messages, rng)
        await cast.suffer(2, rng, every_s=2.0)
        await until(lambda: _consumed_and_published(stage), "all is consumed", scale.deadline_s)
        found = await _found(stage)

    assert found.missing(sent) == {}
    assert found == sent
    assert sum(sent.counts.values()) == scale.messages
    # After the last retry a process gives up, and its messages come again.
    assert {status for player in cast.players for status in player.ended_by_itself} <= {os.EX_TEMPFAIL}


def _fails(table: str) -> str:
    return f"""
        CREATE TRIGGER failing BEFORE INSERT OR UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION failing()
    """


async def _users(stage: Stage) -> list[str]:
    context = CommandContext(Actor(ActorKind.OPERATOR, "chaos"), correlation_id="chaos")
    async with open_core(load(CoreSettings, stage.world.environ())) as service:
        return [
            str((await service.core.create_user(CreateUserCommand(_profile(number)), context)).id)
            for number in range(_USERS)
        ]


def _profile(number: int) -> ProfilePatch:
    return ProfilePatch(email=f"ada{number}@mail.example", first_name="Ada", last_name="Lovelace")


async def _send(stage: Stage, users: Sequence[str], count: int, rng: random.Random) -> Ends:
    """Send messages: of ten one is poison, one is refused, one comes too early, and seven are good."""
    ends = Ends()
    async with AIOKafkaProducer(bootstrap_servers=stage.bootstrap) as producer:
        for number in range(count):
            sort, user = rng.choice(["poison", "refused", "early", *["good"] * 7]), rng.choice(users)
            if sort == "poison":
                topic, value, headers = _poison(number)
                record = await producer.send_and_wait(stage.topic(topic), value, key=user.encode(), headers=headers)
                ends.buried.add((topic, record.partition, record.offset))
                continue
            topic, body = _body(sort, number, user)
            value, headers = json.dumps(body).encode(), cloud_event(topic, f"m{number}")
            await producer.send(stage.topic(topic), value, key=user.encode(), headers=headers)
            {"refused": ends.rejected, "early": ends.parked, "good": ends.applied}[sort].add(f"m{number}")
        await producer.flush()
    return ends


def _poison(number: int) -> tuple[str, bytes | None, list[tuple[str, bytes]]]:
    sorts: tuple[tuple[str, bytes | None, list[tuple[str, bytes]]], ...] = (
        ("update-user", b"no JSON at all", []),
        ("order-placed", None, []),
        ("create-user", b'{"email": "\xff"}', []),
        ("loyalty-points-earned", b"[]", []),
        ("update-user", b"{}", [("ce_specversion", b"7.0"), *cloud_event("update-user", "x")[1:]]),
        ("payment-failed", b'{"paymentId": 7}', []),
    )
    return sorts[number % len(sorts)]


def _body(sort: str, number: int, user: str) -> tuple[str, dict[str, Any]]:
    points = {"points": 5, "timestamp": _TIME, "transactionId": f"m{number}"}
    match sort:
        case "refused":
            return "update-user", {"userId": str(uuid4()), "firstName": "Nobody"}
        case "early":
            return "loyalty-points-earned", {"userId": str(uuid4()), **points}
    if number % 2:
        return "update-user", {"userId": user, "firstName": f"Ada {number}"}
    return "loyalty-points-earned", {"userId": user, **points}


async def _consumed_and_published(stage: Stage) -> bool:
    [(pending,)] = await rows(stage.world.database_url, "SELECT count(*) FROM outbox WHERE published_at IS NULL")
    return pending == 0 and await broker.all_consumed(stage)


async def _found(stage: Stage) -> Ends:
    """Return where messages have ended, by what the tables and topics show."""
    url = stage.world.database_url
    facts = await rows(url, "SELECT fact_id FROM activity_facts")
    changes = await rows(url, "SELECT causation_id FROM user_history WHERE version > 1")
    unchanged_or_refused = await rows(url, "SELECT message_id FROM inbox")
    rejected = await _rejected(stage)
    applied = {one for (one,) in (*facts, *changes, *unchanged_or_refused)} - rejected
    return Ends(applied, rejected, await _parked(url), await _buried(stage))


async def _parked(url: str) -> set[str]:
    async with open_database(DatabaseSettings(url=Secret(url))) as database:
        box = MessageBox("parked_messages", SqlServiceKeys(database, MASTER_KEYS))
        key, kept = await box.key(), await database.fetch(f"SELECT id::text, {RECORD} FROM parked_messages".encode())
        return {dict(box.record_of(key, row[0], row[1:]).headers)["ce_id"].decode() for row in kept}


async def _rejected(stage: Stage) -> set[str]:
    records = await read_topic(stage.bootstrap, stage.topic("user-command-rejected"))
    answers = {dict(record.headers)["ce_id"]: json.loads(record.value)["commandId"] for record in records}
    twice = [command for command, count in Counter(answers.values()).items() if count > 1]
    assert twice == [], "commands were answered twice"
    return set(answers.values())


async def _buried(stage: Stage) -> set[Place]:
    records = await read_topic(stage.bootstrap, stage.topic(DEAD_LETTERS))
    headers = [
        {name: value.decode() for name, value in record.headers if name.startswith("dlq_")} for record in records
    ]
    kept = await rows(stage.world.database_url, "SELECT topic, message_partition, message_offset FROM dead_letters")
    shown = {(one["dlq_topic"], int(one["dlq_partition"]), int(one["dlq_offset"])) for one in headers}
    assert shown == set(kept), "the topic and the table differ"
    return shown
