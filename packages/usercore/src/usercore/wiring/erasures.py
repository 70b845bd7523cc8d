"""Nobody whom the ledger of erasures knows is served, even where a restored backup has brought them back.

What reads users, and what tells others of them, passes a gate that opens once everything in the ledger has been done
again. It opens at the first reading that finds the database there, or at the first look at readiness, and stays open.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import structlog
from attrs import define, evolve, field, frozen

from usercore.delivery.ports import DeliveryQueue, OutboxBatch, OutboxFilter, OutboxShards, ProfileState
from usercore.delivery.values import Delivery, Recipient
from usercore.kernel.errors import UnavailableError, UserCoreError
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.privacy.requests.errors import LedgerBrokenError
from usercore.privacy.requests.replaying import ReplayErasures
from usercore.users.model import User
from usercore.users.ports import (
    HistoryEntry,
    HistoryReader,
    Lookup,
    LookupKind,
    ProfileDocument,
    ProfileReader,
    UserDirectory,
    UserReader,
)
from usercore.users.queries import UserQuery
from usercore.wiring.core import Ports

BROKEN: Final = "the ledger of erasures was changed: userctl privacy ledger verify"


@define(eq=False)
class ErasureGate:
    """Opens once the erasures that the ledger knows have been done again.

    Args:
        replay: does it.
        settle: returns once replicas have it too; None where there are none.
    """

    replay: ReplayErasures
    settle: Callable[[], Awaitable[None]] | None = None
    is_open: bool = False
    _lock: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    async def open(self) -> None:
        """Open the gate, if it is not open yet.

        Raises:
            UnavailableError: the database or the ledger does not answer, or the ledger is broken.
        """
        async with self._lock:
            if self.is_open:
                return
            try:
                again = await self.replay()
            except LedgerBrokenError as error:
                structlog.get_logger().error("the ledger of erasures is broken", detail=str(error))
                raise UnavailableError(BROKEN) from error
            if again:
                structlog.get_logger().warning("erased people again whom the database had back", people=again)
                if self.settle is not None:
                    await self.settle()
            self.is_open = True

    async def stands(self) -> str:
        """Return ``ok`` where the gate is open or opens now, else ``down``."""
        try:
            await self.open()
        except UserCoreError:
            return "down"
        return "ok"

    async def passed(self) -> None:
        """Return once the gate is open.

        Raises:
            UnavailableError: it does not open.
        """
        if not self.is_open:
            await self.open()


@frozen
class GatedUserReader:
    """Reads users, behind the gate."""

    inner: UserReader
    gate: ErasureGate

    async def get_many(self, ids: Sequence[UserId]) -> Mapping[UserId, User]:
        """Return the users that exist."""
        await self.gate.passed()
        return await self.inner.get_many(ids)

    async def find(self, lookup: Lookup) -> User | None:
        """Return the one user so named, or None."""
        await self.gate.passed()
        return await self.inner.find(lookup)

    async def find_many(self, kind: LookupKind, values: Sequence[str]) -> Mapping[str, User]:
        """Return the users that have one of these names."""
        await self.gate.passed()
        return await self.inner.find_many(kind, values)

    async def due_for_reactivation(self, now: datetime, limit: int) -> Sequence[UserId]:
        """Return deactivated users whose `until` has come."""
        await self.gate.passed()
        return await self.inner.due_for_reactivation(now, limit)

    async def merged_into(self, user_id: UserId) -> Sequence[UserId]:
        """Return whose accounts were merged into a user's."""
        await self.gate.passed()
        return await self.inner.merged_into(user_id)


@frozen
class GatedProfileReader:
    """Serves profiles, behind the gate."""

    inner: ProfileReader
    gate: ErasureGate

    async def documents(self, ids: Sequence[UserId]) -> Mapping[UserId, ProfileDocument]:
        """Return the documents of the users that exist."""
        await self.gate.passed()
        return await self.inner.documents(ids)


@frozen
class GatedUserDirectory:
    """Lists users, behind the gate."""

    inner: UserDirectory
    gate: ErasureGate

    async def page(self, query: UserQuery) -> Page[ProfileDocument]:
        """Return one page in the query's order."""
        await self.gate.passed()
        return await self.inner.page(query)


