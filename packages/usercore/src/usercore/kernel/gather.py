"""Many callers that ask for one thing each, answered together.

While two batches are being worked on, callers wait; what has come together by the time one of them ends
is the next batch. So a lone caller waits for one turn of the event loop, and under load the batches grow
by themselves: there is no timer to tune.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from itertools import count
from types import TracebackType
from typing import Generic, Self, TypeAlias, TypeVar

from attrs import evolve

from usercore.kernel.errors import ExhaustedError, UnavailableError, UserCoreError
from usercore.kernel.tracing import Span, current, gathered

K = TypeVar("K")
R = TypeVar("R")

_Group: TypeAlias = list[asyncio.Future[R]]


class Gatherer(Generic[K, R]):
    """Turns ``await gatherer(key)`` by many into ``await load(keys)`` by few, first come, first served.

    A caller who is cancelled harms no other: a key that nobody waits for is not loaded, and a batch that
    has begun runs to its end. When `load` raises one of our errors, each of its callers gets an error of
    their own, with the original as its cause; whatever else it raises they share.

    It belongs to one event loop. Use it as an async context manager, or call :meth:`aclose`.

    Args:
        load: answers distinct keys, in their order. It runs in an empty context, as it works for many.
        most_at_once: keys in one batch.
        most_waiting: callers who may wait for a batch to begin.
        in_flight: batches worked on at a time.
        name: what a batch is called in traces. Its span is linked to those of all its callers.
        lane: None means that callers with equal keys share one answer. Otherwise each key is loaded for
            itself, and keys of the same lane one after another: in one batch, in their order, or in
            different batches, the later one begun when the earlier one has ended.
    """

    def __init__(
        self,
        load: Callable[[Sequence[K]], Awaitable[Sequence[R]]],
        *,
        most_at_once: int,
        most_waiting: int,
        in_flight: int = 2,
        name: str = "batch",
        lane: Callable[[K], Hashable] | None = None,
    ) -> None:
        self._load = load
        self._most_at_once = most_at_once
        self._most_waiting = most_waiting
        self._in_flight = in_flight
        self._lane = lane
        self._name = name
        self._waiting: dict[asyncio.Future[R], K] = {}
        self._spans: dict[asyncio.Future[R], Span] = {}
        self._busy_lanes: set[Hashable] = set()
        self._batches: set[asyncio.Task[None]] = set()
        self._wake_up: asyncio.Handle | None = None
        self._context = Context()
        self._closed = False

    async def __call__(self, key: K) -> R:
        """Return the answer for one key.

        Raises:
            ExhaustedError: too many callers wait already; nothing was done.
            UnavailableError: the gatherer is closed; nothing was done.
        """
        if self._closed:
            raise UnavailableError("the service is stopping")
        if len(self._waiting) >= self._most_waiting:
            raise ExhaustedError
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._waiting[future] = key
        if (span := current()) is not None:
            self._spans[future] = span
        if self._wake_up is None and len(self._batches) < self._in_flight:
            self._wake_up = loop.call_soon(self._begin, context=self._context)
        try:
            return await future
        except asyncio.CancelledError:
            self._waiting.pop(future, None)
            self._spans.pop(future, None)
            if not future.cancelled():
                future.exception()  # seen, so that the loop does not report it as lost
            raise

    async def __aenter__(self) -> Self:
        """Return the gatherer."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.aclose()

    async def aclose(self) -> None:
        """Refuse new callers and wait until those who came before are answered."""
        self._closed = True
        while self._batches or self._wake_up is not None:
            await (asyncio.wait(self._batches) if self._batches else asyncio.sleep(0))

    def _begin(self) -> None:
        self._wake_up = None
        while len(self._batches) < self._in_flight and (batch := self._take()):
            task = asyncio.get_running_loop().create_task(self._answer(batch))
            self._batches.add(task)
            task.add_done_callback(self._end, context=self._context)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        self._begin()

    def _take(self) -> dict[Hashable, tuple[K, _Group[R]]]:
        """Take the next batch out of those who wait, by what makes their keys distinct."""
        batch: dict[Hashable, tuple[K, _Group[R]]] = {}
        taken: _Group[R] = []
        serial = count()
        for future, key in self._waiting.items():
            if self._lane is not None and self._lane(key) in self._busy_lanes:
                continue
            name: Hashable = key if self._lane is None else next(serial)
            if name in batch:
                batch[name][1].append(future)
            elif len(batch) < self._most_at_once:
                batch[name] = (key, [future])
            else:
                break
            taken.append(future)
        for future in taken:
            del self._waiting[future]
        if self._lane is not None:
            self._busy_lanes.update(self._lane(key) for key, _ in batch.values())
        return batch

    async def _answer(self, batch: dict[Hashable, tuple[K, _Group[R]]]) -> None:
        groups = [futures for _, futures in batch.values()]
        try:
            with gathered(self._name, self._spans_of(groups)):
                answers = await self._load([key for key, _ in batch.values()])
            # All are paired before the first is answered: too few or too many answers are nobody's.
            for futures, answer in list(zip(groups, answers, strict=True)):
                for future in futures:
                    if not future.done():
                        future.set_result(answer)
        except Exception as error:  # noqa: BLE001 -- it is raised where somebody waits for it
            _fail(groups, error)
        finally:
            if self._lane is not None:
                self._busy_lanes.difference_update(self._lane(key) for key, _ in batch.values())
            for futures in groups:
                for future in futures:
                    future.cancel()  # has no effect on those that were answered

    def _spans_of(self, groups: Sequence[_Group[R]]) -> Sequence[Span]:
        """Take the spans of the callers; a batch is worked on outside of everybody's context."""
        if not self._spans:
            return ()
        taken = (self._spans.pop(future, None) for futures in groups for future in futures)
        return [span for span in taken if span is not None]


def _fail(groups: Sequence[_Group[R]], error: Exception) -> None:
    for futures in groups:
        for future in futures:
            if not future.done():
                future.set_exception(_own(error))


def _own(error: Exception) -> Exception:
    """Return the error for one caller: raising one object in many places would mix up their tracebacks."""
    if not isinstance(error, UserCoreError):
        return error
    own = evolve(error)
    own.__cause__ = error
    return own
