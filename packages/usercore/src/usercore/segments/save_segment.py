"""Keep a filter under a name."""

from typing import Final

from attrs import field, frozen

from usercore.audit.entry import SERVICE_CHAIN, AuditEntry
from usercore.audit.ports import AuditTrail
from usercore.kernel.context import CommandContext
from usercore.kernel.ports import Clock, IdGenerator
from usercore.segments.errors import SegmentExistsError
from usercore.segments.naming import parse_about, parse_name, require_nobody_named
from usercore.segments.ports import SegmentStore
from usercore.segments.read_filter import ReadFilter, UserFilter
from usercore.segments.values import Segment
from usercore.users.conditions import Operator, leaves

SEGMENT_SAVED: Final = "SegmentSaved"


@frozen
class SaveSegmentCommand:
    """Keep a filter.

    Args:
        name: lower-case words joined by hyphens.
        text: the filter.
        about: what it is for, on one line.
    """

    name: str
    text: str = field(repr=False)
    about: str = ""


@frozen
class SaveSegment:
    """Keeps filters under names. A name keeps its filter: to change one, delete it and save it anew."""

    read: ReadFilter
    store: SegmentStore
    trail: AuditTrail
    clock: Clock
    ids: IdGenerator

    async def __call__(self, command: SaveSegmentCommand, context: CommandContext) -> Segment:
        """Return the segment. Doing it twice is doing it once.

        Raises:
            SegmentRefusedError: the name or what is said of it is none, or the filter names somebody.
            SegmentInvalidError: the filter is none.
            SegmentExistsError: the name has another filter.
            UnavailableError: the database does not answer.
        """
        name, about = parse_name(command.name), parse_about(command.about)
        found = await self.read(command.text)
        require_nobody_named(one.field for one in leaves(found.condition) if one.operator is not Operator.EXISTS)
        segment = Segment(name, found.text, about, self.clock.now(), str(context.actor))
        kept = await self.store.get(name)
        if kept is None:
            # The record comes first: what is kept unrecorded would stay so, as saving it again changes nothing.
            await self.trail.append([self._entry(segment, found, context)])
            if await self.store.add(segment):
                return segment
            kept = await self.store.get(name)  # somebody was quicker
        if kept is None or (kept.text, kept.about) != (segment.text, segment.about):
            raise SegmentExistsError
        return kept

    def _entry(self, segment: Segment, found: UserFilter, context: CommandContext) -> AuditEntry:
        return AuditEntry(
            user_id=SERVICE_CHAIN,
            event_id=self.ids.event_id(),
            at=segment.saved_at,
            actor=context.actor,
            action=SEGMENT_SAVED,
            fields=(f"segment:{segment.name}", *(f"filter:{field}" for field in found.fields)),
            correlation_id=context.correlation_id,
            causation_id=context.causation_id,
        )
