"""Exports of people's data, in the audit trail."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.audit.entry import AuditEntry
from usercore.audit.ports import AuditTrail
from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock, IdGenerator
from usercore.privacy.export.ports import ExportTrail

DATA_EXPORTED: Final = "UserDataExported"


@frozen
class AuditedExports:
    """Appends an entry to the user's chain for each export."""

    trail: AuditTrail
    clock: Clock
    ids: IdGenerator

    async def exported(self, user_id: UserId, sections: Sequence[str], context: CommandContext) -> None:
        """Add to the audit trail that somebody is about to be given these sections of a person's data."""
        entry = AuditEntry(
            user_id=user_id,
            event_id=self.ids.event_id(),
            at=self.clock.now(),
            actor=context.actor,
            action=DATA_EXPORTED,
            fields=tuple(sections),
            correlation_id=context.correlation_id,
            causation_id=context.causation_id,
        )
        await self.trail.append([entry])


if TYPE_CHECKING:

    def _conforms(trail: AuditTrail, clock: Clock, ids: IdGenerator) -> ExportTrail:
        return AuditedExports(trail, clock, ids)
