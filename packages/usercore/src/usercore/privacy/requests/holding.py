"""Keep a user's data for a legal matter, and end that."""

from collections.abc import Sequence

from attrs import frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock, IdGenerator
from usercore.privacy.requests.errors import HoldNotFoundError
from usercore.privacy.requests.holds import LegalHold, Release
from usercore.privacy.requests.ports import LegalHolds
from usercore.privacy.requests.texts import text
from usercore.privacy.requests.values import parse_matter
from usercore.users.history import living, present
from usercore.users.ports import UserReader


@frozen
class PlaceHold:
    """Keeps a user's data from erasure and retention. Doing it twice is doing it once."""

    holds: LegalHolds
    users: UserReader
    clock: Clock
    ids: IdGenerator

    async def __call__(self, user_id: UserId, matter: str, reason: str, context: CommandContext) -> LegalHold:
        """Return the hold.

        Raises:
            UserNotFoundError, UserErasedError: there is no such user.
            UserMergedError: the account was merged into another, whose data is to be kept.
            ErasureUnderWayError: it is too late.
            RequestInvalidError: matter or reason break their rules.
        """
        await present(self.users, user_id)
        hold = LegalHold(
            user_id,
            text("matter", matter, parse_matter),
            text("reason", reason),
            placed_at=self.clock.now(),
            placed_by=context.actor,
        )
        return await self.holds.place(hold, event_id=self.ids.event_id(), context=context)


@frozen
class ReleaseHold:
    """Ends a hold; an erasure that waited for it goes on. Doing it twice is doing it once."""

    holds: LegalHolds
    users: UserReader
    clock: Clock
    ids: IdGenerator

    async def __call__(self, user_id: UserId, matter: str, reason: str, context: CommandContext) -> LegalHold:
        """Return the hold that was.

        Raises:
            UserNotFoundError, UserErasedError: there is no such user.
            HoldNotFoundError: there is none for that matter.
            RequestInvalidError: matter or reason break their rules.
        """
        await living(self.users, user_id)
        release = Release(self.clock.now(), context.actor, text("reason", reason))
        name = text("matter", matter, parse_matter)
        ended = await self.holds.release(user_id, name, release, event_id=self.ids.event_id(), context=context)
        if ended is None:
            raise HoldNotFoundError
        return ended


@frozen
class ListHolds:
    """Lists a user's holds."""

    holds: LegalHolds
    users: UserReader

    async def __call__(self, user_id: UserId) -> Sequence[LegalHold]:
        """Return the holds, ended ones too, the oldest first.

        Raises:
            UserNotFoundError, UserErasedError: there is no such user.
        """
        await living(self.users, user_id)
        return await self.holds.of(user_id)
