"""Fixtures for everyone: one PostgreSQL and one Redis-protocol server per run, and a database per test.

`DATABASE_URL` and `REDIS_URL` name servers to use instead of the embedded ones. On such a PostgreSQL the tests make
databases of their own and drop them; the named one is not touched.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, settings

from tests.databases import fresh_database
from user_cli.embedded import EmbeddedServers, embedded_servers
from usercore.adapters.sql import upgrade

# How long an example takes on a machine that does other things as well proves nothing.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")


@pytest.fixture(scope="session")
def _servers() -> Iterator[EmbeddedServers]:
    with asyncio.Runner() as runner:
        servers = embedded_servers(
            None,
            database_url=os.environ.get("DATABASE_URL") or None,
            redis_url=os.environ.get("REDIS_URL") or None,
            durable=False,
        )
        started = runner.run(_enter(servers))
        yield started
        runner.run(_leave(servers))


async def _enter(servers: AbstractAsyncContextManager[EmbeddedServers]) -> EmbeddedServers:
    return await servers.__aenter__()


async def _leave(servers: AbstractAsyncContextManager[EmbeddedServers]) -> None:
    await servers.__aexit__(None, None, None)


@pytest.fixture(scope="session")
def postgres_url(_servers: EmbeddedServers) -> str:
    """A PostgreSQL server where tests may make databases, as ``postgresql://…``."""
    return _servers.database_url


@pytest.fixture(scope="session")
def redis_url(_servers: EmbeddedServers) -> str:
    """A Redis-protocol server that all tests share: use a key prefix of your own."""
    return _servers.redis_url


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """A fresh, empty database."""
    with fresh_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def _migrated_template(postgres_url: str) -> Iterator[str]:
    with fresh_database(postgres_url) as url:
        asyncio.run(upgrade(url))
        yield urlsplit(url).path.removeprefix("/")


@pytest.fixture
def migrated_database_url(postgres_url: str, _migrated_template: str) -> Iterator[str]:
    """A fresh database with every table and no row."""
    with fresh_database(postgres_url, _migrated_template) as url:
        yield url
