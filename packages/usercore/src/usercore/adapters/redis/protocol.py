"""The order of the steps: how one read and one write go about it.

A write fences its users, commits, and lifts its part of the fence before it is acknowledged. Writers store
no values. A read that finds no value takes a lease before it asks the database, and fills only if the
lease is still held then: a write in between has deleted it. Without a lease a read does not fill.

So a value in the cache is always one that no acknowledged write has replaced. A writer that is killed leaves
its token in the fence, which keeps readers from filling until the token expires, longer than any
transaction lasts. What remains is a writer killed between its commit and its release whose fence was evicted
as well: then a stale value may stand until it expires, a minute at most.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from attrs import field, frozen

from usercore.adapters.redis.observer import BYPASS, HIT, MISS, UNSEALED, CacheObserver
from usercore.adapters.redis.steps import CacheDownError, FencedStore
from usercore.kernel.errors import ExhaustedError, UserCoreError
from usercore.kernel.ids import UserId
from usercore.users.ports import Change, ProfileDocument, ProfileReader, UserWriter

T = TypeVar("T")


class Box(Protocol):
    """Turns documents into values and back."""

    def seal(self, document: ProfileDocument) -> bytes | None:
        """Return a value, or None where the document must not be cached."""
        ...

    def open(self, user_id: UserId, sealed: bytes) -> ProfileDocument | None:
        """Return the user's document, or None where the value is none."""
        ...


@frozen
class Fill:
    """What a read has still to store, after its caller has been answered."""

    token: str
    values: Mapping[UserId, bytes | None] = field(repr=False)


@frozen
class ReadThrough:
    """Reads through the cache.

    Args:
        store: takes the steps.
        inner: the database.
        box: seals values.
        observer: is told how reads went.
        new_token: names a lease as no other.
    """

    store: FencedStore
    inner: ProfileReader
    box: Box
    observer: CacheObserver
    new_token: Callable[[], str]

    async def read(self, ids: Sequence[UserId]) -> tuple[Mapping[UserId, ProfileDocument], Fill | None]:
        """Return the documents of the users that exist, and what is to be filled.

        Args:
            ids: distinct.
        """
        token = self.new_token()
        try:
            found, leased = await self._look(ids, token)
        except CacheDownError:
            return await self.past(ids), None
        missing = [user_id for user_id in ids if user_id not in found]
        if not missing:
            return found, None
        self.observer.cache_reads(MISS, len(missing))
        # If this fails, the leases run out: to give them back is not worth another way through here.
        fresh = await self.inner.documents(missing)
        fill = {user_id: self._value(fresh.get(user_id)) for user_id in leased}
        return {**found, **fresh}, Fill(token, fill) if fill else None

    async def past(self, ids: Sequence[UserId]) -> Mapping[UserId, ProfileDocument]:
        """Read past the cache."""
        self.observer.cache_reads(BYPASS, len(ids))
        return await self.inner.documents(ids)

    async def fill(self, fill: Fill) -> None:
        """Store what a read brought, where its leases are still held."""
        try:
            await self.store.fill(fill.token, fill.values)
        except CacheDownError:
            return  # nothing is lost but a hit

    async def _look(self, ids: Sequence[UserId], token: str) -> tuple[dict[UserId, ProfileDocument], Sequence[UserId]]:
        """Return what the cache has, and for whom we hold a lease now."""
        values = await self.store.read(ids)
        found = self._opened(ids, values)
        self.observer.cache_reads(HIT, len(found))
        if len(found) == len(ids):
            return found, ()
        missing = [user_id for user_id in ids if user_id not in found]
        await self._clear_spoilt(
            [one for one, value in zip(ids, values, strict=True) if value is not None and one not in found]
        )
        answers = await self.store.lease(missing, token)
        found |= self._opened(missing, [one if isinstance(one, bytes) else None for one in answers])
        return found, [user_id for user_id, one in zip(missing, answers, strict=True) if one == "leased"]

    def _opened(self, ids: Sequence[UserId], values: Sequence[bytes | None]) -> dict[UserId, ProfileDocument]:
        opened = {}
        for user_id, value in zip(ids, values, strict=True):
            if value is not None and (document := self.box.open(user_id, value)) is not None:
                opened[user_id] = document
        return opened

    async def _clear_spoilt(self, ids: Sequence[UserId]) -> None:
        if ids:
            self.observer.cache_reads(UNSEALED, len(ids))
            await self.store.invalidate(ids)

    def _value(self, document: ProfileDocument | None) -> bytes | None:
        return None if document is None else self.box.seal(document)


@frozen
class WriteThrough:
    """Commits with the cache fenced.

    Args:
        store: takes the steps.
        inner: the database.
        new_token: names this writer's part of a fence as no other.
        owe: is given users whose values could not be deleted after a commit.
    """

    store: FencedStore
    inner: UserWriter
    new_token: Callable[[], str]
    owe: Callable[[Sequence[UserId]], None]

    async def commit(self, changes: Sequence[Change]) -> Sequence[UserCoreError | None]:
        """Commit changes; by the time this returns no cached value is older than they are."""
        ids = list(dict.fromkeys(step.user.id for change in changes for step in change.steps))
        return await Fence(self.store, self.new_token, self.owe).around(ids, lambda: self.inner.commit(changes))


@frozen
class Fence:
    """Keeps readers from filling while users are written.

    Args:
        store: takes the steps.
        new_token: names this writer's part of a fence as no other.
        owe: is given users whose values could not be deleted after a commit.
    """

    store: FencedStore
    new_token: Callable[[], str]
    owe: Callable[[Sequence[UserId]], None]

    async def around(self, ids: Sequence[UserId], commit: Callable[[], Awaitable[T]]) -> T:
        """Return what `commit` returns; by then no cached value of the users is older than what it wrote."""
        token = self.new_token()
        await self._fence(ids, token)
        over = False
        try:
            outcome = await commit()
            over = True
        except ExhaustedError:
            over = True  # nothing was committed, says the port
            raise
        finally:
            await self._release(ids, token, over=over)
        return outcome

    async def _fence(self, ids: Sequence[UserId], token: str) -> None:
        try:
            await self.store.fence(ids, token)
        except CacheDownError:
            return  # as long as this process lives, the release is enough

    async def _release(self, ids: Sequence[UserId], token: str, *, over: bool) -> None:
        """Lift the fence; where the transaction may still be committed without us, leave it to expire."""
        try:
            await (self.store.release(ids, token) if over else self.store.fence(ids, token))
        except CacheDownError:
            self.owe(ids)
