"""A server that answers as a test tells it, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from attrs import define, field

Answer = Callable[[bytes, int], bytes]
"""From a request's head and how many came before it to the whole answer."""


def ok(body: bytes = b"{}") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@define
class Asked:
    """What a server was asked."""

    port: int = 0
    heads: list[bytes] = field(factory=list)
    connections: int = 0


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[Asked]:
    asked = Asked()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                whole = answer(head, len(asked.heads))
                asked.heads.append(head)
                half = len(whole) // 2
                writer.write(whole[:half])  # in two pieces: an answer need not come at once
                await writer.drain()
                await asyncio.sleep(0)
                writer.write(whole[half:])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        asked.port = server.sockets[0].getsockname()[1]
        yield asked
