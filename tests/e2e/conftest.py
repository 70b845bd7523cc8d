"""Fixtures for tests on running copies of the service.

Starting a copy costs a second, so tests that break nothing share one pair, and look at their own users alone.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from attrs import evolve

from tests.databases import database_of, fresh_database
from tests.e2e.harness.copies import CachePair, Copy, World, running_copies
from tests.e2e.harness.private import PrivatePostgres, private_postgres, private_valkey
from tests.e2e.harness.standby import Standby, standby_of
from tests.e2e.harness.tokens import Signer
from usercore.adapters.sql import upgrade

T = TypeVar("T")


@contextmanager
def held(opening: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Open something for many tests, each of which has an event loop of its own."""
    with asyncio.Runner() as runner:
        yield runner.run(opening.__aenter__())
        runner.run(opening.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """Issues tokens that every copy believes."""
    return Signer.create(tmp_path_factory.mktemp("tokens"))


@pytest.fixture
def world(migrated_database_url: str, redis_url: str, tmp_path: Path, signer: Signer) -> World:
    """A database and a part of the cache of one test's own, for any number of copies."""
    return World(migrated_database_url, redis_url, tmp_path, signer)


@pytest.fixture(scope="session")
def pair(
    postgres_url: str, _migrated_template: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory, signer: Signer
) -> Iterator[tuple[Copy, Copy]]:
    """Two copies with every setting as it is by default, for tests that break nothing."""
    with fresh_database(postgres_url, _migrated_template) as url:
        world = World(url, redis_url, tmp_path_factory.mktemp("pair"), signer)
        with held(running_copies(world, 2)) as (first, second):
            yield first, second
        for copy in (first, second):
            log = copy.log.read_text(encoding="utf-8")
            assert not [line for line in log.splitlines() if '"level": "info"' not in line], "something went wrong"


@pytest.fixture(scope="session")
def cache_pair(
    postgres_url: str, _migrated_template: str, tmp_path_factory: pytest.TempPathFactory, signer: Signer
) -> Iterator[CachePair]:
    """Two copies and their own Valkey, which tests may freeze and kill; they leave it running."""
    with held(private_valkey()) as valkey, fresh_database(postgres_url, _migrated_template) as url:
        world = World(url, valkey.url, tmp_path_factory.mktemp("cache-pair"), signer)
        with held(running_copies(world, 2)) as (first, second):
            yield CachePair(valkey, first, second)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    """A PostgreSQL that tests may freeze and kill; they leave it running."""
    with held(private_postgres()) as server:
        yield server


@pytest.fixture
def breakable(world: World, postgres: PrivatePostgres) -> World:
    """A world whose database is on the PostgreSQL that tests may break. What it acknowledged outlives a kill."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        name = world.namespace
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = on'.encode())
    url = database_of(postgres.url, name)
    asyncio.run(upgrade(url))
    return evolve(world, database_url=url)


@pytest.fixture(scope="session")
def standby(postgres: PrivatePostgres) -> Iterator[Standby]:
    """A replica of the PostgreSQL that tests may break; they leave both running and in step."""
    with held(standby_of(postgres)) as replica:
        yield replica
