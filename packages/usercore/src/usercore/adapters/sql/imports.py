"""Imports, and what was wrong with their rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from usercore.adapters.sql import import_statements as sql
from usercore.adapters.sql.audit import append
from usercore.adapters.sql.engine import Database, Row, Session, fetch
from usercore.adapters.sql.mapping import is_canonical, utc
from usercore.audit.entry import AuditEntry
from usercore.bulk.imports.errors import ImportEndedError, ImportMovedError
from usercore.bulk.imports.ports import ImportStore, Settled
from usercore.bulk.imports.values import (
    Import,
    ImportFormat,
    ImportId,
    ImportKey,
    ImportMode,
    ImportOptions,
    ImportState,
    Progress,
    RowError,
    Tally,
)
from usercore.codec.imports import imported_message
from usercore.codec.scalars import compact
from usercore.delivery.sharding import shard_of
from usercore.kernel.ids import EventId, UserId

_PURGED_AT_ONCE: Final = 5_000


@frozen
class SqlImportStore:
    """Keeps imports."""

    database: Database

    async def begin(self, new: Import, entry: AuditEntry) -> Import:
        """Keep a new import, or return the one with the same fingerprint."""

        async def attempt(opened: Session) -> bool:
            if not await fetch(opened, sql.BEGIN, *_row(new)):
                return False
            await append(opened, [entry])
            return True

        while not await self.database.write(attempt):
            if new.fingerprint is not None and (found := await self.find(new.fingerprint)) is not None:
                return found
        return new

    async def get(self, import_id: ImportId) -> Import | None:
        """Return one import, or None."""
        if not is_canonical(import_id):
            return None
        return next(map(import_of, await self.database.fetch(sql.GET, import_id)), None)

    async def find(self, fingerprint: bytes) -> Import | None:
        """Return the import of a fingerprint that is running or was completed, or None."""
        return next(map(import_of, await self.database.fetch(sql.FIND, fingerprint)), None)

    async def page(self, *, before: ImportId | None, limit: int) -> Sequence[Import]:
        """Return imports, the newest first, that began before one."""
        if before is not None and not is_canonical(before):
            return []
        return [import_of(row) for row in await self.database.fetch(sql.PAGE, before, limit)]

    async def errors(self, import_id: ImportId, *, after: int, limit: int) -> Sequence[tuple[int, RowError]]:
        """Return the errors of an import behind a number, each with its number."""
        rows = await self.database.fetch(sql.ERRORS, import_id, after, limit)
        return [(number, RowError(*said)) for number, *said in rows]

    async def finish(self, ended: Import, entry: AuditEntry, *, event_id: EventId) -> bool:
        """Keep the end of an import."""

        async def attempt(opened: Session) -> bool:
            try:
                await locked(opened, ended)
            except ImportEndedError:
                return False
            await fetch(opened, sql.END, ended.id, ended.state.value, ended.updated_at, ended.trouble)
            await append(opened, [entry])
            if ended.options.quiet:
                await _tell(opened, ended, event_id)
            return True

        return await self.database.write(attempt)

    async def forget(self, import_id: ImportId) -> bool:
        """Take a fingerprint from an import."""
        return bool(await self.database.write(lambda opened: fetch(opened, sql.FORGET, import_id)))

    async def purge(self, before: datetime) -> int:
        """Delete imports that ended before a time, with their errors."""
        step = (before, _PURGED_AT_ONCE)
        while await self.database.write(lambda opened: fetch(opened, sql.PURGE_ERRORS, *step)):
            pass
        return len(await self.database.write(lambda opened: fetch(opened, sql.PURGE, before)))


async def locked(opened: Session, begun: Import) -> None:
    """Lock an import, which must be where `begun` says.

    Raises:
        ImportEndedError: it has ended.
        ImportMovedError: it is elsewhere, or gone.
    """
    found = next(map(import_of, await fetch(opened, sql.LOCK, begun.id)), None)
    if found is None or found.progress != begun.progress:
        raise ImportMovedError
    if found.state is not ImportState.RUNNING:
        raise ImportEndedError


async def move(opened: Session, import_id: ImportId, settled: Settled) -> None:
    """Move an import on, and keep the errors of its rows."""
    errors, progress = settled.errors, settled.progress
    if errors:
        columns: list[list[Any]] = [[getattr(one, name) for one in errors] for name in _ERROR]
        await fetch(opened, sql.NOTE, import_id, *columns)
    await fetch(opened, sql.MOVE, import_id, *_place(progress), settled.at)


_ERROR: Final = ("line", "code", "pointer", "detail")


async def _tell(opened: Session, ended: Import, event_id: EventId) -> None:
    message = imported_message(ended, event_id=event_id, position=0)
    await fetch(
        opened,
        sql.TELL,
        message.aggregate,
        message.user_id,
        message.message,
        message.payload.decode(),
        message.event_id,
        message.sequence,
        message.occurred_at,
        compact(message.headers).decode(),
        shard_of(UserId(message.user_id)),
        message.topic,
    )


def _place(progress: Progress) -> tuple[int, ...]:
    tally = progress.tally
    counts = (tally.created, tally.updated, tally.unchanged, tally.skipped, tally.failed)
    return (progress.end, progress.line, *counts)


def _row(one: Import) -> tuple[object, ...]:
    options = one.options
    said = (options.format.value, options.mode.value, options.by.value, options.quiet, options.invite)
    times = (one.started_by, one.started_at, one.updated_at, one.finished_at, one.trouble, one.uploaded)
    return (one.id, *said, one.fingerprint, one.state.value, *_place(one.progress), *times)


def import_of(row: Row) -> Import:
    """Return the import in a row."""
    (import_id, kind, mode, by, quiet, invite, fingerprint, state, end, line) = row[:10]
    created, updated, unchanged, skipped, failed, started_by, started_at, updated_at, finished_at, *rest = row[10:]
    trouble, uploaded = rest
    return Import(
        id=ImportId(import_id),
        options=ImportOptions(ImportFormat(kind), ImportMode(mode), ImportKey(by), quiet, invite),
        fingerprint=fingerprint,
        state=ImportState(state),
        progress=Progress(end, line, Tally(created, updated, unchanged, skipped, failed)),
        started_by=started_by,
        started_at=utc(started_at),
        updated_at=utc(updated_at),
        finished_at=None if finished_at is None else utc(finished_at),
        trouble=trouble,
        uploaded=uploaded,
    )


if TYPE_CHECKING:

    def _conforms(database: Database) -> ImportStore:
        return SqlImportStore(database)
