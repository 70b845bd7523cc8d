"""Remember who looked at personal data, before they are shown it."""

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from usercore.audit.entry import SERVICE_CHAIN, AuditEntry
from usercore.audit.evidence import listed_hash
from usercore.audit.ports import AuditTrail, ListingTrail
from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock, IdGenerator

USER_READ: Final = "UserRead"
USERS_LISTED: Final = "UsersListed"
USERS_COUNTED: Final = "UsersCounted"
MESSAGES_READ: Final = "MessagesRead"


@frozen
class RecordReads:
    """Records reads by operators. Where it raises, nobody may be shown what was read."""

    trail: AuditTrail
    listings: ListingTrail
    clock: Clock
    ids: IdGenerator

    async def __call__(self, user_id: UserId, facets: Sequence[str], context: CommandContext) -> None:
        """Record in a user's chain that they were looked at.

        Args:
            user_id: who was looked at.
            facets: what of them: ``profile``, ``history``, ``activity``.
            context: who looked.

        Raises:
            UnavailableError: it is not recorded, or nobody knows.
        """
        await self.trail.append([self._entry(user_id, USER_READ, facets, context)])

    async def listed(self, ids: Sequence[UserId], filters: Sequence[str], context: CommandContext) -> None:
        """Record in the service's own chain that users were listed, and which ones.

        Args:
            ids: the users that the list showed.
            filters: by what it was chosen; the values may be personal, and are not kept.
            context: who looked.

        Raises:
            UnavailableError: it is not recorded, or nobody knows.
        """
        shown = sorted(set(ids))
        entry = self._entry(SERVICE_CHAIN, USERS_LISTED, filters, context)
        await self.listings.append_listing(entry.with_contents(listed_hash(shown)), shown)

    async def counted(self, filters: Sequence[str], context: CommandContext) -> None:
        """Record in the service's own chain that users were counted, who may be one alone.

        Args:
            filters: by what they were chosen; the values may be personal, and are not kept.
            context: who asked.

        Raises:
            UnavailableError: it is not recorded, or nobody knows.
        """
        await self.trail.append([self._entry(SERVICE_CHAIN, USERS_COUNTED, filters, context)])

    async def messages(self, kinds: Sequence[str], context: CommandContext) -> None:
        """Record in the service's own chain that messages were read, which may tell of anybody.

        Args:
            kinds: of what sort, and which: ``dead_letter``, and its id.
            context: who looked.

        Raises:
            UnavailableError: it is not recorded, or nobody knows.
        """
        await self.trail.append([self._entry(SERVICE_CHAIN, MESSAGES_READ, kinds, context)])

    def _entry(self, user_id: UserId, action: str, fields: Sequence[str], context: CommandContext) -> AuditEntry:
        return AuditEntry(
            user_id=user_id,
            event_id=self.ids.event_id(),
            at=self.clock.now(),
            actor=context.actor,
            action=action,
            fields=tuple(fields),
            correlation_id=context.correlation_id,
            causation_id=context.causation_id,
        )
