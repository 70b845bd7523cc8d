"""The schema's versions: up, down, and where it stands.

::

    await upgrade(url)              # to the newest version
    await downgrade(url, "base")    # to nothing, with all data
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from attrs import frozen
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from usercore.adapters.sql.engine import driver_url
from usercore.adapters.sql.errors import translated

_LOCK: Final = 0x75736572  # "user"
_ASK_AGAIN_S: Final = 0.1
VERSION_TABLE: Final = "schema_version"


@frozen
class SchemaStatus:
    """Where the schema stands.

    Args:
        current: the version in the database, or None where there is none.
        newest: the newest version that this library knows.
        pending: versions that are still to come, in order.
    """

    current: str | None
    newest: str
    pending: tuple[str, ...]


async def upgrade(
    url: str, revision: str = "head", *, lock_timeout_s: float = 3.0, wait_s: float = 300.0
) -> SchemaStatus:
    """Bring the schema to a version; nothing happens where it is there already.

    Copies that start together take turns, so that one migrates and the others find it done. All steps are one
    transaction.

    Args:
        url: ``postgresql://…``.
        revision: which version; ``head`` is the newest.
        lock_timeout_s: how long a step may wait for a table that others use, before all is rolled back.
        wait_s: how long to wait for another copy that migrates.

    Raises:
        UnavailableError: the database does not answer, or a table stayed locked.
    """
    return await _migrate(url, lambda config: command.upgrade(config, revision), lock_timeout_s, wait_s)


async def downgrade(url: str, revision: str, *, lock_timeout_s: float = 3.0, wait_s: float = 300.0) -> SchemaStatus:
    """Take the schema back to a version; ``base`` is nothing. What later versions added is lost.

    Raises:
        UnavailableError: the database does not answer, or a table stayed locked.
    """
    return await _migrate(url, lambda config: command.downgrade(config, revision), lock_timeout_s, wait_s)


async def status(url: str) -> SchemaStatus:
    """Return where the schema stands.

    Raises:
        UnavailableError: the database does not answer.
    """
    with translated():
        async with _connected(url) as connection:
            return await connection.run_sync(_status)


async def _migrate(url: str, step: Callable[[Config], None], lock_timeout_s: float, wait_s: float) -> SchemaStatus:
    with translated():
        async with asyncio.timeout(wait_s), _connected(url) as connection:
            while not await _is_our_turn(connection):
                await connection.rollback()
                await asyncio.sleep(_ASK_AGAIN_S)
            # A statement that makes an index may take long; what must not is keeping others from a table.
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            await connection.execute(text(f"SET LOCAL lock_timeout = {round(lock_timeout_s * 1000)}"))
            await connection.run_sync(lambda sync: step(_config(sync)))
            reached = await connection.run_sync(_status)
            await connection.commit()
            return reached


async def _is_our_turn(connection: AsyncConnection) -> bool:
    # Held until the transaction ends, so that it is not stranded behind a pooler.
    taken = await connection.execute(text(f"SELECT pg_try_advisory_xact_lock({_LOCK})"))
    return bool(taken.scalar_one())


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(
        driver_url(url),
        poolclass=NullPool,
        use_native_hstore=False,
        connect_args={"connect_timeout": 5, "application_name": "user-service-migrations", "prepare_threshold": None},
    )
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _status(connection: Connection) -> SchemaStatus:
    scripts = ScriptDirectory.from_config(_config())
    current = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    to_come = [script.revision for script in scripts.iterate_revisions("head", current or "base")]
    return SchemaStatus(current, scripts.get_current_head() or "", tuple(reversed(to_come)))
