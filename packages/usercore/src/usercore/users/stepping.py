"""One step of one user's life: load, act, commit, and again if another writer was quicker."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from attrs import frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.inbox import Inbox
from usercore.kernel.ports import Clock, IdGenerator
from usercore.kernel.receipts import IdempotencyLedger, Settled
from usercore.users.errors import (
    StaleVersionError,
    WriteContendedError,
)
from usercore.users.history import present
from usercore.users.model import Transition, User
from usercore.users.ports import Change, UserReader, UserWriter

TRIES: Final = 50
"""How often a command without a version of its own is tried against other writers."""

Act: TypeAlias = Callable[[User], Awaitable[Transition | Change | None]]


@frozen
class UserStepper:
    """Takes a user one version further.

    `act` is given the user as the database has it and returns what comes of it, or None where nothing
    changes. It may run several times, so it must have no effect of its own.
    """

    reader: UserReader
    writer: UserWriter
    ids: IdGenerator
    ledger: IdempotencyLedger
    inbox: Inbox
    clock: Clock

    async def __call__(self, user_id: UserId, act: Act, *, expected: int | None, context: CommandContext) -> User:
        """Return the user after the step.

        Raises:
            UserNotFoundError: there is no such user.
            UserErasedError: the user has been erased.
            UserMergedError: the account was merged into another.
            UserRestrictedError: the person asked that the data be left alone, and this is not done for them.
            StaleVersionError: the caller named a version that is not the current one.
            WriteContendedError: other writers were quicker again and again.
            UserCoreError: what `act` raised, or why the change was refused.
        """
        for _ in range(TRIES):
            user = await present(self.reader, user_id)
            if not (context.for_privacy or context.privacy_request):
                user.require_unrestricted()
            user.require_version(expected)
            result = await act(user)
            if result is None:
                return await self._unchanged(user, context)
            change = self._change(result, context) if isinstance(result, Transition) else result
            [refusal] = await self.writer.commit([change])
            if refusal is None:
                return change.user
            if expected is not None or not isinstance(refusal, StaleVersionError):
                raise refusal
        raise WriteContendedError

    async def _unchanged(self, user: User, context: CommandContext) -> User:
        if context.claim is not None:
            await self.ledger.settle(context.claim, Settled(user.id, user.version))
        if context.receipt is not None:
            await self.inbox.record([context.receipt], at=self.clock.now())
        return user

    def _change(self, transition: Transition, context: CommandContext) -> Change:
        return Change(
            user=transition.user,
            event_id=self.ids.event_id(),
            event=transition.event,
            changes=transition.changes,
            context=context,
        )
