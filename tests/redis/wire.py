"""A wire to a server that can be cut and mended, while the server itself goes on and forgets nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

from attrs import define, field


@define(eq=False)
class Wire:
    """Carries bytes between its own port and a server's."""

    host: str
    port: int
    own_port: int = 0
    _server: asyncio.Server | None = None
    _ends: set[asyncio.StreamWriter] = field(factory=set)

    async def mend(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.own_port)
        self.own_port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Break every connection, losing what is on the way, and take no new ones."""
        assert self._server is not None
        self._server.close()
        for end in self._ends:
            end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
        ends = {writer, far_writer}
        self._ends |= ends
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        self._ends -= ends


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    sink.close()
    with suppress(OSError):
        await sink.wait_closed()


@asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """Give a mended wire and the URL that leads through it."""
    parts = urlsplit(url)
    wire = Wire(parts.hostname or "127.0.0.1", parts.port or 6379)
    await wire.mend()
    user, at, _ = parts.netloc.rpartition("@")
    yield wire, urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{wire.own_port}"))
    wire.cut()
