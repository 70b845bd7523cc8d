"""Fixtures for tests on stream processors.

A processor takes seconds to join its group, so tests that break nothing share one, and look at their own users alone.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.databases import fresh_database
from tests.stream.harness.wire import Wire, open_wire
from tests.stream.harness.world import World, running_stream
from usercore.settings import CoreSettings, load
from usercore.wiring.service import Service, open_core


@pytest.fixture
def world(migrated_database_url: str, kafka_bootstrap: str, tmp_path: Path) -> World:
    """A deployment of one test's own."""
    return World(migrated_database_url, kafka_bootstrap, tmp_path)


@pytest_asyncio.fixture
async def wire(world: World) -> AsyncIterator[Wire]:
    """Its topics, seen from outside."""
    async with open_wire(world) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_world(
    postgres_url: str, _migrated_template: str, kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A deployment that the tests of a module share."""
    with fresh_database(postgres_url, _migrated_template) as url:
        yield World(url, kafka_bootstrap, tmp_path_factory.mktemp("stream"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_wire(shared_world: World) -> AsyncIterator[Wire]:
    """The topics of the shared deployment, with a stream processor that runs."""
    async with running_stream(shared_world), open_wire(shared_world) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_service(shared_world: World) -> AsyncIterator[Service]:
    """The core of the shared deployment, as the API has it."""
    async with open_core(load(CoreSettings, shared_world.environ())) as service:
        yield service
