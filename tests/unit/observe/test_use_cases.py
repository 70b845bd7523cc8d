"""Use cases are measured from outside and behave as before."""

import asyncio

import pytest

from usercore.kernel.errors import ConflictError
from usercore.observe.use_cases import observed


class Watcher:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def use_case(self, name: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.seen.append((name, outcome))


class Halve:
    unit = "half"

    async def __call__(self, number: int) -> int:
        if number < 0:
            raise ConflictError
        return number // 2

    async def twice(self, number: int) -> int:
        return number // 4 if number else await asyncio.sleep(3600, 0)


async def test_calls_and_methods_answer_as_before_and_are_reported_by_name() -> None:
    watcher = Watcher()
    halve = observed(Halve(), "halve", watcher)
    assert await halve(8) == 4
    assert await halve.twice(8) == 2
    assert halve.unit == "half"
    assert watcher.seen == [("halve", "ok"), ("halve.twice", "ok")]


async def test_errors_pass_through_and_are_reported_by_code() -> None:
    watcher = Watcher()
    halve = observed(Halve(), "halve", watcher)
    with pytest.raises(ConflictError):
        await halve(-1)
    with pytest.raises(TypeError):
        await halve("x")  # type: ignore[arg-type]
    assert watcher.seen == [("halve", "conflict"), ("halve", "unexpected")]


async def test_a_cancelled_call_is_reported_as_cancelled() -> None:
    watcher = Watcher()
    task = asyncio.create_task(observed(Halve(), "halve", watcher).twice(0))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert watcher.seen == [("halve.twice", "cancelled")]
