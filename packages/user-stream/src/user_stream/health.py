"""Whether the process runs, whether it consumes, and its metrics: on a port of its own."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from attrs import frozen

from usercore.observe.metrics import CONTENT_TYPE

__all__ = ["Health", "serving"]

CHECK_TIMEOUT_S: Final = 3.0
_HEADERS: Final = {"Cache-Control": "no-store"}


@frozen
class Health:
    """What is told to probes and scrapes.

    Args:
        check: returns how each part stands: ``ok``, ``off``, or a word for what is wrong.
        scrape: returns the metrics in Prometheus' text format.
    """

    check: Callable[[], Awaitable[Mapping[str, str]]]
    scrape: Callable[[], bytes]

    async def live(self, _: web.Request) -> web.Response:
        """Say that the process runs; nothing else is asked."""
        return _json({"status": "alive"})

    async def ready(self, _: web.Request) -> web.Response:
        """Say whether this copy consumes."""
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                parts = dict(await self.check())
        except TimeoutError:
            parts = {"check": "timed out"}
        ready = all(state in {"ok", "off"} for state in parts.values())
        return _json({"ready": ready, "parts": parts}, status=200 if ready else 503)

    async def metrics(self, _: web.Request) -> web.Response:
        """Serve the metrics."""
        return web.Response(body=self.scrape(), headers={"Content-Type": CONTENT_TYPE, **_HEADERS})


def _json(body: Mapping[str, object], *, status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, headers={"Content-Type": "application/json", **_HEADERS})


@asynccontextmanager
async def serving(health: Health, host: str, port: int) -> AsyncIterator[int]:
    """Serve, and give the port.

    Args:
        health: what to tell.
        host: where to listen.
        port: 0 chooses one.

    Raises:
        OSError: the address cannot be listened on.
    """
    app = web.Application()
    app.router.add_get("/health/live", health.live)
    app.router.add_get("/health/ready", health.ready)
    app.router.add_get("/metrics", health.metrics)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
