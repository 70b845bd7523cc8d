"""Events on their way out, in memory."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import field, frozen

from usercore.adapters.memory.database import MemoryDatabase
from usercore.delivery.ports import (
    OutboxBatch,
    OutboxFilter,
    OutboxLine,
    OutboxMessage,
    OutboxReader,
    OutboxShards,
    OutboxStanding,
    ProfileState,
)
from usercore.delivery.sharding import SHARDS, shard_of
from usercore.kernel.errors import UnavailableError
from usercore.kernel.ids import UserId
from usercore.users.ports import ProfileDocument
from usercore.users.values import AccountState


@frozen
class MemoryOutboxReader:
    """Looks at the outbox."""

    database: MemoryDatabase

    async def pending(self) -> int:
        """Return how many events have not been published."""
        return len(_unpublished(self.database))

    async def messages(self, *, after: int, limit: int) -> Sequence[OutboxMessage]:
        """Return messages behind a position, in order."""
        return [message for message in self.database.outbox if message.position > after][:limit]

    async def waiting(self) -> Sequence[OutboxLine]:
        """Return what was not published, by shard and message."""
        groups: dict[tuple[int, str], list[datetime]] = defaultdict(list)
        for message in _unpublished(self.database):
            groups[shard_of(message.user_id), message.message].append(message.occurred_at)
        return [OutboxLine(*group, len(times), min(times)) for group, times in sorted(groups.items())]

    async def standing(self) -> OutboxStanding:
        """Return how the outbox stands."""
        published = self.database.published
        return OutboxStanding(await self.waiting(), len(published), max(published.values(), default=None))


@frozen
class MemoryOutboxShards:
    """Publishes the outbox shard by shard."""

    database: MemoryDatabase
    _held: set[int] = field(factory=set, init=False)

    async def drain(
        self,
        publish: Callable[[OutboxBatch], Awaitable[datetime]],
        *,
        shards: int,
        limit: int,
        patience_s: float,  # noqa: ARG002 -- nobody here loses shards but by ending
        avoid: Collection[int] = (),
    ) -> OutboxBatch | None:
        """Publish what stands in shards that nobody else holds."""
        free = (shard_of(message.user_id) for message in _unpublished(self.database))
        taken = list(dict.fromkeys(shard for shard in free if shard not in self._held.union(avoid)))[:shards]
        if not taken:
            return None
        with self._holding(taken):
            batch = self._batch(taken, limit)
            at = await publish(batch)
            self.database.published |= dict.fromkeys((message.position for message in batch.messages), at)
            return batch

    async def republish(
        self,
        publish: Callable[[Sequence[ProfileState]], Awaitable[None]],
        *,
        after: UserId | None,
        limit: int,
        patience_s: float,  # noqa: ARG002 -- as above
    ) -> Sequence[ProfileState]:
        """Publish the state of users behind `after`, by id."""
        if self._held:
            raise UnavailableError("others are publishing; try again later")
        with self._holding(range(SHARDS)):
            ids = sorted(user_id for user_id in self.database.documents if user_id > (after or ""))
            states = [_state(self.database.documents[user_id]) for user_id in ids[:limit]]
            if states:
                await publish(states)
            return states

    async def reopen(self, chosen: OutboxFilter) -> int:
        """Mark published events as not published, and return how many."""
        published = self.database.published
        again = [one.position for one in self.database.outbox if one.position in published and _is(one, chosen)]
        for position in again:
            del published[position]
        return len(again)

    async def purge(self, before: datetime) -> int:
        """Forget events that were published before a time, and return how many went."""
        old = {position for position, at in self.database.published.items() if at < before}
        self.database.outbox[:] = [one for one in self.database.outbox if one.position not in old]
        for position in old:
            del self.database.published[position]
        self.database.forgotten += len(old)
        return len(old)

    @contextmanager
    def _holding(self, shards: Iterable[int]) -> Iterator[None]:
        taken = set(shards)
        self._held.update(taken)
        try:
            yield
        finally:
            self._held.difference_update(taken)

    def _batch(self, held: Sequence[int], limit: int) -> OutboxBatch:
        waiting = (message for message in _unpublished(self.database) if shard_of(message.user_id) in held)
        messages = [message for _, message in zip(range(limit), waiting, strict=False)]
        # A rejected command's id is no user's.
        users = dict.fromkeys(message.user_id for message in messages)
        documents = self.database.documents
        states = [_state(documents[user_id]) for user_id in users if user_id in documents]
        return OutboxBatch(messages, states, held)


def _unpublished(database: MemoryDatabase) -> list[OutboxMessage]:
    return [message for message in database.outbox if message.position not in database.published]


def _state(document: ProfileDocument) -> ProfileState:
    erased = document.state is AccountState.ERASED
    return ProfileState(document.user_id, document.version, None if erased else document.body)


def _is(message: OutboxMessage, chosen: OutboxFilter) -> bool:
    return (
        chosen.user_id in {None, message.user_id}
        and chosen.message in {None, message.message}
        and (chosen.since is None or message.occurred_at >= chosen.since)
        and (chosen.until is None or message.occurred_at < chosen.until)
    )


if TYPE_CHECKING:
    _database = MemoryDatabase()
    _outbox: OutboxReader = MemoryOutboxReader(_database)
    _shards: OutboxShards = MemoryOutboxShards(_database)
