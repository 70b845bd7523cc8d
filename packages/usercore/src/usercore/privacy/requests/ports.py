"""What privacy requests ask of the world outside."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from attrs import field, frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.paging import Page
from usercore.privacy.requests.holds import LegalHold, Release
from usercore.privacy.requests.ledger import ErasedPerson, LedgerEntry
from usercore.privacy.requests.model import PrivacyRequest, Recipient, RequestId
from usercore.privacy.requests.values import RequestKind, RequestState
from usercore.users.values import EmailAddress


class Word(StrEnum):
    """What a person is told of their request."""

    EXTENDED = "EXTENDED"
    REFUSED = "REFUSED"
    COMPLETED = "COMPLETED"
    """Of an erasure it is said when it can no longer be called back: afterwards there is nobody to say it to."""


@frozen
class Letter:
    """What the person is written about a request.

    Args:
        word: what happened.
        email: where to.
        first_name: whom to.
        locale: in which language.
    """

    word: Word
    email: str = field(repr=False)
    first_name: str = field(repr=False)
    locale: str | None = field(repr=False)


@frozen
class Noted:
    """One step of a privacy request, as it is committed: with its audit entry and what the person is told.

    Args:
        request: the state after.
        event_id: names the step for ever.
        action: what the audit trail calls it: ``PrivacyRequestRefused``.
        context: who asked.
        run_at: when the service is to go on by itself; None means: when somebody says so.
        letter: what the person is told, where there is somebody to be told.
    """

    request: PrivacyRequest
    event_id: EventId
    action: str
    context: CommandContext
    run_at: datetime | None = None
    letter: Letter | None = None


@frozen
class RequestFilter:
    """Which requests.

    Args:
        user_id: about this user.
        states: that stand in one of these; empty means any.
        kinds: that ask for one of these; empty means any.
        overdue_at: that were due before this time and are open.
    """

    user_id: UserId | None = None
    states: frozenset[RequestState] = frozenset()
    kinds: frozenset[RequestKind] = frozenset()
    overdue_at: datetime | None = None


class PrivacyRequests(Protocol):
    """Keeps privacy requests. Every method is atomic on its own and seen by all copies of the service at once."""

    async def add(self, noted: Noted) -> PrivacyRequest:
        """Keep a new request with its audit entry and its letter.

        Of one user and one kind only one request is open, but for rectifications: where there is one already, nothing
        is written and that one is returned.

        Raises:
            UserNotFoundError: there is no such user.
            UserMergedError: the account was merged into another, since it was looked at perhaps, and this is no erasure
                that has begun.
            UnavailableError: the database does not answer.
        """
        ...

    async def get(self, request_id: RequestId) -> PrivacyRequest | None:
        """Return a request, or None.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def page(self, wanted: RequestFilter, *, after: RequestId | None, limit: int) -> Page[PrivacyRequest]:
        """Return a page of requests, the newest first, by keyset; the cursor is the last one's id."""
        ...

    async def save(self, noted: Noted, *, unless_held: bool = False) -> None:
        """Keep a request's next state with its audit entry and its letter.

        Args:
            noted: the step.
            unless_held: refuse where a legal hold keeps the user's data, in the same transaction.

        Raises:
            RequestChangedError: it is not at the version before.
            UserHeldError: a hold keeps the data.
        """
        ...

    async def claim(self, *, now: datetime, lease_until: datetime, limit: int) -> Sequence[PrivacyRequest]:
        """Take open requests with which the service is to go on by now; nobody else is given them before the lease."""
        ...

    async def run_at(self, request_id: RequestId, at: datetime) -> None:
        """Say when the service is to go on with an open request by itself."""
        ...

    async def overdue(self, now: datetime) -> Mapping[RequestKind, int]:
        """Return how many open requests are overdue, by kind."""
        ...

    async def last_ledger_sequence(self) -> int:
        """Return the last place in the ledger of erasures that any request knows of, 0 where none does."""
        ...


class LegalHolds(Protocol):
    """Keeps legal holds. Every method is atomic on its own."""

    async def place(self, hold: LegalHold, *, event_id: EventId, context: CommandContext) -> LegalHold:
        """Keep a hold with its audit entry, and return it; one that holds for the matter already stays as it is.

        Raises:
            UserNotFoundError: there is no such user.
            UserMergedError: the account was merged into another, since it was looked at perhaps.
            ErasureUnderWayError: the user's erasure has begun.
        """
        ...

    async def release(
        self, user_id: UserId, matter: str, release: Release, *, event_id: EventId, context: CommandContext
    ) -> LegalHold | None:
        """End a hold, with its audit entry, and return it; one that has ended stays as it is. None: there was none."""
        ...

    async def of(self, user_id: UserId) -> Sequence[LegalHold]:
        """Return a user's holds, ended ones too, the oldest first."""
        ...

    async def held(self, ids: Collection[UserId]) -> frozenset[UserId]:
        """Return those of the users whose data is held now."""
        ...


class Archives(Protocol):
    """Keeps archives until they expire, sealed with their user's key."""

    async def put(self, request_id: RequestId, user_id: UserId, content: bytes, *, until: datetime) -> None:
        """Keep an archive; one that is kept for the request is replaced.

        Raises:
            UserErasedError: the user has no key any more.
        """
        ...

    async def get(self, request_id: RequestId, user_id: UserId, *, now: datetime) -> bytes | None:
        """Return an archive, or None where there is none of that user's, or not any more."""
        ...

    async def purge(self, now: datetime) -> int:
        """Delete archives that have expired, and return how many went."""
        ...


class ErasureTraces(Protocol):
    """Looks at what tells of a user's erasure and of what came before it."""

    async def unsent(self, user_id: UserId) -> int:
        """Return how many events and deliveries about a user have not gone out yet."""
        ...

    async def receipts(self, user_id: UserId, event_id: EventId) -> Mapping[Recipient, datetime]:
        """Return who has acknowledged an erasure, and when."""
        ...


class AddressSuppressor(Protocol):
    """Keeps addresses from being written to again, without knowing them."""

    async def suppress(self, email: EmailAddress, *, at: datetime, context: CommandContext) -> None:
        """Put an address on the list, by a keyed hash of it; one that is there stays."""
        ...


class ErasureLedger(Protocol):
    """Writes erasures down outside the database. Append-only, and shared by all copies of the service."""

    @property
    def kept(self) -> bool:
        """Whether there is one at all."""
        ...

    async def append(self, person: ErasedPerson, /) -> int | None:
        """Write an erasure down for good, and return its place; None where no ledger is kept.

        One that is written down for that request already stays, and its place is returned.

        Raises:
            UnavailableError: it cannot be written; nothing may be erased then.
            LedgerBrokenError: what is there is not what was written.
        """
        ...

    async def entries(self) -> Sequence[LedgerEntry]:
        """Return everything that was written down, in order, as it stands there.

        Raises:
            UnavailableError: it cannot be read.
            LedgerBrokenError: an entry cannot be read.
        """
        ...


class Separation(Protocol):
    """Makes accounts of their own again of those that are merged, where it is known that they were it again."""

    async def __call__(self, people: Sequence[UserId], erased: Collection[UserId], context: CommandContext) -> None:
        """Take back the merges of accounts that are not erased into accounts that are, as far as it can be.

        Args:
            people: whose erasure is to be done again.
            erased: everybody who is erased.
            context: who asks.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...
