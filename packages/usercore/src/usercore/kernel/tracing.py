"""Traces: what happens to one request, as spans that know their parents, across every part and process.

Nothing here knows how spans are recorded. A trace is begun at an edge, by a :class:`Tracer`: a request comes in, a
message is consumed. Everything below asks for :func:`step`, a span within the current one, and gets one that does
nothing where there is no trace. So without a tracer there is none anywhere, at the price of one look at a context
variable.

Spans show words chosen in code: templates of routes and statements, codes of errors. No id of a user, no value that
somebody sent and no text of an exception goes into one.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from attrs import evolve

from usercore.kernel.context import CommandContext
from usercore.kernel.errors import ExhaustedError, UnavailableError, UserCoreError

Word: TypeAlias = str | int | float | bool
NO_WORDS: Final[Mapping[str, Word]] = {}
REFUSAL: Final = "user_service.refusal"
"""The attribute that names the error by which something was refused that works as it should."""


class SpanKind(StrEnum):
    """On which side of what a span stands. Source: OpenTelemetry specification, trace API, SpanKind."""

    INTERNAL = "INTERNAL"
    SERVER = "SERVER"
    CLIENT = "CLIENT"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"


class Span(Protocol):
    """One step of a trace, between its beginning and its end."""

    @property
    def traceparent(self) -> str | None:
        """What is sent along with what this step causes: W3C Trace Context's header."""
        ...

    @property
    def recorded(self) -> bool:
        """Whether anybody will see it; of a trace that was not chosen, its id alone is passed on."""
        ...

    def child(
        self,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        words: Mapping[str, Word] = NO_WORDS,
        links: "Sequence[Span]" = (),
    ) -> "Span":
        """Begin a step within this one.

        Args:
            name: what it is, of few different ones.
            kind: on which side of what it stands.
            words: attributes.
            links: spans of others for whom it works as well.
        """
        ...

    def link(self, other: "Span") -> None:
        """Point to a span of another trace that works for this one."""
        ...

    def note(self, name: str, value: Word) -> None:
        """Add an attribute."""
        ...

    def rename(self, name: str) -> None:
        """Say what it is, once that is known."""
        ...

    def fail(self, word: str) -> None:
        """Say that it failed, with a word for why, of few different ones."""
        ...

    def end(self) -> None:
        """End it."""
        ...


class Tracer(Protocol):
    """Begins traces, and goes on with those that others have begun."""

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
        """Begin a step that has no parent in this process, and decide whether it is recorded.

        Args:
            name: what it is, of few different ones.
            kind: on which side of what it stands.
            parent: the W3C traceparent of the step that caused it, where there is one.
            ours: the parent was written down by this service, which had decided about the trace by then.
            words: attributes.
            links: traceparents of further steps that it works for.
        """
        ...


class _NoSpan:
    """Stands where there is no trace."""

    traceparent: Final = None
    recorded: Final = False

    def child(
        self,
        name: str,  # noqa: ARG002 -- a span's signature
        kind: SpanKind = SpanKind.INTERNAL,  # noqa: ARG002
        words: Mapping[str, Word] = NO_WORDS,  # noqa: ARG002
        links: Sequence[Span] = (),  # noqa: ARG002
    ) -> Span:
        return self

    def link(self, other: Span) -> None:
        pass

    def note(self, name: str, value: Word) -> None:
        pass

    def rename(self, name: str) -> None:
        pass

    def fail(self, word: str) -> None:
        pass

    def end(self) -> None:
        pass


NO_SPAN: Final[Span] = _NoSpan()
"""A span of no trace."""

_CURRENT: Final[ContextVar[Span | None]] = ContextVar("usercore.span", default=None)
current: Final = _CURRENT.get
"""Returns the span of what is being done, or None where there is no trace."""


class During:
    """Makes a span the current one until the block ends, and ends the span with it."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token: Token[Span | None] | None = None

    def __enter__(self) -> Span:
        """Return the span."""
        self._token = _CURRENT.set(self._span)
        return self._span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, with what went wrong."""
        if self._token is not None:
            _CURRENT.reset(self._token)
        if error is not None:
            _tell(self._span, error)
        self._span.end()


@contextmanager
def ended(span: Span) -> Iterator[Span]:
    """End a span with the block, without making it the current one."""
    try:
        yield span
    except BaseException as error:
        _tell(span, error)
        raise
    finally:
        span.end()


class _Nothing(During):
    """Where there is no trace there is nothing to be done."""

    __slots__ = ()

    def __enter__(self) -> Span:
        return NO_SPAN

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


NOTHING: Final[During] = _Nothing(NO_SPAN)
"""Stands where there is no trace; it may be entered by any number of tasks at once."""


def step(name: str, kind: SpanKind = SpanKind.INTERNAL, words: Mapping[str, Word] = NO_WORDS) -> During:
    """Return a span within the current one, for a ``with`` statement; one that does nothing where there is none."""
    parent = _CURRENT.get()
    return NOTHING if parent is None else During(parent.child(name, kind, words))


def gathered(name: str, callers: Sequence[Span]) -> During:
    """Return a span for work that is done for many callers at once.

    It stands within the first caller's trace, as a span has one parent, and is linked to the others and they to it:
    so it is found from each of them.
    """
    recorded = list(dict.fromkeys(span for span in callers if span.recorded))
    if not recorded:
        return During(callers[0]) if callers else NOTHING
    first, *others = recorded
    span = first.child(name, links=others, words={"user_service.batch.callers": len(callers)})
    for other in others:
        other.link(span)
    return During(span)


def carried(context: CommandContext) -> CommandContext:
    """Return a command's circumstances with the current span as what its events were caused by."""
    span = _CURRENT.get()
    if span is None or span.traceparent == context.traceparent:
        return context
    return evolve(context, traceparent=span.traceparent)


def _tell(span: Span, error: BaseException) -> None:
    """Say what went wrong in one word; a refusal is noted, and is no failure."""
    if not isinstance(error, UserCoreError):
        span.fail(type(error).__name__)
    elif isinstance(error, UnavailableError | ExhaustedError):
        span.fail(error.code)
    else:
        span.note(REFUSAL, error.code)


if TYPE_CHECKING:
    _conforms: Span = _NoSpan()
