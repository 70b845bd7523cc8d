"""What is recorded is sent, or given up for lost; nobody waits for a collector, and a dead one is told of seldom."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from structlog.testing import capture_logs

from tests.http.tokens import key_file
from tests.keys import MASTER_KEYS_SETTING
from tests.traces import Collector
from usercore.adapters.otel import exporting, open_tracer
from usercore.kernel.tracing import During, SpanKind
from usercore.settings import SettingsError, TraceSettings, load
from usercore.wiring.tracing import open_tracing


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector().listening() as found:
        yield found


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where connections are made and never answered."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


class Dead(SpanExporter):
    def export(self, _: Sequence[ReadableSpan]) -> SpanExportResult:
        raise ConnectionError("grace@example.com does not answer")


async def test_what_was_recorded_is_sent_at_the_end(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=tests")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "named-by-otel")
    async with open_tracing(TraceSettings(endpoint=collector.url, sample_ratio=1.0)) as tracer:
        assert tracer is not None
        with During(tracer.begin("request", SpanKind.SERVER, words={"http.route": "/v1/users"})) as span:
            span.child("inner").end()
    assert [one.name for one in collector.spans] == ["inner", "request"]
    inner, root = collector.spans
    assert (inner.parent, inner.trace, root.parent, root.words) == (
        root.id,
        root.trace,
        "",
        {"http.route": "/v1/users"},
    )
    assert root.service == "named-by-otel"
    assert "deployment.environment.name" in collector.text


async def test_our_own_name_comes_before_that_of_the_sdk(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "named-by-otel")
    settings = TraceSettings(endpoint=collector.url + "/v1/traces", service_name="ours", sample_ratio=1.0)
    async with open_tracing(settings) as tracer:
        assert tracer is not None
        tracer.begin("request", SpanKind.SERVER).end()
    assert [one.service for one in collector.spans] == ["ours"]


@pytest.mark.parametrize("settings", [TraceSettings(), TraceSettings(endpoint="http://127.0.0.1:9")])
async def test_without_an_endpoint_or_with_the_sdk_switched_off_there_is_no_tracer(
    settings: TraceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    async with open_tracing(settings) as tracer:
        assert tracer is None


async def test_a_collector_that_does_not_answer_holds_up_neither_work_nor_the_end(
    nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "FLUSH_S", 0.2)
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "64")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "32")
    with capture_logs() as lines:
        async with open_tracer(TraceSettings(endpoint=nobody, sample_ratio=1.0)) as tracer:
            assert tracer is not None
            for _ in range(2000):
                tracer.begin("request", SpanKind.SERVER).end()
            ending = time.monotonic()
        assert time.monotonic() - ending < 2
    [line] = lines
    assert (line["event"], line["log_level"]) == ("traces incomplete", "warning")
    assert line["said"] == "Queue full, dropping %s."


async def test_what_the_sdk_complains_of_is_one_line_a_minute_without_an_exceptions_text() -> None:
    times = iter((0.0, 1.0, 59.0, 60.5))
    handler = exporting._Complaints(lambda: next(times))
    with capture_logs() as lines:
        for _ in range(4):
            error = ConnectionError("grace@example.com")
            handler.emit(logging.LogRecord("opentelemetry.sdk.x", logging.ERROR, "", 0, "no %s", (error,), None))
    assert [(line["said"], line["since_last"]) for line in lines] == [("no %s", 1), ("no %s", 3)]
    assert "grace" not in str(lines)


async def test_an_exporter_that_fails_is_not_felt() -> None:
    with capture_logs() as lines:
        async with open_tracer(TraceSettings(endpoint="http://127.0.0.1:9", sample_ratio=1.0), Dead()) as tracer:
            assert tracer is not None
            tracer.begin("request", SpanKind.SERVER).end()
            await asyncio.sleep(0)
    assert "Exception while exporting %s." in [line["said"] for line in lines]
    assert "grace" not in str(lines)


@pytest.mark.parametrize("ratio", ["1.5", "-0.1", "nan", "half"])
def test_a_ratio_that_is_none_is_refused_by_name(ratio: str) -> None:
    with pytest.raises(SettingsError, match="USER_SERVICE_TRACES_SAMPLE_RATIO: write a number from 0 to 1"):
        load(TraceSettings, {"USER_SERVICE_TRACES_SAMPLE_RATIO": ratio})


_OFF = """
import asyncio, os, sys
from usercore.settings import TraceSettings
from usercore.wiring.tracing import open_tracing
import user_http.app, user_stream.app, usercore.wiring.service, usercore.wiring.messaging

async def open_and_close():
    async with open_tracing(TraceSettings()) as tracer:
        assert tracer is None

asyncio.run(open_and_close())
ours = ("opentelemetry.exporter", "opentelemetry.proto", "google")
print(sorted(name for name in sys.modules if name.startswith(ours)))
print("usercore.adapters.otel" in sys.modules)
"""
_ABSENT = """
import asyncio, sys
sys.modules["opentelemetry"] = None
from usercore.settings import TraceSettings
from usercore.wiring.tracing import open_tracing
import user_http.__main__, user_stream.app, usercore.wiring.service, usercore.wiring.messaging

async def open_and_close():
    async with open_tracing(TraceSettings()) as tracer:
        assert tracer is None

asyncio.run(open_and_close())
print(sorted(name for name in sys.modules if name.startswith("opentelemetry.")))
user_http.__main__.main()
"""


def run(code: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    whole = {"PATH": os.defpath, **environ}
    command = [sys.executable, "-P", "-c", code]
    return subprocess.run(command, env=whole, capture_output=True, text=True, timeout=60, check=False)


def test_without_an_endpoint_nothing_that_records_or_sends_is_imported() -> None:
    """Where the extra is installed, redis-py itself imports the API and the SDK's metrics, whoever asks or not."""
    done = run(_OFF)
    assert (done.stdout.splitlines(), done.returncode) == (["[]", "False"], 0), done.stderr


def test_without_the_extra_all_else_works_and_an_endpoint_is_refused_by_its_name(tmp_path: Path) -> None:
    environ = {
        "DATABASE_URL": "postgresql://postgres@127.0.0.1:1/users",
        "USER_SERVICE_MASTER_KEYS": MASTER_KEYS_SETTING,
        "USER_SERVICE_TOKEN_KEY_FILE": str(key_file(tmp_path)),
        "USER_SERVICE_TRACES_ENDPOINT": "http://127.0.0.1:9",
    }
    done = run(_ABSENT, **environ)
    assert (done.stdout, done.returncode) == ("[]\n", 78)
    assert done.stderr == "USER_SERVICE_TRACES_ENDPOINT: needs the extra `traces`: pip install 'usercore[traces]'\n"
