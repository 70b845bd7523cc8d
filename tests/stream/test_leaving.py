"""A stream processor ends when it is told to, whatever has gone before it."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.cli.processes import enterable_folder
from tests.e2e.harness.waiting import until_so
from tests.stream.harness.world import Worker, World, running_worker
from user_cli.embedded import embedded_servers
from user_stream.__main__ import EX_TEMPFAIL

NOT_STARTED = "not-started:"
SETTINGS = {"KAFKA_IDEMPOTENT": "false", "STREAM_SESSION_TIMEOUT_S": "2"}


@asynccontextmanager
async def a_broker() -> AsyncIterator[tuple[str, int]]:
    """Start a broker of a test's own, and give its address and process id."""
    with enterable_folder() as folder:
        async with embedded_servers(folder, database_url=NOT_STARTED, redis_url=NOT_STARTED, kafka=True) as servers:
            (pid,) = servers.pids
            yield str(servers.kafka_bootstrap), pid


@pytest.mark.embedded
async def test_it_ends_on_sigterm_after_its_broker_has_gone(migrated_database_url: str, tmp_path: Path) -> None:
    async with a_broker() as (bootstrap, broker):
        world = World(migrated_database_url, bootstrap, tmp_path)
        async with running_worker(world, **SETTINGS) as worker:
            os.kill(broker, signal.SIGKILL)
            worker.signal(signal.SIGTERM)
            await worker.ended(deadline_s=40)


@pytest.mark.embedded
async def test_it_ends_on_sigterm_where_its_broker_went_while_it_was_joining_the_group(
    migrated_database_url: str, tmp_path: Path
) -> None:
    async with a_broker() as (bootstrap, broker):
        worker = Worker.start(World(migrated_database_url, bootstrap, tmp_path), **SETTINGS)
        try:
            await worker.saying("[^StreamApp]: Starting...")
            os.kill(broker, signal.SIGKILL)
            await until_so(lambda: _without_a_broker(worker) or not worker.process.running, "it has noticed")
            if worker.process.running:
                worker.signal(signal.SIGTERM)
                assert await worker.ended(deadline_s=40) == 0
            else:
                assert await worker.ended() == EX_TEMPFAIL, "it had not found the broker yet, and is to be started anew"
        finally:
            await worker.process.stop()
        assert '"event": "consuming"' not in worker.log.read_text(encoding="utf-8")


def _without_a_broker(worker: Worker) -> bool:
    return "Unable connect to node" in worker.log.read_text(encoding="utf-8")
