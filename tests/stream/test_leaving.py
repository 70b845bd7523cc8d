"""A stream processor ends when it is told to, whatever has gone before it."""

import os
import signal
from pathlib import Path

import pytest

from tests.cli.processes import enterable_folder
from tests.stream.harness.world import World, running_worker
from user_cli.embedded import embedded_servers

NOT_STARTED = "not-started:"


@pytest.mark.embedded
async def test_it_ends_on_sigterm_after_its_broker_has_gone(migrated_database_url: str, tmp_path: Path) -> None:
    with enterable_folder() as folder:
        async with embedded_servers(folder, database_url=NOT_STARTED, redis_url=NOT_STARTED, kafka=True) as servers:
            world = World(migrated_database_url, str(servers.kafka_bootstrap), tmp_path)
            settings = {"KAFKA_IDEMPOTENT": "false", "STREAM_SESSION_TIMEOUT_S": "2"}
            async with running_worker(world, **settings) as worker:
                (broker,) = servers.pids
                os.kill(broker, signal.SIGKILL)
                worker.signal(signal.SIGTERM)
                await worker.ended(deadline_s=40)
