"""Import what was uploaded: whichever copy of the service is free does it, and another goes on where one dies."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Final

from attrs import frozen

from usercore.bulk.imports.end_import import EndImport
from usercore.bulk.imports.errors import ImportEndedError, ImportMovedError, ImportUnreadableError
from usercore.bulk.imports.ports import ImportStore, OpenRows, UploadStore
from usercore.bulk.imports.run_import import RunImport
from usercore.bulk.imports.values import Import, ImportRow, ImportState, correlation_of
from usercore.kernel.context import Actor, CommandContext
from usercore.kernel.ports import Clock

SILENT_FOR: Final = timedelta(seconds=30)
"""An import of which no batch was committed for so long is taken over: its copy is taken for dead. If it lives, the
database lets one of the two go on."""
BATCH_ROWS: Final = 500
"""Rows in a transaction: fewer than at a terminal, as the copy answers requests beside it."""


@frozen
class WorkOffUploads:
    """Imports one upload that nobody is at."""

    uploads: UploadStore
    store: ImportStore
    run: RunImport
    end: EndImport
    open_rows: OpenRows
    clock: Clock

    async def __call__(self) -> int:
        """Return 1 once an import was worked off as far as it goes, 0 where there is none to be had.

        Raises:
            UnavailableError: the database does not answer; somebody goes on later.
        """
        now = self.clock.now()
        begun = await self.uploads.take(now=now, silent_since=now - SILENT_FOR)
        if begun is None:
            return 0
        context = CommandContext(Actor.parse(begun.started_by), correlation_id=correlation_of(begun))
        try:
            await self._import(begun, context)
        except ImportMovedError:
            return 1  # another copy is at it
        except ImportEndedError:
            pass
        await self.uploads.drop(begun.id)
        return 1

    async def _import(self, begun: Import, context: CommandContext) -> None:
        try:
            reached = await self.run(begun, self._batches(begun), context, report=lambda _: None)
        except ImportUnreadableError as error:
            reached = await self.store.get(begun.id) or begun
            await self.end(reached, ImportState.FAILED, context, trouble=error.code)
        else:
            await self.end(reached, ImportState.COMPLETED, context)

    async def _batches(self, begun: Import) -> AsyncIterator[Sequence[ImportRow]]:
        reader = self.open_rows(begun.options.format, begun.progress.end, begun.progress.line)
        rows: list[ImportRow] = []
        number = 0
        while (part := await self.uploads.part(begun.id, number)) is not None:
            rows += await asyncio.to_thread(list, reader.feed(part))
            number += 1
            while len(rows) >= BATCH_ROWS:
                yield rows[:BATCH_ROWS]
                del rows[:BATCH_ROWS]
        rows += reader.close()
        for start in range(0, len(rows), BATCH_ROWS):
            yield rows[start : start + BATCH_ROWS]
