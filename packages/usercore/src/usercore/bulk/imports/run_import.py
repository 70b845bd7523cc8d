"""Import rows, batch after batch: the next one is judged while the last one is committed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from attrs import frozen

from usercore.bulk.imports.import_batch import ImportBatch
from usercore.bulk.imports.ports import Settled
from usercore.bulk.imports.values import Import, ImportRow
from usercore.kernel.context import CommandContext


@frozen
class RunImport:
    """Imports the rows of a file.

    Args:
        batch: imports some of them.
    """

    batch: ImportBatch

    async def __call__(
        self,
        begun: Import,
        batches: AsyncIterator[Sequence[ImportRow]],
        context: CommandContext,
        *,
        report: Callable[[Settled], None],
    ) -> Import:
        """Return the import once the last batch is committed; it is not ended.

        What is committed by the time that this raises, or is cancelled, stays: the import itself tells how far it came.

        Args:
            begun: the import as it stands.
            batches: of the rows behind its progress, none empty.
            context: who imports, because of what.
            report: is told of each batch once it is committed, in order.

        Raises:
            ImportMovedError, ImportEndedError: the import is not as `begun` says any more.
            UnavailableError: the database does not answer.
        """
        at_work: asyncio.Task[Settled] | None = None
        try:
            async for rows in batches:
                prepared = await self.batch.prepare(begun, rows, context)
                if at_work is not None:
                    begun = _reported(begun, await at_work, report)
                at_work = asyncio.create_task(self.batch.commit(begun, prepared, context))
            if at_work is not None:
                begun = _reported(begun, await at_work, report)
        except BaseException:
            if at_work is not None:
                at_work.cancel()
                await asyncio.gather(at_work, return_exceptions=True)
            raise
        return begun


def _reported(begun: Import, settled: Settled, report: Callable[[Settled], None]) -> Import:
    report(settled)
    return begun.moved(settled.progress, settled.at)
