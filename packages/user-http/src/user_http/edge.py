"""The outermost layer: an id for every request, a bound on how many run at once, metrics and the access log.

Neither shows anything personal: the route's template stands for the path, and no header, parameter or body is
looked at.
"""

import logging
from collections.abc import MutableMapping
from time import perf_counter
from typing import Any, Final, Protocol, cast

import structlog
from attrs import define, frozen
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from user_http.exchange import SCOPE_KEY, Exchange
from user_http.problems import INTERNAL, OVERLOADED, answer_of_kind, retry_after

GONE: Final = 499
"""The status that metrics and logs show where the client left before it was answered."""
_SERVER_ERROR: Final = 500
_API: Final = "/v1/"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class HttpObserver(Protocol):
    """Is told of every request."""

    def http_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Take note of an answered request."""
        ...

    def http_in_flight(self, change: int) -> None:
        """Take note of a request that begins (1) or ends (-1)."""
        ...


@define
class Lifecycle:
    """Where this copy of the service stands between start and stop."""

    draining: bool = False


@frozen
class Edge:
    """Wraps the whole API.

    Args:
        inner: what answers.
        observer: whom to tell.
        lifecycle: while it drains, connections are not kept.
        max_in_flight: API requests beyond this many are refused at once.
    """

    inner: ASGIApp
    observer: HttpObserver
    lifecycle: Lifecycle
    max_in_flight: int
    _load: "_Load"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            return
        exchange = Exchange(scope, send, closing=self.lifecycle.draining)
        extended: MutableMapping[str, Any] = cast("MutableMapping[str, Any]", scope)
        extended[SCOPE_KEY] = exchange
        load = self._load
        self.observer.http_in_flight(1)
        load.in_flight += 1
        try:
            if load.in_flight > self.max_in_flight and scope["path"].startswith(_API):
                await answer_of_kind(OVERLOADED, exchange.request_id, retry_after(1))(scope, receive, exchange.send)
            else:
                await self.inner(scope, receive, exchange.send)
        except Exception as error:  # noqa: BLE001 -- nothing may leave the edge unanswered
            await self._crashed(error, exchange, scope, receive)
        finally:
            load.in_flight -= 1
            self.observer.http_in_flight(-1)
            self._report(exchange)
            exchange.end()

    async def _crashed(self, error: Exception, exchange: Exchange, scope: Scope, receive: Receive) -> None:
        structlog.get_logger().error("request crashed", request_id=exchange.request_id, exc_info=error)
        if exchange.status:
            raise error  # half an answer is out: the server must close the connection
        await answer_of_kind(INTERNAL, exchange.request_id)(scope, receive, exchange.send)

    def _report(self, exchange: Exchange) -> None:
        seconds = perf_counter() - exchange.began
        status = exchange.status or GONE
        method = exchange.method if exchange.method in METHODS else "OTHER"
        self.observer.http_request(method, exchange.route, status, seconds)
        # A successful read is logged at debug level alone: at thousands a second its line would cost more than it.
        quiet = status < _CLIENT_ERROR and method in _SAFE
        if quiet and not _ROOT.isEnabledFor(logging.DEBUG):
            return
        log = structlog.get_logger()
        write = log.warning if status >= _SERVER_ERROR else log.debug if quiet else log.info
        write(
            "request",
            method=method,
            route=exchange.route,
            status=status,
            ms=round(seconds * 1000, 2),
            request_id=exchange.request_id,
        )


_ROOT: Final = logging.getLogger()
_CLIENT_ERROR: Final = 400
METHODS: Final = _SAFE | {"POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT"}


@define
class _Load:
    in_flight: int = 0


def at_the_edge(inner: ASGIApp, observer: HttpObserver, lifecycle: Lifecycle, max_in_flight: int) -> ASGIApp:
    """Put the outermost layer around an application."""
    return Edge(inner, observer, lifecycle, max_in_flight, _Load())
