"""Consumed messages as spans: each goes on with the trace of who sent it, or begins one.

Source: OpenTelemetry semantic conventions for Kafka. Left out are a message's key and id: the one is a user's id, the
other is a text of the sender's.
"""

from collections.abc import Sequence

from attrs import frozen

from user_stream.outcomes import End
from user_stream.work import Settle, Work
from usercore.kernel.tracing import NOTHING, During, SpanKind, Tracer, Word

__all__ = ["END", "Following", "TracedBatches", "traced_batches"]

END = "user_service.message.end"
"""The attribute that says what became of a message."""


@frozen
class Following:
    """Goes on with the traces of messages, where there are traces.

    Args:
        tracer: begins the spans.
        group: whose consumer this is.
    """

    tracer: Tracer | None = None
    group: str = ""

    def __call__(self, work: Work) -> During:
        """Return the span of one message, for a ``with`` statement."""
        if self.tracer is None:
            return NOTHING
        raw = work.raw
        words: dict[str, Word] = {
            **self._words(raw.topic),
            "messaging.destination.partition.id": str(raw.partition),
            "messaging.kafka.offset": raw.offset,
        }
        cause = work.message.context.traceparent
        return During(self.tracer.begin(f"process {raw.topic}", SpanKind.CONSUMER, parent=cause, words=words))

    def batch(self, works: Sequence[Work]) -> During:
        """Return the span of messages of one topic that are worked on together.

        It stands in the trace of the first that is recorded, and is linked to the others.
        """
        if self.tracer is None or not works:
            return NOTHING
        topic = works[0].raw.topic
        causes = list(dict.fromkeys(one for work in works if (one := work.message.context.traceparent)))
        causes.sort(key=_unrecorded)
        words: dict[str, Word] = {**self._words(topic), "messaging.batch.message_count": len(works)}
        parent, links = (causes[0], causes[1:]) if causes else (None, [])
        name = f"process {topic}"
        return During(self.tracer.begin(name, SpanKind.CONSUMER, parent=parent, words=words, links=links))

    def _words(self, topic: str) -> dict[str, Word]:
        return {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": topic,
            "messaging.consumer.group.name": self.group,
        }


def _unrecorded(traceparent: str) -> bool:
    # Source: W3C Trace Context, 3.2.2.5.1: the last bit of the flags.
    return int(traceparent[-2:], 16) % 2 == 0


@frozen
class TracedBatches:
    """Brings messages to their ends, each batch within one span."""

    inner: Settle
    following: Following

    async def __call__(self, works: Sequence[Work]) -> Sequence[End]:
        """Bring every message to its end, and return the ends in order."""
        with self.following.batch(works):
            return await self.inner(works)


def traced_batches(settle: Settle, following: Following) -> Settle:
    """Return who settles each batch within one span; the same without a tracer."""
    return settle if following.tracer is None else TracedBatches(settle, following)
