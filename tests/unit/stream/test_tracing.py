"""Messages go on with their senders' traces: each by itself, or linked where they are worked on together."""

from collections.abc import Sequence

import pytest

from tests.traces import CALLER, TRACE, UNCHOSEN, Recording, words
from user_stream.outcomes import End
from user_stream.tracing import Following, traced_batches
from user_stream.work import Work
from usercore.codec.messages import read_message
from usercore.kernel.tracing import NOTHING, current
from usercore.messaging.values import RawMessage

OTHERS = [f"00-{digit * 32}-00f067aa0ba902b7-01" for digit in "ab"]


def work(traceparent: str | None, offset: int = 7) -> Work:
    headers = () if traceparent is None else (("traceparent", traceparent.encode()),)
    value = b'{"userId": "grace", "points": 3, "timestamp": "2026-03-01T12:00:00Z"}'
    raw = RawMessage("loyalty-points-earned", 2, offset, 1_700_000_000_000, b"grace", value, headers)
    return Work(raw, read_message(raw, limit_bytes=10_000))


def test_a_message_is_a_span_of_its_senders_trace_without_its_key_and_id() -> None:
    recording = Recording.begun(ratio=0)
    with Following(recording.tracer, "group")(work(CALLER)):
        pass
    [span] = recording.spans
    assert span.parent is not None
    assert (span.name, span.kind.name) == ("process loyalty-points-earned", "CONSUMER")
    assert f"{span.parent.trace_id:032x}" == TRACE
    assert words(span) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "loyalty-points-earned",
        "messaging.destination.partition.id": "2",
        "messaging.kafka.offset": 7,
        "messaging.consumer.group.name": "group",
    }


async def test_a_batch_stands_in_the_first_trace_that_is_recorded_and_is_linked_to_the_others() -> None:
    recording = Recording.begun(ratio=0)
    works = [work(one) for one in (None, UNCHOSEN, *OTHERS, OTHERS[0])]

    async def settle(_: Sequence[Work]) -> Sequence[End]:
        assert current() is not None
        return []

    await traced_batches(settle, Following(recording.tracer, "group"))(works)
    [span] = recording.spans
    assert span.parent is not None
    assert f"{span.parent.trace_id:x}" == "a" * 32
    assert [f"{link.context.trace_id:x}" for link in span.links] == ["b" * 32]
    assert words(span)["messaging.batch.message_count"] == 5


@pytest.mark.parametrize("begun", [True, False])
def test_messages_without_a_trace_begin_one_by_the_ratio(begun: bool) -> None:
    recording = Recording.begun(ratio=1.0 if begun else 0.0)
    with Following(recording.tracer).batch([work(None)]):
        pass
    assert len(recording.spans) == begun


def test_without_a_tracer_nothing_is_done() -> None:
    async def settle(_: Sequence[Work]) -> Sequence[End]:
        return []

    assert Following()(work(CALLER)) is NOTHING
    assert Following().batch([work(CALLER)]) is NOTHING
    assert traced_batches(settle, Following()) is settle
