"""What is old, found by looking at everything."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from usercore.adapters.memory.database import MemoryDatabase
from usercore.delivery.answers import delivery_of_notice, entry_of_notice
from usercore.kernel.ids import UserId
from usercore.messaging.subjects import subject_of
from usercore.messaging.values import DeadLetterState
from usercore.privacy.requests.values import RequestKind
from usercore.privacy.retention.ports import Notice, RetentionStore, TrailParts
from usercore.privacy.retention.values import Due, Kept, Part, Step, Trail, Unused
from usercore.users.model import User
from usercore.users.values import AccountState, DeactivationReason


@frozen
class _Old:
    """One row that is old enough: whose, since when, and how it is deleted."""

    user_id: UserId | None
    at: datetime
    delete: Callable[[], object]


@frozen
class MemoryRetentionStore:
    """Finds and deletes what is old."""

    database: MemoryDatabase

    async def due(self, kept: Kept, before: datetime) -> Due:
        """Return how many rows are older than a time."""
        return _due((self._is_held(one.user_id), one.at) for one in self._old(kept) if one.at < before)

    async def delete(self, kept: Kept, before: datetime, limit: int) -> int:
        """Delete rows that are older than a time, the oldest first, and return how many went."""
        old = [one for one in self._old(kept) if one.at < before and not self._is_held(one.user_id)]
        chosen = sorted(old, key=lambda one: one.at)[:limit]
        for one in chosen:
            one.delete()
        return len(chosen)

    async def unused_due(self, step: Step, before: datetime) -> Due:
        """Return how many accounts a step is due for."""
        return _due((self._is_kept(user), since) for user, since in self._unused(step) if since < before)

    async def unused(self, step: Step, before: datetime, limit: int) -> Sequence[Unused]:
        """Return accounts that a step is due for, the longest unused first."""
        due = [
            Unused(user.id, user.version, since)
            for user, since in self._unused(step)
            if since < before and not self._is_kept(user)
        ]
        return sorted(due, key=lambda one: (one.since, one.user_id))[:limit]

    async def notice(self, notice: Notice) -> bool:
        """Keep a notice, with what the NotificationService is told and its audit entry."""
        user = self.database.users.get(notice.user.id)
        if user is None or user.version != notice.user.version:
            return False
        self.database.notices[user.id] = notice
        self.database.deliver([delivery_of_notice(notice)])
        self.database.append(entry_of_notice(notice))
        return True

    async def lease(self, *, now: datetime, until: datetime) -> bool:
        """Take the right to run the schedule until a time; False where somebody else has it."""
        held = self.database.retention_leased_until
        if held is not None and held > now:
            return False
        self.database.retention_leased_until = until
        return True

    async def renew(self, until: datetime) -> None:
        """Keep the right until a later time."""
        self.database.retention_leased_until = until

    async def release(self, *, now: datetime, ran: bool) -> None:
        """Give the right back, and remember when the schedule was last run to its end."""
        self.database.retention_leased_until = None
        if ran:
            self.database.retention_last_run = now

    async def last_run(self) -> datetime | None:
        """Return when the schedule was last run to its end, or None."""
        return self.database.retention_last_run

    def _old(self, kept: Kept) -> Iterator[_Old]:
        database = self.database
        match kept:
            case Kept.SETTLED_DEAD_LETTERS | Kept.WAITING_DEAD_LETTERS:
                yield from self._letters(waiting=kept is Kept.WAITING_DEAD_LETTERS)
            case Kept.ACTIVITY:
                for name, entry in database.facts.items():
                    yield _Old(entry.user_id, entry.fact.at, _removal(database.facts, name))
            case Kept.CLOSED_REQUESTS:
                for request_id, row in database.privacy_requests.items():
                    request = row.request
                    if request.closed_at is not None and request.kind is not RequestKind.ERASURE:
                        yield _Old(request.user_id, request.closed_at, _removal(database.privacy_requests, request_id))

    def _letters(self, *, waiting: bool) -> Iterator[_Old]:
        letters = self.database.dead_letters
        for place, letter in letters.items():
            if (letter.state is DeadLetterState.WAITING) is waiting:
                at = letter.died_at if letter.settlement is None else letter.settlement.at
                yield _Old(subject_of(letter.message), at, _removal(letters, place))

    def _unused(self, step: Step) -> Iterator[tuple[User, datetime]]:
        for user in self.database.users.values():
            used, noticed = self._used(user), self._noticed(user.id)
            is_active = user.status.state is AccountState.ACTIVE
            if step is Step.NOTICE and is_active and (noticed is None or noticed < used):
                yield user, used
            elif step is Step.DEACTIVATION and is_active and noticed is not None and noticed >= used:
                yield user, noticed
            elif step is Step.ERASURE and _is_deactivated_for_inactivity(user) and not self._is_asked(user.id):
                yield user, user.status.since

    def _noticed(self, user_id: UserId) -> datetime | None:
        notice = self.database.notices.get(user_id)
        return None if notice is None else notice.at

    def _used(self, user: User) -> datetime:
        told = (entry.fact.at for entry in self.database.facts.values() if entry.user_id == user.id)
        return max((user.updated_at, *told))

    def _is_asked(self, user_id: UserId) -> bool:
        requests = (row.request for row in self.database.privacy_requests.values())
        return any(
            one.user_id == user_id and one.kind is RequestKind.ERASURE and one.closed_at is None for one in requests
        )

    def _is_held(self, user_id: UserId | None) -> bool:
        return any(hold.user_id == user_id and hold.release is None for hold in self.database.legal_holds)

    def _is_kept(self, user: User) -> bool:
        return user.restricted or self._is_held(user.id)


@frozen
class OnePart:
    """Knows of no parts: memory keeps everything in one, and forgets all of it at once."""

    async def all(self) -> Sequence[Part]:
        """Return nothing."""
        return ()

    async def extend(self, now: datetime) -> Mapping[Trail, int]:  # noqa: ARG002 - the port's signature
        """Make nothing."""
        return {}


def _due(found: Iterable[tuple[bool, datetime]]) -> Due:
    times: dict[bool, list[datetime]] = {False: [], True: []}
    for held, at in found:
        times[held].append(at)
    return Due(len(times[False]), min(times[False], default=None), len(times[True]))


def _is_deactivated_for_inactivity(user: User) -> bool:
    status = user.status
    return status.state is AccountState.DEACTIVATED and status.reason is DeactivationReason.INACTIVITY


def _removal(rows: dict[Any, Any], name: object) -> Callable[[], object]:
    return lambda: rows.pop(name, None)


if TYPE_CHECKING:
    _store: RetentionStore = MemoryRetentionStore(MemoryDatabase())
    _parts: TrailParts = OnePart()
