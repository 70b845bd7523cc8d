"""The connections to the server: bounded in number and in time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from usercore.adapters.redis.breaker import Breaker
from usercore.adapters.redis.observer import ERROR, CacheObserver
from usercore.adapters.redis.steps import CacheDownError
from usercore.kernel.tracing import SpanKind, current, step
from usercore.settings.sections import CacheSettings

T = TypeVar("T")

_FAILURES: Final = (RedisError, OSError, TimeoutError)


class Shielded:
    """Runs work to its end, whatever becomes of who asked for it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        """Return how much is being worked on."""
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start work that nobody need wait for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what comes of the work; who is cancelled meanwhile leaves it running."""
        return await asyncio.shield(self.start(work))

    async def aclose(self) -> None:
        """Wait for everything that was started."""
        while self._tasks:
            await asyncio.wait(self._tasks)


class RedisLink:
    """Carries exchanges to the server.

    An exchange is never broken off in the middle by a caller who is cancelled: the connection would go
    back to the pool with the answer still to come, for the next one to read as its own (redis-py #2624).

    Args:
        settings: where the server is, and the limits.
        observer: is told of exchanges that failed.
        breaker: decides whether the server is asked at all.
    """

    def __init__(self, settings: CacheSettings, observer: CacheObserver, breaker: Breaker) -> None:
        if settings.url is None:
            raise ValueError("a cache needs a url")
        self._size = settings.pool_size
        self._observer = observer
        self._breaker = breaker
        self._shielded = Shielded()
        pool = BlockingConnectionPool.from_url(
            settings.url.reveal(),
            max_connections=settings.pool_size,
            timeout=settings.timeout_s,
            socket_timeout=settings.timeout_s,
            socket_connect_timeout=settings.timeout_s,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
        )
        self._client = Redis.from_pool(pool)

    @property
    def in_use(self) -> tuple[int, int]:
        """How many connections there may be, and how many are at work."""
        return self._size, min(self._size, len(self._shielded))

    def script(self, lua: str) -> AsyncScript:
        """Return a script for :meth:`exchange` to run; the server is given it when it does not know it."""
        return self._client.register_script(lua)

    async def exchange(
        self, work: "Callable[[Redis], Awaitable[T]]", *, name: str, tries: int = 1, insist: bool = False
    ) -> T:
        """Return what the server answered.

        Args:
            work: the exchange; it must bear being done twice where there are several tries.
            name: what it is called in traces: the command, or what the script is for.
            tries: how often at most.
            insist: ask even a server that did not answer before; it may be back, and others may fill it again.

        Raises:
            CacheDownError: it did not answer, or is not asked because it did not answer before.
        """
        if not insist and not self._breaker.admits():
            raise CacheDownError
        if current() is None:
            return await self._shielded.run(self._try(work, tries))
        with step(name, SpanKind.CLIENT, _words(name)):
            return await self._shielded.run(self._try(work, tries))

    async def aclose(self) -> None:
        """Finish what is under way and close every connection."""
        await self._shielded.aclose()
        await self._client.aclose(close_connection_pool=True)

    async def _try(self, work: "Callable[[Redis], Awaitable[T]]", tries: int) -> T:
        try:
            answer = await work(self._client)
        except _FAILURES as error:
            self._breaker.failed()
            self._observer.cache_reads(ERROR, 1)
            if tries > 1 and self._breaker.admits():
                return await self._try(work, tries - 1)
            raise CacheDownError from error
        self._breaker.succeeded()
        return answer


def _words(name: str) -> dict[str, str]:
    """Return the attributes of an exchange's span. Source: OpenTelemetry semantic conventions for Redis."""
    return {"db.system.name": "redis", "db.operation.name": name}
