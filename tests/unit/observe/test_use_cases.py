"""Use cases are measured from outside and behave as before."""

import asyncio

import pytest

from tests.traces import CALLER, Recording, traceparent
from usercore.kernel.context import SYSTEM, CommandContext
from usercore.kernel.errors import ConflictError
from usercore.kernel.tracing import During, SpanKind
from usercore.observe.use_cases import observed, traced


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


class Write:
    async def __call__(self, _: str, context: CommandContext) -> str | None:
        return context.traceparent

    async def again(self, *, context: CommandContext) -> str | None:
        return context.traceparent


async def test_in_a_trace_a_use_case_is_a_span_and_what_it_causes_is_caused_by_it() -> None:
    recording, watcher = Recording.begun(), Watcher()
    write = observed(traced(Write(), "write"), "write", watcher)
    context = CommandContext(SYSTEM, correlation_id="c-1", traceparent=CALLER)
    assert await write("x", context) == CALLER, "without a trace here the caller's is handed on"
    with During(recording.tracer.begin("request", SpanKind.SERVER)):
        told = await write("x", context), await write.again(context=context)
    assert told == (traceparent(recording.one("write")), traceparent(recording.one("write.again")))
    assert watcher.seen == [("write", "ok"), ("write", "ok"), ("write.again", "ok")]
