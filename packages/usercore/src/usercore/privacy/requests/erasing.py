"""Erase a user for good: step by step, each of which may be done again, with the progress kept in between.

::

    DRAIN     what was announced of the person before goes out, or is dropped when it takes too long
    SUPPRESS  the address will never be written to again, by a keyed hash of it
    LEDGER    the erasure is written down outside the database
    ERASE     one transaction blanks and deletes everything personal, and announces it
    RECEIPTS  everybody who was told has acknowledged

From its beginning an erasure cannot be called back. The ledger comes last before the transaction: whatever starts
meanwhile erases at once whom the ledger has and the database not, without waiting for what has still to go out.

Accounts that were merged into the user's are the same person's: every step is taken for them as well, and the last
one in the same transaction.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final, TypeAlias
from uuid import UUID, uuid5

from attrs import evolve, frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.ports import Clock, IdGenerator
from usercore.privacy.requests.events import ErasureRecord
from usercore.privacy.requests.ledger import ErasedPerson
from usercore.privacy.requests.model import Erasure, ErasureStep, PrivacyRequest, RequestId, next_step
from usercore.privacy.requests.noting import Notes
from usercore.privacy.requests.policy import RequestPolicy
from usercore.privacy.requests.ports import AddressSuppressor, ErasureLedger, ErasureTraces, Word
from usercore.users.errors import StaleVersionError, WriteContendedError
from usercore.users.model import User
from usercore.users.ports import Change, UserReader, UserWriter
from usercore.users.values import AccountState

LOOK_AGAIN: Final = timedelta(seconds=2)
"""Between two looks for what has gone out, and for receipts."""
STEP_LEASE: Final = timedelta(minutes=2)
"""How long somebody who takes a step is left alone with the next."""
HELD_LOOK_AGAIN: Final = timedelta(hours=1)
_TRIES: Final = 50
_PROGRESSED: Final = "PrivacyErasureProgressed"


def _name_of(name: str, user_id: UserId) -> EventId:
    """Return what names the same thing for an account that was merged into the user's, whoever asks and when."""
    return EventId(str(uuid5(UUID(name), user_id)))


_Step: TypeAlias = Callable[["PrivacyRequest", Erasure, CommandContext], Awaitable[Erasure]]


