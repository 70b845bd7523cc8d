"""Requests as spans: each goes on with its caller's trace, or begins one.

Source: OpenTelemetry semantic conventions for HTTP servers. What the conventions have and these spans do not: the path
and the query, which name users and repeat what callers wrote, and the client's address and browser. `tracestate` is
neither read nor passed on: it is free text that anybody may fill.
"""

from typing import Final, cast

from attrs import frozen
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from user_http import routes
from user_http.edge import GONE, METHODS
from user_http.exchange import SCOPE_KEY, Exchange, read_traceparent
from user_http.headers import RequestHeaders
from user_http.routes import UNMATCHED
from usercore.kernel.tracing import During, Span, SpanKind, Tracer

UNTRACED: Final = frozenset({routes.LIVE.path, routes.READY.path, routes.METRICS.path})
"""What is asked all the time, by machines that look after this one."""
_SERVER_ERROR: Final = 500


@frozen
class TracedRequests:
    """Stands in front of the whole API.

    Args:
        inner: what answers.
        tracer: begins the spans.
    """

    inner: ASGIApp
    tracer: Tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within a span."""
        if scope["type"] != ScopeType.HTTP or scope["path"] in UNTRACED:
            await self.inner(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else None
        words = {"http.request.method": method or "_OTHER", "url.scheme": _scheme(scope)}
        caller = read_traceparent(RequestHeaders(tuple(scope["headers"])))
        span = self.tracer.begin(method or "HTTP", SpanKind.SERVER, parent=caller, words=words)
        with During(span):
            try:
                await self.inner(scope, receive, send)
            finally:
                _describe(span, cast("dict[str, Exchange]", scope).get(SCOPE_KEY), method)


def _describe(span: Span, exchange: Exchange | None, method: str | None) -> None:
    """Say what became of a request, as metrics and the access log do."""
    if exchange is None:
        return
    if exchange.route != UNMATCHED:
        span.rename(f"{method or 'HTTP'} {exchange.route}")
        span.note("http.route", exchange.route)
    status = exchange.status or GONE
    span.note("http.response.status_code", status)
    if status >= _SERVER_ERROR:
        span.fail(str(status))


def _scheme(scope: Scope) -> str:
    return "https" if scope["scheme"] == "https" else "http"


def traced(app: ASGIApp, tracer: Tracer | None) -> ASGIApp:
    """Return an application whose requests are spans; the same one without a tracer."""
    return app if tracer is None else TracedRequests(app, tracer)
