"""Connections to PostgreSQL: two pools, and how long anything may take.

Nothing here needs state of a session, so it works behind PgBouncer's transaction pooling. Connections are in
autocommit mode; a transaction begins with ``SET LOCAL`` of its timeouts in the same round trip; a read is ended
from this side, by a cancel request that ends it in the server too. Statements are prepared only where the server
itself is at the other end: a pooler gives itself away by a process id that is not the backend's.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Protocol, TypeAlias, TypeVar, cast

import psycopg
from attrs import frozen
from psycopg.pq import TransactionStatus
from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from usercore.adapters.sql.connecting import Connector
from usercore.adapters.sql.errors import LostError, is_lost, translated
from usercore.adapters.sql.positions import CURRENT, Positions
from usercore.adapters.sql.tracing import statement_span, transaction_span
from usercore.settings import DatabaseSettings

T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]
Session: TypeAlias = psycopg.AsyncConnection[Row]
"""The driver's own connection, for statements that must be quick."""

_GRACE_S: Final = 1.0
"""How long the server may take to end what it was told to end before the connection is dropped."""
_PREPARE_AFTER: Final = 2
"""How often a statement must come before it is prepared."""
_COMMIT_AND_TELL: Final = b"COMMIT; " + CURRENT


class Reads(Protocol):
    """What answers a reading statement: a database, or those of its replicas that may."""

    async def fetch(self, statement: bytes, *parameters: object, prepare: bool | None = None) -> list[Row]:
        """Return the rows of a reading statement, as :meth:`Database.fetch` does."""
        ...


