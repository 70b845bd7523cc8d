"""A database of its own for every test, and the ports over it."""

from collections.abc import AsyncIterator

import pytest

from tests.keys import MASTER_KEYS
from usercore.adapters.sql import Database, SqlPorts, open_database, sql_ports
from usercore.kernel.secret import Secret
from usercore.settings import DatabaseSettings


@pytest.fixture
def settings(migrated_database_url: str) -> DatabaseSettings:
    """Where a fresh database is, with short limits."""
    return DatabaseSettings(
        url=Secret(migrated_database_url),
        pool_timeout_s=0.5,
        connect_timeout_s=2,
        statement_timeout_s=1,
        lock_timeout_s=0.5,
        idle_in_transaction_timeout_s=1,
    )


@pytest.fixture
async def database(migrated_database_url: str) -> AsyncIterator[Database]:
    """A fresh database, open, with the limits of production."""
    async with open_database(DatabaseSettings(url=Secret(migrated_database_url))) as opened:
        yield opened


@pytest.fixture
def ports(database: Database) -> SqlPorts:
    """Every port over a fresh database."""
    return sql_ports(database, MASTER_KEYS)
