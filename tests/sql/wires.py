"""A wire to PostgreSQL that a test can cut, freeze, or make look like a pooler's."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

_KEY_DATA = b"K" + struct.pack("!i", 12)
"""Source: PostgreSQL's documentation, "Message Formats", BackendKeyData of protocol 3.0."""


class Wire:
    """Carries bytes between the service and the server.

    `url` is the database as seen through it. `posing` hides the backends' process ids, as poolers do.
    """

    def __init__(self, url: str, *, posing: bool) -> None:
        self._to = urlsplit(url)
        self._posing = posing
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.url = ""

    async def open(self, port: int = 0) -> None:
        """Accept connections; after :meth:`cut` at the same port as before."""
        port = port or (urlsplit(self.url).port or 0 if self.url else 0)
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        port = self._server.sockets[0].getsockname()[1]
        credentials = self._to.netloc.rpartition("@")[0]
        self.url = urlunsplit(self._to._replace(netloc=f"{credentials}@127.0.0.1:{port}"))

    def freeze(self) -> None:
        """Carry nothing any more, and keep every connection open."""
        self._flows.clear()

    def thaw(self) -> None:
        """Carry again, beginning with what was held back."""
        self._flows.set()

    def drop(self) -> None:
        """Break every connection, as a server does that ends at once."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def cut(self) -> None:
        """Break every connection and accept none."""
        if self._server is not None:
            self._server.close()
        self.drop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._to.hostname, self._to.port)
        self._writers |= {writer, back}
        for task in (
            asyncio.create_task(self._carry(reader, back)),
            asyncio.create_task(self._carry(there, writer, posing=self._posing)),
        ):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, posing: bool = False) -> None:
        try:
            while data := await source.read(65_536):
                await self._flows.wait()
                if posing and _KEY_DATA in data:
                    at = data.index(_KEY_DATA) + len(_KEY_DATA)
                    data, posing = data[:at] + b"\x7f\xff\xff\xff" + data[at + 4 :], False
                target.write(data)
                await target.drain()
        except ConnectionError:
            pass
        finally:
            target.close()


@asynccontextmanager
async def wire_to(url: str, *, posing: bool = False) -> AsyncIterator[Wire]:
    """Lay a wire to a database for the length of a test."""
    wire = Wire(url, posing=posing)
    await wire.open()
    try:
        yield wire
    finally:
        await wire.cut()
