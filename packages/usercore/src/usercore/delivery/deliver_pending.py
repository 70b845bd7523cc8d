"""Tell the services around us what they have not heard yet."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from attrs import frozen

from usercore.delivery.ports import (
    AuditService,
    AuthenticationService,
    DeliveryQueue,
    NotificationService,
)
from usercore.delivery.values import Delivery, Recipient
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ports import Clock

BATCH: Final = 250
"""Taken at once: few enough that a service which needs a fifth of a second for each hears all within the lease."""
LEASE: Final = timedelta(seconds=60)
FIRST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(minutes=5)


@frozen
class DeliverPending:
    """Delivers what is due. Safe to run in many places: each delivery is leased to one of them."""

    queue: DeliveryQueue
    authentication: AuthenticationService
    notification: NotificationService
    audit: AuditService
    clock: Clock

    async def __call__(self) -> int:
        """Return how many were taken in hand; call again while it is not 0.

        A refused delivery waits, longer each time, and comes again; none is dropped.

        Raises:
            UnavailableError: the queue does not answer.
        """
        now = self.clock.now()
        due = await self.queue.claim(now=now, lease_until=now + LEASE, limit=BATCH)
        heard = [delivery for delivery in due if await self._told(delivery)]
        if heard:
            await self.queue.acknowledge(heard, now=self.clock.now())
        return len(due)

    async def _told(self, delivery: Delivery) -> bool:
        try:
            await self._teller(delivery.recipient)(delivery)
        except UserCoreError:
            wait = min(FIRST_WAIT * 2 ** min(delivery.attempts, 16), LONGEST_WAIT)
            await self.queue.postpone(delivery, due_at=self.clock.now() + wait)
            return False
        return True

    def _teller(self, recipient: Recipient) -> Callable[[Delivery], Awaitable[None]]:
        match recipient:
            case Recipient.AUTHENTICATION:
                return self.authentication.credential
            case Recipient.NOTIFICATION:
                return self.notification.notify
            case Recipient.AUDIT:
                return self.audit.record
