"""Erase again whom a restored backup brought back, before the service is ready."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from usercore.kernel.context import SYSTEM, CommandContext
from usercore.kernel.ports import Clock, IdGenerator
from usercore.privacy.requests.erasing import EraseUser
from usercore.privacy.requests.errors import LedgerBrokenError, RequestChangedError
from usercore.privacy.requests.ledger import ErasedPerson, LedgerEntry, first_broken
from usercore.privacy.requests.model import Asked, Erasure, ErasureStep, PrivacyRequest
from usercore.privacy.requests.noting import Notes
from usercore.privacy.requests.policy import RequestPolicy
from usercore.privacy.requests.ports import ErasureLedger, Separation
from usercore.privacy.requests.values import IdentityCheck, IdentityMethod, RequestKind, RequestState
from usercore.users.ports import UserReader
from usercore.users.values import AccountState

_AT_ONCE: Final = 500
_REPLAYED: Final = "PrivacyErasureReplayed"


@frozen
class LedgerStanding:
    """How the ledger of erasures and the database agree.

    Args:
        kept: whether there is a ledger.
        entries: how many erasures it knows.
        broken_at: the first entry that does not follow from the one before it; None where all do.
        brought_back: erasures whose person the database has as if nothing had been.
        missing: erasures that the database knows and the ledger does not: its end was cut off.
    """

    kept: bool
    entries: int
    broken_at: int | None
    brought_back: Sequence[ErasedPerson]
    missing: int

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.broken_at is None and not self.brought_back and not self.missing


@frozen
class CheckLedger:
    """Compares the ledger of erasures with itself and with the database."""

    ledger: ErasureLedger
    notes: Notes
    users: UserReader

    async def __call__(self) -> LedgerStanding:
        """Return how they stand; nothing is changed.

        Raises:
            UnavailableError: the ledger or the database cannot be read.
        """
        entries = await self.ledger.entries()
        brought_back = await self.brought_back(entries)
        last = await self.notes.requests.last_ledger_sequence() if self.ledger.kept else 0
        missing = max(0, last - len(entries))
        return LedgerStanding(self.ledger.kept, len(entries), first_broken(entries), brought_back, missing)

    async def brought_back(self, entries: Sequence[LedgerEntry]) -> Sequence[ErasedPerson]:
        """Return those whom the ledger has as erased, and the database not."""
        found: list[ErasedPerson] = []
        for start in range(0, len(entries), _AT_ONCE):
            people = [entry.person for entry in entries[start : start + _AT_ONCE]]
            users = await self.users.get_many([one.user_id for one in people])
            found += [
                one
                for one in people
                if one.user_id in users and users[one.user_id].status.state is not AccountState.ERASED
            ]
        return found


@frozen
class ReplayErasures:
    """Does again what the ledger knows and the database does not. Safe to run in many places at once.

    Nobody is erased whom the ledger does not name: whoever the backup has as merged into somebody who was erased, and
    was an account of their own again by then, is that first.
    """

    check: CheckLedger
    erase: EraseUser
    separate: Separation
    policy: RequestPolicy
    clock: Clock
    ids: IdGenerator

    async def __call__(self) -> int:
        """Return how many were erased again.

        Raises:
            LedgerBrokenError: the ledger was changed; nobody is erased on its word.
            UnavailableError: the ledger or the database does not answer.
        """
        standing = await self.check()
        if standing.broken_at is not None:
            raise LedgerBrokenError(f"entry {standing.broken_at} does not follow from the one before it")
        if standing.brought_back:
            await self._separate(standing.brought_back)
        for person in standing.brought_back:
            with suppress(RequestChangedError):  # another copy is at it, and goes on
                await self._erase(person)
        return len(standing.brought_back)

    async def _separate(self, people: Sequence[ErasedPerson]) -> None:
        erased = {entry.person.user_id for entry in await self.check.ledger.entries()}
        context = CommandContext(SYSTEM, correlation_id=people[0].request_id, for_privacy=True)
        await self.separate([one.user_id for one in people], erased, context)

    async def _erase(self, person: ErasedPerson) -> None:
        context = CommandContext(SYSTEM, correlation_id=person.request_id, privacy_request=person.request_id)
        erasure = Erasure(ErasureStep.ERASE, person.event_id, since=self.clock.now())
        request = await self._request(person, erasure, context)
        await self.erase.at_once(request, erasure, context)
        if request.is_open:
            await self.erase(request, context)

    async def _request(self, person: ErasedPerson, erasure: Erasure, context: CommandContext) -> PrivacyRequest:
        """Return the request that the backup has, taken to where it must be, or a new one."""
        now = self.clock.now()
        requests = self.check.notes.requests
        known = await requests.get(person.request_id)
        if known is None:
            request = self._anew(person, erasure, now)
            noted = await self.check.notes.noted(request, _REPLAYED, context, run_at=now)
            known = await requests.add(noted)
            if known == request:
                return known
        if not known.is_open or known.erasure is not None:
            return known
        begun = evolve(
            known, version=known.version + 1, updated_at=now, state=RequestState.IN_PROGRESS, erasure=erasure
        )
        return await self.check.notes.save(begun, _REPLAYED, context, run_at=now)

    def _anew(self, person: ErasedPerson, erasure: Erasure, now: datetime) -> PrivacyRequest:
        received = PrivacyRequest.receive(
            person.request_id,
            person.user_id,
            RequestKind.ERASURE,
            person.jurisdiction,
            now=person.at,
            zone=self.policy.zone,
            actor=SYSTEM,
            asked=Asked(),
        )
        known = IdentityCheck(IdentityMethod.CHECKED_BY_OPERATOR, person.at, SYSTEM)
        accepted = received.checked(known)
        return evolve(accepted, state=RequestState.IN_PROGRESS, erasure=erasure, updated_at=now)
