"""One way to speak HTTP with a service around us: a pool of connections, time limits, and what its answers mean.

Nothing of a request or an answer is logged, or kept in an error: both hold personal data, and some hold secrets.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
from attrs import field, frozen

from usercore.delivery.errors import RecipientRefusedError, RecipientUnavailableError
from usercore.delivery.values import Delivery
from usercore.kernel.secret import Secret
from usercore.kernel.tracing import SpanKind, step

KEY: Final = "Idempotency-Key"
"""Source: draft-ietf-httpapi-idempotency-key-header-07, 2.1: a structured field, a string in quotes."""
TRACEPARENT: Final = "traceparent"
"""Source: W3C Trace Context, 3.2."""
_PORTS: Final = {"http": 80, "https": 443}
ANSWER_LIMIT_BYTES: Final = 16 * 1024 * 1024
"""More than a page of a thousand credentials."""
CLIENT_ERROR, SERVER_ERROR = 400, 500
LATER: Final = frozenset(
    {
        # They say nothing of the request, but of the credentials that we came with: somebody will mend them.
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
"""Client errors after which the same request may succeed. Source: RFC 9110, 15.5; RFC 8470, 5.2; RFC 6585, 4."""

ALIVE: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY})
"""Those that speak of the one request, and of a service that does its work."""


@frozen
class Answer:
    """What a service said.

    Args:
        status: the HTTP status.
        body: the JSON of the answer, or None where there is none.
        links: URLs by their relation (RFC 8288).
    """

    status: int
    body: Any = field(repr=False)
    links: Mapping[str, str] = field(factory=dict, repr=False)


@frozen(eq=False)
class ServiceClient:
    """Speaks with one service.

    Args:
        http: the pool; it knows address and token.
        timeout_s: how long one call may take, all in all.
    """

    http: httpx.AsyncClient = field(repr=False)
    timeout_s: float

    async def tell(
        self,
        method: str,
        path: str,
        delivery: Delivery,
        body: Mapping[str, object] | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """Send what a delivery asks for, under its idempotency key, and return the answer.

        Args:
            method: of HTTP.
            path: below the service's address.
            delivery: whose key goes with it.
            body: sent as JSON.
            accept: client errors that are answers and no failures.

        Raises:
            RecipientUnavailableError: try again later.
            RecipientRefusedError: never try again.
        """
        headers = {KEY: f'"{delivery.key}"'}
        if delivery.traceparent is not None:
            headers[TRACEPARENT] = delivery.traceparent
        return await self.ask(method, path, body=body, headers=headers, accept=accept)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """Send a request and return the answer. Raises as :meth:`tell` does."""
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        sent = {**(headers or {}), **({} if content is None else {"Content-Type": "application/json"})}
        # Paths name users, so the span has neither path nor URL.
        with step(method, SpanKind.CLIENT, {"http.request.method": method, **self._place}) as span:
            if span.traceparent is not None:
                sent[TRACEPARENT] = span.traceparent
            request = self.http.build_request(method, path.lstrip("/"), params=query, headers=sent, content=content)
            answer, response = await self._exchanged(request)
            span.note("http.response.status_code", answer.status)
            _check(response, accept)
        return answer

    @property
    def _place(self) -> Mapping[str, str | int]:
        """Where the service is. Source: OpenTelemetry semantic conventions for HTTP clients."""
        url = self.http.base_url
        return {"server.address": url.host, "server.port": url.port or _PORTS.get(url.scheme, 0)}

    async def _exchanged(self, request: httpx.Request) -> tuple[Answer, httpx.Response]:
        try:
            async with asyncio.timeout(self.timeout_s):
                response = await self.http.send(request, stream=True)
                try:
                    answer = Answer(response.status_code, await _body(response), _links(response))
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.TimeoutException):
            raise RecipientUnavailableError(cause="timeout") from None
        except httpx.ConnectError:
            raise RecipientUnavailableError(cause="connect") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise RecipientUnavailableError(cause="transport") from None
        return answer, response


async def _body(response: httpx.Response) -> Any:  # noqa: ANN401 -- whatever JSON there is
    """Return the JSON of an answer that says yes; what a service says about a failure is nobody's business here."""
    if not response.is_success:
        return None
    found = bytearray()
    async for part in response.aiter_bytes():
        found += part
        if len(found) > ANSWER_LIMIT_BYTES:
            raise RecipientUnavailableError(cause="answer_too_large")
    try:
        return json.loads(bytes(found)) if found else None
    except ValueError:
        # A service may say yes in its own words. Whoever needs the answer looks for itself.
        return None


def _links(response: httpx.Response) -> Mapping[str, str]:
    return {name: link["url"] for name, link in response.links.items() if name and "url" in link}


def _check(response: httpx.Response, accept: Collection[int]) -> None:
    status = response.status_code
    if response.is_success or status in accept:
        return
    if status < CLIENT_ERROR or status >= SERVER_ERROR or status in LATER:
        wait_s = retry_after(response.headers, datetime.now(UTC))
        raise RecipientUnavailableError(cause=f"http_{status}", wait_s=wait_s, alive=status in ALIVE)
    raise RecipientRefusedError(cause=f"http_{status}")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return for how many seconds a service asks to be left alone, or None. Source: RFC 9110, 10.2.3."""
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (at - now).total_seconds()) if at.tzinfo is not None else None


def _trust(ca_file: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca_file))


@asynccontextmanager
async def open_client(
    url: str, token: Secret | None, timeout_s: float, *, connections: int = 16, ca_file: Path | None = None
) -> AsyncIterator[ServiceClient]:
    """Open a pool of connections to a service, and close it at the end. Nothing connects before it is used.

    Args:
        url: where the service is; paths are taken below it.
        token: the bearer token that it knows us by.
        timeout_s: how long one call may take.
        connections: how many at most.
        ca_file: who may sign the service's certificate, in PEM; None for those that the system knows.
    """
    headers = {"Accept": "application/json", "User-Agent": "user-service"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token.reveal()}"
    async with httpx.AsyncClient(
        base_url=url.rstrip("/") + "/",
        headers=headers,
        timeout=timeout_s,
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        verify=True if ca_file is None else _trust(ca_file),
        follow_redirects=False,
        trust_env=False,
    ) as http:
        yield ServiceClient(http, timeout_s)
