"""What imports ask of the world outside."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from attrs import field, frozen

from usercore.audit.entry import AuditEntry
from usercore.bulk.imports.creations import Creation
from usercore.bulk.imports.values import Import, ImportFormat, ImportId, ImportRow, Progress, RowError
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import EventId
from usercore.users.ports import Change


@frozen
class Settled:
    """What a batch came to.

    Args:
        progress: of the import, with the batch.
        errors: of its rows.
        at: when: aware, UTC.
    """

    progress: Progress
    errors: tuple[RowError, ...] = field(repr=False)
    at: datetime


Settle: TypeAlias = Callable[[Sequence[UserCoreError | None]], Settled | None]
"""Is told for each change None, or why it was refused, and says what the batch came to: None where nothing may stay."""


class Loaded(Protocol):
    """Changes made ready to be written: whoever made them ready knows what is inside."""

    @property
    def steps(self) -> Sequence[Change | Creation]:
        """The changes."""
        ...


class ImportWriter(Protocol):
    """Commits batches."""

    def load(self, steps: Sequence[Change | Creation], *, quiet: bool) -> Loaded:
        """Make changes ready: everything that needs no server. It may run in another thread.

        Args:
            steps: in the order of the rows.
            quiet: no event is published of them.
        """
        ...

    async def commit(self, begun: Import, loaded: Loaded, settle: Settle) -> Settled | None:
        """Commit the changes that nothing stands against, the errors and the progress: all of it or nothing.

        A change is written as :class:`usercore.users.ports.UserWriter` writes it, but for its outbox row where the
        import is quiet. Changes that concern the same user, email, username or external id take effect in their
        order. Of a creation that several things stand against, the refusal names the one first by which rows are
        known, then the others in the order of the :class:`~usercore.users.ports.UserWriter`.

        Args:
            begun: the import as it was before.
            loaded: what :meth:`load` returned.
            settle: is asked what the batch came to, before it is committed.

        Returns:
            What `settle` returned; nothing was committed where that was None.

        Raises:
            ImportMovedError: the import is not where `begun` says any more.
            ImportEndedError: it has ended.
            UnavailableError: the database does not answer. Whether the batch is committed is then unknown: the import
                itself tells.
        """
        ...

    async def probe(self, begun: Import, loaded: Loaded) -> Sequence[UserCoreError | None]:
        """Return for each change why it would be refused as things stand, or None; nothing is written."""
        ...


class ImportStore(Protocol):
    """Keeps imports, and what was wrong with their rows."""

    async def begin(self, new: Import, entry: AuditEntry) -> Import:
        """Keep a new import, and the entry with it.

        Returns:
            The import; or the one with the same fingerprint that is running or was completed, and then nothing is
            kept.
        """
        ...

    async def get(self, import_id: ImportId) -> Import | None:
        """Return one import, or None."""
        ...

    async def find(self, fingerprint: bytes) -> Import | None:
        """Return the import of a fingerprint that is running or was completed, or None."""
        ...

    async def page(self, *, before: ImportId | None, limit: int) -> Sequence[Import]:
        """Return imports, the newest first, that began before one."""
        ...

    async def errors(self, import_id: ImportId, *, after: int, limit: int) -> Sequence[tuple[int, RowError]]:
        """Return the errors of an import behind a number, in the order of the lines, each with its number."""
        ...

    async def finish(self, ended: Import, entry: AuditEntry, *, event_id: EventId) -> bool:
        """Keep the end of an import, with the entry; where it was quiet, with the one event that tells of it.

        Args:
            ended: the import at its end.
            entry: of the service's own chain.
            event_id: names the event.

        Returns:
            Whether it was running, so that it ends now.

        Raises:
            ImportMovedError: the import is not where `ended` says any more.
        """
        ...

    async def forget(self, import_id: ImportId) -> bool:
        """Take a fingerprint from an import, so that the same file can be imported anew; False where there is none."""
        ...

    async def purge(self, before: datetime) -> int:
        """Delete imports that ended before a time, with their errors, and return how many went."""
        ...


class RowReader(Protocol):
    """Reads rows from bytes as they come."""

    def feed(self, data: bytes) -> Iterator[ImportRow]:
        """Yield the rows that are whole with these bytes. Take all of them before more is fed.

        Raises:
            ImportUnreadableError: no row of it can be read.
        """
        ...

    def close(self) -> Iterator[ImportRow]:
        """Yield what is left at the file's end.

        Raises:
            ImportUnreadableError: no row of it can be read.
        """
        ...


OpenRows: TypeAlias = Callable[[ImportFormat, int, int], RowReader]
"""Makes a reader of a format that is fed from the file's beginning and passes over so many bytes, to a line."""


class UploadStore(Protocol):
    """Keeps files that were uploaded, sealed, until their imports have ended."""

    async def keep(self, import_id: ImportId, number: int, data: bytes, *, at: datetime) -> None:
        """Keep the next part of a file.

        Args:
            import_id: of the import that it is going to be.
            number: of the part: 0, 1, 2 without a gap.
            data: the part.
            at: when it came.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def part(self, import_id: ImportId, number: int) -> bytes | None:
        """Return a part, or None behind the last one."""
        ...

    async def drop(self, import_id: ImportId) -> None:
        """Delete the parts of a file."""
        ...

    async def take(self, *, now: datetime, silent_since: datetime) -> Import | None:
        """Return an uploaded import that is running and that nobody is at, the oldest; None where there is none.

        Nobody is given it again before nothing of it was committed for as long.

        Args:
            now: when it is taken.
            silent_since: one that was taken before is given only where nothing of it was committed since.
        """
        ...

    async def purge(self, before: datetime) -> int:
        """Delete parts that came before a time and whose import is not running, and return how many went."""
        ...
