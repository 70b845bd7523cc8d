"""End an import."""

from attrs import frozen

from usercore.audit.entry import service_entry
from usercore.bulk.imports.errors import ImportNotFoundError
from usercore.bulk.imports.ports import ImportStore
from usercore.bulk.imports.values import Import, ImportId, ImportState
from usercore.kernel.context import CommandContext
from usercore.kernel.ports import Clock, IdGenerator

ENDED = "UsersImported"


@frozen
class EndImport:
    """Ends imports: completed, cancelled or failed. What was imported stays."""

    store: ImportStore
    clock: Clock
    ids: IdGenerator

    async def __call__(
        self, running: Import, state: ImportState, context: CommandContext, *, trouble: str | None = None
    ) -> Import:
        """Return the import at its end; one that has ended stays as it is.

        Args:
            running: as it stands.
            state: in which it ends.
            context: who ends it.
            trouble: the code of what it failed of.

        Raises:
            ImportMovedError: somebody else has gone on with it.
        """
        now = self.clock.now()
        entry = service_entry(ENDED, (state.value,), str(running.id), context, event_id=self.ids.event_id(), at=now)
        ended = running.ended(state, now, trouble)
        if await self.store.finish(ended, entry, event_id=self.ids.event_id()):
            return ended
        return await self.store.get(running.id) or ended

    async def cancel(self, import_id: ImportId, context: CommandContext) -> Import:
        """Cancel an import; one that has ended stays as it is.

        Raises:
            ImportNotFoundError: there is none.
            ImportMovedError: it went on at this very moment; try again.
        """
        found = await self.store.get(import_id)
        if found is None:
            raise ImportNotFoundError
        if found.state is not ImportState.RUNNING:
            return found
        return await self(found, ImportState.CANCELLED, context)
