"""What has still to be told to others, in memory."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from usercore.adapters.memory.database import DeliveryRow, MemoryDatabase
from usercore.delivery.ports import DeliveryQueue, DeliveryRecords, Mending
from usercore.delivery.values import (
    Delivery,
    DeliveryFilter,
    DeliveryLine,
    DeliveryStanding,
    DeliveryState,
    Recipient,
)
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.paging import Page

_OPEN = frozenset({DeliveryState.WAITING, DeliveryState.FAILED})
"""What may still be told."""


@frozen
class MemoryDeliveryQueue:
    """Keeps deliveries until they are acknowledged or given up."""

    database: MemoryDatabase

    async def claim(
        self, *, recipient: Recipient, now: datetime, lease_until: datetime, limit: int
    ) -> Sequence[Delivery]:
        """Take deliveries to a recipient that are due, the oldest first."""
        taken = list(islice((row for row in self._heads(recipient) if _is_due(row, now)), limit))
        for row in taken:
            self._put(evolve(row, leased_until=lease_until))
        return [row.delivery for row in taken]

    async def acknowledge(self, deliveries: Sequence[Delivery], *, now: datetime) -> None:
        """Mark as heard, and forget payload and secret."""
        for one in deliveries:
            place = (one.event_id, one.recipient)
            row = self.database.deliveries.get(place) or self.database.settled_deliveries.get(place)
            if row is not None and row.state in _OPEN:
                self._settle(row, DeliveryState.DELIVERED, now)

    async def postpone(self, delivery: Delivery, *, due_at: datetime, code: str) -> None:
        """Count a failed try, keep what was wrong with it, and wait until `due_at`."""
        for row in self._rows([delivery]):
            self._put(evolve(row, delivery=_tried(row), due_at=due_at, leased_until=None, error_code=code))

    async def release(self, deliveries: Sequence[Delivery], *, due_at: datetime) -> None:
        """Give back what was not tried."""
        for row in self._rows(deliveries):
            self._put(evolve(row, due_at=due_at, leased_until=None))

    async def fail(self, delivery: Delivery, *, now: datetime, code: str) -> None:
        """Count a failed try and give the delivery up."""
        for row in self._rows([delivery]):
            self._settle(evolve(row, delivery=_tried(row), error_code=code), DeliveryState.FAILED, now)

    async def waiting(self) -> int:
        """Return how many have been neither acknowledged nor given up."""
        return len(self.database.deliveries)

    async def purge(self, before: datetime) -> int:
        """Forget deliveries that were acknowledged or discarded before a time."""
        kept = self.database.settled_deliveries
        gone = [
            key
            for key, row in kept.items()
            if row.state is not DeliveryState.FAILED and row.settled_at is not None and row.settled_at < before
        ]
        for key in gone:
            del kept[key]
        return len(gone)

    def _rows(self, deliveries: Iterable[Delivery]) -> Iterator[DeliveryRow]:
        """Yield the rows of those that wait."""
        for one in deliveries:
            row = self.database.deliveries.get((one.event_id, one.recipient))
            if row is not None:
                yield row

    def _put(self, row: DeliveryRow) -> None:
        self.database.deliveries[row.delivery.event_id, row.delivery.recipient] = row

    def _settle(self, row: DeliveryRow, state: DeliveryState, now: datetime) -> None:
        settle(self.database, evolve(row, state=state, settled_at=now))

    def _heads(self, recipient: Recipient) -> Iterator[DeliveryRow]:
        """Yield for each user the oldest; rows stand in the order of their changes."""
        seen: set[UserId] = set()
        for row in self.database.deliveries.values():
            if row.delivery.recipient is recipient and row.delivery.user_id not in seen:
                seen.add(row.delivery.user_id)
                yield row


@frozen
class MemoryDeliveryRecords:
    """Shows deliveries, and takes what an operator decides about them."""

    database: MemoryDatabase

    async def page(self, wanted: DeliveryFilter, *, after: str | None, limit: int) -> Page[DeliveryLine]:
        """Return a page of deliveries in the order of their events."""
        lines = sorted((row.line for row in self._all()), key=lambda line: line.key)
        following = [line for line in lines if _is_wanted(line, wanted) and (after is None or line.key > after)]
        chosen = tuple(following[:limit])
        return Page(chosen, chosen[-1].key if len(following) > limit else None)

    async def get(self, key: str) -> DeliveryLine | None:
        """Return one delivery, or None."""
        return next((row.line for row in self._all() if row.delivery.key == key), None)

    async def retry(self, key: str, *, now: datetime) -> bool:
        """Make a delivery due now, as if it had never been tried."""
        row = self._open(key)
        if row is None:
            return False
        fresh = DeliveryRow(evolve(row.delivery, attempts=0), due_at=now, error_code=row.error_code, seq=row.seq)
        place = (row.delivery.event_id, row.delivery.recipient)
        self.database.settled_deliveries.pop(place, None)
        self.database.deliveries[place] = fresh
        # It stands again where it stood: those behind it wait for it.
        ordered = sorted(self.database.deliveries.items(), key=lambda item: item[1].seq)
        self.database.deliveries.clear()
        self.database.deliveries.update(ordered)
        return True

    async def discard(self, key: str, *, now: datetime, by: str, reason: str) -> bool:
        """Empty a delivery that waits or was given up, and never tell it."""
        row = self._open(key)
        if row is None:
            return False
        done = evolve(row, state=DeliveryState.DISCARDED, settled_at=now, settled_by=by, settled_reason=reason)
        settle(self.database, done)
        return True

    async def standing(self) -> Sequence[DeliveryStanding]:
        """Return for each recipient how things stand."""
        return [self._standing(recipient) for recipient in Recipient]

    async def waiting_of(self, recipient: Recipient, ids: Sequence[UserId]) -> frozenset[UserId]:
        """Return those of the users of whom a delivery to the recipient waits."""
        waiting = (row.delivery for row in self.database.deliveries.values())
        return frozenset(ids) & {one.user_id for one in waiting if one.recipient is recipient}

    async def add(self, mendings: Sequence[Mending]) -> frozenset[EventId]:
        """Keep deliveries behind all others of their users."""
        kept = [one.delivery for one in mendings if self._is_right(one)]
        self.database.deliver(kept)
        return frozenset(one.event_id for one in kept)

    def _is_right(self, mending: Mending) -> bool:
        user = self.database.users.get(mending.delivery.user_id)
        return mending.version is None or (user is not None and user.version == mending.version)

    def _standing(self, recipient: Recipient) -> DeliveryStanding:
        rows = [row for row in self._all() if row.delivery.recipient is recipient]
        waiting = [row.delivery.created_at for row in rows if row.state is DeliveryState.WAITING]
        failed = sum(row.state is DeliveryState.FAILED for row in rows)
        return DeliveryStanding(recipient, len(waiting), failed, min(waiting, default=None))

    def _all(self) -> Iterator[DeliveryRow]:
        yield from self.database.deliveries.values()
        yield from self.database.settled_deliveries.values()

    def _open(self, key: str) -> DeliveryRow | None:
        return next((row for row in self._all() if row.delivery.key == key and row.state in _OPEN), None)


def settle(database: MemoryDatabase, row: DeliveryRow) -> None:
    """Take a row out of those that wait; empty it, unless it was given up and may be told after all."""
    place = (row.delivery.event_id, row.delivery.recipient)
    database.deliveries.pop(place, None)
    if row.state is not DeliveryState.FAILED:
        row = evolve(row, delivery=evolve(row.delivery, payload={}, secret=None))
    database.settled_deliveries[place] = evolve(row, leased_until=None)


def _tried(row: DeliveryRow) -> Delivery:
    return evolve(row.delivery, attempts=row.delivery.attempts + 1)


def _is_due(row: DeliveryRow, now: datetime) -> bool:
    return row.due_at <= now and (row.leased_until is None or row.leased_until <= now)


def _is_wanted(line: DeliveryLine, wanted: DeliveryFilter) -> bool:
    conditions = ((wanted.state, line.state), (wanted.recipient, line.recipient), (wanted.user_id, line.user_id))
    return all(asked is None or asked == found for asked, found in conditions)


if TYPE_CHECKING:
    _database = MemoryDatabase()
    _queue: DeliveryQueue = MemoryDeliveryQueue(_database)
    _records: DeliveryRecords = MemoryDeliveryRecords(_database)
