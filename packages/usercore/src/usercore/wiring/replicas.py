"""Replicas, as runners and writers see them: who must see what, and what an erasure waits for."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from attrs import frozen

from usercore.adapters.memory.write_marks import MemoryWriteMarks
from usercore.adapters.redis.write_marks import open_write_marks
from usercore.adapters.sql.engine import Database
from usercore.adapters.sql.positions import Positions
from usercore.adapters.sql.replicas import Replicas, open_replicas
from usercore.codec.consistency import read_token, write_token
from usercore.kernel.consistency import Position, Reading, WriteMarks, reading_as
from usercore.kernel.errors import UnavailableError, UserCoreError
from usercore.observe.metrics import Metrics
from usercore.privacy.requests.events import ErasureRecord
from usercore.settings import CoreSettings
from usercore.users.ports import Change, UserWriter


@frozen
class Consistency:
    """Lets callers read from replicas, and yet see what they wrote.

    A caller is known by the token that they send back; failing that, by what is remembered of their last write, in
    this process and where all copies ask.

    Args:
        replicas: answer.
        here: remembers for this process.
        shared: remembers for every copy; None where there is nothing that they share.
    """

    replicas: Replicas
    here: WriteMarks
    shared: WriteMarks | None

    def reading(self, caller: str, token: str | None) -> AbstractContextManager[Reading]:
        """Let replicas answer a caller's reads inside.

        Args:
            caller: who reads.
            token: what the caller was given last. One that cannot be read, such as ``latest``, asks for the primary.
        """
        return reading_as(Reading(partial(self._must_see, caller, token)))

    def reading_now(self) -> AbstractContextManager[Reading]:
        """Let replicas answer inside that have come as far as the primary is at the first read."""
        return reading_as(Reading(self.replicas.now))

    async def wrote(self, caller: str) -> str:
        """Remember that a caller's write was acknowledged, and return the token for it."""
        position = self.replicas.positions.latest
        await self.here.remember(caller, position)
        if self.shared is not None:
            # Failing that, the caller has the token, and a copy that cannot ask reads from the primary.
            with suppress(UnavailableError):
                await self.shared.remember(caller, position)
        return write_token(position)

    def seen(self, reading: Reading) -> str | None:
        """Return the token for what was read; None where no replica could have answered."""
        return write_token(reading.seen) if reading.seen else None

    async def _must_see(self, caller: str, token: str | None) -> Position | None:
        told = None if token is None else read_token(token)
        if token is not None and told is None:
            return None
        known = max(told or 0, await self.here.last(caller))
        if self.shared is None:
            return known
        try:
            return max(known, await self.shared.last(caller))
        except UnavailableError:
            return None if told is None else known


@frozen
class SettledErasures:
    """Commits changes, and acknowledges an erasure when no copy of the service reads the erased from a replica.

    Args:
        inner: commits.
        replicas: must have it.
    """

    inner: UserWriter
    replicas: Replicas

    async def commit(self, changes: Sequence[Change]) -> Sequence[UserCoreError | None]:
        """Commit each change whole, or not at all, without regard to the others."""
        outcomes = await self.inner.commit(changes)
        if any(outcome is None and _erases(change) for change, outcome in zip(changes, outcomes, strict=True)):
            await self.replicas.settle(self.replicas.positions.latest)
        return outcomes


def _erases(change: Change) -> bool:
    return any(isinstance(record, ErasureRecord) for record in change.records)


@frozen
class Replication:
    """What a service with replicas has more than one without."""

    replicas: Replicas
    consistency: Consistency

    async def settle(self) -> None:
        """Return once no copy of the service reads from a replica what was before now."""
        await self.replicas.settle(self.replicas.positions.latest)


@asynccontextmanager
async def open_replication(
    settings: CoreSettings, database: Database, positions: Positions, metrics: Metrics
) -> AsyncIterator[Replication]:
    """Open the replicas that the settings name, and what remembers who wrote.

    Args:
        settings: where everything is.
        database: the primary.
        positions: that it tells.
        metrics: count reads.
    """
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        replicas = await enter(open_replicas(settings.database, database, positions, metrics))
        # Older writes need not be remembered: no replica that answers is further behind.
        ttl_s = positions.max_lag_s
        shared = None if settings.cache.url is None else await enter(open_write_marks(settings.cache, ttl_s, metrics))
        yield Replication(replicas, Consistency(replicas, MemoryWriteMarks(ttl_s), shared))


if TYPE_CHECKING:

    def _conforms(inner: UserWriter, replicas: Replicas) -> UserWriter:
        return SettledErasures(inner, replicas)
