"""Imports in memory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, fields, frozen

from usercore.adapters.memory.database import MemoryDatabase
from usercore.audit.entry import AuditEntry
from usercore.bulk.imports.creations import Creation, change_of
from usercore.bulk.imports.errors import ImportEndedError, ImportMovedError
from usercore.bulk.imports.ports import ImportStore, ImportWriter, Loaded, Settle, Settled, UploadStore
from usercore.bulk.imports.values import Import, ImportId, ImportState, RowError
from usercore.codec.imports import imported_message
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import EventId
from usercore.users.errors import EmailTakenError, ExternalIdTakenError, UsernameTakenError
from usercore.users.model import User
from usercore.users.ports import Change, LookupKind, name_of

_STANDING: Final = (ImportState.RUNNING, ImportState.COMPLETED)
_KINDS: Final[Mapping[LookupKind, type[UserCoreError]]] = {
    LookupKind.EMAIL: EmailTakenError,
    LookupKind.USERNAME: UsernameTakenError,
    LookupKind.EXTERNAL_ID: ExternalIdTakenError,
}


@frozen
class MemoryImportStore:
    """Keeps imports."""

    database: MemoryDatabase

    async def begin(self, new: Import, entry: AuditEntry) -> Import:
        """Keep a new import, or return the one with the same fingerprint."""
        if new.fingerprint is not None and (found := await self.find(new.fingerprint)) is not None:
            return found
        self.database.imports[new.id] = new
        self.database.append(entry)
        return new

    async def get(self, import_id: ImportId) -> Import | None:
        """Return one import, or None."""
        return self.database.imports.get(import_id)

    async def find(self, fingerprint: bytes) -> Import | None:
        """Return the import of a fingerprint that is running or was completed, or None."""
        every = self.database.imports.values()
        return next((one for one in every if one.fingerprint == fingerprint and one.state in _STANDING), None)

    async def page(self, *, before: ImportId | None, limit: int) -> Sequence[Import]:
        """Return imports, the newest first, that began before one."""
        older = (one for one in self.database.imports.values() if before is None or one.id < before)
        return sorted(older, key=lambda one: one.id, reverse=True)[:limit]

    async def errors(self, import_id: ImportId, *, after: int, limit: int) -> Sequence[tuple[int, RowError]]:
        """Return the errors of an import behind a number, each with its number."""
        found = self.database.import_errors.get(import_id, [])
        return list(enumerate(found, start=1))[after : after + limit]

    async def finish(self, ended: Import, entry: AuditEntry, *, event_id: EventId) -> bool:
        """Keep the end of an import."""
        try:
            _check(self.database, ended)
        except ImportEndedError:
            return False
        self.database.imports[ended.id] = ended
        self.database.append(entry)
        if ended.options.quiet:
            position = self.database.next_position()
            self.database.outbox.append(imported_message(ended, event_id=event_id, position=position))
        return True

    async def forget(self, import_id: ImportId) -> bool:
        """Take a fingerprint from an import."""
        found = self.database.imports.get(import_id)
        if found is None or found.fingerprint is None:
            return False
        self.database.imports[import_id] = evolve(found, fingerprint=None)
        return True

    async def purge(self, before: datetime) -> int:
        """Delete imports that ended before a time, with their errors."""
        every = self.database.imports.values()
        gone = [one.id for one in every if one.finished_at is not None and one.finished_at < before]
        for import_id in gone:
            del self.database.imports[import_id]
            self.database.import_errors.pop(import_id, None)
        return len(gone)


@frozen
class MemoryUploadStore:
    """Keeps uploads."""

    database: MemoryDatabase

    async def keep(self, import_id: ImportId, number: int, data: bytes, *, at: datetime) -> None:
        """Keep the next part of a file."""
        self.database.uploads.setdefault(import_id, {})[number] = (at, data)

    async def part(self, import_id: ImportId, number: int) -> bytes | None:
        """Return a part, or None behind the last one."""
        found = self.database.uploads.get(import_id, {}).get(number)
        return None if found is None else found[1]

    async def drop(self, import_id: ImportId) -> None:
        """Delete the parts of a file."""
        self.database.uploads.pop(import_id, None)

    async def take(self, *, now: datetime, silent_since: datetime) -> Import | None:
        """Return an uploaded import that nobody is at, the oldest, or None."""
        taken = self.database.uploads_taken
        for one in sorted(self.database.imports.values(), key=lambda one: one.id):
            if not one.uploaded or one.state is not ImportState.RUNNING:
                continue
            if one.id not in taken or max(taken[one.id], one.updated_at) < silent_since:
                taken[one.id] = now
                return one
        return None

    async def purge(self, before: datetime) -> int:
        """Delete parts that came before a time and whose import is not running."""
        gone = 0
        for import_id, parts in list(self.database.uploads.items()):
            found = self.database.imports.get(import_id)
            if found is not None and found.state is ImportState.RUNNING:
                continue
            old = [number for number, (at, _) in parts.items() if at < before]
            gone += len(old)
            for number in old:
                del parts[number]
        return gone


@frozen
class MemoryLoaded:
    """A batch."""

    steps: Sequence[Change]
    quiet: bool


@frozen
class MemoryImportWriter:
    """Commits batches."""

    database: MemoryDatabase

    def load(self, steps: Sequence[Change | Creation], *, quiet: bool) -> MemoryLoaded:
        """Make changes ready."""
        return MemoryLoaded([change_of(one) for one in steps], quiet)

    async def commit(self, begun: Import, loaded: Loaded, settle: Settle) -> Settled | None:
        """Commit the changes that nothing stands against, the errors and the progress."""
        quiet = isinstance(loaded, MemoryLoaded) and loaded.quiet
        _check(self.database, begun)
        with _undoing(self.database) as undo:
            settled = settle([self._commit(begun, change_of(one), quiet=quiet) for one in loaded.steps])
            if settled is None:
                undo()
                return None
        self.database.imports[begun.id] = self.database.imports[begun.id].moved(settled.progress, settled.at)
        self.database.import_errors.setdefault(begun.id, []).extend(settled.errors)
        return settled

    def _commit(self, begun: Import, change: Change, *, quiet: bool) -> UserCoreError | None:
        refusal = _taken(self.database, begun, change.user) if change.user.version == 1 else None
        refusal = refusal or self.database.commit(change)
        if refusal is None and quiet:
            self.database.outbox.pop()
        return refusal

    async def probe(self, begun: Import, loaded: Loaded) -> Sequence[UserCoreError | None]:
        """Return for each change why it would be refused as things stand, or None."""
        return [_taken(self.database, begun, change_of(one).user) for one in loaded.steps]


def _check(database: MemoryDatabase, begun: Import) -> None:
    found = database.imports.get(begun.id)
    if found is None or found.progress != begun.progress:
        raise ImportMovedError
    if found.state is not ImportState.RUNNING:
        raise ImportEndedError


def _taken(database: MemoryDatabase, begun: Import, user: User) -> UserCoreError | None:
    """Return why a user is refused: that the key is taken before all else."""
    key = begun.options.by.lookup
    for kind in sorted(_KINDS, key=lambda one: one is not key):
        name = name_of(user, kind)
        if name is not None and database.names.get((kind, name), user.id) != user.id:
            return _KINDS[kind]()
    return None


@contextmanager
def _undoing(database: MemoryDatabase) -> Iterator[Any]:
    """Give what puts everything back as it is now; whatever is raised meanwhile does so too."""
    before = {one.name: _copied(getattr(database, one.name)) for one in fields(MemoryDatabase)}

    def undo() -> None:
        for name, value in before.items():
            setattr(database, name, value)

    try:
        yield undo
    except BaseException:
        undo()
        raise


def _copied(value: Any) -> Any:  # noqa: ANN401 -- a table of any kind
    if isinstance(value, dict):
        return {key: copy(row) if isinstance(row, dict | list) else row for key, row in value.items()}
    return copy(value)


if TYPE_CHECKING:
    _store: ImportStore = MemoryImportStore(MemoryDatabase())
    _uploads: UploadStore = MemoryUploadStore(MemoryDatabase())
    _writer: ImportWriter = MemoryImportWriter(MemoryDatabase())
