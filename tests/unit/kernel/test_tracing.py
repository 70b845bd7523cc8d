"""What is done for a caller shows in the caller's trace; what is done for many is found from each of theirs."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.traces import CALLER, TRACE, UNCHOSEN, Recording, traceparent, words
from usercore.kernel.context import SYSTEM, CommandContext
from usercore.kernel.errors import NotFoundError, UnavailableError
from usercore.kernel.gather import Gatherer
from usercore.kernel.tracing import NO_SPAN, NOTHING, During, SpanKind, carried, current, step

CONTEXT = CommandContext(SYSTEM, correlation_id="c-1", traceparent=CALLER)


def request(recording: Recording, name: str = "request", parent: str | None = None) -> During:
    return During(recording.tracer.begin(name, SpanKind.SERVER, parent=parent))


def test_without_a_trace_a_step_is_nothing_and_circumstances_stay_as_they_are() -> None:
    assert step("anything") is NOTHING
    with step("anything") as span:
        assert span is NO_SPAN
        assert current() is None
        assert carried(CONTEXT) is CONTEXT


def test_steps_stand_within_each_other_and_end_with_their_blocks() -> None:
    recording = Recording.begun()
    with request(recording), step("outer") as outer:
        with step("inner", SpanKind.CLIENT, {"db.system.name": "redis"}):
            pass
        assert current() is outer
        assert carried(CONTEXT).traceparent == outer.traceparent
    assert current() is None
    assert recording.names == ["inner", "outer", "request"]
    inner, middle, root = recording.spans
    assert (inner.parent, middle.parent, root.parent) == (middle.context, root.context, None)
    assert words(inner) == {"db.system.name": "redis"}


@pytest.mark.parametrize(
    ("error", "failed", "said"),
    [
        (NotFoundError(detail="grace@example.com"), False, {"user_service.refusal": "not_found"}),
        (UnavailableError("grace@example.com"), True, {"error.type": "unavailable"}),
        (KeyError("grace@example.com"), True, {"error.type": "KeyError"}),
    ],
)
def test_an_error_is_told_by_one_word_and_a_refusal_is_no_failure(
    error: Exception, failed: bool, said: dict[str, str]
) -> None:
    recording = Recording.begun()
    with pytest.raises(type(error)), request(recording):
        raise error
    [span] = recording.spans
    assert (words(span), span.status.is_ok, span.status.description) == (said, not failed, None)
    assert span.events == ()
    assert "grace" not in recording.text()


async def test_a_batch_is_linked_to_every_caller_and_they_to_it() -> None:
    recording = Recording.begun()

    async def load(keys: Sequence[int]) -> Sequence[int]:
        with step("SELECT users"):
            return keys

    async def ask(key: int) -> int:
        with request(recording, f"caller {key}"):
            return await gatherer(key)

    async with Gatherer(load, most_at_once=10, most_waiting=10, name="read users") as gatherer:
        answers = await asyncio.gather(ask(1), ask(2), ask(2), gatherer(3))
    assert list(answers) == [1, 2, 2, 3]
    batch, first = recording.one("read users"), recording.one("caller 1")
    others = [span for span in recording.spans if span.name == "caller 2"]
    assert (batch.parent, recording.one("SELECT users").parent) == (first.context, batch.context)
    assert {link.context.span_id for link in batch.links} == {span.context.span_id for span in others}
    assert [[link.context for link in span.links] for span in others] == [[batch.context], [batch.context]]
    assert words(batch) == {"user_service.batch.callers": 3}
    assert gatherer._spans == {}


async def test_who_gives_up_before_the_batch_leaves_nothing_behind() -> None:
    recording = Recording.begun()

    async def load(keys: Sequence[int]) -> Sequence[int]:
        return keys

    async with Gatherer(load, most_at_once=10, most_waiting=10) as gatherer:
        with request(recording):
            asking = asyncio.create_task(gatherer(1))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
    assert gatherer._spans == {}
    assert recording.names == ["request"]


def test_a_callers_trace_is_gone_on_with() -> None:
    recording = Recording.begun(ratio=0)
    with request(recording, parent=CALLER) as span:
        assert span.traceparent is not None
        assert span.traceparent.startswith(f"00-{TRACE}-")
    [found] = recording.spans
    assert found.parent is not None
    assert (traceparent(found), found.parent.span_id) == (span.traceparent, 0x00F067AA0BA902B7)


@pytest.mark.parametrize("parent", [UNCHOSEN, None])
def test_of_a_trace_that_is_not_chosen_the_id_alone_goes_on(parent: str | None) -> None:
    recording = Recording.begun(ratio=0 if parent is None else 1)
    with request(recording, parent=parent), step("inner") as inner:
        told = inner.traceparent
    assert told is not None
    assert told.endswith("-00")
    assert told != parent
    assert parent is None or told.startswith(f"00-{TRACE}-")
    assert recording.spans == ()


def test_callers_have_so_many_traces_recorded_a_second_and_no_more() -> None:
    recording = Recording.begun(ratio=0, followed_per_s=3)
    for _ in range(50):
        with request(recording, parent=CALLER):
            pass
    assert 3 <= len(recording.spans) <= 4
    with During(recording.tracer.begin("ours", SpanKind.PRODUCER, parent=CALLER, ours=True)):
        pass
    assert recording.names[-1] == "ours"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "grace@example.com",
        CALLER + "-grace",
        CALLER.upper(),
        "ff" + CALLER[2:],
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
    ],
)
def test_what_is_no_traceparent_begins_a_trace(header: str) -> None:
    recording = Recording.begun()
    with request(recording, parent=header):
        pass
    [span] = recording.spans
    assert span.parent is None
    assert "grace" not in recording.text()
