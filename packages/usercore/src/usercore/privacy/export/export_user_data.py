"""Take a person's archive out of the service by an operator's hand."""

from attrs import frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.privacy.export.build_archive import BuildArchive
from usercore.privacy.export.ports import ArchiveSink, ExportTrail
from usercore.privacy.export.sections import sections_of
from usercore.privacy.export.values import ArchiveKind, ArchiveManifest
from usercore.users.history import present
from usercore.users.ports import UserReader


@frozen
class ExportUserDataCommand:
    """Make the archive of a user.

    Args:
        user_id: whose data.
        kind: everything, or what they may take elsewhere.
    """

    user_id: UserId
    kind: ArchiveKind = ArchiveKind.ACCESS


@frozen
class ExportUserData:
    """Exports users' data, and remembers who did it before anything is shown."""

    users: UserReader
    trail: ExportTrail
    build: BuildArchive

    async def __call__(
        self, command: ExportUserDataCommand, context: CommandContext, sink: ArchiveSink
    ) -> ArchiveManifest:
        """Write a user's archive to a sink, and return what it holds.

        Raises:
            UserNotFoundError: there is no such user.
            UserErasedError: the user has been erased.
            UserMergedError: the account was merged into another.
            UnavailableError: the database does not answer; where nothing is remembered, nothing is shown.
        """
        user = await present(self.users, command.user_id)
        shown = tuple(section.name for section in sections_of(command.kind))
        await self.trail.exported(user.id, shown, context)
        return await self.build(user.id, command.kind, sink)
