"""The implementations that must keep the contracts of the ports.

To add one: write a fixture `<name>_ports` that gives :class:`usercore.wiring.core.Ports` over an empty
database, and put its name into :data:`ADAPTERS`. The suites give the times themselves, so whatever a change
writes must carry the change's times, not those of the server.
"""

import base64
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from attrs import asdict, evolve

from tests.keys import MASTER_KEYS
from usercore.adapters.coalescing import (
    GatheredActivityReader,
    GatheredPreferencesReader,
    GatheredProfileReader,
    GatheredUserReader,
    GroupCommitUserWriter,
)
from usercore.adapters.redis import open_cache
from usercore.adapters.sql import open_database, sql_ports
from usercore.kernel.secret import Secret
from usercore.settings import CacheSettings, DatabaseSettings
from usercore.wiring import memory
from usercore.wiring.core import Ports

ADAPTERS = ("memory", "coalesced", "cached", "sql")


@pytest.fixture(params=ADAPTERS)
def ports(request: pytest.FixtureRequest) -> Ports:
    """Every port of one implementation, over an empty database."""
    made = request.getfixturevalue(f"{request.param}_ports")
    assert isinstance(made, Ports)
    return made


@pytest.fixture
def memory_ports() -> Ports:
    return memory.memory_ports()


@pytest.fixture
async def coalesced_ports() -> AsyncIterator[Ports]:
    inner = memory.memory_ports()
    async with (
        GatheredUserReader(inner.users) as users,
        GatheredProfileReader(inner.profiles) as profiles,
        GatheredPreferencesReader(inner.preferences) as preferences,
        GatheredActivityReader(inner.activity_reader) as activity,
        GroupCommitUserWriter(inner.writer) as writer,
    ):
        yield evolve(
            inner, users=users, profiles=profiles, preferences=preferences, activity_reader=activity, writer=writer
        )


@pytest.fixture
async def cached_ports(redis_url: str) -> AsyncIterator[Ports]:
    inner = memory.memory_ports()
    key = Secret(base64.b64encode(bytes(32)).decode())
    settings = CacheSettings(url=Secret(redis_url), key=key, namespace=f"test-{uuid4().hex}", timeout_s=5.0)
    async with open_cache(settings) as cache:
        yield evolve(
            inner,
            profiles=cache.reader(inner.profiles),
            writer=cache.writer(inner.writer),
            import_writer=cache.import_writer(inner.import_writer),
        )


@pytest.fixture(name="sql_ports")
async def sql_ports_fixture(migrated_database_url: str) -> AsyncIterator[Ports]:
    async with open_database(DatabaseSettings(url=Secret(migrated_database_url))) as database:
        yield evolve(memory.memory_ports(), **asdict(sql_ports(database, MASTER_KEYS), recurse=False))
