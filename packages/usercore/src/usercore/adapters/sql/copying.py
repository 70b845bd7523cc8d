"""Reading the rows of a COPY as they come, many at a time, and of several COPYs side by side.

psycopg's own asyncio cursor waits for each row by itself, at about ten times the cost. Here rows are taken from
libpq as long as it has some; then we wait a moment, so that more than the server's next eight kilobytes have come.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final, TypeAlias

import psycopg
from attrs import define, field
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from usercore.adapters.sql.engine import Session

CHUNK_BYTES: Final = 256 * 1024
_GATHER_S: Final = 0.001
"""Source: measured: of 14,000 waits for 200,000 rows it leaves 900, and takes no time from anybody."""
_DONE: Final = -1

Rows: TypeAlias = list[memoryview]
"""What the server sent, a row each. Source: PostgreSQL, 54.2.6: CopyData of the backend is always one row."""


async def copied(opened: Session, statement: bytes) -> AsyncIterator[Rows]:
    """Yield the rows of a ``COPY … TO STDOUT``, in portions of about :data:`CHUNK_BYTES`.

    Args:
        opened: a connection that nobody else uses; where this is left early, it is in the middle of a COPY.
        statement: the COPY.

    Raises:
        psycopg.Error: the server ended it.
    """
    libpq = opened.pgconn
    await _begin(libpq, statement)
    rows: Rows = []
    size = 0
    asked = False
    while True:
        length, row = libpq.get_copy_data(1)
        if length > 0:
            asked = False
            rows.append(row)
            size += length
            if size >= CHUNK_BYTES:
                yield rows
                rows, size = [], 0
                await asyncio.sleep(0)
        elif length == _DONE:
            break
        elif asked:
            await _more(libpq)
        else:
            # One call takes no more than sixteen kilobytes: the system may have more.
            libpq.consume_input()
            asked = True
    await _end(libpq)
    if rows:
        yield rows


@define
class SideBySide:
    """Gives what several iterators have, as soon as one of them has something; the others go on meanwhile."""

    _asked: "dict[asyncio.Future[Rows | None], AsyncIterator[Rows]]" = field(factory=dict, init=False)

    async def read(self, *sources: AsyncIterator[Rows]) -> AsyncIterator[Rows]:
        """Yield every portion of every source, in no order between them.

        Raises:
            Exception: what a source raised.
        """
        for source in sources:
            self._ask(source)
        while self._asked:
            done, _ = await asyncio.wait(self._asked, return_when=asyncio.FIRST_COMPLETED)
            for answered in done:
                source = self._asked.pop(answered)
                rows = answered.result()
                if rows is not None:
                    self._ask(source)
                    yield rows

    def _ask(self, source: AsyncIterator[Rows]) -> None:
        self._asked[asyncio.ensure_future(anext(source, None))] = source

    async def stop(self) -> None:
        """Take no more of anything: whoever closes the connections does this first."""
        for asked in self._asked:
            asked.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)
        self._asked.clear()


async def _begin(libpq: PGconn, statement: bytes) -> None:
    libpq.send_query(statement)
    loop = asyncio.get_running_loop()
    while libpq.flush():
        await _ready(libpq.socket, loop.add_writer, loop.remove_writer)
    result = await _result(libpq)
    if result is None or result.status != ExecStatus.COPY_OUT:
        raise _error(result)


async def _end(libpq: PGconn) -> None:
    """Hear how it ended: an error comes where the rows stop."""
    failed: psycopg.Error | None = None
    while (result := await _result(libpq)) is not None:
        if result.status != ExecStatus.COMMAND_OK:
            failed = failed or _error(result)
    if failed is not None:
        raise failed


async def _result(libpq: PGconn) -> PGresult | None:
    while libpq.is_busy():
        await _more(libpq)
    return libpq.get_result()


async def _more(libpq: PGconn) -> None:
    loop = asyncio.get_running_loop()
    await _ready(libpq.socket, loop.add_reader, loop.remove_reader)
    await asyncio.sleep(_GATHER_S)
    libpq.consume_input()


async def _ready(socket: int, watch: Callable[[int, Callable[[], None]], None], leave: Callable[[int], object]) -> None:
    ready = asyncio.Event()
    watch(socket, ready.set)
    try:
        await ready.wait()
    finally:
        leave(socket)


def _error(result: PGresult | None) -> psycopg.Error:
    if result is None:
        return psycopg.OperationalError("the server sent nothing")
    return error_from_result(result)
