"""Where the keys come from, and how they are kept fresh."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Final, Protocol

import httpx
import structlog
from attrs import frozen

from user_http.auth.keys import KeySet, KeysUnusableError, read_keys
from usercore.kernel.errors import UnavailableError

FETCH_TIMEOUT_S: Final = 3.0
DOCUMENT_MAX_BYTES: Final = 262_144
REFRESH_AFTER_S: Final = 300.0
"""How old the keys may grow before they are asked for again, so that a withdrawn key goes."""
REFRESH_GAP_S: Final = 10.0
"""The least time between two fetches, however many unknown keys tokens name."""


class KeySource(Protocol):
    """Gives the issuer's keys as they are now."""

    async def fetch(self) -> KeySet:
        """Return the keys.

        Raises:
            KeysUnusableError: what is there is no set of keys.
            OSError, httpx.HTTPError: they cannot be had.
        """
        ...


@frozen
class KeyFile:
    """Keys in a file, PEM or JWKS."""

    path: Path

    async def fetch(self) -> KeySet:
        """Read the file."""
        return read_keys(await asyncio.to_thread(self.path.read_text, encoding="utf-8"))


@frozen
class JwksUrl:
    """Keys at a URL: the issuer's JWKS."""

    url: str
    client: Callable[[], httpx.AsyncClient]

    async def fetch(self) -> KeySet:
        """Fetch the document; it is neither redirected nor larger than 256 KiB."""
        async with self.client() as client, client.stream("GET", self.url) as response:
            response.raise_for_status()
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > DOCUMENT_MAX_BYTES:
                    raise KeysUnusableError("the JWKS document is too large")
        return read_keys(body.decode("utf-8"))


def plain_client() -> httpx.AsyncClient:
    """Return a client that follows no redirect and waits for a bounded time."""
    return httpx.AsyncClient(timeout=FETCH_TIMEOUT_S, follow_redirects=False, trust_env=False)


class KeyRing:
    """The keys in force. It belongs to one event loop.

    Args:
        source: where they come from.
        clock: monotonic seconds.
    """

    def __init__(self, source: KeySource, clock: Callable[[], float] = monotonic) -> None:
        self._source = source
        self._clock = clock
        self._lock = asyncio.Lock()
        self._tried_at: float | None = None
        self._fetched_at: float | None = None
        self._refresh: asyncio.Task[None] | None = None
        self.keys = KeySet()
        self.generation = 0
        """Counts the changes of the key set; what was verified under another one must be verified again."""

    async def current(self) -> KeySet:
        """Return the keys; old ones are refreshed in passing.

        Raises:
            UnavailableError: there are none yet, and they cannot be had.
        """
        if self._fetched_at is None:
            await self.refresh()
            if self._fetched_at is None:
                raise UnavailableError("the keys that tokens are checked with cannot be had", retry_after_s=5)
        self.renew()
        return self.keys

    def renew(self) -> None:
        """Begin to ask for the keys again where they have grown old."""
        if self._fetched_at is None or self._refresh is not None or self._clock() - self._fetched_at <= REFRESH_AFTER_S:
            return
        self._refresh = asyncio.get_running_loop().create_task(self.refresh())
        self._refresh.add_done_callback(self._refreshed)

    def _refreshed(self, _: asyncio.Task[None]) -> None:
        self._refresh = None

    async def refresh(self) -> None:
        """Ask for the keys again, unless that was tried a moment ago; a failure keeps those that are there."""
        async with self._lock:
            now = self._clock()
            if self._tried_at is not None and now - self._tried_at < REFRESH_GAP_S:
                return
            self._tried_at = now
            try:
                keys = await self._source.fetch()
            except (OSError, ValueError, httpx.HTTPError) as error:
                structlog.get_logger().warning("token keys not refreshed", error=type(error).__name__)
                return
            self._fetched_at = now
            if keys != self.keys:
                self.keys = keys
                self.generation += 1
