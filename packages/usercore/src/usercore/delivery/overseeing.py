"""What an operator sees of deliveries, and does about them."""

from attrs import frozen

from usercore.audit.entry import AuditEntry
from usercore.audit.ports import AuditTrail
from usercore.delivery.errors import DeliveryNotFoundError, DeliverySettledError
from usercore.delivery.ports import DeliveryRecords
from usercore.delivery.values import DeliveryFilter, DeliveryLine
from usercore.kernel.context import CommandContext
from usercore.kernel.paging import Page
from usercore.kernel.ports import Clock, IdGenerator
from usercore.kernel.reasons import require_reason
from usercore.users.queries import require_limit


@frozen
class ListDeliveries:
    """Lists deliveries in the order of their events."""

    records: DeliveryRecords

    async def __call__(
        self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 50
    ) -> Page[DeliveryLine]:
        """Return one page.

        Args:
            wanted: which ones.
            after: the cursor of the page before.
            limit: the most on a page.

        Raises:
            QueryInvalidError: the limit is out of range.
        """
        require_limit(limit)
        return await self.records.page(wanted, after=after, limit=limit)


@frozen
class GetDelivery:
    """Shows one delivery, without what it says."""

    records: DeliveryRecords

    async def __call__(self, key: str) -> DeliveryLine:
        """Return the delivery.

        Raises:
            DeliveryNotFoundError: there is no such delivery.
        """
        line = await self.records.get(key)
        if line is None:
            raise DeliveryNotFoundError
        return line


@frozen
class RetryDelivery:
    """Makes a delivery due now, one that was given up too. Done twice, it is told once: its key stays the same."""

    records: DeliveryRecords
    clock: Clock

    async def __call__(self, key: str) -> DeliveryLine:
        """Return the delivery as it is then.

        Raises:
            DeliveryNotFoundError: there is no such delivery.
            DeliverySettledError: it was acknowledged or discarded before.
        """
        get = GetDelivery(self.records)
        await get(key)
        if not await self.records.retry(key, now=self.clock.now()):
            raise DeliverySettledError
        return await get(key)


@frozen
class DiscardDelivery:
    """Empties a delivery and never tells it. The audit trail of its user says who decided that."""

    records: DeliveryRecords
    clock: Clock
    trail: AuditTrail
    ids: IdGenerator

    async def __call__(self, key: str, reason: str, context: CommandContext) -> DeliveryLine:
        """Return the delivery as it is then.

        Raises:
            ReasonInvalidError: there is none, or it is too long.
            DeliveryNotFoundError: there is no such delivery.
            DeliverySettledError: it was acknowledged or discarded before.
        """
        said, get = require_reason(reason), GetDelivery(self.records)
        await get(key)
        if not await self.records.discard(key, now=self.clock.now(), by=str(context.actor), reason=said):
            raise DeliverySettledError
        line = await get(key)
        await self.trail.append([self._entry(line, context)])
        return line

    def _entry(self, line: DeliveryLine, context: CommandContext) -> AuditEntry:
        return AuditEntry(
            user_id=line.user_id,
            event_id=self.ids.event_id(),
            at=self.clock.now(),
            actor=context.actor,
            action="DeliveryDiscarded",
            fields=(line.operation.value,),
            correlation_id=context.correlation_id,
            causation_id=line.event_id,
        )
