"""Work that no message asks for: forgetting old receipts, and telling how far behind things are."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from attrs import frozen

from user_stream.pump import Pump
from usercore.observe.metrics import Metrics
from usercore.wiring.core import Ports

__all__ = ["Upkeep"]

_PURGE_EVERY_S: Final = 300.0
_LOOK_EVERY_S: Final = 5.0


@frozen
class Upkeep:
    """Does the background work of one stream processor. Every copy may run it at once.

    Args:
        ports: of the core.
        inbox_kept_h: how long receipts are kept.
        consumer: Faust's, as far as offsets are concerned.
        pumps: know how far this copy has come.
        metrics: are told.
    """

    ports: Ports
    inbox_kept_h: int
    consumer: Any
    pumps: Sequence[Pump]
    metrics: Metrics

    async def run(self) -> None:
        """Go round until cancelled; a failing task is counted, logged and tried again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat("purge_inbox", self._purge, _PURGE_EVERY_S))
            group.create_task(self._repeat("set_aside", self._set_aside, _LOOK_EVERY_S))
            group.create_task(self._repeat("stream_lag", self._lag, _LOOK_EVERY_S))

    async def _repeat(self, name: str, task: Callable[[], Awaitable[None]], every_s: float) -> None:
        while True:
            try:
                await task()
            except Exception as error:  # noqa: BLE001 -- one task's failure must not end the others
                self.metrics.maintenance_failed(name)
                structlog.get_logger().warning("maintenance failed", task=name, exc_info=error)
            await asyncio.sleep(every_s)

    async def _purge(self) -> None:
        await self.ports.inbox.purge(self.ports.clock.now() - timedelta(hours=self.inbox_kept_h))

    async def _set_aside(self) -> None:
        self.metrics.set_aside(
            parked=await self.ports.parked.count(),
            dead_letters=await self.ports.dead_letters.count_waiting(),
        )

    async def _lag(self) -> None:
        waiting = Counter({pump.topic: 0 for pump in self.pumps})
        for place in self.consumer.assignment():
            pump = next((one for one in self.pumps if one.reads(place.topic)), None)
            end = self.consumer.highwater(place)
            if pump is None or end is None:
                continue
            begun = pump.finished.get(place.partition)
            if begun is None:
                begun = await self.consumer.position(place)
            waiting[pump.topic] += max(0, end - (begun or 0))
        for topic, count in waiting.items():
            self.metrics.stream_lag(topic, count)