@frozen
class EraseUser:
    """Erases users. Whoever dies between two steps is followed by somebody who goes on."""

    notes: Notes
    users: UserReader
    writer: UserWriter
    ledger: ErasureLedger
    traces: ErasureTraces
    suppressor: AddressSuppressor
    policy: RequestPolicy
    clock: Clock
    ids: IdGenerator

    async def __call__(self, request: PrivacyRequest, context: CommandContext) -> PrivacyRequest:
        """Go on with an erasure as far as it goes now, and return the request.

        Raises:
            UserHeldError: a hold keeps the data, and the erasure has not begun.
            RequestChangedError: somebody else goes on with it.
            UnavailableError: a part does not answer; try again later.
        """
        if request.erasure is None:
            request = await self._begin(request, context)
        while request.is_open and request.erasure is not None:
            before = request.erasure
            after = await self._steps()[before.step](request, before, context)
            request = await self._keep(request, after, context)
            if after.step is before.step:
                return request
        return request

    async def at_once(self, request: PrivacyRequest, erasure: Erasure, context: CommandContext) -> None:
        """Erase without waiting for anything: somebody whom a backup brought back, and nobody along with them.

        The ledger names everybody who was merged into them at the time.

        Raises:
            UnavailableError: the database does not answer.
        """
        await self._suppress(request, erasure, context, alone=True)
        await self._erase(request, erasure, context, alone=True)

    async def _begin(self, request: PrivacyRequest, context: CommandContext) -> PrivacyRequest:
        now = self.clock.now()
        begun = request.begin_erasure(self.ids.event_id(), now=now)
        return await self.notes.save(
            begun, "PrivacyErasureBegun", context, run_at=now + STEP_LEASE, word=Word.COMPLETED, unless_held=True
        )

    async def _keep(self, request: PrivacyRequest, after: Erasure, context: CommandContext) -> PrivacyRequest:
        now = self.clock.now()
        if after == request.erasure:
            await self.notes.requests.run_at(request.id, now + LOOK_AGAIN)
            return request
        moved = request.erased_so_far(after, now=now)
        if moved.is_erased:
            return await self.notes.save(moved, "PrivacyRequestCompleted", context)
        action = "PrivacyErasureDropped" if after.dropped and after.step is ErasureStep.SUPPRESS else _PROGRESSED
        waits = after.step is ErasureStep.RECEIPTS
        return await self.notes.save(moved, action, context, run_at=now + (LOOK_AGAIN if waits else STEP_LEASE))

    def _steps(self) -> Mapping[ErasureStep, _Step]:
        return {
            ErasureStep.DRAIN: self._drain,
            ErasureStep.SUPPRESS: self._suppress,
            ErasureStep.LEDGER: self._write_down,
            ErasureStep.ERASE: self._erase,
            ErasureStep.RECEIPTS: self._look_for_receipts,
        }

    async def _drain(self, request: PrivacyRequest, erasure: Erasure, _: CommandContext) -> Erasure:
        now = self.clock.now()
        everybody = [request.user_id, *await self.users.merged_into(request.user_id)]
        unsent = sum([await self.traces.unsent(user_id) for user_id in everybody])
        if unsent and now < erasure.since + self.policy.patience:
            return erasure
        return evolve(next_step(erasure, now), dropped=unsent)

    async def _suppress(
        self, request: PrivacyRequest, erasure: Erasure, context: CommandContext, *, alone: bool = False
    ) -> Erasure:
        for one in await self._people(request, alone=alone):
            await self.suppressor.suppress(one.profile.email, at=self.clock.now(), context=context)
        return next_step(erasure, self.clock.now())

    async def _write_down(self, request: PrivacyRequest, erasure: Erasure, _: CommandContext) -> Erasure:
        # Those who were merged first: a place in the ledger that the request knows of is the last one.
        for user_id in await self.users.merged_into(request.user_id):
            own, step = RequestId(_name_of(request.id, user_id)), _name_of(erasure.event_id, user_id)
            await self.ledger.append(ErasedPerson(user_id, own, step, request.jurisdiction, erasure.since))
        person = ErasedPerson(request.user_id, request.id, erasure.event_id, request.jurisdiction, erasure.since)
        sequence = await self.ledger.append(person)
        return evolve(next_step(erasure, self.clock.now()), ledger_sequence=sequence)

    async def _erase(
        self, request: PrivacyRequest, erasure: Erasure, context: CommandContext, *, alone: bool = False
    ) -> Erasure:
        for _ in range(_TRIES):
            people = await self._people(request, alone=alone)
            if not people:
                return next_step(erasure, self.clock.now())
            user, *merged = people
            along = [self._change(one, request.id, _name_of(erasure.event_id, one.id), context) for one in merged]
            own = self._change(user, request.id, erasure.event_id, context)
            [refusal] = await self.writer.commit([evolve(own, along=tuple(along))])
            if refusal is not None and not isinstance(refusal, StaleVersionError):
                raise refusal
        raise WriteContendedError

    def _change(self, user: User, request_id: RequestId, event_id: EventId, context: CommandContext) -> Change:
        step = user.erase(now=self.clock.now(), actor=context.actor)
        if step is None:
            raise WriteContendedError
        return Change(
            user=step.user,
            event_id=event_id,
            event=step.event,
            changes=step.changes,
            context=context,
            records=(ErasureRecord(user.id, event_id, request_id),),
        )

    async def _look_for_receipts(self, request: PrivacyRequest, erasure: Erasure, _: CommandContext) -> Erasure:
        receipts = await self.traces.receipts(request.user_id, erasure.event_id)
        return evolve(erasure, receipts={**receipts, **erasure.receipts})

    async def _people(self, request: PrivacyRequest, *, alone: bool) -> Sequence[User]:
        """Return the user and, unless alone, those whose accounts were merged into theirs; nobody once it is done."""
        merged = () if alone else await self.users.merged_into(request.user_id)
        found = await self.users.get_many([request.user_id, *merged])
        living = {one.id: one for one in found.values() if one.status.state is not AccountState.ERASED}
        user = living.pop(request.user_id, None)
        return () if user is None else (user, *living.values())