@frozen
class GatedHistoryReader:
    """Reads what is remembered of users, behind the gate."""

    inner: HistoryReader
    gate: ErasureGate

    async def entries(self, user_id: UserId, *, below_version: int | None, limit: int) -> Sequence[HistoryEntry]:
        """Return at most `limit` entries, newest first."""
        await self.gate.passed()
        return await self.inner.entries(user_id, below_version=below_version, limit=limit)

    async def version_at(self, user_id: UserId, at: datetime) -> int | None:
        """Return the version that was current at a time."""
        await self.gate.passed()
        return await self.inner.version_at(user_id, at)

    async def entry(self, user_id: UserId, version: int) -> HistoryEntry | None:
        """Return the entry of one version, or None."""
        await self.gate.passed()
        return await self.inner.entry(user_id, version)


@frozen
class GatedDeliveryQueue:
    """Gives deliveries out, behind the gate: a backup holds some to people who have been erased since."""

    inner: DeliveryQueue
    gate: ErasureGate

    async def claim(
        self, *, recipient: Recipient, now: datetime, lease_until: datetime, limit: int
    ) -> Sequence[Delivery]:
        """Take deliveries to a recipient that are due, the oldest first."""
        await self.gate.passed()
        return await self.inner.claim(recipient=recipient, now=now, lease_until=lease_until, limit=limit)

    async def acknowledge(self, deliveries: Sequence[Delivery], *, now: datetime) -> None:
        """Mark as heard, and empty payload and secret."""
        await self.inner.acknowledge(deliveries, now=now)

    async def postpone(self, delivery: Delivery, *, due_at: datetime, code: str) -> None:
        """Count a failed try, keep what was wrong with it, and wait until `due_at`."""
        await self.inner.postpone(delivery, due_at=due_at, code=code)

    async def release(self, deliveries: Sequence[Delivery], *, due_at: datetime) -> None:
        """Give back what was not tried."""
        await self.inner.release(deliveries, due_at=due_at)

    async def fail(self, delivery: Delivery, *, now: datetime, code: str) -> None:
        """Count a failed try and give the delivery up."""
        await self.inner.fail(delivery, now=now, code=code)

    async def waiting(self) -> int:
        """Return how many have been neither acknowledged nor given up."""
        return await self.inner.waiting()

    async def purge(self, before: datetime) -> int:
        """Forget deliveries that were acknowledged or discarded before a time."""
        return await self.inner.purge(before)


@frozen
class GatedOutboxShards:
    """Publishes, behind the gate: a backup holds events of people who have been erased since."""

    inner: OutboxShards
    gate: ErasureGate

    async def drain(
        self,
        publish: Callable[[OutboxBatch], Awaitable[datetime]],
        *,
        shards: int,
        limit: int,
        patience_s: float,
        avoid: Collection[int] = (),
    ) -> OutboxBatch | None:
        """Publish what stands in shards that nobody else holds."""
        await self.gate.passed()
        return await self.inner.drain(publish, shards=shards, limit=limit, patience_s=patience_s, avoid=avoid)

    async def republish(
        self,
        publish: Callable[[Sequence[ProfileState]], Awaitable[None]],
        *,
        after: UserId | None,
        limit: int,
        patience_s: float,
    ) -> Sequence[ProfileState]:
        """Publish the state of users behind `after`, by id."""
        await self.gate.passed()
        return await self.inner.republish(publish, after=after, limit=limit, patience_s=patience_s)

    async def reopen(self, chosen: OutboxFilter) -> int:
        """Mark published events as not published, and return how many."""
        return await self.inner.reopen(chosen)

    async def purge(self, before: datetime) -> int:
        """Forget events that were published before a time, and return how many went."""
        return await self.inner.purge(before)


def behind(gate: ErasureGate, ports: Ports) -> Ports:
    """Return the ports with everything that reads users, or tells of them, behind the gate."""
    return evolve(
        ports,
        users=GatedUserReader(ports.users, gate),
        profiles=GatedProfileReader(ports.profiles, gate),
        directory=GatedUserDirectory(ports.directory, gate),
        history=GatedHistoryReader(ports.history, gate),
        deliveries=GatedDeliveryQueue(ports.deliveries, gate),
        shards=GatedOutboxShards(ports.shards, gate),
    )


if TYPE_CHECKING:

    def _conform(ports: Ports, gate: ErasureGate) -> tuple[UserReader, ProfileReader, UserDirectory, HistoryReader]:
        return (
            GatedUserReader(ports.users, gate),
            GatedProfileReader(ports.profiles, gate),
            GatedUserDirectory(ports.directory, gate),
            GatedHistoryReader(ports.history, gate),
        )

    def _tellers_conform(ports: Ports, gate: ErasureGate) -> tuple[DeliveryQueue, OutboxShards]:
        return GatedDeliveryQueue(ports.deliveries, gate), GatedOutboxShards(ports.shards, gate)