@frozen(eq=False)
class Database:
    """The two pools. Share one among all SQL adapters of a process; it belongs to one event loop.

    Args:
        positions: is told after each COMMIT where the database stands; None where nobody asks.
    """

    _writes: AsyncEngine
    _reads: AsyncEngine
    _settings: DatabaseSettings
    _connector: Connector
    _positions: Positions | None = None

    async def fetch(self, statement: bytes, *parameters: object, prepare: bool | None = None) -> list[Row]:
        """Return the rows of a reading statement with ``$1`` parameters.

        Where the connection turns out to be lost (the server was restarted), it runs once more on a new one.

        Args:
            statement: the SQL; it writes nothing.
            parameters: its values.
            prepare: False where the best plan depends on the values.

        Raises:
            UnavailableError: the database does not answer, or not in time.
            ExhaustedError: no connection became free in time.
        """

        async def attempt(opened: Session) -> list[Row]:
            try:
                return await fetch(opened, statement, *parameters, prepare=prepare)
            except psycopg.Error as error:
                if is_lost(error):
                    raise LostError from error
                raise

        return await self._run(self._reads, attempt, self._settings.statement_timeout_s)

    async def read(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Return what `work` returns, on a connection for reading; it writes nothing, and may be begun twice.

        Raises:
            UnavailableError: the database does not answer, or not in time.
            ExhaustedError: no connection became free in time.
        """
        return await self._run(self._reads, work, self._settings.statement_timeout_s)

    async def write(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Return what `work` returns, once everything it did is committed; roll back where it raises.

        Raises:
            UnavailableError: the database does not answer, or not in time. Whether the transaction is committed
                is then unknown.
            ExhaustedError: no connection became free in time; nothing was done.
        """
        begin = self._begin(self._settings.idle_in_transaction_timeout_s)
        # The server's own timeouts come first; this one is for a server that is gone.
        return await self._commit(work, begin, self._settings.statement_timeout_s + _GRACE_S)

    async def hold(self, work: Callable[[Session], Awaitable[T]], *, patience_s: float) -> T:
        """Return what `work` returns, as :meth:`write` does, for work that waits for others inside the transaction.

        PostgreSQL ends the session, and its locks with it, where it waits much longer than it may.

        Args:
            work: what is to be committed.
            patience_s: how long it may wait for others between two statements.

        Raises:
            UnavailableError: as :meth:`write`.
            ExhaustedError: as :meth:`write`.
        """
        limit_s = patience_s + 2 * self._settings.statement_timeout_s + _GRACE_S
        return await self._commit(work, self._begin(patience_s + _GRACE_S), limit_s)

    async def _commit(self, work: Callable[[Session], Awaitable[T]], begin: bytes, limit_s: float) -> T:
        async def attempt(opened: Session) -> T:
            try:
                await opened.execute(begin)
            except psycopg.Error as error:
                if is_lost(error):
                    raise LostError from error
                raise
            result = await work(opened)
            await self._end(opened)
            return result

        with transaction_span():
            return await self._run(self._writes, attempt, limit_s)

    async def _end(self, opened: Session) -> None:
        """Commit, and ask in the same round trip where the database stands then, if anybody wants to know."""
        ended = await opened.execute(b"COMMIT" if self._positions is None else _COMMIT_AND_TELL)
        if ended.statusmessage != "COMMIT":
            # PostgreSQL answers so, without an error, where a statement had failed and that was overlooked.
            raise psycopg.OperationalError("the transaction was rolled back")
        if self._positions is not None and ended.nextset():
            [(position,)] = await ended.fetchall()
            self._positions.committed(position)

    async def ping(self) -> None:
        """Return if the database answers and has been migrated.

        Raises:
            UnavailableError, ExhaustedError: it does not.
        """
        await self.fetch(b"SELECT 1 FROM schema_version")

    @asynccontextmanager
    async def dedicated(self, name: str) -> AsyncIterator[Session]:
        """Lend a connection of its own, for work that takes longer than a statement on a pool's may.

        It is closed at the end. Where the block is left in the middle of a statement, the server ends that too.

        Args:
            name: what PostgreSQL's views call it.

        Raises:
            psycopg.Error: there is no connection to be had.
        """
        opened = await self._connector(
            conninfo=self._settings.url.reveal(),
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=max(1, round(self._settings.connect_timeout_s)),
            application_name=name,
            # A server that is gone without a word is noticed within half a minute.
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=4,
        )
        try:
            yield opened
        finally:
            await asyncio.shield(asyncio.ensure_future(_hang_up(opened)))

    def pool_use(self) -> Mapping[str, tuple[int, int]]:
        """Return for each pool its size and how many of its connections are in use."""
        return {"database_write": _use(self._writes), "database_read": _use(self._reads)}

    async def close(self) -> None:
        """Close every connection."""
        await self._writes.dispose()
        await self._reads.dispose()
        await self._connector.close()

    def _begin(self, idle_s: float) -> bytes:
        limits = {
            "statement_timeout": self._settings.statement_timeout_s,
            "lock_timeout": self._settings.lock_timeout_s,
            "idle_in_transaction_session_timeout": idle_s,
        }
        sets = (f"SET LOCAL {name} = {round(limit_s * 1000)}" for name, limit_s in limits.items())
        return "; ".join(("BEGIN", *sets)).encode()

    async def _run(self, engine: AsyncEngine, attempt: Callable[[Session], Awaitable[T]], limit_s: float) -> T:
        with translated():
            try:
                return await self._once(engine, attempt, limit_s)
            except LostError:
                return await self._once(engine, attempt, limit_s)

    async def _once(self, engine: AsyncEngine, attempt: Callable[[Session], Awaitable[T]], limit_s: float) -> T:
        async with asyncio.timeout(self._settings.pool_timeout_s + self._settings.connect_timeout_s + _GRACE_S):
            connection = await engine.connect()
        try:
            # The first timeout cancels, and the driver waits for the server to end the statement. The second one
            # cancels that wait, and the driver drops the connection.
            async with asyncio.timeout(limit_s + _GRACE_S), asyncio.timeout(limit_s):
                result = await attempt(_session(connection))
        except BaseException as error:
            await asyncio.shield(asyncio.ensure_future(_clean_up(connection, error)))
            raise
        await connection.close()
        return result


async def _hang_up(opened: Session) -> None:
    if opened.info.transaction_status is TransactionStatus.ACTIVE:
        with suppress(psycopg.Error, TimeoutError):
            await opened.cancel_safe(timeout=_GRACE_S)
    await opened.close()


def _session(connection: AsyncConnection) -> Session:
    """Return the driver's connection of one that was checked out."""
    opened = connection.sync_connection
    if opened is None:
        message = "the connection is closed"
        raise psycopg.InterfaceError(message)
    return cast("Session", opened.connection.driver_connection)


async def fetch(opened: Session, statement: bytes, *parameters: object, prepare: bool | None = None) -> list[Row]:
    """Return the rows of a statement with ``$1`` parameters, in the driver's binary form."""
    with statement_span(statement):
        cursor = psycopg.AsyncRawCursor(opened)
        await cursor.execute(statement, parameters, binary=True, prepare=prepare)
        return await cursor.fetchall()


async def _clean_up(connection: AsyncConnection, error: BaseException) -> None:
    """Give a connection back after an error: in a known state, or not at all."""
    try:
        if not connection.invalidated:
            await _settle(connection, error)
    finally:
        await connection.close()


async def _settle(connection: AsyncConnection, error: BaseException) -> None:
    status = _session(connection).info.transaction_status
    if not isinstance(error, Exception):
        # Cancelled half-way: another's answer must never be read from it.
        await connection.invalidate()
    elif status is not TransactionStatus.IDLE:
        try:
            async with asyncio.timeout(_GRACE_S):
                # Where the connection turns out to be lost, SQLAlchemy also drops all others that are as old.
                await connection.exec_driver_sql("ROLLBACK")
        except (DBAPIError, TimeoutError):
            await connection.invalidate()


def _use(engine: AsyncEngine) -> tuple[int, int]:
    pool = engine.pool
    return (pool.size(), pool.checkedout()) if isinstance(pool, AsyncAdaptedQueuePool) else (0, 0)


@asynccontextmanager
async def open_database(settings: DatabaseSettings, positions: Positions | None = None) -> AsyncIterator[Database]:
    """Open the pools, and close them at the end. No connection is made before it is needed.

    Args:
        settings: where the server is, and every limit.
        positions: is told after each COMMIT where the database stands; None where nobody asks.
    """
    connector = Connector()
    writes = _engine(settings, settings.pool_size, connector)
    reads = _engine(settings, settings.read_pool_size, connector)
    database = Database(writes, reads, settings, connector, positions)
    try:
        yield database
    finally:
        await database.close()


def driver_url(url: str) -> URL:
    """Return a ``postgres://`` or ``postgresql://`` URL with the driver that is used here."""
    return make_url(url).set(drivername="postgresql+psycopg")


def _engine(settings: DatabaseSettings, size: int, connector: Connector) -> AsyncEngine:
    engine = create_async_engine(
        driver_url(settings.url.reveal()),
        isolation_level="AUTOCOMMIT",
        pool_size=size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout_s,
        pool_reset_on_return=None,
        skip_autocommit_rollback=True,
        use_native_hstore=False,
        hide_parameters=True,
        connect_args={
            "connect_timeout": max(1, round(settings.connect_timeout_s)),
            "application_name": "user-service",
            "prepare_threshold": None,
            "async_creator_fn": connector,
        },
    )
    event.listen(engine.sync_engine, "connect", _prepare_if_direct)
    return engine


def _prepare_if_direct(adapted: Any, _record: object) -> None:  # noqa: ANN401 -- SQLAlchemy's untyped adapter
    """Let statements be prepared where no pooler stands in between, and the session is ours alone."""
    cursor = adapted.cursor()
    cursor.execute("SELECT pg_backend_pid()")
    (backend,) = cursor.fetchone()
    driver: Session = adapted.driver_connection
    if driver.info.backend_pid == backend:
        driver.prepare_threshold = _PREPARE_AFTER
        # A prepared statement keeps its plan. One made while a table is small must still do when it has grown.
        cursor.execute("SET enable_seqscan = off")
    cursor.close()
