"""What has still to be told to others, in memory."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from usercore.adapters.memory.database import DeliveryRow, MemoryDatabase
from usercore.delivery.ports import DeliveryQueue
from usercore.delivery.values import Delivery, Recipient
from usercore.kernel.ids import UserId


@frozen
class MemoryDeliveryQueue:
    """Keeps deliveries until they are acknowledged, and forgets them then."""

    database: MemoryDatabase

    async def claim(self, *, now: datetime, lease_until: datetime, limit: int) -> Sequence[Delivery]:
        """Take deliveries that are due, the oldest first."""
        taken = list(islice((row for row in self._heads() if _is_due(row, now)), limit))
        for row in taken:
            self._put(evolve(row, leased_until=lease_until))
        return [row.delivery for row in taken]

    async def acknowledge(self, deliveries: Sequence[Delivery], *, now: datetime) -> None:  # noqa: ARG002
        """Forget deliveries that were heard, payload, secret and all."""
        for delivery in deliveries:
            self.database.deliveries.pop((delivery.event_id, delivery.recipient), None)

    async def postpone(self, delivery: Delivery, *, due_at: datetime) -> None:
        """Count a failed try and wait until `due_at`."""
        row = self.database.deliveries.get((delivery.event_id, delivery.recipient))
        if row is not None:
            tried = evolve(row.delivery, attempts=row.delivery.attempts + 1)
            self._put(DeliveryRow(tried, due_at=due_at))

    async def waiting(self) -> int:
        """Return how many have not been acknowledged."""
        return len(self.database.deliveries)

    def _put(self, row: DeliveryRow) -> None:
        self.database.deliveries[row.delivery.event_id, row.delivery.recipient] = row

    def _heads(self) -> Iterator[DeliveryRow]:
        """Yield for each user and recipient the oldest; rows stand in the order of their changes."""
        seen: set[tuple[UserId, Recipient]] = set()
        for row in self.database.deliveries.values():
            line = (row.delivery.user_id, row.delivery.recipient)
            if line not in seen:
                seen.add(line)
                yield row


def _is_due(row: DeliveryRow, now: datetime) -> bool:
    return row.due_at <= now and (row.leased_until is None or row.leased_until <= now)


if TYPE_CHECKING:
    _queue: DeliveryQueue = MemoryDeliveryQueue(MemoryDatabase())
