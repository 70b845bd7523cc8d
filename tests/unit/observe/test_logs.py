"""Log lines tell what happened and nothing personal."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.traces import CALLER, TRACE, Recording
from usercore.kernel.tracing import During, SpanKind
from usercore.observe.logs import configure_logs
from usercore.settings import TelemetrySettings
from usercore.settings.sections import LogFormat, LogLevel

CANARY = "canary-ada@example.com"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logs(TelemetrySettings(log_level=LogLevel.INFO, log_format=LogFormat.JSON), stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def _raise() -> None:
    raise ValueError(CANARY)


def test_a_line_is_one_json_object_with_time_level_and_fields(lines: io.StringIO) -> None:
    structlog.get_logger().warning("maintenance failed", task="deliver_pending")
    [line] = lines.getvalue().splitlines()
    told = json.loads(line)
    assert told.pop("timestamp").endswith("Z")
    assert told == {"event": "maintenance failed", "level": "warning", "task": "deliver_pending"}


@pytest.mark.parametrize("by_structlog", [True, False])
def test_an_exception_is_told_by_type_and_place_without_its_text(lines: io.StringIO, by_structlog: bool) -> None:
    try:
        _raise()
    except ValueError as error:
        if by_structlog:
            structlog.get_logger().error("failed", exc_info=error)
        else:
            logging.getLogger("somebody.else").exception("failed")
    assert CANARY not in lines.getvalue()
    told = json.loads(lines.getvalue())
    assert told["error"] == "ValueError"
    assert "._raise:" in told["at"]


def test_lines_below_the_level_are_not_written(lines: io.StringIO) -> None:
    structlog.get_logger().debug("detail")
    logging.getLogger("sqlalchemy.engine").info("SELECT %s", CANARY)
    assert lines.getvalue() == ""


def test_a_line_that_cannot_be_written_does_not_fail_the_work(lines: io.StringIO) -> None:
    lines.close()
    structlog.get_logger().warning("request", status=503)


def test_a_line_says_to_which_step_of_which_trace_it_belongs(lines: io.StringIO) -> None:
    recording = Recording.begun()
    structlog.get_logger().warning("before")
    with During(recording.tracer.begin("request", SpanKind.SERVER, parent=CALLER)) as span:
        structlog.get_logger().warning("ours")
        logging.getLogger("somebody.else").warning("theirs")
    before, *within = map(json.loads, lines.getvalue().splitlines())
    assert "trace_id" not in before
    assert span.traceparent is not None
    assert {f"00-{line['trace_id']}-{line['span_id']}-01" for line in within} == {span.traceparent}
    assert [line["trace_id"] for line in within] == [TRACE, TRACE]
