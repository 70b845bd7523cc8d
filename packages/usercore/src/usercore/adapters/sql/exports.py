"""Many users at one moment, by COPY in a transaction that sees nothing of what is written meanwhile."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from usercore.adapters.sql.copying import Rows, SideBySide, copied
from usercore.adapters.sql.engine import Database, Session, fetch
from usercore.adapters.sql.errors import translated
from usercore.adapters.sql.export_activity import with_activity
from usercore.adapters.sql.export_columns import ExportedTopic
from usercore.adapters.sql.export_source import Blocks, Source, parts_of
from usercore.bulk.exports.fields import ACTIVITY_LEAVES
from usercore.bulk.exports.ports import OpenExport, UserExporter
from usercore.bulk.exports.values import Chunk, Selection

# What makes the lines costs more than the planner thinks: PostgreSQL's workers, where it may use some, share it. No
# limit on time stands: whoever takes the lines may stop for long, and a connection then waits between two statements.
_BEGIN: Final = b"""
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO'; SET LOCAL parallel_tuple_cost = 0.01; SET LOCAL jit = off
"""
_MOMENT: Final = b"SELECT pg_export_snapshot()"
_SAME_MOMENT: Final = "SET TRANSACTION SNAPSHOT '{}'"
_TOPICS: Final = b"SELECT name, mandatory, subscribed_by_default FROM email_topics ORDER BY name"
_BLOCKS: Final = b"SELECT pg_relation_size('users') / current_setting('block_size')::bigint"
_APPLICATION: Final = "user-service-export"
_BY_USER: Final = "= u.id"
"""Stands in a plan where an index is asked for one user."""
PART_BLOCKS: Final = 4096
"""32 MiB of the table in a part: large enough that a statement costs nothing, small enough that both connections are
done at about the same time."""

_BINARY_HEAD: Final = b"PGCOPY\n\xff\r\n\x00"
_BINARY_HEAD_BYTES: Final = 19
"""Before the first row. Source: PostgreSQL, COPY, Binary Format: signature, flags, and an extension of no length."""
_BINARY_END: Final = b"\xff\xff"
_FRAME_BYTES: Final = 6
"""Before the one value of a row: how many values, and its length. Source: the same."""


@frozen
class SqlUserExporter:
    """Exports users, on one or two connections that belong to the export alone.

    Args:
        database: where they are.
        part_blocks: of the table, in each of the parts that two connections share.
    """

    database: Database
    part_blocks: int = PART_BLOCKS

    @asynccontextmanager
    async def open(self, selection: Selection) -> AsyncIterator[OpenExport]:
        """Begin the transaction, whose first statement fixes the moment."""
        with translated():
            async with AsyncExitStack() as stack:
                first = await self._begun(stack)
                topics = [ExportedTopic(*row) for row in await fetch(first, _TOPICS)]
                source = Source(selection, tuple(topics))
                plan = await _plan(first, source)
                parts = await self._parts(first, plan, source)
                second = await self._beside(stack, first) if parts or source.asks_activity else None
                export = _OpenExport(source, int(plan["Plan Rows"]), first, second, parts)
                stack.push_async_callback(export.stop)
                yield export

    async def _begun(self, stack: AsyncExitStack) -> Session:
        opened = await stack.enter_async_context(self.database.dedicated(_APPLICATION))
        await opened.execute(_BEGIN)
        return opened

    async def _beside(self, stack: AsyncExitStack, first: Session) -> Session:
        """Return another connection, which sees the same moment."""
        [(moment,)] = await fetch(first, _MOMENT)
        opened = await self._begun(stack)
        await opened.execute(_SAME_MOMENT.format(moment).encode())
        return opened

    async def _parts(self, opened: Session, plan: Mapping[str, Any], source: Source) -> Sequence[Blocks]:
        """Return the parts that two connections share, or none where one has to do it all.

        That is so where order counts, where summaries are asked for on the other connection meanwhile, and where the
        parts together would cost more than the whole.
        """
        if source.selection.in_order or source.asks_activity or not _is_parted_for_nothing(plan):
            return ()
        [(blocks,)] = await fetch(opened, _BLOCKS)
        return parts_of(blocks, self.part_blocks) if blocks > self.part_blocks else ()


async def _plan(opened: Session, source: Source) -> Mapping[str, Any]:
    [(plan,)] = await fetch(opened, source.plan)
    document = json.loads(plan) if isinstance(plan, str) else plan
    found: Mapping[str, Any] = document[0]["Plan"]
    return found


def _is_parted_for_nothing(plan: Mapping[str, Any]) -> bool:
    """Whether the table of users is read from end to end, and all else by the one user that stands there."""
    scans = [node for node in _nodes(plan) if "Relation Name" in node]
    whole = [scan for scan in scans if scan["Alias"] == "u" and scan["Node Type"] == "Seq Scan"]
    of_one = [scan for scan in scans if _BY_USER in scan.get("Index Cond", scan.get("Recheck Cond", ""))]
    return bool(whole) and len(scans) == len(whole) + len(of_one)


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


@frozen
class _OpenExport:
    """An export on a connection, and on another that sees the same moment: for summaries, or to share the work.

    Args:
        parts: what the two share; empty where the first does it all.
    """

    source: Source
    expected: int
    first: Session
    second: Session | None
    parts: Sequence[Blocks]
    _both: SideBySide = field(factory=SideBySide, init=False)

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.source.leaves, *(ACTIVITY_LEAVES if self.source.asks_activity else ()))

    async def chunks(self) -> AsyncIterator[Chunk]:
        with translated():
            async for rows in self._rows():
                lines = rows if self.source.is_csv else _values(rows)
                if lines:
                    yield Chunk(len(lines), await self._written(lines))

    def _rows(self) -> AsyncIterator[Rows]:
        if self.second is None or not self.parts:
            return copied(self.first, self.source.statement())
        left = iter(self.parts)
        return self._both.read(self._some(self.first, left), self._some(self.second, left))

    async def _some(self, opened: Session, left: Iterator[Blocks]) -> AsyncIterator[Rows]:
        """Yield the rows of one part after the other, as long as some are left that nobody took."""
        for blocks in left:
            async for rows in copied(opened, self.source.statement(blocks)):
                yield rows

    async def stop(self) -> None:
        """Wait for no more of it."""
        await self._both.stop()

    async def _written(self, lines: Rows) -> bytes:
        whole: Sequence[bytes | memoryview] = lines
        if self.source.asks_activity and self.second is not None:
            whole = await with_activity(self.second, self.source.selection, lines)
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
