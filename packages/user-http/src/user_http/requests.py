"""One request of a known operation, as the code that answers it sees it."""

import re
from collections.abc import AsyncIterator, Mapping
from hashlib import sha256
from typing import Any, Final

from litestar.types import Receive

from user_http.auth.callers import Caller
from user_http.exchange import Exchange
from user_http.problems import BODY_TOO_LARGE, HEADER_MALFORMED, RequestRefusedError
from user_http.routes import Route
from usercore.kernel.ids import UserId
from usercore.users.errors import UserNotFoundError

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


_NOTHING: Final[Mapping[str, str]] = {}


class ClientGoneError(Exception):
    """The client left before its request was whole; there is nobody to answer."""


def is_uuid(raw: str) -> bool:
    """Return whether a text is a UUID, in letters of any case."""
    return _UUID.fullmatch(raw) is not None


def parse_user_id(raw: str) -> UserId:
    """Return a user id in canonical form.

    Raises:
        UserNotFoundError: ours are UUIDs, so nobody has this one.
    """
    if not is_uuid(raw):
        raise UserNotFoundError
    return UserId(raw.lower())


class Call:
    """One request.

    Args:
        route: its operation.
        scope: the ASGI scope.
        receive: the server's channel.
        exchange: what the outermost layer knows of it.
        body_limit: the most bytes of body to read.
        params: what stands in the path for each name of the route's template.
    """

    __slots__ = ("_body", "_limit", "_receive", "_scope", "caller", "exchange", "params", "route", "user_id")

    def __init__(
        self,
        *,
        route: Route,
        scope: Any,  # noqa: ANN401 -- ASGI's open mapping
        receive: Receive,
        exchange: Exchange,
        body_limit: int,
        params: Mapping[str, str],
    ) -> None:
        self.route = route
        self.exchange = exchange
        self.params: Mapping[str, str] = _NOTHING
        """What stands in the path in place of its template's names, as it came."""
        self.user_id: UserId | None = None
        """The path's user id in canonical form, or None where the path has none."""
        self.caller: Caller | None = None
        """Who asks, once they have been authenticated."""
        self.params = params
        self._scope = scope
        self._receive = receive
        self._limit = body_limit
        self._body: bytes | None = None

    @property
    def target(self) -> UserId:
        """The path's user id."""
        if self.user_id is None:
            raise UserNotFoundError
        return self.user_id

    @property
    def who(self) -> Caller:
        """The caller, who has been authenticated."""
        if self.caller is None:
            message = "the operation is not authenticated"
            raise RuntimeError(message)
        return self.caller

    @property
    def query_string(self) -> bytes:
        """The raw query."""
        query: bytes = self._scope["query_string"]
        return query

    @property
    def address(self) -> str:
        """The client's address: a proxy's, unless it is one whose forwarded headers are believed."""
        client: tuple[str, int] | None = self._scope.get("client")
        return client[0] if client else ""

    @property
    def path(self) -> str:
        """The path as it came, decoded; it may hold anything and goes into no log."""
        path: str = self._scope["path"]
        return path

    def header(self, name: bytes) -> str | None:
        """Return a header's value, several lines joined as RFC 9110, 5.3, says."""
        return self.exchange.headers.joined(name)

    def single_header(self, name: bytes) -> str | None:
        """Return a header that may come once.

        Raises:
            RequestRefusedError: it came several times.
        """
        if self.exchange.headers.is_repeated(name):
            raise RequestRefusedError(HEADER_MALFORMED, f"send the header {name.decode()} once")
        return self.exchange.headers.joined(name)

    async def body(self) -> bytes:
        """Read the whole body.

        Raises:
            RequestRefusedError: it is larger than allowed, whatever its header says.
            ClientGoneError: the client left in the middle.
        """
        if self._body is None:
            self._check_announced(self._limit)
            chunks = bytearray()
            more = True
            while more:
                message: Mapping[str, Any] = await self._receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                chunks += message.get("body", b"")
                more = message.get("more_body", False)
                if len(chunks) > self._limit:
                    raise self._too_large(self._limit)
            self._body = bytes(chunks)
        return self._body

    async def pieces(self, limit: int) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Args:
            limit: the most bytes of it.

        Raises:
            RequestRefusedError: it is larger, whatever its header says.
            ClientGoneError: the client left in the middle.
        """
        self._check_announced(limit)
        seen, more = 0, True
        while more:
            message: Mapping[str, Any] = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            piece: bytes = message.get("body", b"")
            seen += len(piece)
            if seen > limit:
                raise self._too_large(limit)
            yield piece
            more = message.get("more_body", False)

    def fingerprint(self, body: bytes) -> bytes:
        """Return a digest of all that makes this request what it is."""
        digest = sha256()
        names = (b"if-match", b"content-type")
        headers = [(self.header(name) or "").encode("latin-1") for name in names]
        path = self.path.encode("utf-8", "surrogatepass")
        for part in (self.route.method.encode(), path, self.query_string, *headers, body):
            digest.update(b"%d:" % len(part))
            digest.update(part)
        return digest.digest()

    def _check_announced(self, limit: int) -> None:
        announced = self.single_header(b"content-length")
        if announced is not None and announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
            raise self._too_large(limit)

    def _too_large(self, limit: int) -> RequestRefusedError:
        # The rest of the body is not read, so the connection cannot be used again.
        return RequestRefusedError(BODY_TOO_LARGE, f"send at most {limit} bytes", headers=((b"connection", b"close"),))
