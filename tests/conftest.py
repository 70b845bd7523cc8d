"""Fixtures for everyone: one PostgreSQL, one Redis-protocol server and one Kafka broker per run, and what a test owns.

`DATABASE_URL`, `REDIS_URL` and `KAFKA_BOOTSTRAP` name servers to use instead of the embedded ones. On such a PostgreSQL
the tests make databases of their own and drop them; on such a broker they make topics that begin with `t` and eight
hexadecimal digits, and leave them. `KAFKA_IS_APACHE=1` says that the broker is an Apache Kafka: tests marked `apache`
run there alone.
"""

import asyncio
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.databases import fresh_database
from user_cli.embedded import EmbeddedServers, embedded_servers
from usercore.adapters.sql import upgrade
from usercore.settings import KafkaSettings

# How long an example takes on a machine that does other things as well proves nothing.
settings.register_profile("thorough", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("thorough"), max_examples=40)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# As it comes, structlog draws every local variable of every frame of an error: seconds for each.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

APACHE = os.environ.get("KAFKA_IS_APACHE") == "1"
NOT_STARTED = "not-started:"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the embedded broker cannot prove, unless there is an Apache Kafka."""
    if APACHE:
        return
    left_out = [item for item in items if item.get_closest_marker("apache")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


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


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """A broker that all tests share, as ``host:port``: use a topic prefix of your own."""
    given = os.environ.get("KAFKA_BOOTSTRAP")
    if given:
        yield given
        return
    with asyncio.Runner() as runner:
        servers = embedded_servers(None, database_url=NOT_STARTED, redis_url=NOT_STARTED, kafka=True)
        started = runner.run(_enter(servers))
        assert started.kafka_bootstrap is not None
        yield started.kafka_bootstrap
        runner.run(_leave(servers))


@pytest.fixture
def kafka_settings(kafka_bootstrap: str) -> KafkaSettings:
    """The shared broker, with names of topics that no other test uses. Only a real Kafka knows idempotent producers."""
    real = APACHE or bool(os.environ.get("KAFKA_BOOTSTRAP"))
    prefix = f"t{secrets.token_hex(4)}."
    return KafkaSettings(bootstrap=tuple(kafka_bootstrap.split(",")), idempotent=real, topic_prefix=prefix)


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
