"""Begin an import, or find the one that was begun before."""

from hashlib import sha256

from attrs import frozen

from usercore.audit.entry import service_entry
from usercore.bulk.imports.errors import ImportDiffersError, ImportEndedError, ImportNotFoundError
from usercore.bulk.imports.ports import ImportStore
from usercore.bulk.imports.values import Import, ImportId, ImportOptions, ImportState, Progress
from usercore.kernel.context import CommandContext
from usercore.kernel.ports import Clock, IdGenerator

STARTED = "UsersImportStarted"


@frozen
class StartImportCommand:
    """Begin an import.

    Args:
        options: how it goes about it.
        digest: SHA-256 of the file; None for what comes from a pipe, which cannot be known again.
        restart: begin anew even where the same file was imported with the same options before.
        upload: the id under which its rows are kept here; None where they are not.
    """

    options: ImportOptions
    digest: bytes | None = None
    restart: bool = False
    upload: ImportId | None = None


@frozen
class StartImport:
    """Begins imports."""

    store: ImportStore
    clock: Clock
    ids: IdGenerator

    async def __call__(self, command: StartImportCommand, context: CommandContext) -> Import:
        """Return the new import; or the one of the same file and options that is running or was completed.

        Raises:
            UnavailableError: the database does not answer.
        """
        now = self.clock.now()
        fingerprint = fingerprint_of(command.digest, command.options)
        if command.restart and fingerprint is not None and (old := await self.store.find(fingerprint)) is not None:
            await self.store.forget(old.id)
        new = Import(
            id=command.upload or ImportId(self.ids.event_id()),
            options=command.options,
            fingerprint=fingerprint,
            state=ImportState.RUNNING,
            progress=Progress(),
            started_by=str(context.actor),
            started_at=now,
            updated_at=now,
            uploaded=command.upload is not None,
        )
        said = (command.options.mode.value, command.options.by.value)
        entry = service_entry(STARTED, said, str(new.id), context, event_id=self.ids.event_id(), at=now)
        return await self.store.begin(new, entry)

    async def resumed(self, import_id: ImportId, options: ImportOptions) -> Import:
        """Return an import that is to be gone on with.

        Raises:
            ImportNotFoundError: there is none.
            ImportEndedError: it has ended.
            ImportDiffersError: it was begun with other options.
        """
        found = await self.store.get(import_id)
        if found is None:
            raise ImportNotFoundError
        if found.state is not ImportState.RUNNING:
            raise ImportEndedError
        if found.options != options:
            raise ImportDiffersError
        return found


def fingerprint_of(digest: bytes | None, options: ImportOptions) -> bytes | None:
    """Return what names a file and the way in which it is imported."""
    return None if digest is None else sha256(digest + options.text.encode()).digest()
