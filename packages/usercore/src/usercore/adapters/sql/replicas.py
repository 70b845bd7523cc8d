"""Reads answered by streaming replicas, and by the primary wherever a replica will not do.

A replica answers where it has come as far as the caller must see, and as far as the primary was no longer ago than
replicas may lag. It is asked how far it has come inside the transaction that reads, so that neither a restart, which
can set a replica back, nor a pooler in between makes the answer untrue. Everything that goes wrong with a replica
sends the read to the primary.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import psycopg
import structlog
from attrs import define, evolve, field, frozen

from usercore.adapters.sql.engine import Database, Reads, Row, Session, fetch, open_database
from usercore.adapters.sql.positions import CURRENT, Positions
from usercore.kernel.consistency import Position, Reading, current_reading
from usercore.kernel.errors import UserCoreError
from usercore.settings import DatabaseSettings

PROBE_TIMEOUT_S: Final = 1.0
"""A replica that takes longer to say where it stands is left out."""
_LOOK_AGAIN_S: Final = 0.005
_BEGIN: Final = b"""
BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
SELECT pg_is_in_recovery(), (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint
"""
"""What is read next sees all before the position: in READ COMMITTED each statement looks anew."""
_STANDS: Final = b"SELECT pg_is_in_recovery(), (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint"


class ReplicaObserver(Protocol):
    """Is told how reads that replicas may answer went."""

    def replica_read(self, target: str, reason: str) -> None:
        """Count a read by who answered it, ``replica`` or ``primary``, and why."""
        ...

    def replica_lag(self, replica: str, seconds: float) -> None:
        """Set how old the answers of a replica may be at most."""
        ...


@frozen
class _Question:
    """A reading statement, as :meth:`Database.fetch` takes it."""

    statement: bytes
    parameters: Sequence[object]
    prepare: bool | None

    async def ask(self, source: Reads) -> list[Row]:
        return await source.fetch(self.statement, *self.parameters, prepare=self.prepare)


class NotThereYetError(Exception):
    """The replica has not come far enough; nothing was read."""


@define(eq=False)
class Replica:
    """One replica: how far it had come when it was last asked, and reads on it.

    Args:
        name: its place in the settings, from 1.
        reads: its connections for reading.
        probes: one more, to ask how far it has come however busy the others are.
    """

    name: str
    reads: Database
    probes: Database
    reached: Position | None = None
    """None where it does not answer, or is no replica (any more)."""
    answers: bool | None = None
    """What was last said of it in the log."""
    busy: int = 0
    _looking: "asyncio.Task[None] | None" = field(default=None, init=False)

    async def look(self) -> None:
        """Ask how far it has come; those who ask at the same time ask once."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await asyncio.shield(self._looking)

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                [(is_replica, position)] = await self.probes.fetch(_STANDS)
        except Exception:  # noqa: BLE001 -- whatever is wrong with it, nothing is read there
            self.reached = None
        else:
            self.reached = position if is_replica else None

    async def wait_for(self, least: Position, within_s: float) -> bool:
        """Return whether it has come as far, or comes within a time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._lacks(least):
                    await self.look()
                    await asyncio.sleep(_LOOK_AGAIN_S if self._lacks(least) else 0)
        return self.reached is not None and self.reached >= least

    def _lacks(self, least: Position) -> bool:
        return self.reached is not None and self.reached < least

    async def settle(self, position: Position, within_s: float) -> None:
        """Return once it has come as far, or after a time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self.reached is None or self.reached < position:
                    await self.look()
                    await asyncio.sleep(_LOOK_AGAIN_S)

    async def answer(self, question: _Question, least: Position) -> tuple[list[Row], Position]:
        """Return the rows of a statement and how far the replica had come.

        Raises:
            NotThereYetError: not far enough.
            UnavailableError, ExhaustedError: as :meth:`Database.fetch`.
        """
        self.busy += 1
        try:
            return await self.reads.read(partial(_read, question, least))
        finally:
            self.busy -= 1


async def _read(question: _Question, least: Position, opened: Session) -> tuple[list[Row], Position]:
    begun = await opened.execute(_BEGIN)
    begun.nextset()
    [(is_replica, position)] = await begun.fetchall()
    if not is_replica or position < least:
        raise NotThereYetError
    rows = await fetch(opened, question.statement, *question.parameters, prepare=question.prepare)
    await opened.execute(b"COMMIT")
    return rows, position


@frozen(eq=False)
class Replicas:
    """Answers reads, on a replica where one will do.

    Args:
        primary: answers the others.
        probe: the primary once more, to ask where it stands however busy the connections for reading are.
        replicas: all that there are.
        positions: where the primary stood.
        wait_s: how long a read waits for a replica to come as far as it must have.
        observer: is told how reads went.
    """

    primary: Database
    probe: Database
    replicas: Sequence[Replica]
    positions: Positions
    wait_s: float
    observer: ReplicaObserver

    async def fetch(self, statement: bytes, *parameters: object, prepare: bool | None = None) -> list[Row]:
        """Return the rows of a reading statement.

        Raises:
            UnavailableError: the database does not answer, or not in time.
            ExhaustedError: no connection became free in time.
        """
        question, reading = _Question(statement, parameters, prepare), current_reading()
        if reading is None:
            return await question.ask(self.primary)
        rows, reason = await self._on_replica(question, reading)
        if rows is not None:
            self.observer.replica_read("replica", reason)
            return rows
        self.observer.replica_read("primary", reason)
        rows = await question.ask(self.primary)
        reading.seen = await self._seen_there()
        return rows

    async def _seen_there(self) -> Position:
        """Return how far the primary has come, or 0 where it does not say."""
        try:
            return await _current(self.primary)
        except (UserCoreError, psycopg.Error):
            return 0

    async def _on_replica(self, question: _Question, reading: Reading) -> tuple[list[Row] | None, str]:
        """Return the rows, or None, and why so."""
        must_see, fresh = await reading.least(), self.positions.least()
        if must_see is None:
            return None, "caller"
        if fresh is None:
            return None, "unknown"
        least = max(must_see, fresh)
        replica = await self._choose(least)
        if replica is None:
            return None, "down" if all(one.reached is None for one in self.replicas) else "behind"
        try:
            rows, reading.seen = await replica.answer(question, least)
        except NotThereYetError:
            return None, "behind"
        except UserCoreError as error:
            await replica.look()
            if replica.reached is not None and isinstance(error.__cause__, TimeoutError):
                raise  # what takes too long on a replica that answers takes as long on the primary
            return None, "failed"
        return rows, "fresh"

    async def _choose(self, least: Position) -> Replica | None:
        """Return the least busy of those that have come as far; failing that, wait for the one that is nearest."""
        alive = [one for one in self.replicas if one.reached is not None]
        there = [one for one in alive if one.reached is not None and one.reached >= least]
        if there:
            return min(there, key=lambda one: one.busy)
        nearest = max(alive, key=lambda one: one.reached or 0, default=None)
        if nearest is not None and await nearest.wait_for(least, self.wait_s):
            return nearest
        return None

    async def now(self) -> Position | None:
        """Look at the primary and at every replica, and return where the primary stands; None where it does not say."""
        looks = (replica.look() for replica in self.replicas)
        await asyncio.gather(self._sample(), *looks)
        return None if self.positions.least() is None else self.positions.latest

    async def settle(self, position: Position) -> None:
        """Return once no copy of the service reads from a replica what was before a position of the past.

        That is when every replica has come as far, or when as much time has gone by as replicas may lag.
        """
        waits = (one.settle(position, self.positions.max_lag_s) for one in self.replicas)
        await asyncio.gather(*waits)

    def standing(self) -> str:
        """Return ``ok`` where every replica answers reads, ``down`` where none does, else ``degraded``."""
        least = self.positions.least()
        usable = [one.reached is not None and least is not None and one.reached >= least for one in self.replicas]
        return "ok" if all(usable) else "degraded" if any(usable) else "down"

    async def watch(self) -> None:
        """Follow the primary and the replicas, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(self._sample))
            for replica in self.replicas:
                group.create_task(self._repeat(partial(self._look_at, replica)))

    async def _repeat(self, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            await look()
            await asyncio.sleep(min(1.0, self.positions.max_lag_s / 5))

    async def _sample(self) -> None:
        # Where the primary does not say where it stands, what is known grows old, and replicas are left out.
        with suppress(UserCoreError, psycopg.Error, TimeoutError):
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self.positions.sample(partial(_current, self.probe))

    async def _look_at(self, replica: Replica) -> None:
        await replica.look()
        reached = replica.reached
        if replica.answers is not (reached is not None):
            replica.answers = reached is not None
            log = structlog.get_logger().bind(replica=replica.name)
            (log.info if replica.answers else log.warning)("replica", answers=replica.answers)
        self.observer.replica_lag(replica.name, float("inf") if reached is None else self.positions.age(reached))


async def _current(primary: Database) -> Position:
    [(position,)] = await primary.fetch(CURRENT)
    found: Position = position
    return found


@asynccontextmanager
async def open_replicas(
    settings: DatabaseSettings, primary: Database, positions: Positions, observer: ReplicaObserver
) -> AsyncIterator[Replicas]:
    """Open connections to every replica, follow them in the background, and close them at the end.

    Args:
        settings: where they are, and every limit.
        primary: answers what they cannot.
        positions: is told where the primary stands.
        observer: is told how reads went.
    """
    quick = evolve(settings, pool_timeout_s=PROBE_TIMEOUT_S, connect_timeout_s=PROBE_TIMEOUT_S)
    probing = evolve(quick, read_pool_size=1, statement_timeout_s=PROBE_TIMEOUT_S)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        replicas = []
        for place, url in enumerate(settings.replica_urls, 1):
            reads = await enter(open_database(evolve(quick, url=url, read_pool_size=settings.replica_pool_size)))
            replicas.append(Replica(str(place), reads, await enter(open_database(evolve(probing, url=url)))))
        probe = await enter(open_database(probing))
        found = Replicas(primary, probe, replicas, positions, settings.replica_wait_s, observer)
        watching = asyncio.create_task(found.watch())
        try:
            yield found
        finally:
            watching.cancel()
            await asyncio.wait([watching])


if TYPE_CHECKING:

    def _conform(replicas: Replicas, database: Database) -> tuple[Reads, Reads]:
        return replicas, database
