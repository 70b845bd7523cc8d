"""Who wrote last and when, on a server that every copy of the service asks."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from attrs import evolve

from usercore.adapters.redis.breaker import Breaker
from usercore.adapters.redis.link import RedisLink
from usercore.adapters.redis.observer import CacheObserver, SilentObserver
from usercore.kernel.consistency import Position, WriteMarks
from usercore.settings.sections import CacheSettings

CONNECTIONS: Final = 4
"""An exchange here is one key long."""
_PURPOSE: Final = b"write-marks"

# Positions are compared as text of one length: numbers of Lua are not exact beyond 2**53.
_REMEMBER: Final = """
local kept = redis.call('GET', KEYS[1])
local later = ARGV[1]
if kept and kept > later then later = kept end
redis.call('SET', KEYS[1], later, 'PX', ARGV[2])
return later
"""


class RedisWriteMarks:
    """Remembers positions on a server.

    Args:
        link: carries the exchange there.
        namespace: begins every key.
        key: hashes what callers are called, so that the server learns nobody's id.
        ttl_s: for how long positions are remembered.
    """

    def __init__(self, link: RedisLink, *, namespace: str, key: bytes, ttl_s: float) -> None:
        self._link = link
        self._prefix = f"{namespace}:w:".encode()
        self._key = key
        self._ttl_ms = max(1, round(ttl_s * 1000))
        self._script = link.script(_REMEMBER)

    async def remember(self, caller: str, position: Position) -> None:
        """Keep a position of a caller, unless a later one is kept."""
        arguments: list[str | int] = [f"{position:016x}", self._ttl_ms]
        key = self._hashed(caller)
        await self._link.exchange(lambda client: self._script([key], arguments, client), name="EVALSHA remember")

    async def last(self, caller: str) -> Position:
        """Return the last position of a caller; 0 where none is remembered, or not any more."""
        kept = await self._link.exchange(lambda client: client.get(self._hashed(caller)), name="GET")
        return int(kept, 16) if kept else 0

    async def aclose(self) -> None:
        """Finish what is under way and close every connection."""
        await self._link.aclose()

    def _hashed(self, caller: str) -> bytes:
        return self._prefix + blake2b(caller.encode(), digest_size=16, key=self._key, person=_PURPOSE).digest()


@asynccontextmanager
async def open_write_marks(
    settings: CacheSettings, ttl_s: float, observer: CacheObserver | None = None
) -> AsyncIterator[RedisWriteMarks]:
    """Prepare the memory on the cache's server, with connections of its own, and close it at the end.

    Args:
        settings: where the server is, the key that hashes, and the limits.
        ttl_s: for how long positions are remembered.
        observer: is told of exchanges that failed.
    """
    if settings.key is None:
        raise ValueError("write marks need a key")
    link = RedisLink(evolve(settings, pool_size=CONNECTIONS), observer or SilentObserver(), Breaker())
    key = base64.b64decode(settings.key.reveal(), validate=True)
    marks = RedisWriteMarks(link, namespace=settings.namespace, key=key, ttl_s=ttl_s)
    try:
        yield marks
    finally:
        await marks.aclose()


if TYPE_CHECKING:

    def _conforms(marks: RedisWriteMarks) -> WriteMarks:
        return marks
