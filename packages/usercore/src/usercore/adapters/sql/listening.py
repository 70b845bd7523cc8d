"""Hear at once that something was written to the outbox, where the session is ours alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import psycopg
import structlog

from usercore.delivery.ports import OutboxWakeups
from usercore.settings import DatabaseSettings

_CHANNEL: Final = "user_service_outbox"
"""Named by the trigger of migration 0004."""
_AGAIN_AFTER_S: Final = 1.0


class OutboxSignal:
    """Says when to look at the outbox: at a notification, or after a while."""

    def __init__(self) -> None:
        self._heard = asyncio.Event()

    async def wait(self, at_most_s: float) -> None:
        """Return when something was written since the last call, or after a time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._heard.wait()
        self._heard.clear()

    async def listen(self, settings: DatabaseSettings) -> None:
        """Listen until cancelled, on a connection of its own; return where a pooler stands between.

        A pooler would hand the session to others, and the notifications with it ([ADR 7]).
        """
        while True:
            try:
                if not await self._listen_once(settings):
                    structlog.get_logger().info("a pooler stands before the database: the outbox is polled")
                    return
            except (psycopg.Error, OSError, TimeoutError) as error:
                structlog.get_logger().warning("not listening to the outbox", exc_info=error)
            await asyncio.sleep(_AGAIN_AFTER_S)

    async def _listen_once(self, settings: DatabaseSettings) -> bool:
        async with await psycopg.AsyncConnection.connect(
            settings.url.reveal(),
            autocommit=True,
            connect_timeout=max(1, round(settings.connect_timeout_s)),
            application_name="user-service-listener",
            # A server that is gone without a word is noticed within half a minute.
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=4,
        ) as connection:
            [(backend,)] = await (await connection.execute("SELECT pg_backend_pid()")).fetchall()
            if connection.info.backend_pid != backend:
                return False
            await connection.execute(f"LISTEN {_CHANNEL}")
            # What came before the LISTEN was not heard.
            self._heard.set()
            async for _ in connection.notifies():
                self._heard.set()
        return True


@asynccontextmanager
async def open_signal(settings: DatabaseSettings) -> AsyncIterator[OutboxSignal]:
    """Give a signal that listens in the background until the end."""
    signal = OutboxSignal()
    listening = asyncio.create_task(signal.listen(settings))
    try:
        yield signal
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


if TYPE_CHECKING:
    _signal: OutboxWakeups = OutboxSignal()
