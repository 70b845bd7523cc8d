"""Uploaded files, in parts, sealed with a key of the service."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql import import_statements as sql
from usercore.adapters.sql.engine import Database, fetch
from usercore.adapters.sql.imports import import_of
from usercore.adapters.sql.keys import SqlServiceKeys
from usercore.bulk.imports.ports import UploadStore
from usercore.bulk.imports.values import Import, ImportId

_KEY: Final = "uploads"


@frozen
class SqlUploadStore:
    """Keeps uploads."""

    database: Database
    keys: SqlServiceKeys

    async def keep(self, import_id: ImportId, number: int, data: bytes, *, at: datetime) -> None:
        """Keep the next part of a file."""
        sealed = (await self.keys.key(_KEY)).seal(_place(import_id, number), data)
        await self.database.write(lambda opened: fetch(opened, sql.KEEP, import_id, number, at, sealed))

    async def part(self, import_id: ImportId, number: int) -> bytes | None:
        """Return a part, or None behind the last one."""
        rows = await self.database.fetch(sql.PART, import_id, number)
        key = await self.keys.key(_KEY)
        return next((key.open(_place(import_id, number), sealed) for (sealed,) in rows), None)

    async def drop(self, import_id: ImportId) -> None:
        """Delete the parts of a file."""
        await self.database.write(lambda opened: fetch(opened, sql.DROP_PARTS, import_id))

    async def take(self, *, now: datetime, silent_since: datetime) -> Import | None:
        """Return an uploaded import that nobody is at, the oldest, or None."""
        rows = await self.database.write(lambda opened: fetch(opened, sql.TAKE, now, silent_since))
        return next(map(import_of, rows), None)

    async def purge(self, before: datetime) -> int:
        """Delete parts that came before a time and whose import is not running."""
        return len(await self.database.write(lambda opened: fetch(opened, sql.PURGE_PARTS, before)))


def _place(import_id: ImportId, number: int) -> bytes:
    return f"import_parts {import_id} {number}".encode()


if TYPE_CHECKING:

    def _conforms(database: Database, keys: SqlServiceKeys) -> UploadStore:
        return SqlUploadStore(database, keys)
