"""The entry point: settings are named when they are wrong, and what runs leaves as it should."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.harness.wire import Client
from tests.stream.harness.world import Worker, World, running_worker

_OURS = ("USER_SERVICE_", "DATABASE_URL", "REDIS_URL", "KAFKA_")


def run(environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return subprocess.run(
        [sys.executable, "-m", "user_stream"], env=kept | environ, capture_output=True, text=True, check=False
    )


def test_every_wrong_setting_is_named_in_a_line_of_its_own_and_the_status_is_78() -> None:
    done = run({"KAFKA_BOOTSTRAP": "127.0.0.1:9092,nonsense", "USER_SERVICE_STREAM_BATCH": "none"})
    assert (done.returncode, done.stdout) == (78, "")
    lines = done.stderr.splitlines()
    assert sorted(line.partition(":")[0] for line in lines) == [
        "DATABASE_URL",
        "KAFKA_BOOTSTRAP",
        "USER_SERVICE_MASTER_KEYS",
        "USER_SERVICE_STREAM_BATCH",
    ]


@pytest.mark.parametrize(
    ("topics", "text", "variable"),
    [
        ("update-user", None, "USER_SERVICE_SIGNER_KEYS_FILE"),
        ("update-user", "canary", "USER_SERVICE_SIGNER_KEYS_FILE"),
        ("order-placed", "canary", "USER_SERVICE_SIGNED_TOPICS"),
    ],
)
def test_signers_that_nobody_could_check_are_named_and_the_status_is_78(
    world: World, tmp_path: Path, topics: str, text: str | None, variable: str
) -> None:
    file = tmp_path / "signers.pem"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    done = run(world.environ(SIGNED_TOPICS=topics, SIGNER_KEYS_FILE=str(file)))
    assert (done.returncode, done.stderr.partition(":")[0]) == (78, variable)
    assert "canary" not in done.stderr


async def test_a_process_serves_health_and_metrics_and_leaves_with_0_on_sigterm(world: World) -> None:
    async with running_worker(world) as worker:
        async with Client(worker.port, None) as client:
            live, ready = await client.get("/health/live"), await client.get("/health/ready")
            assert (live.status, live.json()) == (200, {"status": "alive"})
            assert ready.status == 200
            ours = {"database": "ok", "cache": "off", "erasures": "off", "replicas": "off"}
            assert ready.json()["parts"] == ours | {"brokers": "ok", "consumer": "ok"}
            metrics = await client.get("/metrics")
            assert b"user_service_stream_messages" in metrics.body
        worker.signal(signal.SIGTERM)
        assert await worker.ended() == 0


async def test_without_a_broker_it_is_alive_and_not_ready_and_then_leaves_so_as_to_be_started_anew(
    world: World, tmp_path: Path
) -> None:
    lonely = World(world.database_url, "127.0.0.1:1", tmp_path)
    worker = Worker.start(lonely, STREAM_RETRIES="3", STREAM_RETRY_FIRST_S="1", KAFKA_REQUEST_TIMEOUT_S="1")
    try:
        await worker.answering()
        async with Client(worker.port, None) as client:
            assert (await client.get("/health/live")).status == 200
            ready = await client.get("/health/ready")
            assert (ready.status, ready.json()["ready"]) == (503, False)
            assert ready.json()["parts"]["consumer"] == "starting"
        assert await worker.ended() == 75
    finally:
        await worker.process.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_wait_for_servers_at_once(world: World, tmp_path: Path, number: signal.Signals) -> None:
    lonely = World(world.database_url, "127.0.0.1:1", tmp_path)
    worker = Worker.start(lonely, STREAM_RETRIES="100", STREAM_RETRY_FIRST_S="60", KAFKA_REQUEST_TIMEOUT_S="1")
    try:
        await worker.answering()
        worker.signal(number)
        assert await worker.ended(deadline_s=15.0) == 0
    finally:
        await worker.process.stop()
