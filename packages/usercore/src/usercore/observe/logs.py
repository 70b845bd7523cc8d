"""Log lines: JSON for machines, colours for people, and nothing personal in either.

Lines carry words chosen in code, ids of requests and the names of error codes; never a value that a caller
sent. What a library logs by itself passes the same processors; what is classified as personal is taken out of both.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from usercore.kernel.tracing import current
from usercore.observe.redaction import without_personal_data
from usercore.settings import TelemetrySettings
from usercore.settings.sections import LogFormat

# These name values in their messages at debug level, or log every connection and every part that starts.
_QUIET = (
    "sqlalchemy",
    "psycopg",
    "asyncio",
    "uvicorn",
    "httpx",
    "httpcore",
    "alembic",
    "aiokafka",
    "faust",
    "mode",
    "urllib3",
)


def configure_logs(settings: TelemetrySettings, stream: TextIO | None = None) -> None:
    """Send this process's log lines to a stream.

    Our own lines are written straight to it: the standard library's logging would cost several times as much as
    the line itself, at thousands of lines a second. What libraries log comes by its handler, in the same form.

    Args:
        settings: level and format.
        stream: where to; standard error if None.
    """
    target = stream if stream is not None else sys.stderr
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared = list(_processors())
    render = _renderer(settings.log_format, target)
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _StreamLogger(target),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


class _StreamLogger:
    """Writes lines to a stream; one that cannot be written is lost, and never fails the work it tells of."""

    __slots__ = ("_stream",)

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write one line."""
        # A closed stream raises ValueError, a pipe that nobody reads any more OSError.
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = msg


def _processors() -> Iterator[Processor]:
    yield structlog.contextvars.merge_contextvars
    yield structlog.processors.add_log_level
    yield structlog.processors.TimeStamper(fmt="iso", utc=True)
    yield _with_trace
    yield _without_values
    yield without_personal_data


def _with_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Say to which step of which trace a line belongs, where there is one."""
    span = current()
    if span is not None and span.traceparent is not None:
        _, event["trace_id"], event["span_id"], _ = span.traceparent.split("-")
    return event


def _without_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Keep an exception's type and place, and drop its text: a driver's error may quote a row."""
    raised = event.pop("exc_info", None)
    error = sys.exc_info()[1] if raised is True else raised
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["at"] = _place(error)
    return event


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    code = trace.tb_frame.f_code
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}.{code.co_name}:{trace.tb_lineno}"


def _renderer(wanted: LogFormat, stream: TextIO) -> Processor:
    console = wanted is LogFormat.CONSOLE or (wanted is LogFormat.AUTO and stream.isatty())
    if console:
        return structlog.dev.ConsoleRenderer(colors=stream.isatty())
    return structlog.processors.JSONRenderer()
