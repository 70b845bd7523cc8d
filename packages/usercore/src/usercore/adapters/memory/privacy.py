"""Privacy requests, legal holds and archives in memory."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import define, evolve, field, frozen

from usercore.adapters.memory.database import ArchiveRow, MemoryDatabase, RequestRow
from usercore.delivery.answers import delivery_of_answer, entry_about, entry_of_step
from usercore.delivery.values import DeliveryState
from usercore.kernel.context import CommandContext
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.paging import Page
from usercore.privacy.requests.errors import ErasureUnderWayError, RequestChangedError, UserHeldError
from usercore.privacy.requests.holds import LegalHold, Release
from usercore.privacy.requests.ledger import ErasedPerson, LedgerEntry, entry_behind
from usercore.privacy.requests.model import PrivacyRequest, Recipient, RequestId
from usercore.privacy.requests.ports import (
    Archives,
    ErasureLedger,
    ErasureTraces,
    LegalHolds,
    Noted,
    PrivacyRequests,
    RequestFilter,
)
from usercore.privacy.requests.values import RequestKind
from usercore.users.errors import UserErasedError, UserMergedError, UserNotFoundError
from usercore.users.model import User
from usercore.users.values import AccountState


@frozen
class MemoryPrivacyRequests:
    """Keeps privacy requests."""

    database: MemoryDatabase

    async def add(self, noted: Noted) -> PrivacyRequest:
        """Keep a new request; where one like it is open, return that one."""
        request = noted.request
        user = self.database.users.get(request.user_id)
        if user is None:
            raise UserNotFoundError
        if request.erasure is None:
            _require_own(user)
        alike = self.database.privacy_requests.get(request.id) or next(self._open_alike(request), None)
        if alike is not None:
            return alike.request
        self._write(noted)
        return request

    def _open_alike(self, request: PrivacyRequest) -> Iterator[RequestRow]:
        if request.kind is RequestKind.RECTIFICATION:
            return
        for row in self.database.privacy_requests.values():
            other = row.request
            if other.is_open and (other.user_id, other.kind) == (request.user_id, request.kind):
                yield row

    async def get(self, request_id: RequestId) -> PrivacyRequest | None:
        """Return a request, or None."""
        row = self.database.privacy_requests.get(request_id)
        return None if row is None else row.request

    async def page(self, wanted: RequestFilter, *, after: RequestId | None, limit: int) -> Page[PrivacyRequest]:
        """Return a page of requests, the newest first."""
        chosen = [row.request for row in self.database.privacy_requests.values() if _is_wanted(wanted, row.request)]
        found = sorted(chosen, key=lambda one: one.id, reverse=True)
        if after is not None:
            found = [one for one in found if one.id < after]
        return Page(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    async def save(self, noted: Noted, *, unless_held: bool = False) -> None:
        """Keep a request's next state."""
        request = noted.request
        if unless_held and _held(self.database, request.user_id):
            raise UserHeldError
        row = self.database.privacy_requests.get(request.id)
        if row is None or row.request.version != request.version - 1:
            raise RequestChangedError
        self._write(noted)

    def _write(self, noted: Noted) -> None:
        self.database.privacy_requests[noted.request.id] = RequestRow(noted.request, noted.run_at)
        self.database.append(entry_of_step(noted))
        delivery = delivery_of_answer(noted)
        if delivery is not None:
            self.database.deliver([delivery])

    async def claim(self, *, now: datetime, lease_until: datetime, limit: int) -> Sequence[PrivacyRequest]:
        """Take open requests with which the service is to go on."""
        due = [
            (row.run_at, row)
            for row in self.database.privacy_requests.values()
            if row.request.is_open and row.run_at is not None and row.run_at <= now
        ]
        taken = [row for _, row in sorted(due, key=lambda one: one[0])[:limit]]
        for row in taken:
            self.database.privacy_requests[row.request.id] = evolve(row, run_at=lease_until)
        return [row.request for row in taken]

    async def run_at(self, request_id: RequestId, at: datetime) -> None:
        """Say when the service is to go on with an open request."""
        row = self.database.privacy_requests.get(request_id)
        if row is not None and row.request.is_open:
            self.database.privacy_requests[request_id] = evolve(row, run_at=at)

    async def overdue(self, now: datetime) -> Mapping[RequestKind, int]:
        """Return how many open requests are overdue, by kind."""
        rows = self.database.privacy_requests.values()
        return Counter(row.request.kind for row in rows if row.request.is_overdue(now))

    async def last_ledger_sequence(self) -> int:
        """Return the last place in the ledger of erasures that any request knows of."""
        erasures = (row.request.erasure for row in self.database.privacy_requests.values())
        return max((one.ledger_sequence or 0 for one in erasures if one is not None), default=0)


def _is_wanted(wanted: RequestFilter, request: PrivacyRequest) -> bool:
    return (
        wanted.user_id in (None, request.user_id)
        and (not wanted.states or request.state in wanted.states)
        and (not wanted.kinds or request.kind in wanted.kinds)
        and (wanted.overdue_at is None or request.is_overdue(wanted.overdue_at))
    )


def _require_own(user: User) -> None:
    if user.status.state is AccountState.MERGED:
        raise UserMergedError(survivor=user.status.merged_into)


def _held(database: MemoryDatabase, user_id: UserId) -> bool:
    return any(hold.user_id == user_id and hold.release is None for hold in database.legal_holds)


