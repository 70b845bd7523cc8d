"""From Faust's stream of events to batches, and back to acknowledgements.

What Faust 0.15.3 does to offsets decides the order of things here. It commits the highest acknowledged offset
whenever no gap lies before it, and overlooks a gap of one message, and any gap before the first commit. So events
are acknowledged in the order of their arrival, and only when every event of their batch has found its end: no offset
that is acknowledged ever stands behind one that is not. An event that escapes through an exception would be
acknowledged by Faust itself, so none does: what ends a batch early ends the process.
"""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from time import perf_counter
from typing import Any, Final, Protocol

from usercore.messaging.values import RawMessage
from usercore.observe.metrics import Metrics

__all__ = ["Pump", "raw_message"]

_MILLISECONDS: Final = 1000


class Event(Protocol):
    """What Faust calls an event, as far as we need it."""

    @property
    def message(self) -> Any:  # noqa: ANN401 -- Faust's own message
        """The record."""
        ...

    def ack(self) -> bool:
        """Let its offset be committed."""
        ...


def raw_message(record: Any, prefix: str) -> RawMessage:  # noqa: ANN401 -- Faust's own message
    """Return a record untouched; headers are the pairs as they came, as a mapping would lose repeated ones."""
    return RawMessage(
        topic=record.topic.removeprefix(prefix),
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=round((record.timestamp or 0.0) * _MILLISECONDS),
        key=record.key,
        value=record.value,
        headers=tuple((name, value or b"") for name, value in record.headers or ()),
    )


class Pump:
    """Moves the events of one topic through the processor, batch by batch.

    Args:
        topic: without the deployment's prefix.
        prefix: the deployment's.
        most: events in a batch.
        work: brings every message of a batch to its end, or raises.
        metrics: times the batches.
    """

    def __init__(
        self,
        topic: str,
        prefix: str,
        most: int,
        work: Callable[[Sequence[RawMessage]], Awaitable[None]],
        metrics: Metrics,
    ) -> None:
        self.topic = topic
        self._prefix = prefix
        self._most = most
        self._work = work
        self._metrics = metrics
        self._arrived: asyncio.Queue[Event] = asyncio.Queue(most)
        self._closing = asyncio.Event()
        self.finished: dict[int, int] = {}
        """By partition: the offset behind the last message that found its end here."""

    async def read(self, stream: Any) -> None:  # noqa: ANN401 -- Faust's own stream
        """Take events from Faust for ever: the whole of an agent. A full queue makes Faust wait, and so the broker."""
        events: AsyncIterable[Event] = stream.noack().events()
        async for event in events:
            await self._arrived.put(event)

    async def run(self) -> None:
        """Work until closed; the batch in hand is finished first.

        Raises:
            Exception: what the processor raised. Nothing of that batch is acknowledged.
        """
        closing = asyncio.create_task(self._closing.wait())
        try:
            while (batch := await self._next(closing)) is not None:
                await self._finish(batch)
        finally:
            closing.cancel()

    def reads(self, topic: str) -> bool:
        """Whether this is its topic, the deployment's prefix included."""
        return topic == self._prefix + self.topic

    def close(self) -> None:
        """Take no further batch."""
        self._closing.set()

    async def _next(self, closing: "asyncio.Task[bool]") -> Sequence[Event] | None:
        """Return what has arrived, and wait for the first of it; None once closed."""
        if self._closing.is_set():
            return None
        if self._arrived.empty():
            first = asyncio.create_task(self._arrived.get())
            await asyncio.wait({first, closing}, return_when=asyncio.FIRST_COMPLETED)
            if self._closing.is_set():
                first.cancel()  # whatever it took is not acknowledged, so it comes again
                return None
            batch = [first.result()]
        else:
            batch = []
        while len(batch) < self._most and not self._arrived.empty():
            batch.append(self._arrived.get_nowait())
        return batch

    async def _finish(self, batch: Sequence[Event]) -> None:
        began = perf_counter()
        await self._work([raw_message(event.message, self._prefix) for event in batch])
        for event in batch:
            event.ack()
            self.finished[event.message.partition] = event.message.offset + 1
        self._metrics.stream_batch(self.topic, perf_counter() - began)
