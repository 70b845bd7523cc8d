"""A load balancer in front of copies: carries bytes to those that say they are ready, as the ones of platforms do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import count

from attrs import define, field

from tests.e2e.harness.copies import is_ready
from tests.e2e.harness.waiting import until_so
from tests.e2e.harness.wire import HOST

_LOOK_EVERY_S = 0.1
_CHUNK_BYTES = 65_536


@define(eq=False)
class Balancer:
    """Knows the copies and gives each new connection to the next one that is ready.

    Args:
        ready: whether the copy at a port says that it can serve.
    """

    ready: Callable[[int], Awaitable[bool]] = is_ready
    port: int = field(default=0, init=False)
    _known: list[int] = field(factory=list, init=False)
    _chosen: list[int] = field(factory=list, init=False)
    _turn: Iterator[int] = field(factory=count, init=False)

    async def add(self, port: int) -> None:
        """Know a copy, and wait until it is given connections."""
        self._known.append(port)
        await until_so(lambda: port in self._chosen, "the copy is chosen")

    async def left(self, port: int) -> None:
        """Wait until a copy is given no connections any more, and forget it."""
        await until_so(lambda: port not in self._chosen, "the copy is not chosen any more")
        self._known.remove(port)

    async def watch(self) -> None:
        """Ask the copies again and again, until cancelled."""
        while True:
            answers = [(port, await self.ready(port)) for port in self._known]
            self._chosen = [port for port, ready in answers if ready]
            await asyncio.sleep(_LOOK_EVERY_S)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to a copy, and close it when either side does."""
        opened = await self._opened()
        if opened is None:
            writer.transport.abort()
            return
        there_reader, there_writer = opened
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, there_writer))
                group.create_task(_pump(there_reader, writer))
        except* ConnectionError:
            pass
        finally:
            writer.transport.abort()
            there_writer.transport.abort()

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Connect to the next copy; to the one after it where that one accepts nothing."""
        turn = next(self._turn)
        for index in range(len(self._chosen)):
            with suppress(ConnectionError, IndexError):
                return await asyncio.open_connection(HOST, self._chosen[(turn + index) % len(self._chosen)])
        return None


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK_BYTES):
        target.write(data)
        await target.drain()
    # The other side may still have something to say, but no HTTP peer of ours does: both go at once.
    raise ConnectionResetError


@asynccontextmanager
async def balancing() -> AsyncIterator[Balancer]:
    """Open a balancer that knows no copy yet."""
    balancer = Balancer()
    server = await asyncio.start_server(balancer.carry, HOST, 0)
    balancer.port = server.sockets[0].getsockname()[1]
    watching = asyncio.create_task(balancer.watch())
    try:
        yield balancer
    finally:
        watching.cancel()
        server.close()
        with suppress(asyncio.CancelledError):
            await watching
