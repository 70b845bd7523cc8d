"""Commands and facts through the stream processor, against the same work without Kafka."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

import psycopg
from aiokafka import AIOKafkaProducer
from attrs import evolve, field, frozen

from bench.cases.sides import some_ids
from bench.lab import Lab
from bench.measure import By, Case, CaseFailedError, Goal, Measure, Sample, Sides
from usercore import Actor, ActorKind, CommandContext, ProfilePatch, UpdateUserCommand, UserId
from usercore.activity.facts import OrderPlaced
from usercore.activity.values import FactResult, Money
from usercore.kernel.inbox import MessageId, Receipt
from usercore.settings import CoreSettings, load
from usercore.wiring.core import Core
from usercore.wiring.service import open_core

T = TypeVar("T")

_USERS: Final = 4_000
_BATCH: Final = 100
"""The stream processor's own default, `USER_SERVICE_STREAM_BATCH`."""
_LOOK_EVERY_S: Final = 0.005
_PATIENCE_S: Final = 120.0
_PLACED_AT: Final = datetime(2026, 3, 1, 9, tzinfo=UTC)
_CONTEXT: Final = CommandContext(Actor(ActorKind.SERVICE, "bench"), correlation_id="bench")


@frozen
class Kind:
    """A sort of message.

    Args:
        topic: where it is sent.
        body: its payload, for a number that no other has and a user.
        per_second: how many are made ready for each second to be measured.
        done: SQL that counts those that have had their effect.
        directly: does the same for a batch, without Kafka.
    """

    topic: str
    body: Callable[[int, str], dict[str, Any]]
    per_second: int
    done: str
    directly: Callable[[Core, int, Sequence[str]], Awaitable[None]]


def _renaming(number: int, user: str) -> dict[str, Any]:
    return {"userId": user, "firstName": f"Ada{number}"}


async def _rename(core: Core, first: int, users: Sequence[str]) -> None:
    """Change a batch of users, as the stream does it: all at once, each with a receipt."""
    steps = []
    for number, user in enumerate(users, first):
        receipt = Receipt(MessageId("update-user", "direct", str(number)), b"%032d" % number)
        command = UpdateUserCommand(UserId(user), ProfilePatch(first_name=f"Ada{number}"))
        steps.append(core.update_user(command, evolve(_CONTEXT, receipt=receipt)))
    await asyncio.gather(*steps)


def _order(number: int, user: str) -> dict[str, Any]:
    return {
        "orderId": f"o{number}",
        "customerId": user,
        "items": [{"productId": "p1", "quantity": 2, "price": 9.95}, {"productId": "p2", "quantity": 1, "price": 20}],
        "totalAmount": 39.9,
        "currency": "EUR",
        "createdAt": _PLACED_AT.isoformat(),
    }


async def _tell(core: Core, first: int, users: Sequence[str]) -> None:
    """Record a batch of orders, as the stream does it: all in one call."""
    facts = [
        OrderPlaced(f"o{number}", UserId(user), Money(Decimal("39.9"), "EUR"), 3, _PLACED_AT)
        for number, user in enumerate(users, first)
    ]
    outcomes = await core.record_facts.many(facts, [_CONTEXT] * len(facts))
    assert all(one.result is FactResult.RECORDED for one in outcomes)


COMMANDS: Final = Kind(
    "update-user", _renaming, 4_000, "SELECT count(*) FROM inbox WHERE topic = 'update-user'", _rename
)
FACTS: Final = Kind("order-placed", _order, 12_000, "SELECT count(*) FROM activity_facts", _tell)


@frozen
class _Streamed:
    """Messages that wait in a topic while the processor stands still, and are worked off when it goes on."""

    kind: Kind
    lab: Lab
    worker: asyncio.subprocess.Process
    environ: dict[str, str]
    users: Sequence[str]
    connection: psycopg.AsyncConnection[Any] = field(repr=False)

    async def __call__(self, seconds: float) -> Sample:
        count = round(self.kind.per_second * seconds)
        before = await self._done()
        os.kill(self.worker.pid, signal.SIGSTOP)
        try:
            await self._send(count)
        finally:
            os.kill(self.worker.pid, signal.SIGCONT)
        # From the first effect on: how long the broker keeps a fetch waiting that was under way is its own affair.
        first, began = await self._until(before + 1), time.perf_counter()
        last, taken = await self._until(before + count), time.perf_counter() - began
        worked = last - first
        return Sample(worked / taken, 1000 * taken / worked, 1000 * taken / worked, worked)

    async def _until(self, wanted: int) -> int:
        """Return how many have had their effect once there are as many as wanted."""
        limit = time.perf_counter() + _PATIENCE_S
        while (done := await self._done()) < wanted:
            if time.perf_counter() > limit:
                raise CaseFailedError(f"{wanted - done} messages had no effect")
            await asyncio.sleep(_LOOK_EVERY_S)
        return done

    async def _send(self, count: int) -> None:
        topic, first = self.environ["USER_SERVICE_TOPIC_PREFIX"] + self.kind.topic, self.lab.numbers()
        async with AIOKafkaProducer(bootstrap_servers=self.environ["KAFKA_BOOTSTRAP"]) as producer:
            for number, user in zip(range(first, first + count), _round_and_round(self.users), strict=False):
                body = json.dumps(self.kind.body(number, user)).encode()
                await producer.send(topic, body, key=user.encode())
            await producer.flush()

    async def _done(self) -> int:
        found = await self.connection.execute(self.kind.done.encode())
        [(count,)] = await found.fetchall()
        return int(count)


def _directly(kind: Kind, lab: Lab, core: Core, users: Sequence[str]) -> Measure:
    async def measured(seconds: float) -> Sample:
        count = 0
        turns = _round_and_round(users)
        began = time.perf_counter()
        while (taken := time.perf_counter() - began) < seconds:
            await kind.directly(core, lab.numbers(), [next(turns) for _ in range(_BATCH)])
            count += _BATCH
        return Sample(count / taken, 1000 * taken / count, 1000 * taken / count, count)

    return measured


def _round_and_round(users: Sequence[T]) -> Iterator[T]:
    while True:
        yield from users


def _sides(kind: Kind) -> Callable[[Lab], Any]:
    @asynccontextmanager
    async def opened(lab: Lab) -> AsyncIterator[Sides]:
        database = await lab.database(lab.users)
        environ = lab.kafka_environ(database)
        users = some_ids(_USERS, 1, database.users)
        async with (
            lab.worker(environ) as worker,
            open_core(load(CoreSettings, environ)) as service,
            await psycopg.AsyncConnection.connect(database.url, autocommit=True) as connection,
        ):
            streamed = _Streamed(kind, lab, worker, environ, users, connection)
            await streamed(0.2)  # the first messages wait for the group to have its partitions
            yield Sides(streamed, _directly(kind, lab, service.core, users))

    return opened


CONSUMING = (
    Case(
        "stream-commands",
        "UpdateUser commands that wait in a topic, through Faust, until all have had their effect",
        "the same use case called without Kafka, 100 at a time, with receipts",
        By.RATE,
        Goal(at_least=0.7),
        _sides(COMMANDS),
    ),
    Case(
        "stream-facts",
        "OrderPlaced events that wait in a topic, through Faust, until all are recorded",
        "the same use case called without Kafka, 100 at a time",
        By.RATE,
        Goal(at_least=0.7),
        _sides(FACTS),
    ),
)
