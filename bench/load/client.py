"""Connections that send the next request as soon as the last answer is whole."""

import asyncio
import time
from array import array
from collections.abc import Iterator, Sequence
from functools import partial
from typing import cast

from attrs import define, field

from bench.load.plan import LoadFailedError, LoadPlan, LoadResult

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_SHOWN_BYTES = 300
_ANSWER_WITHIN_S = 30.0


@define
class _Tally:
    """What all connections of a plan have seen."""

    measure_from: float
    stop_at: float
    latencies_s: "array[float]" = field(factory=lambda: array("d"))
    body_bytes: int = 0
    last_answer: float = 0.0
    failure: str | None = None


class _Connection(asyncio.Protocol):
    """One keep-alive connection with one request under way."""

    def __init__(self, requests: Iterator[bytes], status: int, tally: _Tally) -> None:
        self._requests = requests
        self._status = b"HTTP/1.1 %d " % status
        self._tally = tally
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class does not derive from it

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._fail(f"the server closed a connection: {exc or 'end of stream'}")

    def begin(self) -> None:
        """Send the first request."""
        self._send(time.perf_counter())

    def data_received(self, data: bytes) -> None:
        if self.done.done():
            return
        self._buffer = data = self._buffer + data if self._buffer else data
        head_end = data.find(_HEAD_END)
        if head_end < 0:
            return
        if not data.startswith(self._status):
            self._fail(f"an answer was not {self._status.decode().strip()!r}: {data[:_SHOWN_BYTES]!r}")
            return
        length = _body_length(data[:head_end])
        if length is None:
            self._fail(f"an answer has no Content-Length: {data[:head_end]!r}")
        elif len(data) >= head_end + len(_HEAD_END) + length:
            self._answered(length, extra=len(data) - head_end - len(_HEAD_END) - length)

    def _answered(self, length: int, extra: int) -> None:
        if extra:
            self._fail(f"an answer is followed by {extra} bytes that nobody asked for")
            return
        now = time.perf_counter()
        tally = self._tally
        if now >= tally.measure_from:
            tally.latencies_s.append(now - self._sent_at)
            tally.body_bytes += length
            tally.last_answer = now
        self._buffer = b""
        if now < tally.stop_at and tally.failure is None:
            self._send(now)
        else:
            self._end()

    def _send(self, now: float) -> None:
        assert self._transport is not None
        self._sent_at = now
        self._transport.write(next(self._requests))

    def _fail(self, failure: str) -> None:
        self._tally.failure = self._tally.failure or failure
        self._end()

    def _end(self) -> None:
        self.done.set_result(None)
        if self._transport is not None:
            self._transport.close()


def _body_length(head: bytes) -> int | None:
    if head.startswith((b"HTTP/1.1 204", b"HTTP/1.1 304")):
        return 0
    lower = head.lower()
    start = lower.find(_LENGTH)
    if start < 0:
        return None
    start += len(_LENGTH)
    end = lower.find(b"\r\n", start)
    return int(lower[start:] if end < 0 else lower[start:end])


async def put_on(plan: LoadPlan) -> LoadResult:
    """Put the load on and return what was measured; requests under way at the end are waited for.

    Raises:
        LoadFailedError: an answer had another status, was not whole, or did not come.
    """
    tally = _Tally(measure_from=0.0, stop_at=0.0)
    connections = await _connect(plan, tally)
    tally.measure_from = time.perf_counter() + plan.warmup_s
    tally.stop_at = tally.measure_from + plan.seconds
    for connection in connections:
        connection.begin()
    _, waiting = await asyncio.wait(
        [connection.done for connection in connections],
        timeout=plan.warmup_s + plan.seconds + _ANSWER_WITHIN_S,
    )
    if tally.failure is None and waiting:
        tally.failure = f"{len(waiting)} answers did not come within {_ANSWER_WITHIN_S:g} s"
    if tally.failure is not None:
        raise LoadFailedError(tally.failure)
    return result_of(tally.latencies_s, tally.last_answer - tally.measure_from, tally.body_bytes)


async def _connect(plan: LoadPlan, tally: _Tally) -> list[_Connection]:
    loop = asyncio.get_running_loop()
    connections = []
    for number in range(plan.connections):
        connection = _Connection(plan.requests(number), plan.status, tally)
        try:
            await loop.create_connection(partial(_same, connection), "127.0.0.1", plan.port)
        except OSError as error:
            message = f"nobody listens on port {plan.port}: {error}"
            raise LoadFailedError(message) from error
        connections.append(connection)
    return connections


def _same(connection: _Connection) -> _Connection:
    return connection


def result_of(latencies_s: Sequence[float], seconds: float, body_bytes: int) -> LoadResult:
    """Return what was measured.

    Args:
        latencies_s: of each answer.
        seconds: that all of them took together.
        body_bytes: of all answers together.

    Raises:
        LoadFailedError: there was no answer.
    """
    if not latencies_s:
        message = "no answer came while it was measured: measure for longer"
        raise LoadFailedError(message)
    ordered = sorted(latencies_s)
    return LoadResult(
        count=len(ordered),
        seconds=seconds,
        p50_ms=1e3 * percentile(ordered, 0.50),
        p99_ms=1e3 * percentile(ordered, 0.99),
        longest_ms=1e3 * ordered[-1],
        body_bytes=body_bytes,
    )


def percentile(ordered: "list[float]", part: float) -> float:
    """Return the smallest value that at least this part of the ordered values does not exceed."""
    index = max(0, -int(-len(ordered) * part // 1) - 1)
    return ordered[index]
