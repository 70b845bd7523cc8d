"""Nobody whom the ledger of erasures knows is served, even where a restored backup has brought them back.

What reads users passes a gate that opens once everything in the ledger has been done again. It opens at the first
reading that finds the database there, or at the first look at readiness, and stays open.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import structlog
from attrs import define, evolve, field, frozen

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
    """

    replay: ReplayErasures
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

    async def due_for_reactivation(self, now: datetime, limit: int) -> Sequence[UserId]:
        """Return deactivated users whose `until` has come."""
        await self.gate.passed()
        return await self.inner.due_for_reactivation(now, limit)


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


def behind(gate: ErasureGate, ports: Ports) -> Ports:
    """Return the ports with everything that reads users behind the gate."""
    return evolve(
        ports,
        users=GatedUserReader(ports.users, gate),
        profiles=GatedProfileReader(ports.profiles, gate),
        directory=GatedUserDirectory(ports.directory, gate),
        history=GatedHistoryReader(ports.history, gate),
    )


if TYPE_CHECKING:

    def _conform(ports: Ports, gate: ErasureGate) -> tuple[UserReader, ProfileReader, UserDirectory, HistoryReader]:
        return (
            GatedUserReader(ports.users, gate),
            GatedProfileReader(ports.profiles, gate),
            GatedUserDirectory(ports.directory, gate),
            GatedHistoryReader(ports.history, gate),
        )
