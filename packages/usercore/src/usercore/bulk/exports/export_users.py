"""Take many users out of the service."""

from collections.abc import Callable, Sequence
from typing import Final

from attrs import field, frozen

from usercore.activity.summary import LoyaltyTiers
from usercore.audit.entry import AuditEntry, service_entry
from usercore.audit.ports import AuditTrail
from usercore.bulk.exports.describing import filters_of
from usercore.bulk.exports.errors import ExportInvalidError
from usercore.bulk.exports.fields import chosen_fields
from usercore.bulk.exports.ports import ExportSink, UserExporter
from usercore.bulk.exports.values import ExportFormat, ExportProgress, ExportSummary, Restricted, Selection
from usercore.kernel.context import CommandContext
from usercore.kernel.errors import Violation
from usercore.kernel.ports import Clock, IdGenerator
from usercore.users.queries import UserQuery
from usercore.users.values import AccountState

EXPORT_BEGUN: Final = "UserExportBegun"
USERS_EXPORTED: Final = "UsersExported"


@frozen
class ExportUsersCommand:
    """Export users.

    Args:
        query: whom, by the filters of a list; its order, limit and cursor mean nothing here.
        reason: why; it is kept in the audit trail.
        fields: what of each, see :func:`usercore.bulk.exports.fields.chosen_fields`; empty is the whole profile.
        format: how they are written down.
        restricted: what becomes of users whose data is restricted.
        formulas: leave cells as they are that a spreadsheet would run.
        in_order: by id, which takes longer.
    """

    query: UserQuery
    reason: str = field(repr=False)
    fields: Sequence[str] = ()
    format: ExportFormat = ExportFormat.NDJSON
    restricted: Restricted = Restricted.EXCLUDE
    formulas: bool = False
    in_order: bool = False


def _nobody_asks(_: ExportProgress) -> None:
    pass


@frozen
class ExportUsers:
    """Exports users, and remembers who took them before the first is shown."""

    exporter: UserExporter
    trail: AuditTrail
    tiers: LoyaltyTiers
    clock: Clock
    ids: IdGenerator

    async def __call__(
        self,
        command: ExportUsersCommand,
        context: CommandContext,
        sink: ExportSink,
        told: Callable[[ExportProgress], None] = _nobody_asks,
    ) -> ExportSummary:
        """Write users to a sink as they stand at one moment, and return how many they were.

        Two entries of the audit trail tell of it: one before anything is shown, one with the count at the end. Where
        the second is missing, the export was not whole.

        Args:
            command: whom, what of them, and why.
            context: who asks.
            sink: takes the lines.
            told: hears how far it has come.

        Raises:
            ExportInvalidError: a field is unknown, or those who were erased are asked for.
            UnavailableError: the database does not answer; where nothing is remembered, nothing is shown.
        """
        selection = _selection(command, self.tiers)
        await self.trail.append([self._entry(EXPORT_BEGUN, selection, command.reason, context)])
        users = size = 0
        async with self.exporter.open(selection) as export:
            if selection.format is ExportFormat.CSV:
                head = ",".join(export.columns).encode() + b"\n"
                await sink.write(head)
                size += len(head)
            async for chunk in export.chunks():
                await sink.write(chunk.data)
                users += chunk.users
                size += len(chunk.data)
                told(ExportProgress(users, max(export.expected, users)))
        counted = f"users:{users}"
        await self.trail.append([self._entry(USERS_EXPORTED, selection, command.reason, context, counted)])
        return ExportSummary(users, size, selection.fields, filters_of(selection))

    def _entry(self, action: str, selection: Selection, reason: str, context: CommandContext, *more: str) -> AuditEntry:
        said = (
            f"format:{selection.format.value}",
            *(f"filter:{one}" for one in filters_of(selection)),
            *(f"field:{name}" for name in selection.fields),
            *more,
        )
        return service_entry(action, said, reason, context, event_id=self.ids.event_id(), at=self.clock.now())


def _selection(command: ExportUsersCommand, tiers: LoyaltyTiers) -> Selection:
    if AccountState.ERASED in command.query.states:
        detail = "whoever was erased has nothing left to export"
        raise ExportInvalidError(violations=(Violation(("status",), "not_allowed", detail),))
    return Selection(
        command.query,
        chosen_fields(command.fields),
        command.format,
        command.restricted,
        command.formulas,
        command.in_order,
        tiers,
    )
