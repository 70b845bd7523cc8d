"""What the server does for every answer, over uvicorn's protocol and a transport that keeps what is written."""

import asyncio
import gc
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from attrs import define, field
from uvicorn.server import ServerState

from tests.http.api import a_core, serving
from tests.http.tokens import bearer
from user_http.protocol import BoundedHttpProtocol

DEADLINE_S = 5


@define(eq=False)
class Wire(asyncio.Transport):
    """One connection, whose writes are kept apart."""

    protocol: BoundedHttpProtocol = field(init=False)
    writes: list[bytes] = field(factory=list)
    closed: bool = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"sockname": ("127.0.0.1", 1), "peername": ("127.0.0.1", 2)}.get(name, default)

    def write(self, data: Any) -> None:
        if data:
            self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    async def ask(self, *requests: bytes) -> list[bytes]:
        """Give the writes that answer requests which come in one piece."""
        self.writes.clear()
        self.protocol.data_received(b"".join(requests))
        async with asyncio.timeout(DEADLINE_S):
            while tasks := self.protocol.tasks:
                await asyncio.wait(list(tasks))
        return self.writes


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    """A connection to the API; the server adds the date, as it does in earnest."""
    async with serving(tmp_path, core=a_core()) as api:
        app: Any = api.app
        config = uvicorn.Config(app, loop="none", http=BoundedHttpProtocol, lifespan="off", access_log=False)
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")]
        one = Wire()
        one.protocol = BoundedHttpProtocol(config=config, server_state=state, app_state={})
        one.protocol.connection_made(one)
        yield one
        one.protocol.connection_lost(None)


def request(path: str, method: str = "GET", version: str = "1.1", **headers: str) -> bytes:
    """Give a request with a token that may read users."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = {"Host": "users", **bearer("users:read"), **more}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/{version}\r\n{head}\r\n".encode()


async def test_an_answer_goes_out_in_one_write(wire: Wire) -> None:
    [written] = await wire.ask(request("/health/live", X_Request_Id="mine"))
    head, _, body = written.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    assert (status, body) == (b"HTTP/1.1 200 OK", b'{"status":"alive"}')
    assert sorted(lines) == [
        b"cache-control: no-store",
        b"content-length: %d" % len(body),
        b"content-type: application/json",
        b"date: Thu, 01 Jan 1970 00:00:00 GMT",
        b"x-content-type-options: nosniff",
        b"x-request-id: mine",
    ]
    assert not wire.closed


async def test_requests_in_one_piece_are_answered_in_their_order(wire: Wire) -> None:
    ids = ["first", "second", "third"]
    written = await wire.ask(*(request("/health/live", X_Request_Id=one) for one in ids))
    assert re.findall(rb"x-request-id: (\w+)", b"".join(written)) == [one.encode() for one in ids]
    assert len(written) == len(ids)


@pytest.mark.parametrize(
    ("asked", "closes"),
    [
        (request("/health/live", Connection="close"), True),
        (request("/health/live", version="1.0"), True),
        (request("/health/live"), False),
    ],
)
async def test_the_connection_is_kept_where_both_sides_will(wire: Wire, asked: bytes, closes: bool) -> None:
    answer = b"".join(await wire.ask(asked))
    assert answer.endswith(b'{"status":"alive"}')
    assert (b"connection: close" in answer) == closes
    assert wire.closed == closes


async def test_what_has_no_body_promises_none(wire: Wire) -> None:
    answer = b"".join(await wire.ask(request("/v1/users", "OPTIONS")))
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert b"content-length" not in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_nothing_is_written_to_a_client_that_has_left(wire: Wire) -> None:
    wire.protocol.data_received(request("/health/live"))
    wire.protocol.cycle.disconnected = True
    await asyncio.wait(list(wire.protocol.tasks))
    assert wire.writes == []


async def test_a_request_leaves_nothing_for_the_garbage_collector(wire: Wire) -> None:
    await wire.ask(request("/v1/users/01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"))
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            await wire.ask(request("/v1/users/01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"))
        assert gc.collect() < 50
    finally:
        gc.enable()
