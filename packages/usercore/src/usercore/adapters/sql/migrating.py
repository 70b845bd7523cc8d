"""The schema's versions: up, down, and where it stands.

::

    await upgrade(url)              # to the newest version
    await downgrade(url, "base")    # to nothing, with all data

Each version is a transaction of its own, or none at all where it says so. What it waits for others it waits a bounded
time: everybody who comes later stands in line behind it. A version that did not get a table in time is rolled back and
tried again after a while. Source: [ADR 22](docs/adr/0022-migrations-online.md).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg
from alembic import command
from alembic.runtime.migration import MigrationContext
from attrs import frozen
from psycopg import errors as postgres
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from usercore.adapters.sql.engine import driver_url
from usercore.adapters.sql.errors import cause, translated
from usercore.adapters.sql.versions import VERSION_TABLE, VERSIONS, Chain, Phase, SchemaVersion, configuration
from usercore.kernel.errors import UnavailableError

__all__ = ["VERSION_TABLE", "Limits", "Phase", "SchemaStatus", "SchemaVersion", "downgrade", "status", "upgrade"]

_LOCK: Final = 0x75736572  # "user"
_ASK_AGAIN_S: Final = 0.1
_BESIDE_S: Final = 60.0
"""How long a version that is no transaction waits for others: what it takes stands in no reader's or writer's way."""
_IN_THE_WAY: Final = (postgres.LockNotAvailable, postgres.DeadlockDetected)


@frozen
class Limits:
    """How long a migration may hold others up, and how often it tries.

    Args:
        lock_timeout_s: how long a statement may wait for a table that others use. Others wait behind it meanwhile, so
            it must be shorter than what the service itself waits for a lock.
        tries: how often a version is begun that did not get a table in time.
        pause_s: before the second try; twice as long before each that follows, up to `longest_pause_s`.
        longest_pause_s: between two tries.
        wait_s: how long to wait for another copy that migrates.
        beat_s: how often to look whether the turn is still ours.
    """

    lock_timeout_s: float = 1.0
    tries: int = 20
    pause_s: float = 0.5
    longest_pause_s: float = 10.0
    wait_s: float = 300.0
    beat_s: float = 5.0

    def pause(self, tried: int) -> float:
        """Return how long to wait after so many tries."""
        return min(self.longest_pause_s, self.pause_s * 2.0 ** (tried - 1))


@frozen
class SchemaStatus:
    """Where the schema stands.

    Args:
        current: the version in the database, or None where there is none.
        newest: the newest version that this library knows.
        pending: versions that are still to come, in order.
        versions: all that this library knows, in order.
    """

    current: str | None
    newest: str
    pending: tuple[str, ...]
    versions: tuple[SchemaVersion, ...]

    @property
    def is_behind(self) -> bool:
        """Whether something is missing. What only waits to be taken away is not."""
        return any(one.phase is not Phase.CONTRACT for one in self.versions if one.revision in self.pending)


@frozen
class _Step:
    """One version, up or down."""

    version: SchemaVersion
    run: Callable[[Connection], None]


Told = Callable[[str], None]
"""Hears, in a line each, of what is done and what is waited for."""


def _untold(_: str) -> None:
    return


async def upgrade(
    url: str,
    revision: str = "head",
    *,
    contract: bool = True,
    limits: Limits = Limits(),
    told: Told = _untold,
    folder: Path = VERSIONS,
) -> SchemaStatus:
    """Bring the schema to a version; nothing happens where it is there already.

    Copies that start together take turns, so that one migrates and the others find it done.

    Args:
        url: ``postgresql://…``.
        revision: which version; ``head`` is the newest.
        contract: take away what older copies use, too. Without it the way ends before the first version that does,
            unless the database is empty.
        limits: on what is waited for.
        told: hears of each version, and of each try that was in vain.
        folder: where the versions are.

    Raises:
        UnavailableError: the database does not answer, or a table stayed locked. The versions before that one stay.
        CommandError: there is no such version.
    """
    chain = Chain.read(folder)

    def steps(current: str | None) -> list[_Step]:
        return [_upwards(folder, one) for one in chain.up(current, revision, contract=contract)]

    return await _migrate(url, chain, steps, limits, told)


async def downgrade(
    url: str,
    revision: str,
    *,
    limits: Limits = Limits(),
    told: Told = _untold,
    folder: Path = VERSIONS,
) -> SchemaStatus:
    """Take the schema back to a version; ``base`` is nothing. What later versions added is lost.

    Raises:
        UnavailableError: the database does not answer, or a table stayed locked. The versions after that one are gone.
        CommandError: there is no such version, or it is newer than where the schema is.
    """
    chain = Chain.read(folder)

    def steps(current: str | None) -> list[_Step]:
        return [_downwards(chain, one) for one in chain.down(current, revision)]

    return await _migrate(url, chain, steps, limits, told)


async def status(url: str, *, folder: Path = VERSIONS) -> SchemaStatus:
    """Return where the schema stands.

    Raises:
        UnavailableError: the database does not answer.
        CommandError: it is at a version that this library does not know.
    """
    chain = Chain.read(folder)
    with translated():
        async with _connected(url) as connection:
            return _status(chain, await connection.run_sync(_current))


def _upwards(folder: Path, one: SchemaVersion) -> _Step:
    return _Step(one, lambda connection: command.upgrade(configuration(folder, connection), one.revision))


def _downwards(chain: Chain, one: SchemaVersion) -> _Step:
    target = chain.before(one.revision)
    return _Step(one, lambda connection: command.downgrade(configuration(chain.folder, connection), target))


async def _migrate(
    url: str, chain: Chain, steps: Callable[[str | None], Sequence[_Step]], limits: Limits, told: Told
) -> SchemaStatus:
    with translated():
        async with _our_turn(url, limits), _connected(url) as connection:
            current = await connection.run_sync(_current)
            await connection.rollback()
            for step in steps(current):
                await _take(connection, step, limits, told)
            return _status(chain, await connection.run_sync(_current))


async def _take(connection: AsyncConnection, step: _Step, limits: Limits, told: Told) -> None:
    """Do one version, as often as it takes.

    Raises:
        UnavailableError: others were in the way each time.
    """
    name = f"{step.version.revision} ({step.version.phase}: {step.version.about})"
    for tried in range(1, limits.tries + 1):
        try:
            await (_in_one(connection, step, limits) if step.version.transactional else _beside(connection, step))
        except (psycopg.Error, DBAPIError) as error:
            await connection.rollback()
            if not isinstance(cause(error), _IN_THE_WAY):
                raise
            told(f"{name}: others use what it needs; {limits.tries - tried} more tries")
        else:
            told(name)
            return
        if tried < limits.tries:
            await asyncio.sleep(limits.pause(tried))
    raise UnavailableError(f"version {step.version.revision} did not get a table that others use; try again later")


async def _in_one(connection: AsyncConnection, step: _Step, limits: Limits) -> None:
    """Do a version as one transaction."""
    # A statement may take long; what must not is keeping others from a table.
    await connection.execute(text("SET LOCAL statement_timeout = 0"))
    await connection.execute(text(f"SET LOCAL lock_timeout = {round(limits.lock_timeout_s * 1000)}"))
    await connection.run_sync(step.run)
    await connection.commit()


async def _beside(connection: AsyncConnection, step: _Step) -> None:
    """Do a version statement by statement, each for itself. Limits are then the session's, so it must be ours alone."""
    if not await _is_direct(connection):
        detail = f"version {step.version.revision} cannot run through a pooler: USER_SERVICE_DB_MIGRATION_URL"
        raise UnavailableError(detail)
    await connection.rollback()
    await connection.execution_options(isolation_level="AUTOCOMMIT")
    try:
        await connection.execute(text("SET statement_timeout = 0"))
        await connection.execute(text(f"SET lock_timeout = {round(_BESIDE_S * 1000)}"))
        await connection.run_sync(step.run)
    finally:
        await connection.rollback()
        await connection.execution_options(isolation_level="READ COMMITTED")


