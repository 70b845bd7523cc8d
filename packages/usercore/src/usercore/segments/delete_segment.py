"""Forget a filter that was kept under a name."""

from typing import Final

from attrs import frozen

from usercore.audit.entry import service_entry
from usercore.audit.ports import AuditTrail
from usercore.kernel.context import CommandContext
from usercore.kernel.ports import Clock, IdGenerator
from usercore.kernel.reasons import require_reason
from usercore.segments.errors import SegmentNotFoundError
from usercore.segments.ports import SegmentStore
from usercore.segments.values import Segment

SEGMENT_DELETED: Final = "SegmentDeleted"


@frozen
class DeleteSegment:
    """Deletes segments; users stay as they are."""

    store: SegmentStore
    trail: AuditTrail
    clock: Clock
    ids: IdGenerator

    async def __call__(self, name: str, reason: str, context: CommandContext) -> Segment:
        """Return the segment that was there.

        Raises:
            ReasonInvalidError: nobody says why.
            SegmentNotFoundError: there is none of this name.
            UnavailableError: the database does not answer.
        """
        why = require_reason(reason)
        segment = await self.store.get(name)
        if segment is None:
            raise SegmentNotFoundError
        entry = service_entry(
            SEGMENT_DELETED,
            (f"segment:{name}",),
            why,
            context,
            event_id=self.ids.event_id(),
            at=self.clock.now(),
        )
        await self.trail.append([entry])
        await self.store.remove(name)
        return segment
