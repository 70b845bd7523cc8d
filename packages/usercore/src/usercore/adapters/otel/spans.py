"""Spans: those that OpenTelemetry records, and those of traces that were not chosen."""

from collections.abc import Mapping, Sequence
from random import getrandbits
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, StatusCode, TraceFlags, Tracer, set_span_in_context
from opentelemetry.trace import Span as Recorded
from opentelemetry.trace import SpanKind as RecordedKind

from usercore.kernel.tracing import NO_WORDS, Span, SpanKind, Word

KINDS: Final = {kind: RecordedKind[kind.name] for kind in SpanKind}
NOWHERE: Final = Context()
"""The context of a span without a parent."""
_TRACE_BITS: Final = 128
_SPAN_BITS: Final = 64


class OtelSpan:
    """A span that is recorded.

    Args:
        tracer: begins spans.
        span: OpenTelemetry's own.
    """

    __slots__ = ("_span", "_tracer")

    recorded: Final = True

    def __init__(self, tracer: Tracer, span: Recorded) -> None:
        self._tracer = tracer
        self._span = span

    @property
    def context(self) -> SpanContext:
        """What OpenTelemetry knows it by."""
        return self._span.get_span_context()

    @property
    def traceparent(self) -> str:
        """The header that is sent along with what it causes. Source: W3C Trace Context, 3.2."""
        own = self.context
        return f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags & TraceFlags.SAMPLED:02x}"

    def child(
        self,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        words: Mapping[str, Word] = NO_WORDS,
        links: Sequence[Span] = (),
    ) -> Span:
        """Begin a step within it."""
        within = set_span_in_context(self._span, NOWHERE)
        pointed = [Link(other.context) for other in links if isinstance(other, OtelSpan)]
        span = self._tracer.start_span(name, within, KINDS[kind], words, pointed, record_exception=False)
        return OtelSpan(self._tracer, span)

    def link(self, other: Span) -> None:
        """Point to a span of another trace; too late where it has ended."""
        if isinstance(other, OtelSpan) and self._span.is_recording():
            self._span.add_link(other.context)

    def note(self, name: str, value: Word) -> None:
        """Add an attribute; too late where it has ended."""
        if self._span.is_recording():
            self._span.set_attribute(name, value)

    def rename(self, name: str) -> None:
        """Say what it is."""
        self._span.update_name(name)

    def fail(self, word: str) -> None:
        """Say that it failed. An exception's text is left out: it may quote what somebody sent.

        Source: OpenTelemetry semantic conventions, recording errors.
        """
        self._span.set_attribute("error.type", word)
        self._span.set_status(StatusCode.ERROR)

    def end(self) -> None:
        """End it."""
        self._span.end()


class UnchosenSpan:
    """Every step at once of a trace that is not recorded: what is passed on says so, and makes nobody else record it.

    Args:
        trace_id: of the trace; None where it begins here.
    """

    __slots__ = ("_trace_id", "_traceparent")

    recorded: Final = False

    def __init__(self, trace_id: str | None = None) -> None:
        self._trace_id = trace_id
        self._traceparent: str | None = None

    @property
    def traceparent(self) -> str:
        """The header that is sent along; most such traces never need one, so it is made when it is asked for."""
        if self._traceparent is None:
            trace_id = self._trace_id or f"{getrandbits(_TRACE_BITS) or 1:032x}"
            self._traceparent = f"00-{trace_id}-{getrandbits(_SPAN_BITS) or 1:016x}-00"
        return self._traceparent

    def child(
        self,
        name: str,  # noqa: ARG002 -- a span's signature
        kind: SpanKind = SpanKind.INTERNAL,  # noqa: ARG002
        words: Mapping[str, Word] = NO_WORDS,  # noqa: ARG002
        links: Sequence[Span] = (),  # noqa: ARG002
    ) -> Span:
        """Return itself."""
        return self

    def link(self, other: Span) -> None:
        """Do nothing."""

    def note(self, name: str, value: Word) -> None:
        """Do nothing."""

    def rename(self, name: str) -> None:
        """Do nothing."""

    def fail(self, word: str) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


def remote(trace_id: int, span_id: int) -> SpanContext:
    """Return a step of another process, whose trace is recorded."""
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def within(parent: SpanContext) -> Context:
    """Return the context of a span with a parent of another process."""
    return set_span_in_context(NonRecordingSpan(parent), NOWHERE)


if TYPE_CHECKING:

    def _conform(recorded: OtelSpan, unchosen: UnchosenSpan) -> tuple[Span, Span]:
        return recorded, unchosen
