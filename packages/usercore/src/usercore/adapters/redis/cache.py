"""The cache as one thing: opened once, laid over any reader and writer, and closed."""

import base64
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Final

from usercore.adapters.redis.breaker import Breaker
from usercore.adapters.redis.debts import OwedInvalidations
from usercore.adapters.redis.importing import FencedImportWriter
from usercore.adapters.redis.link import RedisLink, Shielded
from usercore.adapters.redis.observer import CacheObserver, SilentObserver
from usercore.adapters.redis.protocol import Fence, ReadThrough, WriteThrough
from usercore.adapters.redis.reader import CachedProfileReader
from usercore.adapters.redis.sealing import Sealer
from usercore.adapters.redis.store import RedisStore
from usercore.adapters.redis.writer import FencedUserWriter
from usercore.bulk.imports.ports import ImportWriter
from usercore.kernel.ids import UserId
from usercore.settings.sections import CacheSettings
from usercore.users.ports import ProfileReader, UserWriter

LEASE_TTL_S: Final = 5.0
"""A reader that takes longer to ask the database does not fill."""
FENCE_TTL_S: Final = 60.0
"""Above the longest transaction: a few statements under the default `statement_timeout`."""
MOST_TTL_S: Final = 60.0
"""Bounds what the protocol cannot: a writer killed at the wrong moment whose fence was evicted too."""


class Cache:
    """A cache of ready profiles on one server.

    Args:
        settings: where the server is, the key that seals, and the limits.
        observer: is told how reads went.
        fence_ttl_s: how long a killed writer's users are not cached; longer than any transaction lasts.
    """

    def __init__(self, settings: CacheSettings, observer: CacheObserver, *, fence_ttl_s: float = FENCE_TTL_S) -> None:
        if settings.key is None:
            raise ValueError("a cache needs a key")
        if not 0 < settings.ttl_s <= MOST_TTL_S:
            raise ValueError(f"profiles are cached for {MOST_TTL_S:g} s at most")
        self._observer = observer
        self._sealer = Sealer(base64.b64decode(settings.key.reveal(), validate=True))
        self._link = RedisLink(settings, observer, Breaker())
        self._store = RedisStore(
            self._link,
            namespace=settings.namespace,
            ttl_s=settings.ttl_s,
            lease_ttl_s=LEASE_TTL_S,
            fence_ttl_s=fence_ttl_s,
        )
        self._owed = OwedInvalidations(self._store.invalidate, settings.ttl_s + LEASE_TTL_S)
        self._writes = Shielded()
        self._fills = Shielded()
        self._new_token = _tokens()

    def reader(self, inner: ProfileReader) -> CachedProfileReader:
        """Lay the cache over a reader."""
        through = ReadThrough(self._store, inner, self._sealer, self._observer, self._new_token)
        return CachedProfileReader(through, self._owed, self._fills)

    def writer(self, inner: UserWriter) -> FencedUserWriter:
        """Lay the cache over a writer. Every writer of every copy of the service must stand behind one."""
        return FencedUserWriter(WriteThrough(self._store, inner, self._new_token, self._owed.owe), self._writes)

    def import_writer(self, inner: ImportWriter) -> FencedImportWriter:
        """Lay the cache over what writes imports."""
        return FencedImportWriter(inner, Fence(self._store, self._new_token, self._owed.owe), self._writes)

    async def invalidate(self, ids: Sequence[UserId]) -> None:
        """Delete what is cached of users: for changes that went past :meth:`writer`.

        Raises:
            CacheDownError: the server does not answer.
        """
        if ids:
            await self._store.invalidate(ids)

    async def ping(self) -> None:
        """Pass where the server answers. Without it the service is slower and as right as ever.

        Raises:
            CacheDownError: it does not.
        """
        await self._link.exchange(lambda client: client.ping(), name="PING")

    def pool_use(self) -> tuple[int, int]:
        """Return how many connections there may be, and how many are at work."""
        return self._link.in_use

    async def aclose(self) -> None:
        """Finish what is under way and close every connection."""
        await self._writes.aclose()
        await self._fills.aclose()
        await self._owed.aclose()
        await self._link.aclose()


@asynccontextmanager
async def open_cache(
    settings: CacheSettings, observer: CacheObserver | None = None, *, fence_ttl_s: float = FENCE_TTL_S
) -> AsyncIterator[Cache]:
    """Prepare a cache, and close it at the end. Connections are made when they are first needed.

    Args:
        settings: where the server is, the key that seals, and the limits.
        observer: is told how reads went.
        fence_ttl_s: how long a killed writer's users are not cached; longer than any transaction lasts.
    """
    cache = Cache(settings, observer or SilentObserver(), fence_ttl_s=fence_ttl_s)
    try:
        yield cache
    finally:
        await cache.aclose()


def _tokens() -> Callable[[], str]:
    """Return a source of words that no other process, and no other call, gives out."""
    process, numbers = secrets.token_hex(8), count()
    return lambda: f"{process}:{next(numbers)}"
