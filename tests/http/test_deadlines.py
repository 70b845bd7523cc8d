"""Work that takes too long is ended, by one timer for all of it, and nothing else is."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from user_http.deadlines import DeadlinePassedError, Deadlines

PATIENCE_S = 5


async def within(deadlines: Deadlines, work: Callable[[], Awaitable[str]]) -> str:
    try:
        with deadlines.begin():
            return await work()
    except DeadlinePassedError:
        return "late"


async def forever() -> str:
    await asyncio.Event().wait()
    return "never"


async def at_once() -> str:
    return "done"


async def test_work_in_time_is_left_alone_and_late_work_is_ended() -> None:
    deadlines = Deadlines(0.05)
    async with asyncio.timeout(PATIENCE_S):
        found = await asyncio.gather(*(within(deadlines, work) for work in (at_once, forever, forever)))
    assert found == ["done", "late", "late"]


async def test_each_has_its_own_time() -> None:
    deadlines = Deadlines(0.2)
    loop = asyncio.get_running_loop()

    async def timed(begin_after_s: float) -> float:
        await asyncio.sleep(begin_after_s)
        began = loop.time()
        assert await within(deadlines, forever) == "late"
        return loop.time() - began

    async with asyncio.timeout(PATIENCE_S):
        lasted = await asyncio.gather(timed(0), timed(0.15), timed(0.3))
    assert min(lasted) >= 0.19


async def test_a_deadline_that_was_kept_does_not_end_what_comes_after() -> None:
    deadlines = Deadlines(0.05)
    assert await within(deadlines, at_once) == "done"
    await asyncio.sleep(0.15)
    assert await within(deadlines, at_once) == "done"
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_a_cancellation_from_outside_stays_one() -> None:
    deadlines = Deadlines(PATIENCE_S)
    task = asyncio.create_task(within(deadlines, forever))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_from_outside_that_meets_the_deadline_stays_one() -> None:
    deadlines = Deadlines(0.01)

    async def stubborn() -> str:
        try:
            return await forever()
        except asyncio.CancelledError:
            task.cancel()
            raise

    seen = []

    async def noting() -> None:
        try:
            seen.append(await within(deadlines, stubborn))
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    task = asyncio.create_task(noting())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled"]


async def test_an_error_of_late_work_is_seen_and_the_task_goes_on() -> None:
    deadlines = Deadlines(0.01)

    async def failing() -> str:
        try:
            return await forever()
        except asyncio.CancelledError:
            raise ValueError from None

    with pytest.raises(ValueError):  # noqa: PT011 -- it says nothing
        await within(deadlines, failing)
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]
    await asyncio.sleep(0)
