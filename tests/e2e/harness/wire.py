"""A small HTTP/1.1 client over plain streams.

It is quick enough to leave the machine to the servers, can leave a server in the middle of a request, and says
exactly when a request began and its answer was whole, on one clock for all.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from attrs import define, field, frozen

HOST: Final = "127.0.0.1"
DEADLINE_S: Final = 30.0
"""No request may take longer, whatever happens to the servers."""
_BODYLESS: Final = frozenset({204, 304})


class UnansweredError(Exception):
    """The server closed the connection before the answer was whole."""


@frozen
class Answer:
    """A whole answer.

    Args:
        status: the HTTP status.
        headers: by name in lower case.
        body: as it came.
        began: when the request was begun, by `time.monotonic`.
        ended: when the answer was whole, likewise.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    began: float
    ended: float

    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)

    @property
    def version(self) -> int:
        """The version that the ETag names."""
        return int(self.headers["etag"].strip('"'))

    @property
    def took_s(self) -> float:
        """How long it took."""
        return self.ended - self.began


@define(eq=False)
class Connection:
    """One connection, with one request at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    reusable: bool = True

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connect to a copy."""
        reader, writer = await asyncio.open_connection(HOST, port)
        return cls(reader, writer)

    async def send(self, request: bytes) -> None:
        """Send bytes, whole or not."""
        self.writer.write(request)
        await self.writer.drain()

    async def exchange(self, request: bytes) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            UnansweredError: the server closed the connection first.
        """
        began = time.monotonic()
        try:
            await self.send(request)
            return await self.receive(began)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            self.abort()
            raise UnansweredError(type(error).__name__) from error
        except BaseException:
            self.abort()
            raise

    async def receive(self, began: float) -> Answer:
        """Wait for one whole answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = b"" if status in _BODYLESS else await self.reader.readexactly(int(headers["content-length"]))
        self.reusable = headers.get("connection", "").lower() != "close"
        return Answer(status, headers, body, began, time.monotonic())

    def abort(self) -> None:
        """Leave at once, whatever is under way."""
        self.reusable = False
        self.writer.transport.abort()


def request_bytes(
    method: str, path: str, *, token: str | None, body: object = None, headers: Mapping[str, str] | None = None
) -> bytes:
    """Return a request as it goes over the wire.

    Args:
        method: the HTTP method.
        path: with its query, encoded.
        token: the bearer token, or None.
        body: an object for JSON, or bytes that go as they are.
        headers: further ones; they replace those made here.
    """
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    all_headers = {"host": "users.example"}
    if token is not None:
        all_headers["authorization"] = f"Bearer {token}"
    if body is not None:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        all_headers |= {"content-type": kind, "content-length": str(len(raw))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in {**all_headers, **(headers or {})}.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + raw


@define(eq=False)
class Client:
    """Asks one copy, over as many kept connections as there are requests at a time."""

    port: int
    token: str | None = field(repr=False)
    _idle: list[Connection] = field(factory=list, init=False, repr=False)

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        while self._idle:
            self._idle.pop().abort()
        await asyncio.sleep(0)  # an aborted connection is closed in the loop's next turn

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> Answer:
        """Send a request and return its answer.

        Raises:
            UnansweredError: the server closed the connection first.
            ConnectionError: it does not accept connections.
            TimeoutError: there is no answer in time.
        """
        raw = request_bytes(method, path, token=self.token, body=body, headers=headers)
        async with asyncio.timeout(deadline_s):
            connection = self._idle.pop() if self._idle else await Connection.open(self.port)
            answer = await connection.exchange(raw)
        if connection.reusable:
            self._idle.append(connection)
        else:
            connection.abort()
        return answer

    async def get(self, path: str, **more: Any) -> Answer:
        """Send a GET."""
        return await self.request("GET", path, **more)

    async def post(self, path: str, body: object = None, **more: Any) -> Answer:
        """Send a POST."""
        return await self.request("POST", path, body, **more)

    async def patch(self, path: str, body: object, if_match: str, **more: Any) -> Answer:
        """Send a PATCH for the version that `if_match` names."""
        headers = {"if-match": if_match, **more.pop("headers", {})}
        return await self.request("PATCH", path, body, headers=headers, **more)