async def _is_direct(connection: AsyncConnection) -> bool:
    backend = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    raw = await connection.get_raw_connection()
    return bool(raw.driver_connection is not None and raw.driver_connection.info.backend_pid == backend)


@asynccontextmanager
async def _our_turn(url: str, limits: Limits) -> AsyncIterator[None]:
    """Wait until no other copy migrates, and keep the others waiting: with a transaction on a connection of its own.

    A lock that belongs to a transaction is not stranded behind a pooler, and the transaction keeps the pooler's
    connection. Between two statements it holds no snapshot, so no index that is made meanwhile waits for it.

    Raises:
        UnavailableError: another copy still migrates, or the turn was lost on the way.
    """
    async with _connected(url) as connection:
        try:
            async with asyncio.timeout(limits.wait_s):
                while not await _took(connection):
                    await connection.rollback()
                    await asyncio.sleep(_ASK_AGAIN_S)
        except TimeoutError as error:
            raise UnavailableError("another copy migrates the tables; try again later") from error
        await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        async with _beating(connection, limits.beat_s):
            yield


async def _took(connection: AsyncConnection) -> bool:
    taken = await connection.execute(text(f"SELECT pg_try_advisory_xact_lock({_LOCK})"))
    return bool(taken.scalar_one())


@asynccontextmanager
async def _beating(connection: AsyncConnection, every_s: float) -> AsyncIterator[None]:
    """Use a connection now and then; where it is lost, stop what runs inside."""
    inside = asyncio.current_task()
    beat = asyncio.create_task(_beat(connection, every_s))
    beat.add_done_callback(lambda done: inside.cancel() if inside and not done.cancelled() else None)
    try:
        yield
    except asyncio.CancelledError:
        if not beat.done() or inside is None or inside.uncancel() > 0:
            raise
        raise UnavailableError("the turn to migrate was lost; see `userctl db status`") from beat.exception()
    finally:
        beat.cancel()
        with suppress(asyncio.CancelledError, DBAPIError, psycopg.Error):
            await beat


async def _beat(connection: AsyncConnection, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        await connection.execute(text("SELECT 1"))


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


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _status(chain: Chain, current: str | None) -> SchemaStatus:
    to_come = tuple(one.revision for one in chain.after(current))
    return SchemaStatus(current, chain.newest, to_come, tuple(chain.versions))
