"""The relay as a process runs it: woken, timed, counted, and stopped between two batches."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, TypeVar

import structlog
from attrs import frozen

from usercore.delivery.ports import OutboxWakeups
from usercore.delivery.relay import Relayed, RelayOutbox
from usercore.kernel.errors import UserCoreError
from usercore.observe.metrics import Metrics
from usercore.settings import RelaySettings

T = TypeVar("T")

_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 10.0
_PURGE_EVERY_S: Final = 300.0


@frozen
class Relay:
    """Publishes the outbox for as long as it runs. Any number may run at once."""

    relay: RelayOutbox
    wakeups: OutboxWakeups
    settings: RelaySettings
    metrics: Metrics

    async def run(self) -> None:
        """Publish and forget until cancelled; a batch that was begun is finished first.

        What fails is counted, logged and tried again, after longer and longer waits.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._publish())
            group.create_task(self._purge())

    async def _publish(self) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                relayed = await _finished(self._batch())
            except Exception as error:  # noqa: BLE001 -- whatever it is, events must go on to be published
                self._failed(error)
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
                continue
            wait_s = _FIRST_WAIT_S
            if relayed is None:
                await self.wakeups.wait(self.settings.poll_s)

    async def _batch(self) -> Relayed | None:
        begun = time.perf_counter()
        relayed = await self.relay()
        if relayed is not None:
            self.metrics.relayed(relayed.batch, relayed.at, time.perf_counter() - begun)
        else:
            self.metrics.relay_idle()
        return relayed

    def _failed(self, error: Exception) -> None:
        code = error.code if isinstance(error, UserCoreError) else "internal_error"
        self.metrics.relay_failed(code)
        # The text of our own errors names topics, never a value of an event.
        detail = str(error) if isinstance(error, UserCoreError) else None
        structlog.get_logger().warning("relay failed", code=code, detail=detail, exc_info=error)

    async def _purge(self) -> None:
        while True:
            try:
                kept = timedelta(hours=self.settings.outbox_kept_h)
                await self.relay.shards.purge(self.relay.clock.now() - kept)
            except Exception as error:  # noqa: BLE001 -- forgetting can wait, publishing cannot
                self.metrics.maintenance_failed("purge_outbox")
                structlog.get_logger().warning("maintenance failed", task="purge_outbox", exc_info=error)
            await asyncio.sleep(_PURGE_EVERY_S)


async def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; where this is cancelled, let it end first. It is bounded in time by itself."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(Exception):
            await task
        raise