@frozen
class MemoryLegalHolds:
    """Keeps legal holds."""

    database: MemoryDatabase

    async def place(self, hold: LegalHold, *, event_id: EventId, context: CommandContext) -> LegalHold:
        """Keep a hold; one that holds for the matter already stays as it is."""
        user = self.database.users.get(hold.user_id)
        if user is None:
            raise UserNotFoundError
        _require_own(user)
        requests = [row.request for row in self.database.privacy_requests.values()]
        begun = any(one.user_id == user.id and one.is_open and one.is_final for one in requests)
        if begun or user.status.state is AccountState.ERASED:
            raise ErasureUnderWayError
        active = self._active(hold.user_id, hold.matter)
        if active is not None:
            return active
        self.database.legal_holds.append(hold)
        self.database.append(entry_about(hold.user_id, event_id, "LegalHoldPlaced", context, at=hold.placed_at))
        return hold

    def _active(self, user_id: UserId, matter: str) -> LegalHold | None:
        found = (
            one
            for one in self.database.legal_holds
            if (one.user_id, one.matter, one.release) == (user_id, matter, None)
        )
        return next(found, None)

    async def release(
        self, user_id: UserId, matter: str, release: Release, *, event_id: EventId, context: CommandContext
    ) -> LegalHold | None:
        """End a hold, and return it; one that has ended stays as it is."""
        active = self._active(user_id, matter)
        if active is None:
            ended = [one for one in self.database.legal_holds if (one.user_id, one.matter) == (user_id, matter)]
            return ended[-1] if ended else None
        after = evolve(active, release=release)
        self.database.legal_holds[self.database.legal_holds.index(active)] = after
        self.database.append(entry_about(user_id, event_id, "LegalHoldReleased", context, at=release.at))
        for row in list(self.database.privacy_requests.values()):
            waits = row.request.user_id == user_id and row.request.is_open and not row.request.is_final
            if waits and row.run_at is not None:
                self.database.privacy_requests[row.request.id] = evolve(row, run_at=min(row.run_at, release.at))
        return after

    async def of(self, user_id: UserId) -> Sequence[LegalHold]:
        """Return a user's holds, the oldest first."""
        return [one for one in self.database.legal_holds if one.user_id == user_id]

    async def held(self, ids: Collection[UserId]) -> frozenset[UserId]:
        """Return those of the users whose data is held now."""
        return frozenset(user_id for user_id in ids if _held(self.database, user_id))


@frozen
class MemoryArchives:
    """Keeps archives until they expire."""

    database: MemoryDatabase

    async def put(self, request_id: RequestId, user_id: UserId, content: bytes, *, until: datetime) -> None:
        """Keep an archive; one that is kept for the request is replaced."""
        user = self.database.users.get(user_id)
        if user is None or user.status.state is AccountState.ERASED:
            raise UserErasedError
        self.database.archives[request_id] = ArchiveRow(user_id, content, until)

    async def get(self, request_id: RequestId, user_id: UserId, *, now: datetime) -> bytes | None:
        """Return an archive, or None where there is none of that user's, or not any more."""
        row = self.database.archives.get(request_id)
        return row.content if row is not None and row.user_id == user_id and row.expires_at > now else None

    async def purge(self, now: datetime) -> int:
        """Delete archives that have expired, and return how many went."""
        gone = [request_id for request_id, row in self.database.archives.items() if row.expires_at <= now]
        for request_id in gone:
            del self.database.archives[request_id]
        return len(gone)


@frozen
class MemoryErasureTraces:
    """Looks at what tells of an erasure and of what came before it."""

    database: MemoryDatabase

    async def unsent(self, user_id: UserId) -> int:
        """Return how many events and deliveries about a user have not gone out yet."""
        events = sum(
            one.user_id == user_id and one.position not in self.database.published for one in self.database.outbox
        )
        return events + sum(row.delivery.user_id == user_id for row in self.database.deliveries.values())

    async def receipts(self, user_id: UserId, event_id: EventId) -> Mapping[Recipient, datetime]:
        """Return who has acknowledged an erasure, and when."""
        heard = {
            Recipient(name.value): row.settled_at
            for (event, name), row in self.database.settled_deliveries.items()
            if event == event_id and row.state is DeliveryState.DELIVERED and row.settled_at is not None
        }
        for one in self.database.outbox:
            if (one.user_id, one.event_id) == (user_id, event_id) and one.position in self.database.published:
                heard[Recipient.TOPIC] = self.database.published[one.position]
        return heard


@define(eq=False)
class MemoryErasureLedger:
    """A ledger of erasures that ends with the process."""

    written: list[LedgerEntry] = field(factory=list)

    @property
    def kept(self) -> bool:
        """Whether there is one at all."""
        return True

    async def append(self, person: ErasedPerson) -> int | None:
        """Write an erasure down, and return its place."""
        for entry in self.written:
            if entry.person.request_id == person.request_id:
                return entry.sequence
        self.written.append(entry_behind(self.written[-1] if self.written else None, person))
        return len(self.written)

    async def entries(self) -> Sequence[LedgerEntry]:
        """Return everything that was written down, in order."""
        return tuple(self.written)


if TYPE_CHECKING:
    _database = MemoryDatabase()
    _requests: PrivacyRequests = MemoryPrivacyRequests(_database)
    _holds: LegalHolds = MemoryLegalHolds(_database)
    _archives: Archives = MemoryArchives(_database)
    _traces: ErasureTraces = MemoryErasureTraces(_database)
    _ledger: ErasureLedger = MemoryErasureLedger()
