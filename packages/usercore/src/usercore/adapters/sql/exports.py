"""Many users at one moment, by one COPY of a transaction that sees nothing of what is written meanwhile."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.copying import Rows, copied
from usercore.adapters.sql.engine import Database, Session, fetch
from usercore.adapters.sql.errors import translated
from usercore.adapters.sql.export_activity import with_activity
from usercore.adapters.sql.export_columns import ExportedTopic
from usercore.adapters.sql.export_source import Source
from usercore.bulk.exports.fields import ACTIVITY_LEAVES
from usercore.bulk.exports.ports import OpenExport, UserExporter
from usercore.bulk.exports.values import Chunk, Selection

_IDLE_S: Final = 60
"""How long a client may stop between two statements; a COPY that waits for its reader is not idle."""
# What makes the lines costs more than the planner thinks: PostgreSQL's workers, where it may use some, share it.
_BEGIN: Final = f"""
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = '{_IDLE_S}s'; SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO'; SET LOCAL parallel_tuple_cost = 0.01
""".encode()
_BESIDE: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{}'"
_TOPICS: Final = b"SELECT name, mandatory, subscribed_by_default FROM email_topics ORDER BY name"
_APPLICATION: Final = "user-service-export"

_BINARY_HEAD: Final = b"PGCOPY\n\xff\r\n\x00"
_BINARY_HEAD_BYTES: Final = 19
"""Before the first row. Source: PostgreSQL, COPY, Binary Format: signature, flags, and an extension of no length."""
_BINARY_END: Final = b"\xff\xff"
_FRAME_BYTES: Final = 6
"""Before the one value of a row: how many values, and its length. Source: the same."""


@frozen
class SqlUserExporter:
    """Exports users, on a connection that belongs to the export alone."""

    database: Database

    @asynccontextmanager
    async def open(self, selection: Selection) -> AsyncIterator[OpenExport]:
        """Begin the transaction, whose first statement fixes the moment."""
        with translated():
            async with self.database.dedicated(_APPLICATION) as opened:
                await opened.execute(_BEGIN)
                topics = [ExportedTopic(*row) for row in await fetch(opened, _TOPICS)]
                source = Source(selection, tuple(topics))
                expected = await _expected(opened, source)
                if not source.asks_activity:
                    yield _OpenExport(opened, source, expected)
                    return
                [(snapshot,)] = await fetch(opened, b"SELECT pg_export_snapshot()")
                async with self.database.dedicated(_APPLICATION) as beside:
                    await beside.execute(_BESIDE.format(snapshot).encode())
                    yield _OpenExport(opened, source, expected, beside)


async def _expected(opened: Session, source: Source) -> int:
    [(plan,)] = await fetch(opened, source.plan)
    document = json.loads(plan) if isinstance(plan, str) else plan
    return int(document[0]["Plan"]["Plan Rows"])


@frozen
class _OpenExport:
    """An export, and where it asks for activity a second connection that sees the same moment."""

    opened: Session
    source: Source
    expected: int
    beside: Session | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.source.leaves, *(ACTIVITY_LEAVES if self.source.asks_activity else ()))

    async def chunks(self) -> AsyncIterator[Chunk]:
        with translated():
            async for rows in copied(self.opened, self.source.statement):
                lines = rows if self.source.is_csv else _values(rows)
                if lines:
                    yield Chunk(len(lines), await self._written(lines))

    async def _written(self, lines: Rows) -> bytes:
        whole: Sequence[bytes | memoryview] = lines
        if self.beside is not None:
            whole = await with_activity(self.beside, self.source.selection, lines)
        # A line of CSV has its end already.
        return b"".join(whole) if self.source.is_csv else b"\n".join(whole) + b"\n"


def _values(rows: Rows) -> Rows:
    """Return the values of a binary COPY of one column, out of their frames."""
    if bytes(rows[0][: len(_BINARY_HEAD)]) == _BINARY_HEAD:
        rows[0] = rows[0][_BINARY_HEAD_BYTES:]
    if bytes(rows[-1]) == _BINARY_END:
        rows.pop()
    return [row[_FRAME_BYTES:] for row in rows if row]


if TYPE_CHECKING:

    def _conforms(database: Database) -> UserExporter:
        return SqlUserExporter(database)
