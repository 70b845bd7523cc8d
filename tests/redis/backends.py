"""A database in memory with the cache laid over it, and what it is asked."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence

from attrs import define, field, frozen

from tests.builders import creation, update
from usercore.adapters.memory.database import MemoryDatabase
from usercore.adapters.memory.users import MemoryProfileReader, MemoryUserWriter
from usercore.adapters.redis import Cache
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import UserId
from usercore.users.model import User
from usercore.users.ports import Change, ProfileDocument


@define
class CountingObserver:
    """Keeps what it is told."""

    counts: Counter[str] = field(factory=Counter)

    def cache_reads(self, result: str, count: int) -> None:
        self.counts[result] += count


@define
class Backend:
    """A database in memory that remembers whom it was asked for, and takes its time.

    Args:
        most_turns: turns of the event loop, at most, before and after each access.
    """

    database: MemoryDatabase = field(factory=MemoryDatabase)
    most_turns: int = 0
    asked: list[UserId] = field(factory=list)

    async def documents(self, ids: Sequence[UserId]) -> Mapping[UserId, ProfileDocument]:
        self.asked.extend(ids)
        await self._rest()
        documents = await MemoryProfileReader(self.database).documents(ids)
        await self._rest()
        return documents

    async def commit(self, changes: Sequence[Change]) -> Sequence[UserCoreError | None]:
        await self._rest()
        outcomes = await MemoryUserWriter(self.database).commit(changes)
        await self._rest()
        return outcomes

    async def _rest(self) -> None:
        for _ in range(random.randint(0, self.most_turns)):
            await asyncio.sleep(0)


@frozen
class Service:
    """The cache over a backend: a whole copy of the service, as far as this goes."""

    cache: Cache
    backend: Backend

    async def read(self, *ids: UserId) -> Mapping[UserId, ProfileDocument]:
        return await self.cache.reader(self.backend).documents(ids)

    async def create(self, **fields: object) -> User:
        return await self.commit(creation(**fields))  # type: ignore[arg-type] # the builder's own arguments

    async def change(self, user: User) -> User:
        return await self.commit(update(user, first_name=f"Version {user.version + 1}"))

    async def commit(self, change: Change) -> User:
        [outcome] = await self.cache.writer(self.backend).commit([change])
        assert outcome is None
        return change.user

    async def settled(self) -> None:
        """Wait for what is stored after the answers."""
        await self.cache._fills.aclose()
