"""Messages that wait, and messages that nobody could use, in memory."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from attrs import evolve, frozen

from usercore.activity.values import Awaited, FactKind, WaitsFor
from usercore.adapters.memory.database import MemoryDatabase, ParkedRow
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.messaging.ports import DeadLetters, ParkedMessages
from usercore.messaging.values import (
    DeadLetter,
    DeadLetterFilter,
    DeadLetterLine,
    DeadLetterState,
    ParkedLine,
    ParkedMessage,
    Settlement,
)


class _Named(Protocol):
    @property
    def id(self) -> str: ...


N = TypeVar("N", bound=_Named)


@frozen
class MemoryParkedMessages:
    """Keeps messages that came too early."""

    database: MemoryDatabase

    async def park(self, messages: Sequence[ParkedMessage]) -> None:
        """Keep messages; one that is kept already stays as it is."""
        for message in messages:
            self.database.parked.setdefault(message.message.place, ParkedRow(message, due_at=message.parked_at))

    async def claim_ready(self, *, now: datetime, lease_until: datetime, limit: int) -> Sequence[ParkedMessage]:
        """Take messages whose user, order or payment has become known, and those that have expired, oldest first."""
        due = (row.parked for row in self.database.parked.values() if row.due_at <= now)
        ready = (one for one in due if one.expires_at <= now or self._is_known(one.awaited))
        taken = list(islice(_by_age(ready), limit))
        for one in taken:
            self.database.parked[one.message.place] = ParkedRow(one, due_at=lease_until)
        return taken

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget messages that have found their end elsewhere."""
        gone = [place for place, row in self.database.parked.items() if row.parked.id in ids]
        for place in gone:
            del self.database.parked[place]

    async def page(self, *, after: str | None, limit: int) -> Page[ParkedLine]:
        """Return a page of what is parked, the oldest first."""
        return _page((row.parked.line for row in self.database.parked.values()), after, limit)

    async def count(self) -> int:
        """Return how many are parked."""
        return len(self.database.parked)

    def _is_known(self, awaited: Awaited) -> bool:
        match awaited.kind:
            case WaitsFor.USER:
                return UserId(awaited.id) in self.database.users
            case WaitsFor.ORDER:
                return (FactKind.ORDER_PLACED, awaited.id) in self.database.facts
            case WaitsFor.PAYMENT:
                return (FactKind.PAYMENT_FAILED, awaited.id) in self.database.facts


@frozen
class MemoryDeadLetters:
    """Keeps messages that nobody could use."""

    database: MemoryDatabase

    async def add(self, letters: Sequence[DeadLetter]) -> Sequence[str]:
        """Keep letters, and return the ids under which their messages are kept."""
        return [self.database.dead_letters.setdefault(letter.message.place, letter).id for letter in letters]

    async def get(self, letter_id: str) -> DeadLetter | None:
        """Return one letter, or None."""
        return next((letter for letter in self.database.dead_letters.values() if letter.id == letter_id), None)

    async def page(self, wanted: DeadLetterFilter, *, after: str | None, limit: int) -> Page[DeadLetterLine]:
        """Return a page of letters, the oldest first."""
        lines = (letter.line for letter in self.database.dead_letters.values())
        return _page((line for line in lines if _is_wanted(line, wanted)), after, limit)

    async def settle(self, letter_id: str, state: DeadLetterState, settlement: Settlement) -> bool:
        """Move a letter that waits to another state; False where it does not wait any more."""
        letter = await self.get(letter_id)
        if letter is None or letter.state is not DeadLetterState.WAITING:
            return False
        self.database.dead_letters[letter.message.place] = evolve(letter, state=state, settlement=settlement)
        return True

    async def count_waiting(self) -> int:
        """Return how many letters wait."""
        letters: Collection[DeadLetter] = self.database.dead_letters.values()
        return sum(letter.state is DeadLetterState.WAITING for letter in letters)


def _is_wanted(line: DeadLetterLine, wanted: DeadLetterFilter) -> bool:
    conditions = ((wanted.state, line.state), (wanted.topic, line.place.topic), (wanted.code, line.code))
    return all(asked is None or asked == found for asked, found in conditions)


def _by_age(items: Iterable[N]) -> Iterable[N]:
    """Order by id: a UUIDv7 begins with its time."""
    return sorted(items, key=lambda item: item.id)


def _page(items: Iterable[N], after: str | None, limit: int) -> Page[N]:
    following = [item for item in _by_age(items) if after is None or item.id > after]
    chosen = tuple(following[:limit])
    return Page(chosen, chosen[-1].id if len(following) > limit else None)


if TYPE_CHECKING:
    _database = MemoryDatabase()
    _parked: ParkedMessages = MemoryParkedMessages(_database)
    _letters: DeadLetters = MemoryDeadLetters(_database)
