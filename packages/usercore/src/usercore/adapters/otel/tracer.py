"""Begins traces and goes on with those of others, and decides which are recorded."""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen
from opentelemetry.trace import Link, SpanContext
from opentelemetry.trace import Tracer as Recorder

from usercore.adapters.otel.spans import KINDS, NOWHERE, OtelSpan, UnchosenSpan, remote, within
from usercore.kernel.tracing import NO_WORDS, Span, SpanKind, Tracer, Word

# Source: W3C Trace Context, 3.2.2: version ff and ids of zeros are not valid; a later version may hold more behind.
_TRACEPARENT: Final = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})",
    re.ASCII,
)
_SAMPLED: Final = 1
"""Source: W3C Trace Context, 3.2.2.5.1: the caller may have recorded its part."""


@frozen
class Parent:
    """What a traceparent says."""

    trace_id: str
    span_id: str
    sampled: bool

    @classmethod
    def read(cls, header: str | None) -> "Parent | None":
        """Return what a header says; None where there is none that is valid, and the trace begins here."""
        found = None if header is None else _TRACEPARENT.fullmatch(header)
        if found is None:
            return None
        return cls(found["trace"], found["span"], bool(int(found["flags"], 16) & _SAMPLED))

    @property
    def context(self) -> SpanContext:
        """What OpenTelemetry knows it by."""
        return remote(int(self.trace_id, 16), int(self.span_id, 16))


@define(eq=False)
class Choice:
    """Decides which traces are recorded.

    Args:
        ratio: how many of the traces that begin here, from 0 to 1.
        followed_per_s: how many traces a second that others have chosen are recorded for that alone. Anybody who may
            send a request may ask to be recorded; beyond this they are chosen as those that begin here are.
        clock: seconds that only grow.
        chance: returns a number from 0 to 1.
    """

    ratio: float
    followed_per_s: float
    _clock: Callable[[], float] = time.monotonic
    _chance: Callable[[], float] = random.random
    _left: float = field(init=False)
    _at: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with a second's worth."""
        self._left, self._at = self.followed_per_s, self._clock()

    def begins(self) -> bool:
        """Decide about a trace that begins here."""
        return self._chance() < self.ratio

    def follows(self) -> bool:
        """Decide about a trace that another service records."""
        now = self._clock()
        self._left = min(self.followed_per_s, self._left + (now - self._at) * self.followed_per_s)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return True
        return self.begins()


@frozen(eq=False)
class OtelTracer:
    """Begins steps that have no parent in this process.

    Args:
        recorder: OpenTelemetry's own tracer; it records whatever it is told to begin.
        choice: decides which traces are recorded.
    """

    recorder: Recorder
    choice: Choice

    def begin(
        self,
        name: str,
        kind: SpanKind,
        *,
        parent: str | None = None,
        ours: bool = False,
        words: Mapping[str, Word] = NO_WORDS,
        links: Sequence[str] = (),
    ) -> Span:
        """Begin a step, recorded or not; whoever does not record a trace says so to those behind."""
        caused = Parent.read(parent)
        if not self._chosen(caused, ours=ours):
            return UnchosenSpan(None if caused is None else caused.trace_id)
        context = NOWHERE if caused is None else within(caused.context)
        pointed = [Link(one) for one in _contexts(links)]
        span = self.recorder.start_span(name, context, KINDS[kind], words, pointed, record_exception=False)
        return OtelSpan(self.recorder, span)

    def _chosen(self, caused: Parent | None, *, ours: bool) -> bool:
        if caused is None:
            return self.choice.begins()
        return caused.sampled and (ours or self.choice.follows())


def _contexts(links: Sequence[str]) -> Iterator[SpanContext]:
    """Yield the steps that traceparents name, but those that nobody records."""
    for one in map(Parent.read, links):
        if one is not None and one.sampled:
            yield one.context


if TYPE_CHECKING:

    def _conforms(tracer: OtelTracer) -> Tracer:
        return tracer
