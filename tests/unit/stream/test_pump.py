"""Batches hold what has arrived, and are acknowledged whole, in order, when all of it is done."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from user_stream.pump import Pump
from usercore.messaging.values import RawMessage
from usercore.observe.metrics import Metrics


class Record:
    """An event as Faust gives it, which tells when it is acknowledged."""

    def __init__(self, log: list[tuple[int, int]], partition: int, offset: int, headers: Any = None) -> None:
        self._log = log
        self.message = SimpleNamespace(
            topic="t1.update-user",
            partition=partition,
            offset=offset,
            timestamp=1.234567,
            key=b"k",
            value=None,
            headers=headers,
        )

    def ack(self) -> bool:
        self._log.append((self.message.partition, self.message.offset))
        return True


class Stream:
    """A stream of Faust's: what it is asked for decides how events are acknowledged."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._acknowledges_by_itself = True

    def noack(self) -> "Stream":
        self._acknowledges_by_itself = False
        return self

    async def events(self) -> AsyncIterator[Record]:
        assert not self._acknowledges_by_itself
        for record in self._records:
            yield record


class Work:
    """Notes the batches, and ends one when it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[tuple[int, int]]] = []
        self.may_end = asyncio.Semaphore(0)
        self.raw: list[RawMessage] = []

    async def __call__(self, batch: Sequence[RawMessage]) -> None:
        self.batches.append([(one.partition, one.offset) for one in batch])
        self.raw.extend(batch)
        await self.may_end.acquire()


async def _turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_batch_is_what_has_arrived_and_is_acknowledged_in_order_once_all_of_it_is_done() -> None:
    acked: list[tuple[int, int]] = []
    places = [(0, 7), (1, 3), (0, 8), (1, 4), (0, 9)]
    work = Work()
    pump = Pump("update-user", "t1.", 3, work, Metrics())
    reading = asyncio.create_task(pump.read(Stream([Record(acked, *place) for place in places])))
    await _turns()
    running = asyncio.create_task(pump.run())
    await _turns()
    assert (work.batches, acked) == ([places[:3]], [])
    work.may_end.release()
    await _turns()
    assert (work.batches, acked) == ([places[:3], places[3:]], places[:3])
    work.may_end.release()
    await _turns()
    assert acked == places
    assert pump.finished == {0: 10, 1: 5}
    pump.close()
    await asyncio.wait_for(asyncio.gather(running, reading), 5)


async def test_a_batch_fills_for_a_moment_while_the_broker_has_more_and_not_otherwise() -> None:
    work = Work()
    answers = iter([True, False])
    pump = Pump("update-user", "t1.", 4, work, Metrics(), behind=lambda _: next(answers), linger_s=60.0)
    running = asyncio.create_task(pump.run())
    await pump.read(Stream([Record([], 0, offset) for offset in range(3)]))
    await _turns()
    assert work.batches == []
    filling = asyncio.create_task(pump.read(Stream([Record([], 0, 3)])))
    await _turns()
    assert work.batches == [[(0, 0), (0, 1), (0, 2), (0, 3)]]
    work.may_end.release()
    await asyncio.wait_for(filling, 5)
    await pump.read(Stream([Record([], 0, 4)]))
    await _turns()
    assert work.batches[1:] == [[(0, 4)]]
    running.cancel()


async def test_a_closed_pump_finishes_its_batch_and_takes_no_other() -> None:
    acked: list[tuple[int, int]] = []
    work = Work()
    pump = Pump("update-user", "t1.", 2, work, Metrics())
    reading = asyncio.create_task(pump.read(Stream([Record(acked, 0, offset) for offset in range(4)])))
    running = asyncio.create_task(pump.run())
    await _turns()
    pump.close()
    work.may_end.release()
    await asyncio.wait_for(running, 5)
    reading.cancel()
    assert acked == work.batches[0]
    assert len(work.batches) == 1


async def test_nothing_of_a_batch_that_fails_is_acknowledged() -> None:
    acked: list[tuple[int, int]] = []

    async def fail(_: Sequence[RawMessage]) -> None:
        raise RuntimeError("away")

    pump = Pump("update-user", "t1.", 10, fail, Metrics())
    await pump.read(Stream([Record(acked, 0, offset) for offset in range(4)]))
    with pytest.raises(RuntimeError, match="away"):
        await asyncio.wait_for(pump.run(), 5)
    assert (acked, pump.finished) == ([], {})


async def test_a_slow_processor_makes_the_reader_wait() -> None:
    read = 0

    class Counting(Stream):
        async def events(self) -> AsyncIterator[Record]:
            nonlocal read
            async for record in super().events():
                read += 1
                yield record

    pump = Pump("update-user", "t1.", 5, Work(), Metrics())
    reading = asyncio.create_task(pump.read(Counting([Record([], 0, offset) for offset in range(100)])))
    running = asyncio.create_task(pump.run())
    await _turns()
    assert read <= 2 * 5 + 1
    pump.close()
    reading.cancel()
    running.cancel()


async def test_an_event_whose_reader_is_cancelled_while_it_waits_for_room_is_worked_on_before_any_behind_it() -> None:
    """Faust restarts readers. What it has handed over and forgets would else be committed past."""
    acked: list[tuple[int, int]] = []
    work = Work()
    pump = Pump("update-user", "t1.", 2, work, Metrics())
    running = asyncio.create_task(pump.run())
    handed_over: list[tuple[int, int]] = []

    class Noting(Stream):
        async def events(self) -> AsyncIterator[Record]:
            async for record in super().events():
                handed_over.append((record.message.partition, record.message.offset))
                yield record

    reading = asyncio.create_task(pump.read(Noting([Record(acked, 0, offset) for offset in range(10)])))
    await _turns()
    assert len(handed_over) < 10, "it waits for room"
    reading.cancel()
    await asyncio.wait({reading})
    again = asyncio.create_task(pump.read(Noting([Record(acked, 0, offset) for offset in range(len(handed_over), 10)])))
    for _ in range(10):
        work.may_end.release()
        await _turns()
    pump.close()
    await asyncio.wait_for(running, 5)
    again.cancel()
    assert acked == [(0, offset) for offset in range(10)]


async def test_a_record_comes_untouched_and_headers_keep_their_repetitions() -> None:
    work = Work()
    pump = Pump("update-user", "t1.", 5, work, Metrics())
    headers = (("h", b"1"), ("h", b"2"), ("empty", None))
    await pump.read(Stream([Record([], 2, 9, headers)]))
    running = asyncio.create_task(pump.run())
    await _turns()
    running.cancel()
    expected = RawMessage("update-user", 2, 9, 1235, b"k", None, (("h", b"1"), ("h", b"2"), ("empty", b"")))
    assert work.raw == [expected]
